package userdata_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// docs/operations.md shows the functions of this file. A test in package bizydb holds the two together.

func Example() {
	ctx := context.Background()
	db, ada, bob, file, cleanUp := exampleUsers(ctx)
	defer cleanUp()

	if _, err := userdata.Export(ctx, db.As(ada), file); err != nil {
		log.Fatal(err)
	}

	if _, err := file.Seek(0, io.SeekStart); err != nil {
		log.Fatal(err)
	}
	imported, err := userdata.Import(ctx, db.As(bob), file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(imported.Goals, "goal and", imported.Tasks, "tasks of", imported.Profile.Username)
	// Output:
	// 1 goal and 2 tasks of ada
}

func ExampleExport() {
	ctx := context.Background()
	db, ada, _, _, cleanUp := exampleUsers(ctx)
	defer cleanUp()
	recorder := httptest.NewRecorder()
	download(recorder, httptest.NewRequest(http.MethodGet, "/my-data", nil), db.As(ada))
	fmt.Println(recorder.Body.String()[:37])
	// Output:
	// {"format":"bizydb.userdata","version"
}

// The service's own rows come from the same transaction, and get the new ids of the tasks that they belong to.
func ExampleImportTx() {
	ctx := context.Background()
	db, ada, bob, file, cleanUp := exampleUsers(ctx)
	defer cleanUp()

	var tasks []planner.TaskID // what the service exports beside the document: here the tasks that it marks
	err := db.As(ada).Snapshot(ctx, func(tx *bizydb.Tx) error {
		if _, err := userdata.ExportTx(ctx, tx, file); err != nil {
			return err
		}
		listed, err := tx.ListTasks(ctx, planner.ListTasksParams{})
		for _, task := range listed {
			tasks = append(tasks, task.ID)
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	err = db.As(bob).InTx(ctx, func(tx *bizydb.Tx) error {
		if _, err := file.Seek(0, io.SeekStart); err != nil { // from the beginning, if the transaction is retried
			return err
		}
		imported, err := userdata.ImportTx(ctx, tx, file)
		if err != nil {
			return err
		}
		for _, old := range tasks {
			task, _ := imported.IDs.Task(old)
			if _, err := tx.AddTags(ctx, planner.AddTagsParams{ID: task, Tags: planner.Tags{"moved"}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	moved, err := db.As(bob).TaggedTasks(ctx, planner.TaggedTasksParams{AnyTag: planner.Tags{"moved"}})
	fmt.Println(len(moved), "tasks moved", err)
	// Output: 2 tasks moved <nil>
}

func download(w http.ResponseWriter, r *http.Request, scope bizydb.Scope) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="my-data.json"`)
	if _, err := userdata.Export(r.Context(), scope, w); err != nil {
		log.Print(err)
		panic(http.ErrAbortHandler) // the client sees that the response is cut off
	}
}

// exampleUsers makes two users, the first with a goal and two tasks, and an empty file.
func exampleUsers(ctx context.Context) (db *bizydb.DB, first, second bizydb.UserID, file *os.File, cleanUp func()) {
	database, drop := testdb.Example(ctx)
	var users [2]bizydb.UserID
	for i, name := range []string{"ada", "bob"} {
		user, err := database.Accounts().Register(ctx, bizydb.RegisterParams{
			Email: name + "@example.org", Username: name, Password: bizydb.NewPassword("correct horse"),
		})
		if err != nil {
			log.Fatal(err)
		}
		users[i] = user.ID
	}
	goal, err := database.As(users[0]).CreateGoal(ctx, planner.CreateGoalParams{Title: "Open the shop"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := database.As(users[0]).CreateTasks(ctx, planner.CreateTasksParams{{Title: "Sign the lease", ParentGoalID: &goal.ID}, {Title: "Call"}}); err != nil {
		log.Fatal(err)
	}
	if file, err = os.CreateTemp("", ""); err != nil {
		log.Fatal(err)
	}
	return database.DB, users[0], users[1], file, func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
		drop()
	}
}
