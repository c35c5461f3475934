package bizydb

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// withIndex says which task an error of CreateTasks is about. The server names the constraint and not the row. Rows are checked in
// order, so it is the first that breaks it.
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

// firstRefused returns the position of the first task that breaks a constraint, or nil if that cannot be told.
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

// refusals has the constraints that a value of CreateTasks can break, and which values do. A test holds them and the schema together.
var refusals = map[string]func(planner.CreateTaskParams) bool{
	"ck_tasks_title_length":    func(t planner.CreateTaskParams) bool { return longer(&t.Title, 500) },
	"ck_tasks_title_not_blank": func(t planner.CreateTaskParams) bool { return strings.TrimFunc(t.Title, unicode.IsSpace) == "" },
	"ck_tasks_priority": func(t planner.CreateTaskParams) bool {
		return t.Priority != nil && (*t.Priority < 1 || *t.Priority > 5)
	},
	"ck_tasks_status": func(t planner.CreateTaskParams) bool {
		return !slices.Contains([]planner.TaskStatus{"", planner.TaskPending, planner.TaskInProgress, planner.TaskCompleted, planner.TaskBlocked}, t.Status)
	},
	"ck_tasks_category_length":  func(t planner.CreateTaskParams) bool { return longer(t.Category, 100) },
	"ck_tasks_estimated_hours":  func(t planner.CreateTaskParams) bool { return t.EstimatedHours != nil && *t.EstimatedHours < 0 },
	"ck_tasks_actual_hours":     func(t planner.CreateTaskParams) bool { return t.ActualHours != nil && *t.ActualHours < 0 },
	"ck_tasks_dependencies_ids": func(t planner.CreateTaskParams) bool { return slices.ContainsFunc(t.Dependencies, noID) },
}

func longer(text *string, characters int) bool {
	return text != nil && utf8.RuneCountInString(*text) > characters
}

// noID is for ids that the schema does not take: it keeps them to 18 digits.
func noID(id planner.TaskID) bool { return id < 1 || id >= 1e18 }

// references has the keys that a value of CreateTasks can miss, and what it points at.
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

// onlyReference returns the position of the first task that points at a row, if no other row is pointed at: the server does not say
// which row it has not found.
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
