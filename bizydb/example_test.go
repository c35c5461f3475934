package bizydb_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
	"github.com/bizy-ai/bizydb/schema"
)

// The guide and the other pages of docs show these functions. A test holds them together.

func Example() {
	ctx := context.Background()
	dsn, drop := exampleDatabase(ctx)
	defer drop()

	db, err := bizydb.Open(ctx, dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse"),
	})
	if err != nil {
		log.Fatal(err)
	}

	ada := db.As(user.ID) // a value; holds no connection
	goal, err := ada.CreateGoal(ctx, planner.CreateGoalParams{
		Title: "Open the shop", Horizon: new(planner.Quarterly),
	})
	if err != nil {
		log.Fatal(err)
	}
	task, err := ada.CreateTask(ctx, planner.CreateTaskParams{
		Title: "Sign the lease", ParentGoalID: &goal.ID, Priority: new(1), Tags: planner.Tags{"legal"},
	})
	if err != nil {
		log.Fatal(err)
	}
	urgent, err := ada.ListTasks(ctx, planner.ListTasksParams{Statuses: planner.TaskStatuses{planner.TaskPending}, Limit: 20})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(urgent), urgent[0].Title)

	other, err := db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "bob@example.org", Username: "bob", Password: bizydb.NewPassword("battery staple"),
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = db.As(other.ID).GetTask(ctx, task.ID)
	fmt.Println(errors.Is(err, bizydb.ErrNotFound))
	// Output:
	// 1 Sign the lease
	// true
}

func ExampleAccounts_Register() {
	ctx := context.Background()
	db, drop := newExample(ctx)
	defer drop()

	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "Ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse"), FullName: new("Ada L."),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Email, user.IsActive, user.IsVerified)

	_, err = db.Accounts().Register(ctx, bizydb.RegisterParams{
		Email: "ada@EXAMPLE.org", Username: "ada2", Password: bizydb.NewPassword("correct horse"),
	})
	fmt.Println(errors.Is(err, bizydb.ErrEmailTaken))
	// Output:
	// Ada@example.org true false
	// true
}

func ExampleAccounts_Authenticate() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()

	if err := db.Accounts().SetPassword(ctx, userID, bizydb.NewPassword("correct horse")); err != nil {
		log.Fatal(err)
	}
	user, err := db.Accounts().Authenticate(ctx, "ADA@example.org", bizydb.NewPassword("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID == userID, user.LastLoginAt != nil)

	_, err = db.Accounts().Authenticate(ctx, "ada", bizydb.NewPassword("wrong horse"))
	fmt.Println(errors.Is(err, bizydb.ErrInvalidCredentials))
	_, err = db.Accounts().Authenticate(ctx, "nobody", bizydb.NewPassword("wrong horse"))
	fmt.Println(err)
	// Output:
	// true true
	// true
	// bizydb: Authenticate: invalid credentials
}

func ExampleScope_InTx() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)

	err := ada.InTx(ctx, func(tx *bizydb.Tx) error {
		task, err := tx.CreateTask(ctx, planner.CreateTaskParams{Title: "Paint the walls"})
		if err != nil {
			return err
		}
		_, err = tx.UpdateTask(ctx, planner.UpdateTaskParams{
			ID: task.ID, Status: planner.TaskInProgress, ClearDueDate: true,
		})
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}

// Two browsers show a task, and both save it.
func ExampleScope_ifVersion() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	task, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Paint the walls"})
	if err != nil {
		log.Fatal(err)
	}

	save := func(w http.ResponseWriter, r *http.Request) {
		version, err := strconv.ParseInt(strings.Trim(r.Header.Get("If-Match"), `"`), 10, 64)
		if err != nil {
			http.Error(w, "If-Match has to be the ETag of the task", http.StatusPreconditionRequired)
			return
		}
		task, err := ada.UpdateTask(r.Context(), planner.UpdateTaskParams{
			ID: task.ID, Title: new(r.FormValue("title")), IfVersion: &version,
		})
		if errors.Is(err, bizydb.ErrVersionConflict) { // changed since it was read
			http.Error(w, err.Error(), http.StatusPreconditionFailed)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), httpStatus(err))
			return
		}
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, task.Version))
	}

	shown := fmt.Sprintf(`"%d"`, task.Version)
	for _, title := range []string{"Paint+the+walls+white", "Paint+the+walls+green"} {
		request := httptest.NewRequest(http.MethodPut, "/tasks/1?title="+title, nil)
		request.Header.Set("If-Match", shown)
		response := httptest.NewRecorder()
		save(response, request)
		fmt.Println(response.Code, response.Header().Get("ETag"))
	}
	// Output:
	// 200 "2"
	// 412
}

