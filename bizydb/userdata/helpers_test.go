package userdata_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A T is a *testing.T or a *rapid.T.
type T interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

func exportOf(ctx context.Context, t T, scope bizydb.Scope) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := userdata.Export(ctx, scope, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func importInto(ctx context.Context, t T, scope bizydb.Scope, document []byte) userdata.Result {
	t.Helper()
	summary, err := userdata.Import(ctx, scope, bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// A belongings is what a user has, by what the database does not make up: in place of an id is how many rows have a lower one.
type belongings struct {
	Goals []planner.Goal
	Tasks []planner.Task
	Tree  []planner.GoalID // in the order of GoalTree
	List  []planner.TaskID // in the order of ListTasks
}

func belongingsOf(ctx context.Context, t T, scope bizydb.Scope) belongings {
	t.Helper()
	tree, err := scope.GoalTree(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := scope.ListTasks(ctx, planner.ListTasksParams{})
	if err != nil {
		t.Fatal(err)
	}
	var b belongings
	var goalIDs []planner.GoalID
	var taskIDs []planner.TaskID
	for _, row := range tree {
		b.Goals, goalIDs = append(b.Goals, row.Goal), append(goalIDs, row.Goal.ID)
	}
	for _, task := range tasks {
		taskIDs = append(taskIDs, task.ID)
	}
	b.Tasks = slices.Clone(tasks)
	b.Tree, b.List = slices.Clone(goalIDs), slices.Clone(taskIDs)
	slices.Sort(goalIDs)
	slices.Sort(taskIDs)
	goal := func(id *planner.GoalID) {
		at, _ := slices.BinarySearch(goalIDs, *id)
		*id = planner.GoalID(at)
	}
	task := func(id *planner.TaskID) {
		at, _ := slices.BinarySearch(taskIDs, *id)
		*id = planner.TaskID(at)
	}
	for i := range b.Tree {
		goal(&b.Tree[i])
	}
	for i := range b.List {
		task(&b.List[i])
	}
	for i := range b.Goals {
		g := &b.Goals[i]
		if goal(&g.ID); g.ParentGoalID != nil {
			goal(g.ParentGoalID)
		}
		g.UserID, g.RollUpCount, g.Version = 0, 0, 0
	}
	for i := range b.Tasks {
		k := &b.Tasks[i]
		if task(&k.ID); k.ParentGoalID != nil {
			goal(k.ParentGoalID)
		}
		for j := range k.Dependencies {
			task(&k.Dependencies[j])
		}
		k.UserID, k.UpdatedAt, k.Version = 0, time.Time{}, 0
	}
	return b
}

// wantSame compares what two users have, and wants a roll-up of the second to find nothing.
func wantSame(ctx context.Context, t T, first, second bizydb.Scope) {
	t.Helper()
	if diff := cmp.Diff(belongingsOf(ctx, t, first), belongingsOf(ctx, t, second)); diff != "" {
		t.Errorf("-exported +imported:\n%s", diff)
	}
	if wrong, err := second.RollUpAll(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("a roll-up finds %+v (error %v)", wrong, err)
	}
}

func connect(t testing.TB, db *bizydbtest.Database) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), db.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func asOwner(t testing.TB, db *bizydbtest.Database, sql string) {
	t.Helper()
	testdb.WithOwner(t, db, func(conn *pgx.Conn) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	})
}

// fill gives a user goals, four levels deep, and tasks, with values of all kinds in every column. The triggers are off: they would take
// longer than what is tested.
func fill(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, goals, tasks int) {
	t.Helper()
	asOwner(t, db, "BEGIN; SET LOCAL session_replication_role = replica;"+
		strings.NewReplacer(":user", fmt.Sprint(user), ":goals", fmt.Sprint(goals), ":tasks", fmt.Sprint(tasks)).Replace(fillSQL)+"COMMIT")
	if _, err := db.As(user).RollUpAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const fillSQL = `
	INSERT INTO public.goals (id, user_id, parent_goal_id, title, description, horizon, target_date, status, progress_percentage, success_criteria, created_at, updated_at, completed_at, metrics)
	SELECT 1000 * :user::bigint + 1000000::bigint * n, :user, CASE WHEN n > 9 THEN 1000 * :user::bigint + 1000000::bigint * (n / 10) END, 'Ziel ' || n || E' <é>\u2028"\\', nullif(repeat('why ', h % 7), ''),
	  (ARRAY['yearly', 'quarterly', 'monthly', 'weekly', NULL])[h % 5 + 1], CASE WHEN h % 3 > 0 THEN '2026-01-01Z'::timestamptz + h % 100000000 * interval '1001 microseconds' END,
	  status, CASE status WHEN 'completed' THEN 100 ELSE h % 10000 / 100.0 END, CASE WHEN h % 2 = 0 THEN E'tab\t, line\n' END,
	  '2024-05-06Z'::timestamptz + h % 1000 * interval '1 second', '2025-05-06Z'::timestamptz + h * interval '1 microsecond', CASE status WHEN 'completed' THEN '2025-05-05Z'::timestamptz + h * interval '1 microsecond' END,
	  CASE WHEN h % 2 = 0 THEN '{}' ELSE '{"revenue": 0.1, "big": 9007199254740993, "tiny": 1e-400, "list": [null, true, {"ü": "<"}]}'::jsonb END
	FROM generate_series(1, :goals) AS n CROSS JOIN LATERAL (SELECT hashint4(n) & 2147483647) AS hash (h)
	CROSS JOIN LATERAL (SELECT (ARRAY['active', 'on_hold', 'active', 'cancelled', 'completed', 'active'])[h / 7 % 6 + 1]) AS s (status);
	INSERT INTO public.tasks (id, user_id, parent_goal_id, title, description, priority, status, blocked_reason, blocked_in_progress, category, estimated_hours, actual_hours, due_date, due_all_day, created_at, updated_at, completed_at, dependencies, notes, tags)
	SELECT 1000 * :user::bigint + 1000000::bigint * n, :user, CASE WHEN h % 9 > 0 THEN 1000 * :user::bigint + 1000000::bigint * (h / 13 % :goals + 1) END, 'task ' || n || ' ☃', CASE WHEN h % 2 = 0 THEN repeat('what there is to do ', h % 9 + 1) END,
	  h % 5 + 1, status, CASE WHEN status = 'blocked' AND h % 2 = 0 THEN 'no answer' END, status = 'blocked' AND h % 7 > 2, CASE WHEN h % 4 > 0 THEN 'category ' || h % 12 END, CASE WHEN h % 3 > 0 THEN h % 100000 / 7.0 END, CASE WHEN h % 5 = 0 THEN 0.1 END,
	  CASE WHEN h % 10 > 0 THEN '2026-01-01Z'::timestamptz + (CASE WHEN h % 4 = 0 THEN h % 900 * interval '1 day' ELSE h * interval '1 second' END) END, h % 10 > 0 AND h % 4 = 0, '2024-05-06Z'::timestamptz + h % 1000 * interval '1 second',
	  '2025-05-06Z'::timestamptz + h * interval '1 microsecond', CASE status WHEN 'completed' THEN '2025-05-05Z'::timestamptz + h * interval '1 microsecond' END,
	  -- On one before it, or on one after it that depends on none.
	  CASE n % 10 WHEN 5 THEN jsonb_build_array(1000 * :user::bigint + 1000000::bigint * (n - 1)) WHEN 6 THEN jsonb_build_array(1000 * :user::bigint + 1000000::bigint * (n - 1), 1000 * :user::bigint + 1000000::bigint * (n - 3)) WHEN 7 THEN CASE WHEN n < :tasks - 4 THEN jsonb_build_array(1000 * :user::bigint + 1000000::bigint * (n + 2)) ELSE '[]' END ELSE '[]' END,
	  CASE WHEN h % 6 = 0 THEN 'see there' END, CASE WHEN h % 3 = 0 THEN '["", "week 1", "<b>"]' ELSE '[]' END::jsonb
	FROM generate_series(1, :tasks) AS n CROSS JOIN LATERAL (SELECT hashint4(n) & 2147483647) AS hash (h)
	CROSS JOIN LATERAL (SELECT (ARRAY['pending', 'in_progress', 'completed', 'blocked', 'completed'])[h / 3 % 5 + 1]) AS s (status);`

// withoutIDs is the rows of a document as wantSame compares them.
func withoutIDs(t testing.TB, document []byte) map[string][]map[string]any {
	t.Helper()
	var read struct{ Goals, Tasks []map[string]any }
	if err := json.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	place := func(rows []map[string]any, id any) any {
		return slices.IndexFunc(rows, func(row map[string]any) bool { return row["id"] == id })
	}
	for _, rows := range [][]map[string]any{read.Tasks, read.Goals} {
		for _, row := range rows {
			row["parent_goal_id"] = place(read.Goals, row["parent_goal_id"])
			if on, ok := row["dependencies"].([]any); ok {
				for i := range on {
					on[i] = place(read.Tasks, on[i])
				}
				delete(row, "updated_at")
			}
		}
	}
	for _, rows := range [][]map[string]any{read.Tasks, read.Goals} {
		for i, row := range rows {
			row["id"] = i
		}
	}
	return map[string][]map[string]any{"goals": read.Goals, "tasks": read.Tasks}
}

func random() func(string, int) int { return func(_ string, n int) int { return rand.N(n) } }
