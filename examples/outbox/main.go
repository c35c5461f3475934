// Outbox is a service that sends a message when a task or a goal is completed: triggers of its own write an outbox, and a consumer
// delivers it. docs/reacting.md explains it.
//
//	go run ./examples/outbox
//
// It uses the PostgreSQL server that DATABASE_URL names, whose role may create databases and roles, or starts one of its own. What
// it makes it removes at the end.
package main

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

//go:embed migrations/*.sql
var files embed.FS

//go:embed grants.sql
var grants string

// migrations has the service's migrations at its top, as tern wants them.
func migrations() fs.FS {
	top, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // a path that is not valid
	}
	return top
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal("outbox: ", err)
	}
}

// run completes the last tasks under four levels of goals, and prints what is delivered.
func run(ctx context.Context, out io.Writer) (err error) {
	server, err := bizydbtest.Start(ctx, bizydbtest.Options{DSNVars: []string{"DATABASE_URL"}, Logf: log.Printf})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	db, err := server.NewDatabase(ctx, bizydbtest.WithMigrations(migrations()), bizydbtest.WithOptions(bizydb.StrictOpen()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Drop(context.WithoutCancel(ctx))) }()
	login, drop, err := newLogin(ctx, db.AdminDSN)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()

	ada, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", NoPassword: true})
	if err != nil {
		return err
	}
	scope := db.As(ada.ID)
	var parent *planner.GoalID
	for _, title := range []string{"Open the shop", "Find a place", "Sign the lease", "Agree on the rent"} {
		goal, err := scope.CreateGoal(ctx, planner.CreateGoalParams{Title: title, ParentGoalID: parent})
		if err != nil {
			return err
		}
		parent = &goal.ID
	}
	tasks, err := scope.CreateTasks(ctx, planner.CreateTasksParams{{Title: "Call the owner", ParentGoalID: parent}, {Title: "Write it down", ParentGoalID: parent}})
	if err != nil {
		return err
	}
	if _, err := scope.SetTaskStatuses(ctx, planner.SetTaskStatusesParams{IDs: tasks, Status: planner.TaskCompleted}); err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	left := 6 // two tasks, four goals
	consumer := Consumer{Conn: login, Poll: 100 * time.Millisecond, Deliver: func(ctx context.Context, e Event) error {
		fmt.Fprintf(out, "to user %d: %s: %s\n", e.UserID, e.Kind, e.Payload)
		if left--; left == 0 {
			cancel()
		}
		return nil
	}}
	consumer.Run(ctx)
	if left > 0 {
		return fmt.Errorf("%d events are not delivered: %w", left, ctx.Err())
	}
	return nil
}

// newLogin makes a login for a consumer by grants.sql, with a name of its own. The function that it returns drops it.
func newLogin(ctx context.Context, adminDSN string) (*pgx.ConnConfig, func() error, error) {
	config, err := pgx.ParseConfig(adminDSN)
	if err != nil {
		return nil, nil, err
	}
	name, password := "outbox_"+strings.ToLower(rand.Text()), rand.Text()
	exec := func(ctx context.Context, sql string) error {
		conn, err := pgx.Connect(ctx, adminDSN)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		_, err = conn.Exec(ctx, sql)
		return err
	}
	sql := strings.NewReplacer("planner_outbox", name, "secret", password).Replace(grants)
	if err := exec(ctx, sql+fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", config.Database, name)); err != nil {
		return nil, nil, err
	}
	config.User, config.Password = name, password
	return config, func() error {
		return exec(context.WithoutCancel(ctx), fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", name))
	}, nil
}
