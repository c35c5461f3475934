package userdata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Result says what an import has added, and the new ids of the rows.
type Result struct {
	Summary
	IDs IDs
}

// IDs maps the ids of a document to the new ids of its rows.
type IDs struct{ goals, tasks ids }

// Goal returns the new id of a goal, and false if the document has no such goal.
func (i IDs) Goal(old planner.GoalID) (planner.GoalID, bool) {
	at, ok := i.goals.find(int64(old))
	if !ok {
		return 0, false
	}
	return planner.GoalID(i.goals.new[at]), true
}

// Task returns the new id of a task, and false if the document has no such task.
func (i IDs) Task(old planner.TaskID) (planner.TaskID, bool) {
	at, ok := i.tasks.find(int64(old))
	if !ok {
		return 0, false
	}
	return planner.TaskID(i.tasks.new[at]), true
}

// ids are those of a table's rows in the document, which ascend, and in the database.
type ids struct{ old, new []int64 }

// find returns the index of a row.
func (i ids) find(old int64) (int, bool) { return slices.BinarySearch(i.old, old) }

// Import adds the goals and tasks of a document to those that the user has, as [ImportTx] does, in a transaction of its own. An
// error means that nothing was written, except [bizydb.ErrOutcomeUnknown]: read the data to find out whether the import was
// committed. After a serialization failure or a deadlock, the import is retried if r is an [io.Seeker], and returns
// [bizydb.ErrContention] otherwise.
func Import(ctx context.Context, scope bizydb.Scope, r io.Reader) (Result, error) {
	again := rewinder(r)
	var result Result
	begun := false
	err := scope.InTx(ctx, func(tx *bizydb.Tx) (err error) {
		if begun {
			if err := again(); err != nil {
				return err
			}
		}
		begun = true
		result, err = ImportTx(ctx, tx, r)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// ImportTx adds the goals and tasks of a document to those that the user of tx has. It returns a summary of the document and the
// new ids, by which a service can import rows of its own. ImportTx is not idempotent: importing a document twice adds its rows
// twice.
//
// A document that breaks a rule of the package documentation returns [bizydb.ErrInvalid]. An error of r is returned unchanged.
// Any error aborts the transaction, which can then only be rolled back. In [bizydb.Scope.InTx], whose function may run again,
// read r from its beginning each time.
func ImportTx(ctx context.Context, tx *bizydb.Tx, r io.Reader) (Result, error) {
	session := executor.Of(tx)
	i := &importer{queries: importsql.New(session), planner: planner.New(session), document: newDocument(r)}
	if err := importsql.Import(ctx, i.queries, i.load); err != nil {
		abort(ctx, tx)
		return Result{}, err
	}
	return Result{Summary{i.profile, len(i.ids.goals.old), len(i.ids.tasks.old)}, i.ids}, nil
}

// abort makes the server refuse to commit. Where it gets no answer the connection is lost, and the transaction with it.
func abort(ctx context.Context, tx *bizydb.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = tx.DBTX().Exec(ctx, "SELECT ($1::text)::bigint", "an import of user data has failed")
}

// rewinder returns a function that goes back to where r is now.
func rewinder(r io.Reader) func() error {
	seeker, ok := r.(io.Seeker)
	if ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			return func() error {
				_, err := seeker.Seek(start, io.SeekStart)
				return err
			}
		}
	}
	return func() error {
		return fmt.Errorf("userdata: %w: the document cannot be read a second time", bizydb.ErrContention)
	}
}

// An importer is one attempt to import.
type importer struct {
	queries  *importsql.Queries
	planner  *planner.Queries
	document *document
	profile  bizydb.User
	ids      IDs
	goals    []goal // in the order of their ids
	waiting  []waiting
	needed   []int64 // what each of waiting depends on: ids of the document, and then their indexes
}

// load writes all rows. The order matters for the roll-up that each statement fires. Goals are put in on hold and under none, so that a
// statement that writes tasks completes or reopens no goal and climbs no higher.
func (i *importer) load(ctx context.Context) error {
	var err error
	if i.profile, err = i.document.open(); err != nil {
		return err
	}
	if err := i.loadGoals(ctx); err != nil {
		return err
	}
	if err := i.findParents(); err != nil {
		return err
	}
	if err := i.loadTasks(ctx); err != nil {
		return err
	}
	if err := i.document.end(); err != nil {
		return err
	}
	if err := i.linkTasks(ctx); err != nil {
		return err
	}
	return i.linkGoals(ctx)
}

// A chunk is rows that are written by one statement.
type chunk[T any] struct {
	table string
	rows  []T
	bytes int
	into  *ids
	write func([]T) ([]int64, error)
}

// largeRow is from how many bytes on a row is written by itself, so that the server's error is about it: no smaller one has metrics that are
// too large, or a number with too many digits.
const largeRow = 100_000

// add adds a row of so many bytes.
func (c *chunk[T]) add(row T, size int) error {
	if len(c.rows) == importsql.ChunkRows || len(c.rows) > 0 && (size >= largeRow || c.bytes+size > importsql.ChunkBytes) {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.rows, c.bytes = append(c.rows, row), c.bytes+size; size >= largeRow {
		return c.flush()
	}
	return nil
}

// flush writes the rows. An error gets their indexes in the document.
func (c *chunk[T]) flush() error {
	if len(c.rows) == 0 {
		return nil
	}
	first, n := len(c.into.new), len(c.rows)
	written, err := c.write(c.rows)
	clear(c.rows)
	c.rows, c.bytes = c.rows[:0], 0
	var field *bizydb.FieldError
	switch {
	case errors.As(err, &field) && (field.Index != nil || n == 1):
		of, at := *field, first
		if n > 1 {
			at += *field.Index
		}
		of.Table, of.Index = c.table, &at
		return &of
	case errors.Is(err, bizydb.ErrInvalid) && n == 1:
		return fmt.Errorf("userdata: %s[%d]: %w", c.table, first, err)
	case errors.Is(err, bizydb.ErrInvalid):
		return fmt.Errorf("userdata: one of %s[%d] to [%d]: %w", c.table, first, first+n-1, err)
	case err == nil && len(written) != n:
		return fmt.Errorf("userdata: %d rows were written, not %d: a trigger of the database's own?", len(written), n)
	}
	c.into.new = append(c.into.new, written...)
	return err
}

// next takes the id of the row that follows.
func (i *ids) next(ctx context.Context, id int64) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("userdata: %w", ctx.Err())
	case id < 1 || id >= 1e18:
		return refuse("id", "must be from 1 to 999999999999999999")
	case len(i.old) > 0 && id <= i.old[len(i.old)-1]:
		return refuse("id", "must be greater than that of the row before")
	}
	i.old = append(i.old, id)
	return nil
}

