package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func ExampleAccounts_ChangePassword() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	if err := db.Accounts().SetPassword(ctx, userID, bizydb.NewPassword("correct horse")); err != nil {
		log.Fatal(err)
	}

	err := db.Accounts().ChangePassword(ctx, userID, bizydb.NewPassword("wrong horse"), bizydb.NewPassword("battery staple"))
	fmt.Println(errors.Is(err, bizydb.ErrInvalidCredentials))
	err = db.Accounts().ChangePassword(ctx, userID, bizydb.NewPassword("correct horse"), bizydb.NewPassword("short"))
	fmt.Println(err)
	err = db.Accounts().ChangePassword(ctx, userID, bizydb.NewPassword("correct horse"), bizydb.NewPassword("battery staple"))
	fmt.Println(err)
	// Output:
	// true
	// bizydb: ChangePassword: users.password must have at least 8 characters
	// <nil>
}

// A link by mail resets a password. The service signs the values of the link, and checks the signature and the age.
func ExampleAccounts_ResetPassword() {
	ctx := context.Background()
	db, _, drop := exampleUser(ctx)
	defer drop()

	user, err := db.Accounts().FindByLogin(ctx, "ada") // asks for a link
	if err != nil {
		log.Fatal(err)
	}
	link := bizydb.ResetPasswordParams{ID: user.ID, Email: user.Email, ChangedAt: user.PasswordChangedAt}

	link.Password = bizydb.NewPassword("battery staple") // from the form behind the link
	fmt.Println(db.Accounts().ResetPassword(ctx, link))
	fmt.Println(errors.Is(db.Accounts().ResetPassword(ctx, link), bizydb.ErrInvalidCredentials)) // a link works once
	// Output:
	// <nil>
	// true
}

// The password is hashed before the transaction begins, so that no connection waits for the hash.
func ExampleAccounts_HashPassword() {
	ctx := context.Background()
	db, drop := newExample(ctx)
	defer drop()

	hash, err := db.Accounts().HashPassword(ctx, bizydb.NewPassword("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	err = pgx.BeginFunc(ctx, db.Pool(), func(tx pgx.Tx) error {
		_, err := db.Accounts().WithTx(tx).Register(ctx, bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", Password: hash})
		return err // the service's own statements come here, too
	})
	if err != nil {
		log.Fatal(err)
	}
	user, err := db.Accounts().Authenticate(ctx, "ada", bizydb.NewPassword("correct horse"))
	fmt.Println(user.Username, err)
	// Output: ada <nil>
}

func ExampleAccounts_MarkEmailVerified() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()

	// The id and the address are from the signed link that was sent to the address.
	user, err := db.Accounts().MarkEmailVerified(ctx, userID, "ada@example.org")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.IsVerified)

	user, err = db.Accounts().ChangeEmail(ctx, userID, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.IsVerified)
	_, err = db.Accounts().MarkEmailVerified(ctx, userID, "ada@example.org") // the old link
	fmt.Println(errors.Is(err, bizydb.ErrNotFound))
	// Output:
	// true
	// false
	// true
}

func ExampleAccounts_Deactivate() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	ada := db.As(userID)

	if _, err := db.Accounts().Deactivate(ctx, userID); err != nil {
		log.Fatal(err)
	}
	_, err := ada.CountTasks(ctx, planner.PageTasksParams{})
	fmt.Println(errors.Is(err, bizydb.ErrNoUser))

	if _, err := db.Accounts().Reactivate(ctx, userID); err != nil {
		log.Fatal(err)
	}
	n, err := ada.CountTasks(ctx, planner.PageTasksParams{})
	fmt.Println(n, err)
	// Output:
	// true
	// 0 <nil>
}

func ExampleAccounts_Delete() {
	ctx := context.Background()
	db, userID, drop := exampleUser(ctx)
	defer drop()
	if _, err := db.As(userID).CreateTasks(ctx, planner.CreateTasksParams{{Title: "Order chairs"}, {Title: "Sign the lease"}}); err != nil {
		log.Fatal(err)
	}

	deleted, err := db.Accounts().Delete(ctx, userID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(deleted.Goals, "goals,", deleted.Tasks, "tasks")
	_, err = db.Accounts().Get(ctx, userID)
	fmt.Println(errors.Is(err, bizydb.ErrNotFound))
	// Output:
	// 0 goals, 2 tasks
	// true
}

func ExampleAccounts_List() {
	ctx := context.Background()
	db, _, drop := exampleUser(ctx)
	defer drop()

	page := bizydb.ListUsersParams{Active: new(true), Verified: new(false), Limit: 100}
	for {
		users, err := db.Accounts().List(ctx, page)
		if err != nil {
			log.Fatal(err)
		}
		for _, user := range users {
			fmt.Println(user.Username, time.Since(user.CreatedAt) < time.Hour)
			page.After = user.ID
		}
		if len(users) < page.Limit {
			break
		}
	}
	// Output: ada true
}