// The owner of the tables is not confined, so a service that logs in as the owner does not start.
func ExampleOpen() {
	ctx := context.Background()
	made, drop := newExample(ctx)
	defer drop()

	_, err := bizydb.Open(ctx, made.AdminDSN)
	fmt.Println(errors.Is(err, bizydb.ErrPrivilegedLogin))

	db, err := bizydb.Open(ctx, made.DSN)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	// Output: true
}

// Behind a pooler that does not know prepared statements, pgx has to use mode exec.
func ExampleOpenConfig() {
	ctx := context.Background()
	dsn, drop := exampleDatabase(ctx)
	defer drop()

	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 8
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	db, err := bizydb.OpenConfig(ctx, config, bizydb.WithBcryptCost(bizydb.MinBcryptCost))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println(db.Pool().Stat().MaxConns())
	// Output: 8
}

// Reads go to two standbys, writes to the primary.
func ExampleWithStandbys() {
	ctx := context.Background()
	const primary, standby1, standby2 = "postgres://planner_service@db1/planner", "postgres://planner_service@db2/planner", "postgres://planner_service@db3/planner"

	db, err := bizydb.Open(ctx, primary, bizydb.WithStandbys(standby1, standby2))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
}

// A cookie takes what the user has seen to another process of the service.
func ExampleToken() {
	var db *bizydb.DB
	http.HandleFunc("GET /first-task", func(w http.ResponseWriter, r *http.Request) {
		if err := showTask(r.Context(), db, 1, 1, w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
}

var process = rand.Text() // names this process among those of the service

func showTask(ctx context.Context, db *bizydb.DB, user bizydb.UserID, id planner.TaskID, w http.ResponseWriter, r *http.Request) error {
	scope := db.As(user)
	for _, cookie := range r.Cookies() {
		if token, err := bizydb.ParseToken(cookie.Value); err == nil && strings.HasPrefix(cookie.Name, "seen-") {
			scope = scope.After(token) // a broken token is no reason to fail
		}
	}
	task, err := scope.GetTask(ctx, id)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: "seen-" + process, Value: scope.Token().String(), Path: "/", MaxAge: 3600, HttpOnly: true, Secure: true})
	return json.NewEncoder(w).Encode(task)
}

// All nodes of a cluster, the primary included. Which of them are standbys changes.
func ExampleWithStandbys_failover() {
	ctx := context.Background()
	primary := "postgres://planner_service:service-secret@127.0.0.1:5000/planner?sslmode=disable&connect_timeout=2"

	const login, settings = "postgres://planner_service:service-secret@", ":5432/planner?sslmode=disable&connect_timeout=2"
	standbys := []string{login + "10.0.0.1" + settings, login + "10.0.0.2" + settings, login + "10.0.0.3" + settings}
	db, err := bizydb.Open(ctx, primary, bizydb.WithStandbys(standbys...))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
}

func ExamplePassword() {
	var form struct{ Password bizydb.Password }
	if err := json.Unmarshal([]byte(`{"Password": "correct horse"}`), &form); err != nil {
		log.Fatal(err)
	}
	fmt.Println(form)
	// Output: {[redacted]}
}

func ExampleScope_createTasks() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)

	ids, err := ada.CreateTasks(ctx, planner.CreateTasksParams{{Title: "Paint the walls"}, {Title: "Order chairs"}})
	fmt.Println(len(ids), err)

	_, err = ada.CreateTasks(ctx, planner.CreateTasksParams{{Title: "Call the bank"}, {Title: "Sign the lease", Priority: new(9)}})
	var field *bizydb.FieldError
	if errors.As(err, &field) {
		fmt.Println(*field.Index, field.Column, field.Reason)
	}
	// Output:
	// 2 <nil>
	// 1 priority must be from 1 (highest) to 5 (lowest)
}

