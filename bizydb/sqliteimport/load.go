package sqliteimport

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// chunkSize is how many rows are written by a statement.
const chunkSize = 5000

// load writes what is to be imported. The order matters, for the roll-up that each statement fires: sub-goals are in their
// places before tasks come, each goal's tasks come together, and only then is completed what the file says is completed,
// whatever is under it. Goals that were here before see what is new below them at last.
func (i *importer) load(ctx context.Context) error {
	if err := i.loadGoals(ctx); err != nil {
		return err
	}
	if err := i.linkGoals(ctx, fresh); err != nil {
		return err
	}
	if err := i.loadTasks(ctx); err != nil {
		return err
	}
	i.file.close() // others may write to it again
	if err := i.link(ctx); err != nil {
		return err
	}
	if err := i.completeGoals(ctx); err != nil {
		return err
	}
	if err := i.linkGoals(ctx, known); err != nil {
		return err
	}
	if err := i.dateGoals(ctx); err != nil {
		return err
	}
	standings, err := i.standings(ctx)
	i.reportProgress(standings)
	return err
}

// places lists the fresh rows.
func (r *rows) places() []int32 {
	places := make([]int32, 0, r.count(fresh))
	for at, state := range r.states {
		if state == fresh {
			places = append(places, int32(at))
		}
	}
	return places
}

// readChunk reads rows again, whose places are in order, and converts them.
func readChunk[T any](ctx context.Context, i *importer, t *table, r *rows, chunk []int32, convert func(*row) T) ([]T, error) {
	ids := make([]int64, len(chunk))
	for k, at := range chunk {
		ids[k] = r.ids[at]
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(chunk))
	err = i.file.read(ctx, t, func(values []any) error {
		all = append(all, convert(&row{table: t, rules: i.rules, id: values[0].(int64), values: values}))
		return nil
	}, "SELECT "+t.selected()+" FROM json_each(?) AS wanted CROSS JOIN "+t.name+" AS t ON t.id = wanted.value", string(list))
	if err == nil && len(all) != len(chunk) {
		err = fmt.Errorf("%w: %d rows of %s where there were %d", ErrDamaged, len(all), t.name, len(chunk))
	}
	return all, err
}

// record keeps where rows came from.
func (i *importer) record(ctx context.Context, kind string, r *rows, chunk []int32, newIDs []int64) error {
	if len(newIDs) != len(chunk) {
		return fmt.Errorf("%d %ss were written, not %d: a trigger or rule of the database's own?", len(newIDs), kind, len(chunk))
	}
	record := importsql.RecordImportedParams{Kind: kind, NewIDs: newIDs}
	for k, at := range chunk {
		r.newIDs[at] = newIDs[k]
		record.OldIDs = append(record.OldIDs, r.ids[at])
		record.Marks = append(record.Marks, r.marks[at])
		record.Contents = append(record.Contents, r.contents[at])
	}
	return i.queries.RecordImported(ctx, record)
}

func (i *importer) loadGoals(ctx context.Context) error {
	for chunk := range slices.Chunk(i.plan.goals.places(), chunkSize) {
		goals, err := readChunk(ctx, i, i.goals, &i.plan.goals, chunk, (*row).goal)
		if err != nil {
			return err
		}
		list, err := json.Marshal(goals)
		if err != nil {
			return err
		}
		ids, err := idsOf(i.queries.CreateGoals(ctx, string(list)))
		if err != nil {
			return err
		}
		if err := i.record(ctx, "goal", &i.plan.goals, chunk, ids); err != nil {
			return err
		}
	}
	return nil
}

// linkGoals puts fresh goals under others that are in a state.
func (i *importer) linkGoals(ctx context.Context, parents state) error {
	var links importsql.LinkGoalsParams
	goals := &i.plan.goals
	for at, facts := range i.plan.goalFacts {
		if facts.parent != none && goals.states[facts.parent] == parents {
			links.IDs = append(links.IDs, goals.newIDs[at])
			links.Parents = append(links.Parents, goals.newIDs[facts.parent])
		}
	}
	if len(links.IDs) == 0 {
		return nil
	}
	return i.queries.LinkGoals(ctx, links)
}

