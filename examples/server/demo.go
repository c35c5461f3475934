package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

//go:embed demo.json
var demoPlan []byte

const demoUser, demoPassword = "demo", "correct horse"

// A plan is what demo.json holds, which is company.json of ../quickstart.
type plan struct {
	Goals []planGoal `json:"goals"`
	Tasks []planTask `json:"tasks"`
}

type planGoal struct {
	planner.CreateGoalParams
	Target   *int     `json:"target"` // days from today
	Progress *float64 `json:"progress"`
	plan
}

type planTask struct {
	planner.CreateTaskParams
	Due *int `json:"due"` // days from today
}

// makeDemo makes the user, unless it exists.
func makeDemo(ctx context.Context, db *bizydb.DB, out io.Writer) error {
	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "demo@example.org", Username: demoUser, Password: bizydb.NewPassword(demoPassword),
	})
	if errors.Is(err, bizydb.ErrUsernameTaken) || errors.Is(err, bizydb.ErrEmailTaken) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := db.Accounts().MarkEmailVerified(ctx, user.ID, user.Email); err != nil {
		return err
	}
	var p plan
	if err := json.Unmarshal(demoPlan, &p); err != nil {
		return err
	}
	if err := db.As(user.ID).InTx(ctx, func(tx *bizydb.Tx) error { return p.create(ctx, tx, nil) }); err != nil {
		return err
	}
	fmt.Fprintf(out, "sign in as %s with the password %q\n", demoUser, demoPassword)
	return nil
}

func (p plan) create(ctx context.Context, tx *bizydb.Tx, parent *planner.GoalID) error {
	var tasks planner.CreateTasksParams
	for _, t := range p.Tasks {
		t.ParentGoalID, t.DueDate = parent, inDays(t.Due)
		if t.Status == planner.TaskCompleted {
			t.CompletedAt = t.DueDate
			t.CreatedAt = new(t.DueDate.AddDate(0, 0, -7))
		}
		tasks = append(tasks, t.CreateTaskParams)
	}
	if _, err := tx.CreateTasks(ctx, tasks); err != nil {
		return err
	}
	for _, g := range p.Goals {
		g.ParentGoalID, g.TargetDate, g.ProgressPercentage = parent, inDays(g.Target), g.Progress
		goal, err := tx.CreateGoal(ctx, g.CreateGoalParams)
		if err != nil {
			return err
		}
		if err := g.plan.create(ctx, tx, &goal.ID); err != nil {
			return err
		}
	}
	return nil
}

// inDays counts from yesterday, when the plan was made: so something is due today.
func inDays(days *int) *time.Time {
	if days == nil {
		return nil
	}
	return new(time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, *days-1).Add(17 * time.Hour))
}
