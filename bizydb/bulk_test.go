package bizydb_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Many tasks at once are stored as they would be one by one, in each exec mode.
func TestCreateTasksIsManyOfCreateTask(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for _, mode := range execModes(t) {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			user := made.NewUser(t)
			alice := db.As(user)
			goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
			if err != nil {
				t.Fatal(err)
			}
			asOwner(t, made, fmt.Sprintf("INSERT INTO public.tasks (id, user_id, title) SELECT 900000000000000000 + id, id, 'first' FROM public.users WHERE id = %d", user))
			at := time.Date(2024, 2, 29, 23, 59, 59, 999_999_000, time.FixedZone("there", 5*3600+1800))
			tasks := planner.CreateTasksParams{
				{Title: "least"},
				{
					ParentGoalID: &goal.ID, Title: strings.Repeat("𝄞", 500), Description: new("\"quoted\"\n<&>"), Priority: new(1), Status: planner.TaskCompleted,
					Category: new(""), EstimatedHours: new(0.1), ActualHours: new(1e6), DueDate: &at, Dependencies: planner.TaskIDs{900_000_000_000_000_000 + planner.TaskID(user)},
					Notes: new("null"), Tags: planner.Tags{"a", "ü", `\`, "\ufffd", `\ufffd`, `\\ufffd`}, CreatedAt: &at, CompletedAt: &at,
				},
				{Title: "in progress", Status: planner.TaskInProgress, ParentGoalID: &goal.ID},
			}
			for _, at := range []time.Time{
				{},
				time.Date(1890, 1, 1, 0, 0, 0, 0, time.FixedZone("mean time", 53*60+28)),
				time.Date(2024, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
				time.Date(9999, 12, 31, 21, 0, 0, 0, time.FixedZone("west", -2*3600)),
				time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
			} {
				p := planner.CreateTaskParams{Title: "at", Status: planner.TaskCompleted}
				for f, field := range reflect.ValueOf(&p).Elem().Fields() {
					if f.Type == reflect.TypeOf(&at) {
						field.Set(reflect.ValueOf(&at))
					}
				}
				tasks = append(tasks, p)
			}
			ids, err := alice.CreateTasks(t.Context(), tasks)
			if err != nil || len(ids) != len(tasks) {
				t.Fatal(ids, err)
			}
			for i, p := range tasks {
				want, err := alice.CreateTask(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				got, err := alice.GetTask(t.Context(), ids[i])
				if err != nil {
					t.Fatal(err)
				}
				ignore := cmpopts.IgnoreFields(planner.Task{}, "ID", "UpdatedAt")
				if p.CreatedAt == nil {
					ignore = cmpopts.IgnoreFields(planner.Task{}, "ID", "UpdatedAt", "CreatedAt")
				}
				if diff := cmp.Diff(want, got, ignore); diff != "" {
					t.Errorf("task %d (-one by one +at once):\n%s", i, diff)
				}
			}
			if goal, err = alice.GetGoal(t.Context(), goal.ID); err != nil || goal.ProgressPercentage != 50 || goal.TaskCount != 4 {
				t.Errorf("the goal has %d tasks and is at %v: %v", goal.TaskCount, goal.ProgressPercentage, err)
			}
			for _, none := range []planner.CreateTasksParams{nil, {}} {
				if ids, err := alice.CreateTasks(t.Context(), none); err != nil || ids == nil || len(ids) != 0 {
					t.Errorf("none: %v, %v", ids, err)
				}
			}
		})
	}
}

// A task whose values are just what the schema allows is not the one that is blamed for another's.
func TestTasksAtTheBounds(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	notes := strings.Repeat("x", 1_000_000)
	tags := make(planner.Tags, 100)
	for i := range tags {
		tags[i] = fmt.Sprintf("%250d", i)
	}
	tasks := planner.CreateTasksParams{
		{
			Title: strings.Repeat("ä", 500), Priority: new(1), Status: planner.TaskBlocked, BlockedReason: &notes, Description: &notes, Notes: &notes,
			Category: new(strings.Repeat("ä", 100)), EstimatedHours: new(1_000_000.0), ActualHours: new(0.0), DueDate: &last, DueAllDay: true, CreatedAt: &first, Tags: tags,
		},
		{
			Title: "x", Priority: new(5), Status: planner.TaskCompleted, EstimatedHours: new(0.0), ActualHours: new(1_000_000.0), DueDate: &first, CreatedAt: &first, CompletedAt: &first,
		},
	}
	if _, err := alice.CreateTasks(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	tasks[0].Dependencies = planner.TaskIDs{1, 1e18 - 1} // which need not be there to have the form of an id
	for constraint, breaks := range bizydb.Refusals() {
		for i, task := range tasks {
			if breaks(task) {
				t.Errorf("%s: task %d is blamed", constraint, i)
			}
		}
	}
}

// All or none, and the error says which field of which task, whoever finds it: the schema, or the encoder. bad has a value for each
// constraint of tasks that a caller's value can break.
func TestRefusedTaskOfMany(t *testing.T) {
	t.Parallel()
	bad := map[string]planner.CreateTaskParams{
		"ck_tasks_title_length":        {Title: strings.Repeat("ä", 501)},
		"ck_tasks_title_not_blank":     {Title: "\u3000 "},
		"ck_tasks_priority":            {Title: "x", Priority: new(0)},
		"ck_tasks_status":              {Title: "x", Status: "done"},
		"ck_tasks_category_length":     {Title: "x", Category: new(strings.Repeat("x", 101))},
		"ck_tasks_description_size":    {Title: "x", Description: new(strings.Repeat("x", 1_000_001))},
		"ck_tasks_blocked_reason_size": {Title: "x", Status: planner.TaskBlocked, BlockedReason: new(strings.Repeat("é", 500_001))},
		"ck_tasks_notes_size":          {Title: "x", Notes: new(strings.Repeat("x", 1_000_001))},
		"ck_tasks_estimated_hours":     {Title: "x", EstimatedHours: new(-1.0)},
		"ck_tasks_actual_hours":        {Title: "x", ActualHours: new(1_000_000.5)},
		"ck_tasks_due_date":            {Title: "x", DueDate: new(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))},
		"ck_tasks_due_all_day":         {Title: "x", DueDate: new(time.Date(2025, 11, 3, 0, 0, 0, 0, time.FixedZone("", 3600))), DueAllDay: true},
		"ck_tasks_created_at":          {Title: "x", CreatedAt: new(time.Unix(1<<60, 0))},
		"ck_tasks_completed_at":        {Title: "x", Status: planner.TaskCompleted, CompletedAt: new(time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC))},
		"ck_tasks_tags_count":          {Title: "x", Tags: make(planner.Tags, 101)},
		"ck_tasks_tags_length":         {Title: "x", Tags: planner.Tags{"a", strings.Repeat("é", 251)}},
		"ck_tasks_dependencies_ids":    {Title: "x", Dependencies: planner.TaskIDs{1, -1}},
		"fk_tasks_parent_goal":         {Title: "x", ParentGoalID: new(planner.GoalID(1 << 40))},
		"fk_tasks_dependencies":        {Title: "x", Dependencies: planner.TaskIDs{1 << 40}},
	}
	none := []string{ // no value of CreateTasks breaks these
		"ck_tasks_updated_at", "ck_tasks_version", "ck_tasks_tags_strings", "ck_tasks_no_dependency_cycle", "fk_tasks_user",
	}
	type refused struct {
		task   planner.CreateTaskParams
		column string
		kind   error
	}
	cases := map[string]refused{
		"title with NUL":        {planner.CreateTaskParams{Title: "a\x00b"}, "title", bizydb.ErrInvalid},
		"title not UTF-8":       {planner.CreateTaskParams{Title: "bad \xff"}, "title", bizydb.ErrInvalid},
		"notes with NUL":        {planner.CreateTaskParams{Title: "x", Notes: new("\x00")}, "notes", bizydb.ErrInvalid},
		"status with NUL":       {planner.CreateTaskParams{Title: "x", Status: "\x00"}, "status", bizydb.ErrInvalid},
		"tag not UTF-8":         {planner.CreateTaskParams{Title: "x", Tags: planner.Tags{`\\`, "\xff"}}, "tags", bizydb.ErrInvalid},
		"tag with NUL":          {planner.CreateTaskParams{Title: "x", Tags: planner.Tags{`\u0000`, "\x00"}}, "tags", bizydb.ErrInvalid},
		"hours that are none":   {planner.CreateTaskParams{Title: "x", EstimatedHours: new(math.NaN())}, "estimated_hours", bizydb.ErrInvalid},
		"hours without end":     {planner.CreateTaskParams{Title: "x", ActualHours: new(math.Inf(1))}, "actual_hours", bizydb.ErrInvalid},
		"priority beyond int32": {planner.CreateTaskParams{Title: "x", Priority: new(math.MaxInt)}, "priority", bizydb.ErrInvalid},
	}
	for constraint, rule := range bizydb.Rules() {
		task, ok := bad[constraint]
		if rule.Table == "tasks" && ok == slices.Contains(none, constraint) {
			t.Errorf("%s: give a value that breaks it, or say that there is none", constraint)
		} else if ok {
			cases[constraint] = refused{task, rule.Column, rule.Kind}
		}
	}
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		for name, c := range cases {
			tasks := planner.CreateTasksParams{{Title: "good", Tags: planner.Tags{`\u0000 \ufffd \`, "\ufffd"}}, {Title: "good too", Priority: new(5)}, c.task, c.task}
			_, err := alice.CreateTasks(t.Context(), tasks)
			var field *bizydb.FieldError
			if !errors.Is(err, c.kind) || !errors.As(err, &field) || field.Table != "tasks" || field.Column != c.column || !is(field.Index, 2) {
				t.Errorf("%s: %v, want %v of tasks[2].%s", name, err, c.kind, c.column)
			}
		}
		// Which of two references is unknown, the server does not say.
		mine := plant(t, alice)
		_, err := alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "x", ParentGoalID: &mine.goal}, {Title: "x", ParentGoalID: new(mine.goal + 100)}})
		if field := new(bizydb.FieldError); !errors.As(err, &field) || field.Index != nil || field.Column != "parent_goal_id" {
			t.Errorf("%v, want no index", err)
		}
		if got := titles(t, alice); len(got) != 1 {
			t.Errorf("stored in part: %q", got)
		}
	})
}

// Thousands of tasks come in the order given, change their status and go, a call each; ids of others are passed over.
func TestManyTasks(t *testing.T) {
	t.Parallel()
	n := atLength(8_000)
	db := testdb.Common(t)
	alice, bob := db.As(db.NewUser(t)), db.As(db.NewUser(t))
	hers := plant(t, bob)
	goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		t.Fatal(err)
	}
	tasks := make(planner.CreateTasksParams, n)
	for i := range tasks {
		tasks[i] = planner.CreateTaskParams{Title: fmt.Sprintf("%05d", i), ParentGoalID: &goal.ID}
	}
	ids, err := alice.CreateTasks(t.Context(), tasks)
	if err != nil || len(ids) != n || !slices.IsSorted(ids) {
		t.Fatalf("%d ids, in order %v: %v", len(ids), slices.IsSorted(ids), err)
	}
	for _, i := range []int{0, 1, n / 2, n - 1} {
		if task, err := alice.GetTask(t.Context(), ids[i]); err != nil || task.Title != tasks[i].Title {
			t.Errorf("id %d is of task %q, want %q: %v", i, task.Title, tasks[i].Title, err)
		}
	}
	for _, c := range []struct {
		status planner.TaskStatus
		ids    planner.TaskIDs
		want   int
		at     float64
	}{
		{planner.TaskCompleted, append(ids[:n/4:n/4], hers.task, 1<<60), n / 4, 25},
		{planner.TaskBlocked, ids[:n/8], n / 8, 12.5},
		{"", ids, n, 12.5},
		{planner.TaskCompleted, nil, 0, 12.5},
		{planner.TaskCompleted, ids, n, 100},
	} {
		changed, err := alice.SetTaskStatuses(t.Context(), planner.SetTaskStatusesParams{Status: c.status, IDs: c.ids})
		if err != nil || len(changed) != c.want {
			t.Errorf("%q: %d changed, want %d: %v", c.status, len(changed), c.want, err)
		}
		if goal, err := alice.GetGoal(t.Context(), goal.ID); err != nil || goal.ProgressPercentage != c.at {
			t.Errorf("%q: the goal is at %v, want %v: %v", c.status, goal.ProgressPercentage, c.at, err)
		}
	}
	deleted, err := alice.DeleteTasks(t.Context(), append(slices.Clone(ids), hers.task))
	if err != nil || len(deleted) != n {
		t.Errorf("%d deleted: %v", len(deleted), err)
	}
	if task, err := bob.GetTask(t.Context(), hers.task); err != nil || task.Status != planner.TaskPending {
		t.Errorf("another's task: %v, %v", task.Status, err)
	}
}

// BenchmarkCreateTasks creates 100,000 tasks under 100 goals in one call, against a bare CopyFrom into the same table
// with the same triggers, as its owner, since COPY is not possible under row security.
//
//	go test -run '^$' -bench CreateTasks -benchtime 3x ./bizydb
func BenchmarkCreateTasks(b *testing.B) {
	const n = 100_000
	made := bizydbtest.New(b)
	owner := ownerPool(b, made)
	var took [2][]float64
	for b.Loop() {
		for i := range took {
			user := made.NewUser(b)
			goals, err := queryAll[planner.GoalID](b, owner, `INSERT INTO public.goals (user_id, title) SELECT $1, 'goal' FROM generate_series(1, 100) RETURNING id`, user)
			if err != nil {
				b.Fatal(err)
			}
			due := time.Now()
			tasks := make(planner.CreateTasksParams, n)
			for t := range tasks {
				tasks[t] = planner.CreateTaskParams{Title: fmt.Sprint("task ", t), ParentGoalID: &goals[t%100], Priority: new(1 + t%5), DueDate: &due, Tags: planner.Tags{"imported"}}
			}
			start := time.Now()
			if i == 0 {
				_, err = made.As(user).CreateTasks(b.Context(), tasks)
			} else {
				_, err = owner.CopyFrom(b.Context(), pgx.Identifier{"public", "tasks"}, []string{"user_id", "title", "parent_goal_id", "priority", "due_date", "tags"},
					pgx.CopyFromSlice(n, func(t int) ([]any, error) {
						return []any{int64(user), tasks[t].Title, int64(*tasks[t].ParentGoalID), *tasks[t].Priority, due, []string{"imported"}}, nil
					}))
			}
			if err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], float64(time.Since(start).Microseconds())/1e3)
			if _, err := made.Accounts().Delete(b.Context(), user); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took[0]), "bizydb-ms")
	b.ReportMetric(median(took[1]), "copy-ms")
	b.ReportMetric(median(took[1])/median(took[0]), "of-its-rate")
}
