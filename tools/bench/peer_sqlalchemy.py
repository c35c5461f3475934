"""The work in SQLAlchemy's ORM on psycopg2. It reads one JSON request a line and answers with one: a single call of a case
with what it found, or a turn of several clients with how many microseconds each call took."""

import json
import sys
import threading
import time
from datetime import datetime, timedelta

from sqlalchemy import Column, BigInteger, Boolean, DateTime, Float, ForeignKey, Integer, Text, create_engine, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.schema import FetchedValue

Base = declarative_base()


class Goal(Base):
    __tablename__ = "goals"
    id = Column(BigInteger, primary_key=True)
    title = Column(Text)
    status = Column(Text)
    progress_percentage = Column(Float)
    target_date = Column(DateTime(timezone=True))
    created_at = Column(DateTime(timezone=True), FetchedValue())


class Task(Base):
    __tablename__ = "tasks"
    id = Column(BigInteger, primary_key=True)
    user_id = Column(BigInteger, FetchedValue())
    parent_goal_id = Column(BigInteger, ForeignKey("goals.id"))
    title = Column(Text, nullable=False)
    description = Column(Text)
    priority = Column(Integer, default=3)
    status = Column(Text, default="pending")
    category = Column(Text)
    estimated_hours = Column(Float)
    actual_hours = Column(Float)
    due_date = Column(DateTime(timezone=True))
    due_all_day = Column(Boolean, default=False)
    created_at = Column(DateTime(timezone=True), FetchedValue())
    updated_at = Column(DateTime(timezone=True), FetchedValue())
    version = Column(BigInteger, FetchedValue())
    completed_at = Column(DateTime(timezone=True))
    dependencies = Column(JSONB, default=list)
    notes = Column(Text)
    tags = Column(JSONB, default=list)
    blocked_reason = Column(Text)
    blocked_in_progress = Column(Boolean, default=False)


list_order = (Task.priority, func.bizydb.due_or_never(Task.due_date), Task.created_at.desc(), Task.id.desc())
due_order = (Task.due_date, Task.priority, Task.id)


class Peer:
    def __init__(self, url, conns, isolate, isolate_and_lock, roll_up, open_in_tree):
        self.engine = create_engine(url, pool_size=conns, max_overflow=0, future=True)
        self.isolate, self.isolate_and_lock, self.roll_up = text(isolate), text(isolate_and_lock), text(roll_up)
        self.open_in_tree = text(open_in_tree)

    def get(self, s, q):
        return {"tasks": [s.execute(select(Task).where(Task.id == q["task"])).scalar_one()]}

    def list(self, s, q):
        return {"tasks": s.execute(select(Task).order_by(*list_order).limit(20)).scalars().all()}

    def dashboard(self, s, q):
        at = datetime.fromisoformat(q["at"])
        overdue = select(Task).where(Task.status.in_(["pending", "in_progress"]), Task.due_date < at).order_by(*due_order).limit(5)
        due = select(Task).where(Task.due_date >= at, Task.due_date < at + timedelta(days=7)).order_by(*due_order).limit(20)
        hours = lambda column: func.coalesce(func.sum(column), 0)
        counts = select(Task.status, func.count(), hours(Task.estimated_hours), hours(Task.actual_hours)).group_by(Task.status)
        goals = select(Goal).where(Goal.status == "active", Goal.progress_percentage >= 80).order_by(
            Goal.progress_percentage.desc(), Goal.target_date.nulls_last(), Goal.created_at, Goal.id).limit(5)
        done = func.count().filter(Task.status == "completed")
        rate = select(func.count(), done, func.count().filter(Task.completed_at <= Task.due_date)).where(
            Task.due_date >= at - timedelta(days=30), Task.due_date < at)
        return {
            "tasks": s.execute(overdue).scalars().all() + s.execute(due).scalars().all(),
            "counts": [list(row) for row in s.execute(counts)],
            "goals": s.execute(goals).scalars().all(),
            "rate": list(s.execute(rate).one()),
        }

    def create(self, s, q):
        task = new_task(q["new"])
        s.add(task)
        s.flush()
        return {"tasks": [task]}

    def complete(self, s, q):
        changed = update(Task).where(Task.id == q["task"]).values(status="completed").returning(Task).execution_options(synchronize_session=False)
        task = s.execute(select(Task).from_statement(changed).execution_options(populate_existing=True)).scalar_one()
        goal = task.parent_goal_id
        while goal is not None:
            goal = s.execute(self.roll_up, {"p": goal}).scalar_one_or_none()
        return {"tasks": [task]}

    def bulk(self, s, q):
        s.add_all([new_task(new) for new in q["news"]])
        s.flush()
        return {"rows": len(q["news"])}

    def stream(self, s, q):
        rows, tasks = 0, []
        for task in s.execute(select(Task).order_by(*list_order).limit(q["limit"]).execution_options(yield_per=1000)).scalars():
            rows += 1
            if q.get("answer"):
                tasks.append(task)
        return {"rows": rows, "tasks": tasks}

    def own_query(self, s, q):
        rows = s.execute(self.open_in_tree, {"p": q["goal"]}).all()
        return {"rows": len(rows), "open": [dict(row._mapping) for row in rows] if q.get("answer") else []}

    def call(self, case, q):
        with Session(self.engine) as s, s.begin():
            s.execute(self.isolate_and_lock if case == "complete" else self.isolate, {"p": str(q["user"])})
            found = getattr(self, case.replace(" ", "_"))(s, q)
            return encoded(found) if q.get("answer") else {"rows": found.get("rows", len(found.get("tasks", ())))}

    def turn(self, q):
        micros, errors, calls, used = [], [], [], time.process_time()

        def client(queries):
            began = time.perf_counter()
            for i, one in enumerate(queries):
                if i == q["warm"]:
                    began = time.perf_counter()
                start = time.perf_counter()
                if i > q["warm"] and start - began >= q["seconds"]:
                    break
                try:
                    self.call(q["case"], one)
                except Exception as e:
                    errors.append(str(e))
                    return
                calls.append(1)
                if i >= q["warm"]:
                    micros.append((time.perf_counter() - start) * 1e6)

        threads = [threading.Thread(target=client, args=(queries,)) for queries in q["queries"]]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return {"error": errors[0]} if errors else {
            "micros": micros, "calls": len(calls), "cpu": (time.process_time() - used) * 1e6,
        }


def new_task(new):
    return Task(parent_goal_id=new["goal"], title=new["title"], priority=new["priority"], category=new["category"],
                due_date=datetime.fromisoformat(new["due"]), tags=new["tags"])


def encoded(found):
    def columns(entity):
        values = {c.key: getattr(entity, c.key) for c in type(entity).__table__.columns}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}

    return {k: [columns(e) for e in v] if k in ("tasks", "goals") else v for k, v in found.items()}


peer = None
for line in sys.stdin:
    q = json.loads(line)
    try:
        if q["op"] == "open":
            peer = Peer(q["url"], q["conns"], q["isolate"], q["isolate_and_lock"], q["roll_up"], q["open_in_tree"])
            reply = {}
        elif q["op"] == "turn":
            reply = peer.turn(q)
        else:
            reply = peer.call(q["op"], q)
    except Exception as e:
        reply = {"error": type(e).__name__ + ": " + str(e)}
    print(json.dumps(reply), flush=True)
