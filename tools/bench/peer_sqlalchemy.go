package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var errNoResult = errors.New("SQLAlchemy: NoResultFound")

var sqlalchemyPeer = contender{
	name:    "SQLAlchemy",
	note:    "1.4 on psycopg2, as Debian has them, in a process of its own that takes its times itself: ORM sessions, `yield_per` for the stream. Its clients are threads of one interpreter.",
	nothing: errNoResult, byHand: true,
	open:      openPython,
	available: func() bool { return findPython() != "" },
}

//go:embed peer_sqlalchemy.py
var sqlalchemyProgram string

// findPython finds an interpreter that has the two packages. That of the system may not be the first.
var findPython = sync.OnceValue(func() string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import sqlalchemy, psycopg2").Run() == nil {
			return python
		}
	}
	return ""
})

type pythonPeer struct {
	mu      sync.Mutex
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

type (
	request map[string]any
	reply   struct {
		Error  string
		Micros []float64
		Rows   int
		Tasks  []planner.Task
		Goals  []planner.Goal
		Counts [][]any
		Rate   []int
		Open   []openTasks
		CPU    float64
		Calls  int
	}
)

func openPython(_ context.Context, dsn string, conns int) (Peer, error) {
	p := &pythonPeer{process: exec.Command(findPython(), "-c", sqlalchemyProgram)}
	var err error
	if p.in, err = p.process.StdinPipe(); err != nil {
		return nil, err
	}
	p.process.Stderr = os.Stderr
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	named := func(sql string) string { return strings.ReplaceAll(sql, "$1", ":p") }
	_, err = p.ask(request{
		"op": "open", "url": strings.Replace(dsn, "postgres://", "postgresql+psycopg2://", 1), "conns": conns,
		"isolate": named(isolateSQL), "isolate_and_lock": named(isolateAndLockSQL), "roll_up": named(handwritten(true).rollUp),
		"open_in_tree": named(handwritten(true).openInTree),
	})
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *pythonPeer) Close() {
	_ = p.in.Close()
	_ = p.process.Wait()
}

func (p *pythonPeer) ask(q request) (r reply, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return r, err
	}
	if line, err = p.out.ReadBytes('\n'); err != nil {
		return r, err
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, err
	}
	switch {
	case strings.HasPrefix(r.Error, "NoResultFound"):
		return r, errNoResult
	case r.Error != "":
		return r, errors.New("SQLAlchemy: " + r.Error)
	}
	return r, nil
}

// call makes one call and keeps what it has found.
func (p *pythonPeer) call(work string, q request, to *answer) (rows int, err error) {
	q["op"], q["answer"] = work, to != nil
	r, err := p.ask(q)
	if err != nil {
		return 0, err
	}
	to.addTasks(r.Tasks...)
	to.addGoals(r.Goals...)
	if r.Counts != nil {
		var counts []planner.TaskCountsByStatusRow
		for _, c := range r.Counts {
			counts = append(counts, planner.TaskCountsByStatusRow{
				Status: planner.TaskStatus(c[0].(string)), Tasks: int(c[1].(float64)), EstimatedHours: c[2].(float64), ActualHours: c[3].(float64),
			})
		}
		to.addDashboard(counts, planner.CompletionRateRow{Due: r.Rate[0], Completed: r.Rate[1], OnTime: r.Rate[2]})
	}
	to.addOpen(r.Open...)
	return max(len(r.Tasks), r.Rows), nil
}

func (p *pythonPeer) Get(_ context.Context, user, task int64, to *answer) error {
	_, err := p.call("get", request{"user": user, "task": task}, to)
	return err
}

func (p *pythonPeer) List(_ context.Context, user int64, to *answer) (int, error) {
	return p.call("list", request{"user": user}, to)
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

func (p *pythonPeer) Dashboard(_ context.Context, user int64, at time.Time, to *answer) error {
	_, err := p.call("dashboard", request{"user": user, "at": isoTime(at)}, to)
	return err
}

func encode(t newTask) request {
	return request{"goal": t.goal, "title": t.title, "priority": t.priority, "category": t.category, "due": isoTime(t.due), "tags": t.tags}
}

func encodeAll(tasks []newTask) []request {
	all := make([]request, len(tasks))
	for i, t := range tasks {
		all[i] = encode(t)
	}
	return all
}

func (p *pythonPeer) Create(_ context.Context, user int64, task newTask, to *answer) error {
	_, err := p.call("create", request{"user": user, "new": encode(task)}, to)
	return err
}

func (p *pythonPeer) Complete(_ context.Context, user, task int64, to *answer) error {
	_, err := p.call("complete", request{"user": user, "task": task}, to)
	return err
}

func (p *pythonPeer) CreateMany(_ context.Context, user int64, tasks []newTask) (int, error) {
	return p.call("bulk", request{"user": user, "news": encodeAll(tasks)}, nil)
}

func (p *pythonPeer) Stream(_ context.Context, user int64, limit int, to *answer) (int, error) {
	return p.call("stream", request{"user": user, "limit": limit}, to)
}

func (p *pythonPeer) OpenInTree(_ context.Context, user, goal int64, to *answer) (int, error) {
	return p.call("own query", request{"user": user, "goal": goal}, to)
}

// As much as a client is given to do in one turn.
const mostInATurn = 200

// Turn implements selfTimed. It ends early when there is no more to do.
func (p *pythonPeer) Turn(s *site, work benchCase, workspaces []workspace, warm int, long time.Duration) (turn, error) {
	queries := make([][]request, len(workspaces))
	for client, mine := range workspaces {
		for i := range min(mostInATurn, work.most(mine)) {
			queries[client] = append(queries[client], s.request(work, mine, client, i))
		}
	}
	r, err := p.ask(request{"op": "turn", "case": work.name, "queries": queries, "warm": warm, "seconds": long.Seconds()})
	return turn{took: r.Micros, calls: r.Calls, client: r.CPU}, err
}

// request is what the case's do does, for another process.
func (s *site) request(work benchCase, mine workspace, client, i int) request {
	switch work.name {
	case "complete":
		return request{"user": mine.user, "task": mine.tasks[i]}
	case "create":
		return request{"user": mine.user, "new": encode(s.newTask(mine, i))}
	case "bulk":
		return request{"user": mine.user, "news": encodeAll(s.newTasks(mine, s.bulk))}
	case "stream":
		return request{"user": s.heavyID, "limit": s.bulk}
	default:
		user, task := s.reader(client, i)
		return request{"user": user, "task": task, "goal": treeOf(user), "at": isoTime(s.at)}
	}
}