// A goalRow keeps metrics as they are in the document: decoded they would take many times their bytes.
type goalRow struct {
	importsql.ExportGoalsRow
	Metrics json.RawMessage `json:"metrics"`
}

func (i *importer) loadGoals(ctx context.Context) error {
	c := chunk[goalRow]{table: "goals", into: &i.ids.goals, write: func(rows []goalRow) ([]int64, error) {
		b, err := json.Marshal(rows)
		if err != nil {
			return nil, fmt.Errorf("userdata: %w", err)
		}
		return importsql.Numbers(i.queries.CreateGoals(ctx, string(b)))
	}}
	err := rows(i.document, "goals", func(row goalRow, size int) error {
		if err := i.ids.goals.next(ctx, int64(row.ID)); err != nil {
			return err
		}
		if err := checkGoal(row); err != nil {
			return err
		}
		g := goal{status: row.Status, updatedAt: row.UpdatedAt.UnixMicro()}
		if row.ParentGoalID != nil {
			g.parent = int64(*row.ParentGoalID)
		}
		if row.CompletedAt != nil {
			g.completedAt = row.CompletedAt.UnixMicro()
		}
		i.goals = append(i.goals, g)
		if row.CompletedAt = nil; row.Status != planner.GoalCancelled { // which counts for nothing above it
			row.Status = planner.GoalOnHold
		}
		_, digits, _ := measure(row.Metrics)
		return c.add(row, size+digits)
	})
	if err != nil {
		return err
	}
	return c.flush()
}

func (i *importer) loadTasks(ctx context.Context) error {
	c := chunk[planner.CreateTaskParams]{table: "tasks", into: &i.ids.tasks, write: func(rows []planner.CreateTaskParams) ([]int64, error) {
		if len(rows) == 1 { // as JSON a large text would take several times its bytes
			task, err := i.planner.CreateTask(ctx, rows[0])
			return []int64{int64(task.ID)}, err
		}
		return importsql.Numbers(i.planner.CreateTasks(ctx, rows))
	}}
	err := rows(i.document, "tasks", func(row importsql.ExportTasksRow, size int) error {
		if err := i.ids.tasks.next(ctx, int64(row.ID)); err != nil {
			return err
		}
		if err := checkTask(row); err != nil {
			return err
		}
		task := planner.CreateTaskParams{
			Title: row.Title, Description: row.Description, Priority: &row.Priority, Status: row.Status, BlockedReason: row.BlockedReason, BlockedInProgress: row.BlockedInProgress,
			Category: row.Category, EstimatedHours: row.EstimatedHours, ActualHours: row.ActualHours, DueDate: row.DueDate, DueAllDay: row.DueAllDay,
			Notes: row.Notes, Tags: row.Tags, CreatedAt: &row.CreatedAt, CompletedAt: row.CompletedAt,
		}
		if row.ParentGoalID != nil {
			parent, ok := i.ids.Goal(*row.ParentGoalID)
			if !ok {
				return refuse("parent_goal_id", unknownGoal)
			}
			task.ParentGoalID = &parent
		}
		if n := len(row.Dependencies); n > 0 {
			if !distinct(row.Dependencies) {
				return refuse("dependencies", "must name each task once")
			}
			i.waiting = append(i.waiting, waiting{len(i.ids.tasks.old) - 1, len(i.needed), len(i.needed) + n})
			for _, id := range row.Dependencies {
				i.needed = append(i.needed, int64(id))
			}
		}
		return c.add(task, size)
	})
	if err != nil {
		return err
	}
	return c.flush()
}
