package sqliteimport

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// load writes what is to be imported. The order matters, for the roll-up that each statement fires: sub-goals are in their
// places before tasks come, and each goal's tasks come together. Goals that are active or completed in the file come on hold, and
// get their status when all is under them: none is completed or reopened on the way, which a service's triggers would see. Goals that
// were here before see what is new below them at last.
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
	if err := i.setStatuses(ctx); err != nil {
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

// A chunk is some rows of a file, converted. Its slices belong together, element by element.
type chunk[T any] struct {
	places          []int32 // in order
	rows            []T
	marks, contents []int64
	columnHashes    [][]byte
	err             error
}

// readChunk reads rows again.
func readChunk[T any](ctx context.Context, i *importer, t *table, r *rows, places []int32, convert func(*row) T) chunk[T] {
	n := len(places)
	c := chunk[T]{
		places: places, rows: make([]T, 0, n), marks: make([]int64, 0, n), contents: make([]int64, 0, n), columnHashes: make([][]byte, 0, n),
	}
	c.err = i.readPlaces(ctx, t, r, places, func(row *row) {
		row.found = func(Finding) {} // the scan has found it
		content, columns := row.hashes()
		c.rows, c.marks = append(c.rows, convert(row)), append(c.marks, row.mark())
		c.contents, c.columnHashes = append(c.contents, content), append(c.columnHashes, columns)
	})
	if c.err == nil && len(c.rows) != n {
		c.err = fmt.Errorf("%w: %d rows of %s where there were %d", ErrDamaged, len(c.rows), t.name, n)
	}
	return c
}

// readPlaces reads rows again, in the order of places.
func (i *importer) readPlaces(ctx context.Context, t *table, r *rows, places []int32, each func(*row)) error {
	ids := make([]int64, len(places))
	for k, at := range places {
		ids[k] = r.ids[at]
	}
	return i.file.read(ctx, t, func(values []any) error {
		each(&row{table: t, rules: i.rules, id: values[0].(int64), values: values, found: i.found})
		return nil
	}, "SELECT "+t.selected()+" FROM json_each(?) AS wanted CROSS JOIN "+t.name+" AS t ON t.id = wanted.value", jsonText(ids))
}

// A recorder keeps where rows came from, many at a time.
type recorder struct {
	queries *importsql.Queries
	rows    *rows
	waiting importsql.RecordImportedParams
}

func (i *importer) recorder(kind string, r *rows) *recorder {
	return &recorder{i.queries, r, importsql.RecordImportedParams{Zone: i.report.Zone, UpgradedOn: i.upgraded.Format(time.DateOnly), Kind: kind}}
}

// record keeps where the rows of a chunk came from, once they have been written.
func record[T any](ctx context.Context, r *recorder, c chunk[T], newIDs []int64) error {
	if len(newIDs) != len(c.places) {
		return fmt.Errorf("%d %ss were written, not %d: a trigger of the database's own?", len(newIDs), r.waiting.Kind, len(c.places))
	}
	for k, at := range c.places {
		r.rows.newIDs[at] = newIDs[k]
		r.add(r.rows.ids[at], newIDs[k], c.marks[k], c.contents[k], c.columnHashes[k])
	}
	if len(r.waiting.OldIDs) >= importsql.ChunkRows {
		return r.flush(ctx)
	}
	return nil
}

func (r *recorder) flush(ctx context.Context) error {
	if len(r.waiting.OldIDs) == 0 {
		return nil
	}
	w := &r.waiting
	err := r.queries.RecordImported(ctx, *w)
	w.OldIDs, w.NewIDs, w.Marks, w.Contents, w.ColumnHashes = w.OldIDs[:0], w.NewIDs[:0], w.Marks[:0], w.Contents[:0], w.ColumnHashes[:0]
	return err
}

func (r *recorder) add(oldID, newID, mark, content int64, columnHashes []byte) {
	w := &r.waiting
	w.OldIDs, w.NewIDs, w.Marks = append(w.OldIDs, oldID), append(w.NewIDs, newID), append(w.Marks, mark)
	w.Contents, w.ColumnHashes = append(w.Contents, content), append(w.ColumnHashes, columnHashes)
}

func (i *importer) loadGoals(ctx context.Context) error {
	recorder := i.recorder("goal", &i.outline.goals)
	all := func(int32, int32) bool { return true }
	for _, places := range i.outline.goals.chunks(i.outline.goals.places(), all) {
		c := readChunk(ctx, i, i.goals, &i.outline.goals, places, func(r *row) goal {
			g := r.goal()
			if waits(g.Status) {
				g.Status = planner.GoalOnHold
			}
			return g
		})
		if c.err != nil {
			return c.err
		}
		ids, err := importsql.Numbers(i.queries.CreateGoals(ctx, jsonText(c.rows)))
		if err != nil {
			return err
		}
		if err := record(ctx, recorder, c, ids); err != nil {
			return err
		}
	}
	return recorder.flush(ctx)
}

// linkGoals puts fresh goals under others that are in a state.
func (i *importer) linkGoals(ctx context.Context, parents state) error {
	var links importsql.LinkGoalsParams
	goals := &i.outline.goals
	for at, facts := range i.outline.goalFacts {
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
	o := &i.outline
	reading, stop := context.WithCancel(ctx)
	chunks := make(chan chunk[planner.CreateTaskParams])
	go i.readTasks(reading, o.taskChunks(), chunks)
	defer func() {
		stop()
		for range chunks { // until it is closed
		}
	}()
	recorder := i.recorder("task", &o.tasks)
	step := &stepper{importer: i, Progress: Progress{Step: Writing, Total: i.report.Tasks.Imported}}
	for c := range chunks {
		if c.err != nil {
			return c.err
		}
		for k, at := range c.places {
			for _, on := range o.waitsFor(at) {
				c.rows[k].Dependencies = append(c.rows[k].Dependencies, planner.TaskID(o.tasks.newIDs[on]))
			}
		}
		ids, err := importsql.Numbers(i.planner.CreateTasks(ctx, c.rows))
		if err != nil {
			return err
		}
		if err := record(ctx, recorder, c, ids); err != nil {
			return err
		}
		step.add(len(ids))
	}
	if err := ctx.Err(); err != nil { // readTasks has seen it first
		return err
	}
	if err := recorder.flush(ctx); err != nil {
		return err
	}
	return i.file.named(i.file.unchanged())
}

// taskChunks lists the fresh tasks as they are written: those that wait for others after them, in another chunk, since it is
// in the answer what their ids are; and a goal's tasks together, so that it is written once or twice and not for each chunk.
// Within a chunk they are in the order of the file.
func (o *outline) taskChunks() [][]int32 {
	places := o.tasks.places()
	slices.SortStableFunc(places, func(a, b int32) int {
		return cmp.Or(int(o.waves[a])-int(o.waves[b]), int(o.taskGoals[a])-int(o.taskGoals[b]))
	})
	chunks := o.tasks.chunks(places, func(first, next int32) bool { return o.waves[first] == o.waves[next] })
	for _, chunk := range chunks {
		slices.Sort(chunk)
	}
	return chunks
}

// chunks cuts a list of rows where a statement would get too large, and where the next row does not go with the first.
func (r *rows) chunks(places []int32, together func(first, next int32) bool) [][]int32 {
	var chunks [][]int32
	for len(places) > 0 {
		n, bytes := 1, int(r.sizes[places[0]])
		for n < min(len(places), importsql.ChunkRows) && together(places[0], places[n]) {
			if bytes += int(r.sizes[places[n]]); bytes > importsql.ChunkBytes {
				break
			}
			n++
		}
		chunks = append(chunks, places[:n])
		places = places[n:]
	}
	return chunks
}

func (i *importer) readTasks(ctx context.Context, chunks [][]int32, into chan<- chunk[planner.CreateTaskParams]) {
	defer close(into)
	o := &i.outline
	for _, places := range chunks {
		c := readChunk(ctx, i, i.tasks, &o.tasks, places, func(r *row) planner.CreateTaskParams { return r.task().CreateTaskParams })
		for k := range c.rows[:min(len(c.rows), len(places))] { // fewer if c.err
			if goal := o.taskGoals[places[k]]; goal != none {
				c.rows[k].ParentGoalID = new(planner.GoalID(o.goals.newIDs[goal]))
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

// waits says of a goal's status that the goal comes on hold, until all is under it.
func waits(status planner.GoalStatus) bool {
	return status == planner.GoalActive || status == planner.GoalCompleted
}

// setStatuses gives goals that have waited their status.
func (i *importer) setStatuses(ctx context.Context) error {
	var goals importsql.SetGoalStatusesParams
	for at, facts := range i.outline.goalFacts {
		if i.outline.goals.states[at] == fresh && waits(facts.status) {
			goals.IDs = append(goals.IDs, i.outline.goals.newIDs[at])
			goals.Statuses = append(goals.Statuses, string(facts.status))
			goals.Times = append(goals.Times, facts.updatedAt)
		}
	}
	if len(goals.IDs) == 0 {
		return nil
	}
	return i.queries.SetGoalStatuses(ctx, goals)
}

// dateGoals says of goals when they were changed before they came here.
func (i *importer) dateGoals(ctx context.Context) error {
	var goals importsql.DateGoalsParams
	for at, facts := range i.outline.goalFacts {
		if i.outline.goals.states[at] == fresh {
			goals.IDs = append(goals.IDs, i.outline.goals.newIDs[at])
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
	places := i.outline.goals.places()
	standings := make(map[int32]standing, len(places))
	for chunk := range slices.Chunk(places, importsql.ChunkRows) {
		ids := make([]int64, len(chunk)) // in order, since they were given in the order of the file
		for k, at := range chunk {
			ids[k] = i.outline.goals.newIDs[at]
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
