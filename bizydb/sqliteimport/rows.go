package sqliteimport

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var goalColumns = []string{
	"id", "title", "description", "horizon", "target_date", "status", "progress_percentage", "success_criteria",
	"parent_goal_id", "created_at", "updated_at", "metrics", "project_name",
}

var taskColumns = []string{
	"id", "title", "description", "priority", "status", "category", "estimated_hours", "actual_hours", "due_date",
	"created_at", "completed_at", "parent_goal_id", "dependencies", "notes", "tags", "project_name",
}

// A goal is a converted row, without its parent.
type goal struct {
	Title              string             `json:"title"`
	Description        *string            `json:"description"`
	Horizon            *string            `json:"horizon"`
	TargetDate         *time.Time         `json:"target_date"`
	Status             planner.GoalStatus `json:"status"`
	ProgressPercentage float64            `json:"progress_percentage"`
	SuccessCriteria    *string            `json:"success_criteria"`
	Metrics            map[string]any     `json:"metrics"`
	CreatedAt          time.Time          `json:"created_at"`
	UpdatedAt          time.Time          `json:"updated_at"`
	CompletedAt        *time.Time         `json:"completed_at"`

	progress  int64 // in hundredths
	parent    int64 // in the file
	hasParent bool
}

func (r *row) goal() goal {
	g := goal{
		SuccessCriteria: r.text("success_criteria"),
		TargetDate:      r.time("target_date", nil, ""),
		Status: planner.GoalStatus(r.oneOf("status", string(planner.GoalActive),
			string(planner.GoalActive), string(planner.GoalCompleted), string(planner.GoalOnHold), string(planner.GoalCancelled))),
		progress: r.percentage("progress_percentage"),
		Metrics:  r.metrics(),
	}
	g.Title, g.Description = r.title()
	if horizon := r.oneOf("horizon", "", string(planner.Yearly), string(planner.Quarterly), string(planner.Monthly), string(planner.Weekly)); horizon != "" {
		g.Horizon = &horizon
	}
	g.ProgressPercentage = float64(g.progress) / 100
	created, known := r.created(always)
	g.CreatedAt, g.UpdatedAt = created, r.updated(g.Status, created, known)
	if g.Status == planner.GoalCompleted {
		g.CompletedAt = &g.UpdatedAt
	}
	g.parent, g.hasParent = r.reference("parent_goal_id")
	return g
}

// A task is a converted row, without its goal and its dependencies.
type task struct {
	planner.CreateTaskParams
	goal         int64 // in the file
	hasGoal      bool
	dependencies []int64 // in the file
}

func (r *row) task() task {
	t := task{CreateTaskParams: planner.CreateTaskParams{
		Priority: new(r.priority()),
		Status: planner.TaskStatus(r.oneOf("status", string(planner.TaskPending),
			string(planner.TaskPending), string(planner.TaskInProgress), string(planner.TaskCompleted), string(planner.TaskBlocked))),
		Category:       r.limited("category", maxCategory),
		EstimatedHours: r.hours("estimated_hours"),
		ActualHours:    r.hours("actual_hours"),
		Notes:          r.text("notes"),
		Tags:           r.tags(),
	}}
	t.Title, t.Description = r.title()
	t.DueDate, t.DueAllDay = r.due()
	created, known := r.created(r.beforeUpgrade)
	t.CreatedAt = &created
	if t.Status == planner.TaskCompleted {
		t.CompletedAt = new(r.completed(created, known))
	} else if old := r.value("completed_at"); old != nil {
		r.note("completed_at", NotComplete, old, "")
	}
	t.goal, t.hasGoal = r.reference("parent_goal_id")
	t.dependencies = r.dependencies()
	return t
}

// mark is what tells rows of two files apart that have the same id: the time of creation, which nothing changes, as it
// stands in the file, or the title where it is unset. The last bit says which.
func (r *row) mark() int64 {
	if created := r.value("created_at"); created != nil {
		return hash([]any{created}) &^ titled
	}
	return hash([]any{r.value("title")}) | titled
}

const titled = 1

// hashes are of what a person changes in a row: of all of it, and of each column in the order of the table's, two bytes each. They
// leave out what mark goes by and the times that the planner writes by itself: completed_at follows the status.
func (r *row) hashes() (content int64, columns []byte) {
	columns = make([]byte, 0, 2*len(r.values))
	for i, column := range r.columns {
		h := int64(0)
		switch column {
		case "id", "created_at", "updated_at", "completed_at":
		default:
			h = hash(r.values[i : i+1])
		}
		content = content*1099511628211 ^ h // as FNV does it
		columns = binary.BigEndian.AppendUint16(columns, uint16(h^h>>16^h>>32^h>>48))
	}
	return content, columns
}

// changed lists the columns whose hashes have changed, or "" if they are unknown.
func (r *row) changed(before, now []byte) []string {
	if len(before) != len(now) || bytes.Equal(before, now) {
		return []string{""}
	}
	var columns []string
	for i, column := range r.columns {
		if !bytes.Equal(before[2*i:2*i+2], now[2*i:2*i+2]) {
			columns = append(columns, column)
		}
	}
	return columns
}

// hash stays the same from version to version of this package: it is kept in the database.
func hash(values []any) int64 {
	h := fnv.New64a()
	var head [9]byte
	write := func(kind byte, n uint64) {
		head[0] = kind
		binary.BigEndian.PutUint64(head[1:], n)
		_, _ = h.Write(head[:]) // never fails
	}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			write('n', 0)
		case int64:
			write('i', uint64(v))
		case float64:
			write('f', math.Float64bits(v))
		default:
			s := text(v)
			write('s', uint64(len(s)))
			_, _ = h.Write([]byte(s))
		}
	}
	return int64(h.Sum64())
}
