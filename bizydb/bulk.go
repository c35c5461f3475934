package bizydb

import (
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/text"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// withIndex gives an error of CreateTasks the index of the task. The server names the constraint and not the row. It checks rows in
// order, so the task is the first one that breaks the constraint.
func withIndex(err error, args []any) error {
	if len(args) == 0 {
		return err
	}
	tasks, ok := args[0].(planner.CreateTasksParams)
	if !ok {
		return err
	}
	field, pgErr := new(FieldError), new(pgconn.PgError)
	switch {
	case errors.As(err, &field) && field.Index == nil && errors.As(err, &pgErr):
		field.Index = firstRefused(pgErr.ConstraintName, tasks)
	case !errors.As(err, &field) && errors.Is(err, ErrInvalid): // a number too large for its type
		const priority = "ck_tasks_priority"
		if i := firstRefused(priority, tasks); i != nil {
			return &FieldError{Table: "tasks", Column: rules[priority].column, Index: i, Reason: rules[priority].reason, Err: err}
		}
	}
	return err
}

// firstRefused returns the position of the first task that breaks a constraint, or nil if it is unknown.
func firstRefused(constraint string, tasks planner.CreateTasksParams) *int {
	if points, ok := references[constraint]; ok {
		return onlyReference(points, tasks)
	}
	if breaks, ok := refusals[constraint]; ok {
		if i := slices.IndexFunc(tasks, breaks); i >= 0 {
			return &i
		}
	}
	return nil
}

// refusals has, for each constraint that a value of CreateTasks can break, a function that says whether a task breaks it. A test
// compares them with the schema.
var refusals = map[string]func(planner.CreateTaskParams) bool{
	"ck_tasks_title_length":    func(t planner.CreateTaskParams) bool { return longer(&t.Title, 500) },
	"ck_tasks_title_not_blank": func(t planner.CreateTaskParams) bool { return text.Blank(t.Title) },
	"ck_tasks_priority": func(t planner.CreateTaskParams) bool {
		return t.Priority != nil && (*t.Priority < 1 || *t.Priority > 5)
	},
	"ck_tasks_status": func(t planner.CreateTaskParams) bool {
		_, err := t.Status.TextValue()
		return err != nil
	},
	"ck_tasks_category_length":     func(t planner.CreateTaskParams) bool { return longer(t.Category, 100) },
	"ck_tasks_description_size":    func(t planner.CreateTaskParams) bool { return tooLong(t.Description) },
	"ck_tasks_blocked_reason_size": func(t planner.CreateTaskParams) bool { return tooLong(t.BlockedReason) },
	"ck_tasks_notes_size":          func(t planner.CreateTaskParams) bool { return tooLong(t.Notes) },
	"ck_tasks_estimated_hours":     func(t planner.CreateTaskParams) bool { return notHours(t.EstimatedHours) },
	"ck_tasks_actual_hours":        func(t planner.CreateTaskParams) bool { return notHours(t.ActualHours) },
	"ck_tasks_due_date":            func(t planner.CreateTaskParams) bool { return outOfRange(t.DueDate) },
	"ck_tasks_due_all_day": func(t planner.CreateTaskParams) bool {
		return t.DueAllDay && t.DueDate != nil && !t.DueDate.Truncate(time.Microsecond).Equal(t.DueDate.Truncate(24*time.Hour))
	},
	"ck_tasks_created_at":   func(t planner.CreateTaskParams) bool { return outOfRange(t.CreatedAt) },
	"ck_tasks_completed_at": func(t planner.CreateTaskParams) bool { return outOfRange(t.CompletedAt) },
	"ck_tasks_tags_count":   func(t planner.CreateTaskParams) bool { return len(t.Tags) > 100 },
	"ck_tasks_tags_length": func(t planner.CreateTaskParams) bool {
		return slices.ContainsFunc(t.Tags, func(tag string) bool { return longer(&tag, 250) })
	},
	"ck_tasks_dependencies_ids": func(t planner.CreateTaskParams) bool { return slices.ContainsFunc(t.Dependencies, noID) },
}

func longer(text *string, characters int) bool {
	return text != nil && utf8.RuneCountInString(*text) > characters
}

func tooLong(s *string) bool { return s != nil && len(*s) > 1_000_000 }

func notHours(hours *float64) bool { return hours != nil && !(*hours >= 0 && *hours <= 1_000_000) }

func outOfRange(at *time.Time) bool { return at != nil && beyond(*at) != "" }

// noID says whether the schema refuses an id: it limits them to 18 digits.
func noID(id planner.TaskID) bool { return id < 1 || id >= 1e18 }

// references has, for each foreign key that a value of CreateTasks can break, the ids that a task references.
var references = map[string]func(planner.CreateTaskParams) []int64{
	"fk_tasks_parent_goal": func(t planner.CreateTaskParams) []int64 {
		if t.ParentGoalID == nil {
			return nil
		}
		return []int64{int64(*t.ParentGoalID)}
	},
	"fk_tasks_dependencies": func(t planner.CreateTaskParams) (ids []int64) {
		for _, id := range t.Dependencies {
			ids = append(ids, int64(id))
		}
		return ids
	},
}

// onlyReference returns the position of the first task with a reference, if all tasks reference the same row, and nil otherwise: the
// server does not say which row it has not found.
func onlyReference(points func(planner.CreateTaskParams) []int64, tasks planner.CreateTasksParams) *int {
	var first *int
	var id int64
	for i, task := range tasks {
		for _, other := range points(task) {
			if first != nil && other != id {
				return nil
			}
			if first == nil {
				first, id = &i, other
			}
		}
	}
	return first
}