// loadTasks writes tasks, and reads the next ones meanwhile.
func (i *importer) loadTasks(ctx context.Context) error {
	p := &i.plan
	places := p.tasks.places()
	// A goal's tasks together, so that it is written once or twice and not for each chunk.
	slices.SortStableFunc(places, func(a, b int32) int { return int(p.taskGoals[a]) - int(p.taskGoals[b]) })

	reading, stop := context.WithCancel(ctx)
	chunks := make(chan taskChunk)
	go i.readTasks(reading, places, chunks)
	defer func() {
		stop()
		for range chunks { // until it is closed
		}
	}()
	step := &stepper{importer: i, Progress: Progress{Step: Writing, Total: len(places)}}
	for c := range chunks {
		if c.err != nil {
			return c.err
		}
		ids, err := idsOf(i.planner.CreateTasks(ctx, c.tasks))
		if err != nil {
			return err
		}
		if err := i.record(ctx, "task", &p.tasks, c.places, ids); err != nil {
			return err
		}
		step.add(len(ids))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return i.file.named(i.file.unchanged())
}

type taskChunk struct {
	places []int32
	tasks  planner.NewTasks
	err    error
}

func (i *importer) readTasks(ctx context.Context, places []int32, into chan<- taskChunk) {
	defer close(into)
	p := &i.plan
	for places := range slices.Chunk(places, chunkSize) {
		c := taskChunk{places: places}
		slices.Sort(c.places) // within the chunk as in the file
		c.tasks, c.err = readChunk(ctx, i, i.tasks, &p.tasks, places, func(r *row) planner.CreateTaskParams { return r.task().CreateTaskParams })
		for k := range c.tasks {
			if goal := p.taskGoals[places[k]]; goal != none {
				c.tasks[k].ParentGoalID = new(planner.GoalID(p.goals.newIDs[goal]))
			}
		}
		select {
		case into <- c:
		case <-ctx.Done():
			return
		}
		if c.err != nil {
			return
		}
	}
}

// link makes tasks depend on each other, once all of them are there.
func (i *importer) link(ctx context.Context) error {
	p := &i.plan
	step := &stepper{importer: i, Progress: Progress{Step: Linking, Total: len(p.waiting)}}
	for chunk := range slices.Chunk(p.waiting, chunkSize) {
		var links importsql.SetDependenciesParams
		for _, w := range chunk {
			ids := make([]int64, len(w.on))
			for k, at := range w.on {
				ids[k] = p.tasks.newIDs[at]
			}
			links.IDs = append(links.IDs, p.tasks.newIDs[w.task])
			links.Dependencies = append(links.Dependencies, jsonText(ids))
		}
		if err := i.queries.SetDependencies(ctx, links); err != nil {
			return err
		}
		step.add(len(chunk))
	}
	return nil
}

// completeGoals completes again what new tasks and sub-goals have reopened.
func (i *importer) completeGoals(ctx context.Context) error {
	var goals importsql.CompleteGoalsParams
	for at, facts := range i.plan.goalFacts {
		if i.plan.goals.states[at] == fresh && facts.status == planner.GoalCompleted {
			goals.IDs = append(goals.IDs, i.plan.goals.newIDs[at])
			goals.Times = append(goals.Times, facts.updatedAt)
		}
	}
	if len(goals.IDs) == 0 {
		return nil
	}
	return i.queries.CompleteGoals(ctx, goals)
}

// dateGoals says of goals when they were changed before they came here.
func (i *importer) dateGoals(ctx context.Context) error {
	var goals importsql.DateGoalsParams
	for at, facts := range i.plan.goalFacts {
		if i.plan.goals.states[at] == fresh {
			goals.IDs = append(goals.IDs, i.plan.goals.newIDs[at])
			goals.Times = append(goals.Times, facts.updatedAt)
		}
	}
	if len(goals.IDs) == 0 {
		return nil
	}
	return i.queries.DateGoals(ctx, goals)
}

// standings asks where the goals that were imported stand.
func (i *importer) standings(ctx context.Context) (map[int32]standing, error) {
	places := i.plan.goals.places()
	standings := make(map[int32]standing, len(places))
	for chunk := range slices.Chunk(places, chunkSize) {
		ids := make([]int64, len(chunk)) // in order, since they were given in the order of the file
		for k, at := range chunk {
			ids[k] = i.plan.goals.newIDs[at]
		}
		found, err := i.queries.ListProgress(ctx, ids)
		if err != nil {
			return nil, err
		}
		if len(found) != len(ids) {
			return nil, fmt.Errorf("%d goals of %d are there", len(found), len(ids))
		}
		for k, at := range chunk {
			if int64(found[k].ID) != ids[k] {
				return nil, fmt.Errorf("goal %d is not there", ids[k])
			}
			standings[at] = standing{found[k].Status, int64(math.Round(found[k].ProgressPercentage * 100))}
		}
	}
	return standings, nil
}