func ExampleScope_streamTasks() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	if _, err := ada.CreateTasks(ctx, planner.CreateTasksParams{{Title: "Order chairs"}, {Title: "Sign the lease", Priority: new(1)}}); err != nil {
		log.Fatal(err)
	}

	for task, err := range ada.StreamTasks(ctx, planner.ListTasksParams{}) { // one in memory at a time
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(task.Priority, task.Title)
	}
	// Output:
	// 1 Sign the lease
	// 3 Order chairs
}

func ExampleScope_Snapshot() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)

	if _, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Order chairs"}); err != nil {
		log.Fatal(err)
	}

	err := ada.Snapshot(ctx, func(tx *bizydb.Tx) error { // both reads see the same tasks, whatever others write meanwhile
		counts, err := tx.TaskCountsByStatus(ctx)
		if err != nil {
			return err
		}
		open, err := tx.OpenTasks(ctx, planner.OpenTasksParams{})
		fmt.Println(counts[0].Tasks, counts[0].Status, len(open), "open")
		return err
	})
	fmt.Println(err)
	// Output:
	// 1 pending 1 open
	// <nil>
}

func ExampleScope_Batch() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	yesterday := time.Now().AddDate(0, 0, -1)
	if _, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Sign the lease", DueDate: &yesterday}); err != nil {
		log.Fatal(err)
	}

	var overdue, today []planner.Task
	var counts []planner.TaskCountsByStatusRow
	err := ada.Batch(ctx,
		func(q bizydb.Reader) (err error) {
			overdue, err = q.OverdueTasks(ctx, planner.OverdueTasksParams{TimeZone: "Europe/Berlin", Limit: 5})
			return err
		},
		func(q bizydb.Reader) (err error) {
			today, err = q.TasksDueToday(ctx, planner.TasksDueTodayParams{TimeZone: "Europe/Berlin", Limit: 20})
			return err
		},
		func(q bizydb.Reader) (err error) { counts, err = q.TaskCountsByStatus(ctx); return err },
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(overdue), "overdue,", len(today), "today,", counts[0].Tasks, counts[0].Status)
	// Output: 1 overdue, 0 today, 1 pending
}

func ExampleScope_DBTX() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	if _, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Paint the walls"}); err != nil {
		log.Fatal(err)
	}

	rows, err := ada.DBTX().Query(ctx, "SELECT title, due_date FROM public.tasks WHERE title ^@ @prefix", pgx.NamedArgs{"prefix": "Paint"})
	if err != nil {
		log.Fatal(err)
	}
	type painting struct {
		Title   string
		DueDate *time.Time
	}
	paintings, err := pgx.CollectRows(rows, pgx.RowToStructByName[painting])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(paintings[0].Title)
	// Output: Paint the walls
}

