package v1

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Operations answer with bizydb's own types, and the document describes those by the types of this file, which add words and limits. A
// conversion compiles only between types with the same fields, so a column that is new in bizydb stops the build until it is described
// here, or left out by json:"-".
var (
	_ = Task(planner.Task{})
	_ = Goal(planner.Goal{})
	_ = User(planner.User{})
	_ = Problem(huma.ErrorModel{})
	_ = ProblemValue(huma.ErrorDetail{})
)

// describe tells huma which type describes which.
func describe(registry huma.Registry) {
	registry.RegisterTypeAlias(reflect.TypeFor[planner.Task](), reflect.TypeFor[Task]())
	registry.RegisterTypeAlias(reflect.TypeFor[planner.Goal](), reflect.TypeFor[Goal]())
	registry.RegisterTypeAlias(reflect.TypeFor[planner.User](), reflect.TypeFor[User]())
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorDetail](), reflect.TypeFor[ProblemValue]())
}

// A Task describes planner.Task.
type Task struct {
	ID                planner.TaskID     `json:"id"`
	UserID            planner.UserID     `json:"user_id" doc:"The owner."`
	ParentGoalID      *planner.GoalID    `json:"parent_goal_id" doc:"The goal that it serves."`
	Title             string             `json:"title"`
	Description       *string            `json:"description"`
	Priority          int                `json:"priority" minimum:"1" maximum:"5" doc:"From 1, the most urgent, to 5."`
	Status            planner.TaskStatus `json:"status" enum:"pending,in_progress,completed,blocked"`
	BlockedReason     *string            `json:"blocked_reason" doc:"What it waits for. Null unless it is blocked."`
	BlockedInProgress bool               `json:"blocked_in_progress" doc:"Was in progress when it was blocked, and is again once it is unblocked."`
	Category          *string            `json:"category"`
	EstimatedHours    *float64           `json:"estimated_hours"`
	ActualHours       *float64           `json:"actual_hours"`
	DueDate           *time.Time         `json:"due_date"`
	DueAllDay         bool               `json:"due_all_day" doc:"Due on a day: due_date is midnight UTC of that day, which counts as it is where the user is."`
	CreatedAt         time.Time          `json:"created_at"`
	UpdatedAt         time.Time          `json:"updated_at"`
	Version           int64              `json:"version" doc:"One more after every change."`
	CompletedAt       *time.Time         `json:"completed_at" doc:"Set exactly while it is completed."`
	Dependencies      planner.TaskIDs    `json:"dependencies" doc:"Tasks to be done first."`
	Notes             *string            `json:"notes"`
	Tags              planner.Tags       `json:"tags"`
}

// A Goal describes planner.Goal.
type Goal struct {
	ID                 planner.GoalID     `json:"id"`
	UserID             planner.UserID     `json:"user_id" doc:"The owner."`
	ParentGoalID       *planner.GoalID    `json:"parent_goal_id" doc:"The goal above, or null for a root."`
	Title              string             `json:"title"`
	Description        *string            `json:"description"`
	Horizon            *planner.Horizon   `json:"horizon" doc:"yearly, quarterly, monthly, weekly or null."`
	TargetDate         *time.Time         `json:"target_date"`
	Status             planner.GoalStatus `json:"status" enum:"active,completed,on_hold,cancelled"`
	ProgressPercentage float64            `json:"progress_percentage" minimum:"0" maximum:"100" doc:"Follows tasks and sub-goals; without any, the user sets it."`
	SuccessCriteria    *string            `json:"success_criteria"`
	CreatedAt          time.Time          `json:"created_at"`
	UpdatedAt          time.Time          `json:"updated_at"`
	Version            int64              `json:"version" doc:"One more after every change but one of progress alone."`
	CompletedAt        *time.Time         `json:"completed_at" doc:"Set exactly while it is completed."`
	Metrics            planner.Metrics    `json:"metrics" doc:"The user's own figures."`
	TaskCount          int                `json:"task_count" doc:"Tasks directly under it."`
	CompletedTaskCount int                `json:"completed_task_count"`
	SubGoalCount       int                `json:"sub_goal_count" doc:"Goals directly under it, except cancelled ones."`
	SubGoalProgress    int64              `json:"-"`
	RollUpCount        int64              `json:"-"`
}

