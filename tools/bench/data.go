package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

const (
	week  = 7 * 24 * time.Hour
	month = 30 * 24 * time.Hour

	goalsOfAChain      = 12 // four deep, three of each depth
	tasksOfAChain      = 20 // under the deepest; few enough that each that is completed changes every goal above it
	chainsOfAWorkspace = 10 // so that there is enough to complete in a turn
	goalsOfAUser       = 5
	goalsOfATree       = 4 // of the five: the second, with the third and the fifth below it, and the fourth below the third
	readersAtMost      = 1000
)

// A size says how much is loaded.
type size struct {
	users, tasks int // of the ordinary users, together with the heavy one
	heavy        int // tasks of the heavy one
	bulk         int // tasks that are created or streamed at once
}

// data is what was loaded, the same into each database.
type data struct {
	size
	at         time.Time // when it is
	readers    []reader
	heavyID    int64
	workspaces [][]workspace // by contender and by client
	round      int           // of the measurement, so that each reads what the one before has not
	many       map[int64][]newTask
}

// A reader is an ordinary user whose tasks are read, and some of the tasks.
type reader struct {
	user  int64
	tasks []int64
}

// A workspace belongs to one client of one contender: chains of goals, and the tasks under the deepest of each.
type workspace struct {
	user  int64
	goal  int64 // the deepest of the first chain
	tasks []int64
}

// A site is the two databases.
type site struct {
	triggers *bizydbtest.Database // as bizydb's migrations leave it
	byHand   *bizydbtest.Database // without the triggers that keep progress
	owner    struct{ triggers, byHand *pgx.Conn }
	data
}

