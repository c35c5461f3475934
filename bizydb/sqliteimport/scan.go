package sqliteimport

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// An outline is what has to be known of a file before it is loaded: about 35 bytes for a task, some 50 more for one that depends on
// others, and while that is scanned as many again.
type outline struct {
	goals, tasks rows
	goalFacts    []goalFacts // of goals
	taskGoals    []int32     // of tasks: their goal, or none
	done         []bool      // of tasks: completed
	waiting      []waiting   // tasks that depend on others, in the order of their ids
	waves        []int32     // of tasks: 0, or the next one after those of the fresh tasks that they depend on
}

// rows are those of one table, in the order of their ids in the file. Elsewhere they are known by their place here.
type rows struct {
	ids    []int64
	states []state
	sizes  []int32 // of their texts, in bytes
	newIDs []int64 // 0 for those that have not been written yet

	changed []changed                   // known, in order, with other contents than at the last import
	absent  []importsql.ListImportedRow // imported before, and not in the file
}

// A changed row was last recorded in a record.
type changed struct {
	at     int32
	record int64
}

type state byte

const (
	fresh   state = iota // to be imported
	known                // imported before
	gone                 // imported before, and deleted since
	refused              // to be left out
)

const none = -1

type goalFacts struct {
	parent      int32 // or none
	status      planner.GoalStatus
	progress    int64 // in hundredths
	oldProgress string
	oldStatus   string
	updatedAt   time.Time
}

type waiting struct {
	task int32
	on   []int32
}

// find returns the place of a row, or none.
func (r *rows) find(id int64) int32 {
	if place, ok := slices.BinarySearch(r.ids, id); ok {
		return int32(place)
	}
	return none
}

func (r *rows) count(s state) int {
	n := 0
	for _, state := range r.states {
		if state == s {
			n++
		}
	}
	return n
}

// scan reads the whole file, reports what is in it that is not taken over as it is, and makes the outline.
func (i *importer) scan(ctx context.Context) error {
	counts := [2]int{}
	for k, t := range []*table{i.goals, i.tasks} {
		if t.name == "" {
			continue
		}
		n, err := i.file.count(ctx, t.quoted, "")
		if err != nil {
			return i.file.named(err)
		}
		counts[k] = n
	}
	step := &stepper{importer: i, Progress: Progress{Step: Reading, Total: counts[0] + counts[1]}}
	if err := i.scanGoals(ctx, counts[0], step); err != nil {
		return err
	}
	if err := i.scanTasks(ctx, counts[1], step); err != nil {
		return err
	}
	if i.queries != nil {
		records, err := i.queries.ListRecords(ctx)
		if err != nil {
			return err
		}
		if err := i.checkClock(records); err != nil {
			return err
		}
		if err := i.reportChanges(ctx, records); err != nil {
			return err
		}
	}
	if err := i.file.unchanged(); err != nil {
		return i.file.named(err)
	}
	for _, c := range []struct {
		rows   *rows
		counts *Counts
	}{{&i.outline.goals, &i.report.Goals}, {&i.outline.tasks, &i.report.Tasks}} {
		c.counts.InFile, c.counts.Imported, c.counts.Refused = len(c.rows.ids), c.rows.count(fresh), c.rows.count(refused)
		c.counts.Known = c.rows.count(known) + c.rows.count(gone)
	}
	standings := i.outline.preview()
	if err := i.reportNewWork(ctx, standings); err != nil {
		return err
	}
	if i.DryRun {
		i.reportProgress(standings)
	}
	return nil
}

// A stepper tells how far a step is, each thousand rows and at its end.
type stepper struct {
	*importer
	Progress
}

func (s *stepper) add(rows int) {
	before := s.Done
	s.Done += rows
	if s.Done/1000 > before/1000 || s.Done == s.Total {
		s.OnProgress(s.Progress)
	}
}

func (i *importer) scanGoals(ctx context.Context, n int, step *stepper) error {
	o := &i.outline
	o.goals = makeRows(n)
	var parents []int64 // in the file
	var hasParent []bool
	err := i.scanTable(ctx, i.goals, &o.goals, step, func(r *row) {
		facts := goalFacts{parent: none}
		var g goal
		if r != nil {
			g = r.goal()
			facts.status, facts.progress, facts.updatedAt = g.Status, g.progress, g.UpdatedAt
			facts.oldProgress, facts.oldStatus = text(r.value("progress_percentage")), text(r.value("status"))
		}
		o.goalFacts = append(o.goalFacts, facts)
		parents, hasParent = append(parents, g.parent), append(hasParent, g.hasParent)
	})
	if err != nil {
		return err
	}
	if err := i.findGone(ctx, i.goals, &o.goals, nil); err != nil {
		return err
	}
	i.refuseWith(&o.goals, "goals", "parent_goal_id", func(at int) []int64 {
		if !hasParent[at] {
			return nil
		}
		return parents[at : at+1]
	})
	for at := range o.goals.ids {
		if hasParent[at] && o.goals.states[at] == fresh {
			o.goalFacts[at].parent = i.refer(&o.goals, parents[at], Finding{
				Table: "goals", ID: o.goals.ids[at], Column: "parent_goal_id",
			})
		}
	}
	i.cutGoalCycles()
	return i.cutDeepGoals(ctx)
}