// A User describes planner.User.
type User struct {
	ID                planner.UserID `json:"id"`
	Email             string         `json:"email"`
	Username          string         `json:"username"`
	FullName          *string        `json:"full_name"`
	IsActive          bool           `json:"is_active"`
	IsVerified        bool           `json:"is_verified" doc:"Has shown to have the address."`
	IsSuperuser       bool           `json:"is_superuser"`
	CreatedAt         time.Time      `json:"created_at"`
	UpdatedAt         time.Time      `json:"updated_at"`
	LastLoginAt       *time.Time     `json:"last_login_at"`
	EmailVerifiedAt   *time.Time     `json:"email_verified_at"`
	PasswordChangedAt time.Time      `json:"password_changed_at"`
}

// A Problem describes huma.ErrorModel.
type Problem struct {
	Type     string              `json:"type,omitempty" format:"uri-reference" doc:"One of those that /problems lists. None: the title is that of the status."`
	Title    string              `json:"title"`
	Status   int                 `json:"status"`
	Detail   string              `json:"detail,omitempty" doc:"What to do about it."`
	Instance string              `json:"instance,omitempty" hidden:"true"`
	Errors   []*huma.ErrorDetail `json:"errors,omitempty" doc:"What is wrong with which value."`
}

// A ProblemValue describes huma.ErrorDetail.
type ProblemValue struct {
	Message  string `json:"message,omitempty"`
	Location string `json:"location,omitempty" doc:"Like body.title or query.limit." example:"body.title"`
	Value    any    `json:"value,omitempty" hidden:"true"`
}

// A NewTask is sent to create a task, and becomes planner.CreateTaskParams.
type NewTask struct {
	ParentGoalID      *planner.GoalID    `json:"parent_goal_id" required:"false" doc:"The goal that it serves."`
	Title             string             `json:"title" minLength:"1" maxLength:"500" example:"Sign the lease"`
	Description       *string            `json:"description" required:"false"`
	Priority          *int               `json:"priority" required:"false" nullable:"false" minimum:"1" maximum:"5" doc:"From 1, the most urgent, to 5. Without it 3."`
	Status            planner.TaskStatus `json:"status" required:"false" enum:"pending,in_progress,completed,blocked" doc:"Without it pending."`
	BlockedReason     *string            `json:"blocked_reason" required:"false" doc:"What it waits for, if it is blocked."`
	BlockedInProgress bool               `json:"blocked_in_progress" required:"false"`
	Category          *string            `json:"category" required:"false" maxLength:"100"`
	EstimatedHours    *float64           `json:"estimated_hours" required:"false" minimum:"0" maximum:"1000000"`
	ActualHours       *float64           `json:"actual_hours" required:"false" minimum:"0" maximum:"1000000"`
	DueDate           *time.Time         `json:"due_date" required:"false"`
	DueAllDay         bool               `json:"due_all_day" required:"false" doc:"Due on a day: due_date is midnight UTC of that day."`
	Dependencies      planner.TaskIDs    `json:"dependencies" required:"false" doc:"Tasks to be done first."`
	Notes             *string            `json:"notes" required:"false"`
	Tags              planner.Tags       `json:"tags" required:"false" maxItems:"100" maxLength:"250"`
	CreatedAt         *time.Time         `json:"-"`
	CompletedAt       *time.Time         `json:"-"`
}

// TaskFields are those of a task that can be changed, for planner.UpdateTaskParams.
type TaskFields struct {
	ParentGoalID   *planner.GoalID     `json:"parent_goal_id" required:"false"`
	Title          *string             `json:"title" required:"false" nullable:"false" minLength:"1" maxLength:"500"`
	Description    *string             `json:"description" required:"false"`
	Priority       *int                `json:"priority" required:"false" nullable:"false" minimum:"1" maximum:"5"`
	Status         *planner.TaskStatus `json:"status" required:"false" nullable:"false" enum:"pending,in_progress,completed,blocked"`
	BlockedReason  *string             `json:"blocked_reason" required:"false"`
	Category       *string             `json:"category" required:"false" maxLength:"100"`
	EstimatedHours *float64            `json:"estimated_hours" required:"false" minimum:"0" maximum:"1000000"`
	ActualHours    *float64            `json:"actual_hours" required:"false" minimum:"0" maximum:"1000000"`
	DueDate        *time.Time          `json:"due_date" required:"false" doc:"Without due_all_day a time, also of a task that was due on a day."`
	DueAllDay      *bool               `json:"due_all_day" required:"false" nullable:"false"`
	Dependencies   planner.TaskIDs     `json:"dependencies" required:"false" doc:"All of them: an empty list clears."`
	Notes          *string             `json:"notes" required:"false"`
	Tags           planner.Tags        `json:"tags" required:"false" maxItems:"100" maxLength:"250" doc:"All of them: an empty list clears."`
}