func (s *site) Close(ctx context.Context) error {
	var first error
	for _, conn := range []*pgx.Conn{s.owner.triggers, s.owner.byHand} {
		if conn != nil {
			_ = conn.Close(ctx)
		}
	}
	for _, db := range []*bizydbtest.Database{s.triggers, s.byHand} {
		if db == nil {
			continue
		}
		if err := db.Drop(ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func emptySite(size size) *site {
	return &site{data: data{size: size, at: time.Now().UTC().Truncate(time.Hour), many: map[int64][]newTask{}}}
}

// newSite makes and loads both.
func newSite(ctx context.Context, server *bizydbtest.Server, size size, contenders, clients int) (*site, error) {
	s := emptySite(size)
	var (
		done sync.WaitGroup
		errs [2]error
	)
	done.Go(func() {
		errs[0] = s.fill(ctx, server, &s.triggers, &s.owner.triggers, contenders*clients)
	})
	done.Go(func() {
		errs[1] = s.fill(ctx, server, &s.byHand, &s.owner.byHand, contenders*clients, withoutRollUp)
	})
	done.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return s, err
	}
	return s, s.look(ctx, contenders, clients)
}

// fill makes one of the databases, loads it and runs sql on it.
func (s *site) fill(ctx context.Context, server *bizydbtest.Server, database **bizydbtest.Database, owner **pgx.Conn, workspaces int, sql ...string) error {
	db, err := server.NewDatabase(ctx)
	if err != nil {
		return err
	}
	*database = db
	conn, err := pgx.Connect(ctx, db.AdminDSN)
	if err != nil {
		return err
	}
	*owner = conn
	if err := s.load(ctx, conn, workspaces); err != nil {
		return err
	}
	for _, q := range append(sql, withoutTrash) {
		if _, err := conn.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// withoutRollUp leaves the goals as they stand and gives who keeps them by hand the right to say when.
const withoutRollUp = `
	DO $$
	DECLARE
	  statement text;
	BEGIN
	  FOR statement IN
	    SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
	    WHERE tgname LIKE '%roll\_up%' OR tgname = 'goals_derive'
	  LOOP
	    EXECUTE statement;
	  END LOOP;
	END $$;
	GRANT UPDATE (updated_at) ON public.goals TO bizydb_user`

// withoutTrash is for the tasks that are created and deleted again: nothing of them stays. No case deletes.
const withoutTrash = "SELECT bizydb.keep_deleted(false)"

// load adds the users: the ordinary ones, of whom the first is the heavy one, and after them those with a workspace.
func (s *site) load(ctx context.Context, owner *pgx.Conn, workspaces int) error {
	light := (s.tasks - s.heavy) / (s.users - 1)
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{withoutIndexes, nil},
		{`INSERT INTO public.users (id, email, username, hashed_password)
		  SELECT i, 'u' || i || '@example.org', 'u' || i, '$2a$12$' || repeat('.', 53) FROM generate_series(1, $1::int) AS i`, []any{s.users + workspaces}},
		{
			`INSERT INTO public.goals (user_id, title, created_at)
		  SELECT u, 'goal ' || g, $3::timestamptz - g * interval '1 day' FROM generate_series(1, $1::int) AS u, generate_series(1, $2::int) AS g ORDER BY u, g`,
			[]any{s.users, goalsOfAUser, s.at},
		},
		{`UPDATE public.goals SET parent_goal_id = id - CASE id % $1 WHEN 0 THEN 3 ELSE 1 END WHERE id % $1 NOT IN (1, 2)`, []any{goalsOfAUser}},
		// Of the first goal's tasks nine in ten are completed, of the others' one in three.
		{`INSERT INTO public.tasks (user_id, parent_goal_id, title, description, priority, status, category, estimated_hours, actual_hours, due_date, created_at, completed_at, tags)
		  SELECT u, CASE WHEN n % 10 < $5 THEN $5 * (u - 1) + 1 + n % 10 END, 'task ' || n, 'What is to be done about ' || n, 1 + h % 5,
		    CASE WHEN done THEN 'completed' ELSE (ARRAY['pending', 'pending', 'in_progress', 'blocked'])[1 + h / 5 % 4] END,
		    'category ' || h / 7 % 12, h / 11 % 16 / 2.0, CASE WHEN done THEN h / 13 % 16 / 2.0 END,
		    CASE WHEN h % 4 > 0 THEN $4::timestamptz + (h / 17 % 2000 - 1000) * interval '1 hour' END,
		    $4 - (h % 1500 + 1000) * interval '1 hour', CASE WHEN done THEN $4 - h / 3 % 900 * interval '1 hour' END,
		    jsonb_build_array('tag ' || h % 20)
		  FROM generate_series(1, $1::int) AS u
		  CROSS JOIN LATERAL generate_series(1, CASE WHEN u = 1 THEN $2::int ELSE $3::int END) AS n
		  CROSS JOIN LATERAL (SELECT hashint8(u * 1000003::bigint + n) & 2147483647) AS hash (h)
		  CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 = 0 THEN h % 10 > 0 ELSE h % 3 = 0 END) AS d (done)
		  ORDER BY h, u, n`, []any{s.users, s.heavy, light, s.at, goalsOfAUser}},
		{
			`WITH RECURSIVE chain (user_id, depth, id, parent) AS (
		    SELECT $1::int + 1 + c / $4::int, d, $2::bigint + 12 * c + 3 * d + k, CASE WHEN d > 0 THEN $2 + 12 * c + 3 * (d - 1) + 3 END
		    FROM generate_series(0, $3::int * $4 - 1) AS c, generate_series(0, 3) AS d, generate_series(1, 3) AS k
		  )
		  INSERT INTO public.goals (id, user_id, title, parent_goal_id) SELECT id, user_id, 'depth ' || depth, parent FROM chain ORDER BY id`,
			[]any{s.users, s.firstOfWorkspaces(), workspaces, chainsOfAWorkspace},
		},
		{
			`INSERT INTO public.tasks (user_id, parent_goal_id, title)
		  SELECT $1::int + 1 + c / $4::int, $2::bigint + 12 * (c + 1), 'step ' || n FROM generate_series(0, $3::int * $4 - 1) AS c, generate_series(1, $5::int) AS n ORDER BY c, n`,
			[]any{s.users, s.firstOfWorkspaces(), workspaces, chainsOfAWorkspace, tasksOfAChain},
		},
		{`SELECT setval(pg_get_serial_sequence('public.goals', 'id'), $1)`, []any{s.firstOfWorkspaces() + goalsOfAChain*chainsOfAWorkspace*workspaces + 1}},
		{`SELECT setval(pg_get_serial_sequence('public.users', 'id'), $1)`, []any{s.users + workspaces + 1}},
		{withIndexes, nil},
		{"VACUUM ANALYZE", nil},
		{"SELECT count(*) FROM public.users u CROSS JOIN LATERAL bizydb.roll_up_user(u.id)", nil},
		{"VACUUM ANALYZE public.goals", nil},
	} {
		if _, err := owner.Exec(ctx, q.sql, q.args...); err != nil {
			return fmt.Errorf("load: %w\n%s", err, q.sql)
		}
	}
	return nil
}

// Ten million rows are stored in a third of the time without indexes and triggers: the indexes are made afterwards, and progress
// is counted then. What the other triggers would give a row it is given, or has by default.
const (
	withoutIndexes = `
	SET session_replication_role = replica;
	SET maintenance_work_mem = '512MB';
	CREATE TEMP TABLE dropped AS
	  SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
	  WHERE indrelid = 'public.tasks'::regclass AND indexrelid NOT IN (SELECT conindid FROM pg_constraint);
	DO $$
	DECLARE
	  name text;
	BEGIN
	  FOR name IN SELECT d.name FROM dropped d LOOP
	    EXECUTE 'DROP INDEX ' || name;
	  END LOOP;
	END $$`
	withIndexes = `
	DO $$
	DECLARE
	  definition text;
	BEGIN
	  FOR definition IN SELECT d.definition FROM dropped d LOOP
	    EXECUTE definition;
	  END LOOP;
	END $$;
	SET session_replication_role = DEFAULT`
)

// treeOf is the goal of an ordinary user that has others below it.
func treeOf(user int64) int64 { return goalsOfAUser*(user-1) + 2 }

// firstOfWorkspaces is the last id of an ordinary user's goal.
func (s *site) firstOfWorkspaces() int { return s.users * goalsOfAUser }

// look finds the ids of what was loaded.
func (s *site) look(ctx context.Context, contenders, clients int) error {
	s.heavyID = 1
	idsOf := func(user int64, limit int) ([]int64, error) {
		rows, err := s.owner.triggers.Query(ctx, "SELECT id FROM public.tasks WHERE user_id = $1 ORDER BY id LIMIT $2", user, limit)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	for user := 2; user <= s.users && len(s.readers) < readersAtMost; user++ {
		tasks, err := idsOf(int64(user), 50)
		if err != nil {
			return err
		}
		s.readers = append(s.readers, reader{int64(user), tasks})
	}
	for c := range contenders {
		var workspaces []workspace
		for i := range clients {
			n := c*clients + i
			p := workspace{user: int64(s.users + n + 1), goal: int64(s.firstOfWorkspaces() + goalsOfAChain*(chainsOfAWorkspace*n+1))}
			var err error
			if p.tasks, err = idsOf(p.user, chainsOfAWorkspace*tasksOfAChain); err != nil {
				return err
			}
			workspaces = append(workspaces, p)
		}
		s.workspaces = append(s.workspaces, workspaces)
	}
	return nil
}

// rewind takes back that tasks of a workspace were completed.
func (s *site) rewind(ctx context.Context, c contender, p workspace) error {
	conn, sql := s.owner.triggers, []string(nil)
	if c.byHand {
		conn = s.owner.byHand
		sql = append(sql, "UPDATE public.goals SET progress_percentage = 0, status = 'active', completed_at = NULL WHERE user_id = $1 AND progress_percentage > 0")
	}
	sql = append(sql, "UPDATE public.tasks SET status = 'pending' WHERE user_id = $1 AND status = 'completed'")
	for _, q := range sql {
		if _, err := conn.Exec(ctx, q, p.user); err != nil {
			return err
		}
	}
	return nil
}

// vacuum removes what the writers have left behind, so that it is not the next one's.
func (s *site) vacuum(ctx context.Context) error {
	for _, conn := range []*pgx.Conn{s.owner.triggers, s.owner.byHand} {
		if _, err := conn.Exec(ctx, "VACUUM ANALYZE public.goals, public.tasks"); err != nil {
			return err
		}
	}
	return nil
}

// clear deletes what was created in a workspace.
func (s *site) clear(ctx context.Context, p workspace) error {
	_, err := s.owner.triggers.Exec(ctx, "DELETE FROM public.tasks WHERE user_id = $1 AND category = $2", p.user, madeCategory)
	return err
}