func (i *importer) scanTasks(ctx context.Context, n int, step *stepper) error {
	o := &i.outline
	o.tasks = makeRows(n)
	o.taskGoals, o.done = make([]int32, 0, n), make([]bool, 0, n)
	var lists [][]int64 // in the file, for each in waiting
	err := i.scanTable(ctx, i.tasks, &o.tasks, step, func(r *row) {
		at := int32(len(o.taskGoals))
		goal, done := int32(none), false
		if r != nil {
			t := r.task()
			done = t.Status == planner.TaskCompleted
			if at := o.goals.find(t.goal); t.hasGoal && at != none && o.goals.states[at] == refused {
				r.refused = true
				i.found(leftOut("tasks", r.id, "parent_goal_id", t.goal))
			} else if t.hasGoal && !r.refused {
				goal = i.refer(&o.goals, t.goal, Finding{Table: "tasks", ID: r.id, Column: "parent_goal_id"})
			}
			if len(t.dependencies) > 0 && !r.refused {
				o.waiting, lists = append(o.waiting, waiting{task: at}), append(lists, t.dependencies)
			}
		}
		o.taskGoals, o.done = append(o.taskGoals, goal), append(o.done, done)
	})
	if err != nil {
		return err
	}
	i.refuseWith(&o.tasks, "tasks", "dependencies", func(at int) []int64 {
		w, ok := slices.BinarySearchFunc(o.waiting, int32(at), byTask)
		if !ok {
			return nil
		}
		return lists[w]
	})
	// Only of those that others wait for, or that have changed, does it matter whether they are still there.
	wanted := make([]bool, len(o.tasks.ids))
	for _, row := range o.tasks.changed {
		wanted[row.at] = true
	}
	for _, list := range lists {
		for _, id := range list {
			if at := o.tasks.find(id); at != none {
				wanted[at] = true
			}
		}
	}
	if err := i.findGone(ctx, i.tasks, &o.tasks, wanted); err != nil {
		return err
	}
	for w, list := range lists {
		task := o.waiting[w].task
		if o.tasks.states[task] == refused {
			continue
		}
		for _, id := range list {
			if at := i.refer(&o.tasks, id, Finding{Table: "tasks", ID: o.tasks.ids[task], Column: "dependencies"}); at != none {
				o.waiting[w].on = append(o.waiting[w].on, at)
			}
		}
	}
	i.cutDependencyCycles()
	return nil
}

func makeRows(n int) rows {
	return rows{
		ids: make([]int64, 0, n), states: make([]state, 0, n), sizes: make([]int32, 0, n), newIDs: make([]int64, 0, n),
	}
}

// scanTable reads a table and finds out which rows are new. each gets those, and nil for others.
func (i *importer) scanTable(ctx context.Context, t *table, into *rows, step *stepper, each func(*row)) error {
	if t.name == "" {
		return nil
	}
	var imported []importsql.ListImportedRow // in the order of their old ids
	if i.queries != nil {
		var err error
		if imported, err = i.queries.ListImported(ctx, t.kind); err != nil {
			return err
		}
	}
	err := i.file.read(ctx, t, func(values []any) error {
		id, ok := values[0].(int64)
		if last := len(into.ids) - 1; !ok || last >= 0 && into.ids[last] >= id {
			return i.file.named(fmt.Errorf("%w: %s.id is %v after %v", ErrDamaged, t.name, values[0], into.ids[max(last, 0):]))
		}
		r := &row{table: t, rules: i.rules, id: id, values: values, found: i.found}
		state, last, mark, twin := fresh, importsql.ListImportedRow{}, r.mark(), false
		for ; len(imported) > 0 && imported[0].OldID <= id; imported = imported[1:] {
			other := imported[0]
			isTwin := other.OldID == id && (other.Mark|mark)&titled != 0
			switch {
			case other.OldID == id && other.Mark == mark:
				brought := 0
				if state == fresh { // by the first record; later ones are of changes
					brought = 1
				}
				i.records[other.Record] += brought
				state, last = known, other
			case !isTwin:
				into.addAbsent(other)
			}
			twin = twin || isTwin
		}
		if state == known {
			if content, _ := r.hashes(); last.Content != content {
				into.changed = append(into.changed, changed{int32(len(into.ids)), last.Record})
			}
			each(nil)
		} else {
			each(r)
			if r.refused {
				state = refused
			} else if twin {
				i.found(Finding{Table: t.name, ID: id, Problem: PossibleDuplicate, Old: text(r.value("title"))})
			}
		}
		into.ids, into.states, into.sizes, into.newIDs = append(into.ids, id), append(into.states, state), append(into.sizes, size(values)), append(into.newIDs, last.NewID)
		step.add(1)
		return nil
	}, "SELECT "+t.selected()+" FROM "+t.quoted+" AS t ORDER BY t.id")
	for _, row := range imported {
		into.addAbsent(row)
	}
	return err
}

// addAbsent adds a row that is not in the file. Its first record, of the import that brought it, comes first, and is the one that is kept.
func (r *rows) addAbsent(row importsql.ListImportedRow) {
	if last := len(r.absent) - 1; last < 0 || r.absent[last].NewID != row.NewID {
		r.absent = append(r.absent, row)
	}
}

// size is how much text there is in a row.
func size(values []any) int32 {
	n := 0
	for _, v := range values {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return int32(min(n, math.MaxInt32))
}