// A NewGoal is sent to create a goal, and becomes planner.CreateGoalParams.
type NewGoal struct {
	ParentGoalID       *planner.GoalID    `json:"parent_goal_id" required:"false" doc:"The goal above."`
	Title              string             `json:"title" minLength:"1" maxLength:"500" example:"Open the shop"`
	Description        *string            `json:"description" required:"false"`
	Horizon            *planner.Horizon   `json:"horizon" required:"false" nullable:"false" enum:"yearly,quarterly,monthly,weekly"`
	TargetDate         *time.Time         `json:"target_date" required:"false"`
	Status             planner.GoalStatus `json:"status" required:"false" enum:"active,completed,on_hold,cancelled" doc:"Without it active."`
	ProgressPercentage *float64           `json:"progress_percentage" required:"false" minimum:"0" maximum:"100"`
	SuccessCriteria    *string            `json:"success_criteria" required:"false"`
	Metrics            planner.Metrics    `json:"metrics" required:"false"`
	CreatedAt          *time.Time         `json:"-"`
	CompletedAt        *time.Time         `json:"-"`
}

// GoalFields are those of a goal that can be changed, for planner.UpdateGoalParams.
type GoalFields struct {
	ParentGoalID       *planner.GoalID     `json:"parent_goal_id" required:"false" doc:"Null makes it a root."`
	Title              *string             `json:"title" required:"false" nullable:"false" minLength:"1" maxLength:"500"`
	Description        *string             `json:"description" required:"false"`
	Horizon            *planner.Horizon    `json:"horizon" required:"false" doc:"yearly, quarterly, monthly, weekly or null."`
	TargetDate         *time.Time          `json:"target_date" required:"false"`
	Status             *planner.GoalStatus `json:"status" required:"false" nullable:"false" enum:"active,completed,on_hold,cancelled"`
	ProgressPercentage *float64            `json:"progress_percentage" required:"false" nullable:"false" minimum:"0" maximum:"100"`
	SuccessCriteria    *string             `json:"success_criteria" required:"false"`
	Metrics            planner.Metrics     `json:"metrics" required:"false" doc:"All of them: an empty object clears."`
}

// ProfileFields are those of a user that the user can change, for planner.UpdateMeParams.
type ProfileFields struct {
	Username *string `json:"username" required:"false" nullable:"false" minLength:"1" maxLength:"100"`
	FullName *string `json:"full_name" required:"false" maxLength:"200"`
}

// A TaskPath leads to a task.
type TaskPath struct {
	TaskID planner.TaskID `path:"task_id" minimum:"1"`
}

// A GoalPath leads to a goal.
type GoalPath struct {
	GoalID planner.GoalID `path:"goal_id" minimum:"1"`
}

// A ZoneQuery says where the user is.
type ZoneQuery struct {
	TimeZone planner.TimeZone `query:"time_zone" doc:"In which days begin and end, by the IANA database. Without it UTC." example:"Europe/Berlin"`
}

// A TaskOut is the answer with one task.
type TaskOut struct {
	ETag string `header:"ETag"`
	Body planner.Task
}

func oneTask(t planner.Task, err error) (*TaskOut, error) {
	if err != nil {
		return nil, err
	}
	return &TaskOut{taskTag(t), t}, nil
}

// A NewTaskOut is the answer with a task that was created.
type NewTaskOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     planner.Task
}

// A GoalOut is the answer with one goal.
type GoalOut struct {
	ETag string `header:"ETag"`
	Body planner.Goal
}

func oneGoal(g planner.Goal, err error) (*GoalOut, error) {
	if err != nil {
		return nil, err
	}
	return &GoalOut{goalTag(g), g}, nil
}

// A NewGoalOut is the answer with a goal that was created.
type NewGoalOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     planner.Goal
}

// An Answer is one with a body alone.
type Answer[T any] struct{ Body T }

// Nothing is sent, or answered.
type Nothing struct{}

func answer[T any](body T, err error) (*Answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &Answer[T]{body}, nil
}

// some is a value that a query has, or nil for none: parameters of queries are never null.
func some[T comparable](value T) *T {
	var none T
	if value == none {
		return nil
	}
	return &value
}