func ExampleScope_WithTx() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()

	err := pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error {
		// The service's own statements, with its own rights …
		if _, err := tx.Exec(ctx, `SELECT pg_notify('planner', 'task created')`); err != nil {
			return err
		}
		// … and bizydb's, confined to the user, commit together.
		_, err := db.As(userID).WithTx(tx).CreateTask(ctx, planner.CreateTaskParams{Title: "Order chairs"})
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleAccounts_WithTx() {
	ctx := context.Background()
	db, _, drop := exampleUser(ctx)
	defer drop()

	err := pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error {
		user, err := db.Accounts().WithTx(tx).Register(ctx, bizydb.RegisterParams{
			Email: "grace@bücher.example", Username: "grace", NoPassword: true, // she signs in by OpenID Connect
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT pg_notify('welcome', $1)`, user.Email) // delivered when the transaction commits
		return err
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleScope_progress() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	shop, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		log.Fatal(err)
	}
	rooms, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Get the rooms ready", ParentGoalID: &shop.ID})
	if err != nil {
		log.Fatal(err)
	}
	var tasks []planner.Task
	for _, title := range []string{"Sign the lease", "Paint the walls", "Put up the shelves"} {
		task, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: title, ParentGoalID: &rooms.ID})
		if err != nil {
			log.Fatal(err)
		}
		tasks = append(tasks, task)
	}

	_, err = ada.CompleteTask(ctx, planner.CompleteTaskParams{ID: tasks[0].ID, ActualHours: new(1.5)})
	if err != nil {
		log.Fatal(err)
	}
	tree, err := ada.GoalTree(ctx, shop.ID) // 0 for all
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range tree {
		fmt.Printf("%*s%s: %g %%, %d tasks pending\n", 2*row.Depth, "", row.Goal.Title, row.Goal.ProgressPercentage, row.Pending)
	}
	// Output:
	// Open the shop: 33.33 %, 0 tasks pending
	//   Get the rooms ready: 33.33 %, 2 tasks pending
}

func ExampleScope_pageTasks() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	_, err := ada.CreateTasks(ctx, planner.CreateTasksParams{
		{Title: "Sign the lease", Priority: new(1), Tags: planner.Tags{"legal"}},
		{Title: "Register the firm", Priority: new(2), Tags: planner.Tags{"legal", "urgent"}},
		{Title: "Paint the walls"},
		{Title: "Insure the shop", Tags: planner.Tags{"legal"}},
	})
	if err != nil {
		log.Fatal(err)
	}

	page, err := ada.PageTasks(ctx, planner.PageTasksParams{
		Statuses: planner.TaskStatuses{planner.TaskPending}, AnyTag: planner.Tags{"legal"}, Size: 2, WithTotal: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, task := range page.Tasks {
		fmt.Println(task.Title)
	}
	fmt.Println(page.Total, "in all, more:", page.Next != "") // pass page.Next as Cursor to get the next page

	for task, err := range ada.StreamTasks(ctx, planner.ListTasksParams{}) { // all of them, one in memory at a time
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(task.Priority, task.Title)
	}
	// Output:
	// Sign the lease
	// Register the firm
	// 3 in all, more: true
	// 1 Sign the lease
	// 2 Register the firm
	// 3 Insure the shop
	// 3 Paint the walls
}

func ExampleScope_pageGoals() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	for title, percentage := range map[string]float64{"Open the shop": 60, "Learn Greek": 10, "Run a marathon": 35} {
		if _, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: title, ProgressPercentage: &percentage}); err != nil {
			log.Fatal(err)
		}
	}

	current := planner.PageGoalsParams{
		Statuses: planner.GoalStatuses{planner.GoalActive, planner.GoalOnHold}, SkipUnderClosed: true, Order: planner.GoalsByProgress, Size: 2,
	}
	for {
		page, err := ada.PageGoals(ctx, current)
		if err != nil {
			log.Fatal(err)
		}
		for _, goal := range page.Goals {
			fmt.Println(goal.ProgressPercentage, goal.Title)
		}
		if page.Next == "" {
			break
		}
		fmt.Println("next page")
		current.Cursor = page.Next
	}
	n, err := ada.CountGoals(ctx, current)
	fmt.Println(n, "in all", err)
	// Output:
	// 60 Open the shop
	// 35 Run a marathon
	// next page
	// 10 Learn Greek
	// 3 in all <nil>
}

func ExampleScope_dependencies() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)
	goal, err := ada.CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		log.Fatal(err)
	}
	ids, err := ada.CreateTasks(ctx, planner.CreateTasksParams{
		{Title: "Open the doors", ParentGoalID: &goal.ID, EstimatedHours: new(1.0)},
		{Title: "Paint the walls", ParentGoalID: &goal.ID, EstimatedHours: new(12.0)},
		{Title: "Order chairs", ParentGoalID: &goal.ID, EstimatedHours: new(2.0)},
	})
	if err != nil {
		log.Fatal(err)
	}

	_, err = ada.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: ids[0], Dependencies: ids[1:]})
	if err != nil {
		log.Fatal(err)
	}
	ready, err := ada.ReadyTasks(ctx, planner.ReadyTasksParams{Limit: 20})
	if err != nil {
		log.Fatal(err)
	}
	path, err := ada.CriticalPath(ctx, goal.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(ready), "can be begun, the rest takes", path.Hours, "hours")

	_, err = ada.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: ids[1], Dependencies: ids[:1]})
	fmt.Println(errors.Is(err, bizydb.ErrDependencyCycle))
	// Output:
	// 2 can be begun, the rest takes 13 hours
	// true
}

func ExampleFieldError() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)

	_, err := ada.CreateTask(ctx, planner.CreateTaskParams{Title: "Call the bank", Priority: new(9)})
	var field *bizydb.FieldError
	if errors.As(err, &field) {
		fmt.Println(field.Column, field.Reason)
	}
	fmt.Println(errors.Is(err, bizydb.ErrInvalid))
	// Output:
	// priority must be from 1 (highest) to 5 (lowest)
	// true
}

func httpStatus(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, bizydb.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, bizydb.ErrInvalid), errors.Is(err, bizydb.ErrUnknownReference):
		return http.StatusUnprocessableEntity // with Column, Index and Reason of the FieldError
	case errors.Is(err, bizydb.ErrConflict):
		return http.StatusConflict // 412 for ErrVersionConflict, if the version came in If-Match
	case errors.Is(err, bizydb.ErrChangesExpired):
		return http.StatusGone
	case errors.Is(err, bizydb.ErrNoUser), errors.Is(err, bizydb.ErrInvalidCredentials):
		return http.StatusUnauthorized
	case errors.Is(err, bizydb.ErrContention), errors.Is(err, bizydb.ErrPoolExhausted),
		errors.Is(err, bizydb.ErrUnavailable), errors.Is(err, bizydb.ErrConnect):
		return http.StatusServiceUnavailable // with Retry-After
	case errors.Is(err, bizydb.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return 499 // nobody reads it
	default:
		return http.StatusInternalServerError
	}
}

func ExampleDB_Reporting() {
	ctx := context.Background()
	db, drop := newExample(ctx, bizydbtest.WithReporting())
	defer drop()
	for _, name := range []string{"ada", "bob"} {
		user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: name + "@example.org", Username: name, NoPassword: true})
		if err == nil {
			_, err = db.As(user.ID).CreateTasks(ctx, planner.CreateTasksParams{{Title: "Call the bank"}, {Title: "Pay", Status: planner.TaskCompleted}})
		}
		if err != nil {
			log.Fatal(err)
		}
	}

	rows, err := db.Reporting().DBTX().Query(ctx, `
		SELECT p.email, count(t.id) FILTER (WHERE t.status <> 'completed')
		FROM bizydb.profiles p LEFT JOIN public.tasks t ON t.user_id = p.id
		GROUP BY p.email ORDER BY p.email`)
	if err != nil {
		log.Fatal(err)
	}
	var email string
	var open int
	_, err = pgx.ForEachRow(rows, []any{&email, &open}, func() error { // as the rows come
		_, err := fmt.Println(email, open)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ada@example.org 1
	// bob@example.org 1
}

func ExampleScope_changes() {
	ctx := context.Background()
	made, drop := newExample(ctx, tracked, bizydbtest.WithReporting())
	defer drop()
	db := made.DB
	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", Password: bizydb.NewPassword("correct horse")})
	if err != nil {
		log.Fatal(err)
	}
	ada := db.As(user.ID)
	created, err := ada.CreateTasks(ctx, planner.CreateTasksParams{{Title: "Call the bank"}, {Title: "Sign the lease"}, {Title: "Paint the walls"}})
	if err != nil {
		log.Fatal(err)
	}

	// What the client keeps.
	goals, tasks := map[planner.GoalID]planner.Goal{}, map[planner.TaskID]planner.Task{}
	var cursor planner.ChangesCursor
	sync := func() {
		for more := true; more; {
			page, err := ada.Changes(ctx, planner.ChangesParams{Since: cursor, Limit: 100})
			if errors.Is(err, bizydb.ErrChangesExpired) {
				cursor = ""
				clear(goals)
				clear(tasks)
				continue
			}
			if err != nil {
				log.Fatal(err)
			}
			for _, change := range page.Changes {
				switch {
				case change.Goal != nil:
					goals[change.Goal.ID] = *change.Goal
				case change.Task != nil:
					tasks[change.Task.ID] = *change.Task
				case change.DeletedGoal != 0:
					delete(goals, change.DeletedGoal)
				default:
					delete(tasks, change.DeletedTask)
				}
			}
			cursor, more = page.Next, page.More // keep the cursor with the copy
		}
	}
	sync()
	fmt.Println(len(tasks), "tasks at first")
	if _, err := ada.CompleteTask(ctx, planner.CompleteTaskParams{ID: created[0]}); err != nil {
		log.Fatal(err)
	}
	if _, err := ada.DeleteTask(ctx, created[1]); err != nil {
		log.Fatal(err)
	}
	sync()
	fmt.Println(len(tasks), "tasks now, the first is", tasks[created[0]].Status)

	// What a service keeps, which asks whose changes there are.
	reports := db // a service opens it with another login
	var since bizydb.ChangedUsersCursor
	index := func(context.Context, bizydb.Scope) error { return nil }
	serve := func() {
		for more := true; more; {
			page, err := reports.Reporting().ChangedUsers(ctx, bizydb.ChangedUsersParams{Since: since})
			if err != nil {
				log.Fatal(err)
			}
			for _, user := range page.Users {
				if err := index(ctx, db.As(user).OnPrimary()); err != nil && !errors.Is(err, bizydb.ErrNoUser) {
					log.Fatal(err)
				}
			}
			since, more = page.Next, page.More // keep the cursor with the index
		}
	}
	serve()
	// Output:
	// 3 tasks at first
	// 2 tasks now, the first is completed
}

func Example_errors() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)

	_, err := ada.GetTask(ctx, 7)
	fmt.Println(httpStatus(err), err)
	_, err = ada.CreateTasks(ctx, planner.CreateTasksParams{{Title: "Call the bank"}, {Title: "Pay", ParentGoalID: new(planner.GoalID(7))}})
	fmt.Println(httpStatus(err), err)
	// Output:
	// 404 bizydb: GetTask: not found: no rows in result set
	// 422 bizydb: CreateTasks: tasks[1].parent_goal_id must be an existing goal
}

// migrate is what a service does when it starts, as the owner of the tables.
func migrate(ctx context.Context, ownerDSN string) error {
	conn, err := pgx.Connect(ctx, ownerDSN)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return schema.Migrate(ctx, conn)
}

// exampleDatabase makes a database as a test would.
func exampleDatabase(ctx context.Context) (dsn string, drop func()) {
	db, drop := newExample(ctx)
	return db.DSN, drop
}

// exampleUser makes a database with a user in it, who has no password.
func exampleUser(ctx context.Context) (*bizydb.DB, bizydb.UserID, func()) {
	db, drop := newExample(ctx)
	user, err := db.Accounts().Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", NoPassword: true})
	if err != nil {
		log.Fatal(err)
	}
	return db.DB, user.ID, drop
}

func newExample(ctx context.Context, opts ...bizydbtest.Option) (*bizydbtest.Database, func()) {
	db, drop := testdb.Example(ctx, opts...)
	if err := migrate(ctx, db.AdminDSN); err != nil { // which has nothing to do
		log.Fatal(err)
	}
	return db, drop
}

func ExampleScope_trash() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	alice := db.As(userID)
	made, err := alice.CreateGoal(ctx, planner.CreateGoalParams{Title: "Move house"})
	if err != nil {
		log.Fatal(err)
	}
	goal := made.ID
	task, err := alice.CreateTask(ctx, planner.CreateTaskParams{Title: "Pack", ParentGoalID: &goal})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := alice.DeleteTask(ctx, task.ID); err != nil {
		log.Fatal(err)
	}

	deleted, err := alice.DeletedTasks(ctx, planner.DeletedTasksParams{Limit: 20}) // the last deleted first
	if err != nil {
		log.Fatal(err)
	}
	restored, err := alice.RestoreTask(ctx, deleted[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	for _, link := range restored.LeftOut {
		log.Printf("not linked again: %+v", link)
	}
	fmt.Println(restored.Task.Title, *restored.Task.ParentGoalID == goal)

	// A goal with all that is under it goes, and comes back, as one.
	err = alice.InTx(ctx, func(tx *bizydb.Tx) error {
		tasks, err := tx.GoalTasks(ctx, goal)
		if err != nil {
			return err
		}
		var ids planner.TaskIDs
		for _, task := range tasks {
			ids = append(ids, task.ID)
		}
		if _, err := tx.DeleteTasks(ctx, ids); err != nil {
			return err
		}
		tree, err := tx.GoalTree(ctx, goal)
		if err != nil {
			return err
		}
		for _, row := range tree {
			if _, err := tx.DeleteGoal(ctx, row.Goal.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	all, err := alice.RestoreGoal(ctx, planner.RestoreGoalParams{ID: goal, Together: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(all.Goal.Title, len(all.Goals), len(all.Tasks), len(all.LeftOut))

	forgotten, err := db.Accounts().ForgetDeleted(ctx, 30*24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(forgotten)
	// Output:
	// Pack true
	// Move house 1 1 0
	// {0 0}
}
