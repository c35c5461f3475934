package sqliteimport_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// goalUnder and taskUnder are good rows; parent 0 is none.
func goalUnder(id, parent int64) record {
	r := record{"id": id, "title": "Goal", "status": "active", "progress_percentage": 0, "created_at": "2025-01-01", "updated_at": "2025-01-01"}
	if parent != 0 {
		r["parent_goal_id"] = parent
	}
	return r
}

func taskUnder(id, goal int64, dependencies string) record {
	r := record{"id": id, "title": "Task", "status": "pending", "priority": 3, "created_at": "2025-01-01", "dependencies": dependencies}
	if goal != 0 {
		r["parent_goal_id"] = goal
	}
	return r
}

// parents are the goals above goals, by the ids of the file.
func (p imported) parents() map[int64]int64 {
	old := p.oldGoals()
	parents := map[int64]int64{}
	for id, goal := range p.goals {
		if goal.ParentGoalID != nil {
			parents[id] = old[*goal.ParentGoalID]
		}
	}
	return parents
}

func (p imported) oldGoals() map[planner.GoalID]int64 {
	old := map[planner.GoalID]int64{}
	for id, goal := range p.goals {
		old[goal.ID] = id
	}
	return old
}

// dependencies are those of tasks, by the ids of the file.
func (p imported) dependencies() map[int64][]int64 {
	old := map[planner.TaskID]int64{}
	for id, task := range p.tasks {
		old[task.ID] = id
	}
	dependencies := map[int64][]int64{}
	for id, task := range p.tasks {
		for _, on := range task.Dependencies {
			dependencies[id] = append(dependencies[id], old[on])
		}
	}
	return dependencies
}

