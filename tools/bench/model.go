package main

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Task is the model of the peers that go through database/sql, with the tags of each.
type Task struct {
	ID                int64        `db:"id" gorm:"primaryKey" bun:",pk,autoincrement"`
	UserID            int64        `db:"user_id" gorm:"->"`
	ParentGoalID      *int64       `db:"parent_goal_id"`
	Title             string       `db:"title"`
	Description       *string      `db:"description"`
	Priority          int          `db:"priority"`
	Status            string       `db:"status" gorm:"default:pending" bun:",nullzero,default:'pending'"`
	Category          *string      `db:"category"`
	EstimatedHours    *float64     `db:"estimated_hours"`
	ActualHours       *float64     `db:"actual_hours"`
	DueDate           *time.Time   `db:"due_date"`
	DueAllDay         bool         `db:"due_all_day"`
	CreatedAt         time.Time    `db:"created_at" gorm:"default:now();autoCreateTime:false" bun:",nullzero,default:now()"`
	UpdatedAt         time.Time    `db:"updated_at" gorm:"default:now();autoUpdateTime:false" bun:",nullzero,default:now()"`
	Version           int64        `db:"version" gorm:"->"`
	CompletedAt       *time.Time   `db:"completed_at"`
	Dependencies      list[int64]  `db:"dependencies" bun:"type:jsonb"`
	Notes             *string      `db:"notes"`
	Tags              list[string] `db:"tags" bun:"type:jsonb"`
	BlockedReason     *string      `db:"blocked_reason"`
	BlockedInProgress bool         `db:"blocked_in_progress"`
}

// A Goal is what the dashboard shows of one.
type Goal struct {
	ID                 int64      `db:"id" gorm:"primaryKey" bun:",pk"`
	Title              string     `db:"title"`
	Status             string     `db:"status"`
	ProgressPercentage float64    `db:"progress_percentage"`
	TargetDate         *time.Time `db:"target_date"`
}

// A statusCount and a rate are the numbers of a dashboard.
type (
	statusCount struct {
		Status         string  `db:"status" json:"status"`
		Tasks          int     `db:"tasks" json:"tasks"`
		EstimatedHours float64 `db:"estimated_hours" json:"estimated_hours"`
		ActualHours    float64 `db:"actual_hours" json:"actual_hours"`
	}
	rate struct {
		Due       int `db:"due" json:"due"`
		Completed int `db:"completed" json:"completed"`
		OnTime    int `db:"on_time" json:"on_time"`
	}
)

// In an ORM's SELECT.
const (
	countColumns = `status, count(*) AS tasks, coalesce(sum(estimated_hours), 0) AS estimated_hours, coalesce(sum(actual_hours), 0) AS actual_hours`
	rateColumns  = `count(*) AS due, count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE completed_at <= due_date) AS on_time`
)

// A list is a JSON array in a column.
type list[T any] []T

// Scan implements [sql.Scanner].
func (l *list[T]) Scan(src any) error {
	switch src := src.(type) {
	case []byte:
		return json.Unmarshal(src, (*[]T)(l))
	case string:
		return json.Unmarshal([]byte(src), (*[]T)(l))
	default:
		return fmt.Errorf("%T is no JSON", src)
	}
}

// Value implements [driver.Valuer].
func (l list[T]) Value() (driver.Value, error) {
	if l == nil {
		return "[]", nil
	}
	b, err := json.Marshal([]T(l))
	return string(b), err
}

func model(t newTask) Task {
	return Task{ParentGoalID: &t.goal, Title: t.title, Priority: t.priority, Category: &t.category, DueDate: &t.due, Tags: t.tags}
}

func models(tasks []newTask) []Task {
	many := make([]Task, len(tasks))
	for i, t := range tasks {
		many[i] = model(t)
	}
	return many
}

func (a *answer) addModels(tasks ...Task) {
	if a == nil {
		return
	}
	for _, t := range tasks {
		dependencies := planner.TaskIDs{}
		for _, id := range t.Dependencies {
			dependencies = append(dependencies, planner.TaskID(id))
		}
		a.addTasks(planner.Task{
			ID: planner.TaskID(t.ID), UserID: planner.UserID(t.UserID), ParentGoalID: (*planner.GoalID)(t.ParentGoalID), Title: t.Title,
			Description: t.Description, Priority: t.Priority, Status: planner.TaskStatus(t.Status), Category: t.Category,
			EstimatedHours: t.EstimatedHours, ActualHours: t.ActualHours, DueDate: t.DueDate, DueAllDay: t.DueAllDay, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
			Version: t.Version, CompletedAt: t.CompletedAt, Dependencies: dependencies, Notes: t.Notes, Tags: planner.Tags(t.Tags), BlockedReason: t.BlockedReason,
			BlockedInProgress: t.BlockedInProgress,
		})
	}
}

func (a *answer) addModelDashboard(overdue, due []Task, counts []statusCount, goals []Goal, r rate) {
	if a == nil {
		return
	}
	a.addModels(overdue...)
	a.addModels(due...)
	for _, g := range goals {
		a.addGoals(planner.Goal{
			ID: planner.GoalID(g.ID), Title: g.Title, Status: planner.GoalStatus(g.Status), ProgressPercentage: g.ProgressPercentage, TargetDate: g.TargetDate,
		})
	}
	var rows []planner.TaskCountsByStatusRow
	for _, c := range counts {
		rows = append(rows, planner.TaskCountsByStatusRow{
			Status: planner.TaskStatus(c.Status), Tasks: c.Tasks, EstimatedHours: c.EstimatedHours, ActualHours: c.ActualHours,
		})
	}
	a.addDashboard(rows, planner.CompletionRateRow{Due: r.Due, Completed: r.Completed, OnTime: r.OnTime})
}
