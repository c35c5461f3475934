package bizydb_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// Two numbers for a page of an administrator, in one round trip.
func ExampleReporting_Batch() {
	ctx := context.Background()
	db, drop := exampleReports(ctx)
	defer drop()

	var users, tasks int
	err := db.Reporting().Batch(ctx,
		func(db bizydb.DBTX) error {
			return db.QueryRow(ctx, "SELECT count(*) FROM bizydb.profiles WHERE is_active").Scan(&users)
		},
		func(db bizydb.DBTX) error {
			return db.QueryRow(ctx, "SELECT count(*) FROM public.tasks").Scan(&tasks)
		},
	)
	fmt.Println(users, "users,", tasks, "tasks", err)
	// Output: 2 users, 3 tasks <nil>
}

func ExampleReporting_Snapshot() {
	ctx := context.Background()
	db, drop := exampleReports(ctx)
	defer drop()

	err := db.Reporting().Snapshot(ctx, func(db bizydb.DBTX) error {
		var total, most int // both statements see the same tasks, whatever others write meanwhile
		if err := db.QueryRow(ctx, "SELECT count(*) FROM public.tasks").Scan(&total); err != nil {
			return err
		}
		err := db.QueryRow(ctx, "SELECT count(*) FROM public.tasks GROUP BY user_id ORDER BY 1 DESC LIMIT 1").Scan(&most)
		fmt.Printf("the busiest user has %d of %d tasks\n", most, total)
		return err
	})
	fmt.Println(err)
	// Output:
	// the busiest user has 2 of 3 tasks
	// <nil>
}

// One transaction reads all users' tasks and passes the result on.
func ExampleReporting_WithTx() {
	ctx := context.Background()
	db, drop := exampleReports(ctx)
	defer drop()

	err := pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error {
		var open int
		err := db.Reporting().WithTx(tx).QueryRow(ctx, "SELECT count(*) FROM public.tasks WHERE status <> 'completed'").Scan(&open)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "SELECT pg_notify('open_tasks', $1::int::text)", open) // a statement of the service's own
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}

// exampleReports makes a database whose login may run reports, with two users and three tasks.
func exampleReports(ctx context.Context) (*bizydb.DB, func()) {
	db, drop := newExample(ctx, bizydbtest.WithReporting())
	for name, titles := range map[string][]string{"ada": {"Order chairs", "Sign the lease"}, "bob": {"Pay the rent"}} {
		user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: name + "@example.org", Username: name, NoPassword: true})
		if err != nil {
			log.Fatal(err)
		}
		for _, title := range titles {
			if _, err := db.As(user.ID).CreateTask(ctx, planner.CreateTaskParams{Title: title}); err != nil {
				log.Fatal(err)
			}
		}
	}
	return db.DB, drop
}