func TestGoalsInAnyOrder(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldGoals, oldTasks)
	f.insert(t, "goals",
		goalUnder(1, 9), goalUnder(9, 5), goalUnder(5, 0), // children before their parents
		goalUnder(10, 10),                                       // its own parent
		goalUnder(21, 22), goalUnder(22, 23), goalUnder(23, 21), // a cycle
		goalUnder(20, 22),   // beside it
		goalUnder(30, 4711), // an orphan
		goalUnder(-4, 5), goalUnder(1<<40, -4),
	)
	f.insert(t, "goals", record{"id": 31, "title": "Goal", "status": "active", "progress_percentage": 0, "created_at": "2025-01-01", "updated_at": "2025-01-01", "parent_goal_id": "the first"})
	f.insert(t, "tasks", taskUnder(1, 1, "[]"), taskUnder(2, 4711, "[]"), taskUnder(3, 23, "[]"))
	report := importFile(t, db, user, f.path, sqliteimport.Options{Strict: true}) // no reason to leave anything out

	stored := importedFor(t, db, user)
	want := map[int64]int64{1: 9, 9: 5, 20: 22, 22: 23, 23: 21, -4: 5, 1 << 40: -4}
	if diff := cmp.Diff(want, stored.parents()); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
	old := stored.oldGoals()
	for id, goal := range map[int64]int64{1: 1, 3: 23} {
		if parent := stored.tasks[id].ParentGoalID; parent == nil || old[*parent] != goal {
			t.Errorf("task %d is under %v, want goal %d", id, parent, goal)
		}
	}
	if len(stored.goals) != 12 || len(stored.tasks) != 3 || stored.tasks[2].ParentGoalID != nil {
		t.Errorf("%d goals and %d tasks, the orphan under %v", len(stored.goals), len(stored.tasks), stored.tasks[2].ParentGoalID)
	}
	finding := func(table string, id int64, problem sqliteimport.Problem, old string) sqliteimport.Finding {
		return sqliteimport.Finding{Table: table, ID: id, Column: "parent_goal_id", Problem: problem, Old: old}
	}
	wantFindings := []sqliteimport.Finding{
		finding("goals", 31, sqliteimport.Missing, "the first"),
		finding("goals", 30, sqliteimport.Missing, "4711"),
		finding("goals", 10, sqliteimport.Cycle, "10"),
		finding("goals", 21, sqliteimport.Cycle, "22"),
		finding("tasks", 2, sqliteimport.Missing, "4711"),
	}
	if diff := cmp.Diff(wantFindings, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldTasks)
	f.insert(t, "tasks",
		taskUnder(1, 0, "[2, 3]"),            // on later ones, in their order
		taskUnder(2, 0, `["3", 3.0, 3]`),     // however the id is written, once
		taskUnder(3, 0, "[4711, 9]"),         // one is not there
		taskUnder(4, 0, "[4]"),               // on itself
		taskUnder(5, 0, "[6]"),               // a cycle
		taskUnder(6, 0, "[7, 9]"),            //
		taskUnder(7, 0, "[5, 1]"),            // which is cut here
		taskUnder(8, 0, "[5]"),               // beside it
		taskUnder(9, 0, `[null, true, 1.5]`), // no ids
	)
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	want := map[int64][]int64{1: {2, 3}, 2: {3}, 3: {9}, 5: {6}, 6: {7, 9}, 7: {1}, 8: {5}}
	if diff := cmp.Diff(want, importedFor(t, db, user).dependencies()); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	finding := func(id int64, problem sqliteimport.Problem, old string) sqliteimport.Finding {
		return sqliteimport.Finding{Table: "tasks", ID: id, Column: "dependencies", Problem: problem, Old: old}
	}
	wantFindings := []sqliteimport.Finding{
		finding(2, sqliteimport.Duplicate, "3"), finding(2, sqliteimport.Duplicate, "3"),
		finding(9, sqliteimport.OtherJSON, "null"), finding(9, sqliteimport.OtherJSON, "true"), finding(9, sqliteimport.OtherJSON, "1.5"),
		finding(3, sqliteimport.Missing, "4711"),
		finding(4, sqliteimport.Cycle, "4"),
		finding(7, sqliteimport.Cycle, "5"),
	}
	if diff := cmp.Diff(wantFindings, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// However long the chain of those that refer to it is.
func TestChainUnderRefusedRow(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	f := newFixture(t, oldTasks)
	const n = 50_000
	f.exec(t, "INSERT INTO tasks (id, title, priority, status, created_at, dependencies) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, 'Task', 3, 'pending', '2025-01-01', '[' || (i + 1) || ']' FROM n", n)
	f.exec(t, "UPDATE tasks SET priority = 9 WHERE id = ?", n)
	report := importFile(t, db, 0, f.path, sqliteimport.Options{DryRun: true, Strict: true})
	wantCounts(t, report, sqliteimport.Counts{}, sqliteimport.Counts{InFile: n, Refused: n})
}

// What refers to a row that is left out is left out with it. Mended in the file, they come in, and are linked.
func TestUnderRefusedRows(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldGoals, oldTasks)
	bad := goalUnder(5, 0)
	bad["status"] = "weird"
	f.insert(t, "goals", goalUnder(1, 2), goalUnder(2, 5), bad, goalUnder(6, 0))
	bad = taskUnder(4, 6, "[5]")
	bad["priority"] = 9
	f.insert(t, "tasks", taskUnder(1, 0, "[2]"), taskUnder(2, 0, "[5, 4]"), taskUnder(3, 1, "[5]"), bad, taskUnder(5, 6, "[]"))
	report := importFile(t, db, user, f.path, sqliteimport.Options{Strict: true})
	missing := func(table string, id int64, column, old string) sqliteimport.Finding {
		return sqliteimport.Finding{Table: table, ID: id, Column: column, Problem: sqliteimport.Missing, Old: old, Refused: true}
	}
	want := []sqliteimport.Finding{
		{Table: "goals", ID: 5, Column: "status", Problem: sqliteimport.Unknown, Old: "weird", Refused: true},
		missing("goals", 2, "parent_goal_id", "5"), missing("goals", 1, "parent_goal_id", "2"),
		missing("tasks", 3, "parent_goal_id", "1"),
		{Table: "tasks", ID: 4, Column: "priority", Problem: sqliteimport.OutOfRange, Old: "9", Refused: true},
		missing("tasks", 2, "dependencies", "4"), missing("tasks", 1, "dependencies", "2"),
	}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	wantCounts(t, report, sqliteimport.Counts{InFile: 4, Imported: 1, Refused: 3}, sqliteimport.Counts{InFile: 5, Imported: 1, Refused: 4})

	f.exec(t, "UPDATE goals SET status = 'active'")
	f.exec(t, "UPDATE tasks SET priority = 1 WHERE id = 4")
	report = importFile(t, db, user, f.path, sqliteimport.Options{Strict: true})
	wantCounts(t, report, sqliteimport.Counts{InFile: 4, Imported: 3, Known: 1}, sqliteimport.Counts{InFile: 5, Imported: 4, Known: 1})
	stored := importedFor(t, db, user)
	if diff := cmp.Diff(map[int64]int64{1: 2, 2: 5}, stored.parents()); diff != "" || report.Findings != nil {
		t.Errorf("parents (-want +got):\n%s\nfindings %+v", diff, report.Findings)
	}
	if diff := cmp.Diff(map[int64][]int64{1: {2}, 2: {5, 4}, 3: {5}, 4: {5}}, stored.dependencies()); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
}

// Trees have at most 100 levels, those that are here already counted in: a goal on the next one becomes a root.
func TestDeepGoals(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldGoals, oldTasks)
	for id := range int64(250) {
		f.insert(t, "goals", goalUnder(id+1, id))
	}
	finding := func(id, old int64) sqliteimport.Finding {
		return sqliteimport.Finding{Table: "goals", ID: id, Column: "parent_goal_id", Problem: sqliteimport.TooDeep, Old: fmt.Sprint(old)}
	}
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	if diff := cmp.Diff([]sqliteimport.Finding{finding(101, 100), finding(201, 200)}, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	f.insert(t, "goals", goalUnder(301, 99), goalUnder(302, 301), goalUnder(303, 302), goalUnder(304, 200), goalUnder(305, 250))
	report = importFile(t, db, user, f.path, sqliteimport.Options{})
	if diff := cmp.Diff([]sqliteimport.Finding{finding(302, 301), finding(304, 200)}, report.Findings); diff != "" {
		t.Errorf("findings of the second import (-want +got):\n%s", diff)
	}
	tree, err := db.As(user).GoalTree(t.Context(), 0)
	levels := map[int]int{}
	for _, row := range tree {
		levels[row.Depth]++
	}
	if err != nil || len(tree) != 255 || levels[0] != 5 || levels[99] != 3 || levels[100] != 0 {
		t.Errorf("goals by level %v: %v", levels, err)
	}
}
