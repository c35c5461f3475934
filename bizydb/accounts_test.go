package bizydb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for _, mode := range execModes {
		db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
		name := "Alice." + mode.String()
		user, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{
			Email: name + "@Example.org", Username: name, Password: "correct horse", FullName: new("Alice A."),
		})
		if err != nil {
			t.Fatal(err)
		}
		if user.ID <= 0 || user.Email != name+"@Example.org" || user.Username != name || *user.FullName != "Alice A." ||
			!user.IsActive || user.IsVerified || user.IsSuperuser || user.LastLoginAt != nil || user.EmailVerifiedAt != nil {
			t.Errorf("%v: %+v", mode, user)
		}
		if user.CreatedAt.Location() != time.UTC {
			t.Errorf("%v is not in UTC", user.CreatedAt)
		}
		hash := ownerQuery[string](t, made, "SELECT hashed_password FROM public.users WHERE id = $1", user.ID)
		if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != 12 || bcrypt.CompareHashAndPassword([]byte(hash), []byte("correct horse")) != nil {
			t.Errorf("hash of cost %d, %v", cost, err)
		}
		if text := fmt.Sprintf("%+v", user); strings.Contains(text, "$2a$") {
			t.Errorf("the hash got out: %s", text)
		}
		// The user can work at once.
		if _, err := db.As(user.ID).CreateTask(t.Context(), planner.CreateTaskParams{Title: "first"}); err != nil {
			t.Error(err)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	base := bizydb.RegisterParams{Email: "alice@example.org", Username: "alice", Password: "correct horse"}
	if _, err := db.Accounts().Register(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*bizydb.RegisterParams)
		want   error
		column string
	}{
		"taken email":    {func(p *bizydb.RegisterParams) { p.Email, p.Username = "ALICE@example.org", "bob" }, bizydb.ErrEmailTaken, "email"},
		"taken username": {func(p *bizydb.RegisterParams) { p.Email, p.Username = "bob@example.org", "aLICE" }, bizydb.ErrUsernameTaken, "username"},
		"no email":       {func(p *bizydb.RegisterParams) { p.Email = "" }, bizydb.ErrInvalid, "email"},
		"long username":  {func(p *bizydb.RegisterParams) { p.Username = strings.Repeat("a", 101) }, bizydb.ErrInvalid, "username"},
		"short password": {func(p *bizydb.RegisterParams) { p.Password = "hunter2" }, bizydb.ErrInvalid, "password"},
		"long password":  {func(p *bizydb.RegisterParams) { p.Password = strings.Repeat("hunter2", 11) }, bizydb.ErrInvalid, "password"},
		"longest name":   {func(p *bizydb.RegisterParams) { p.FullName = new(strings.Repeat("a", 201)) }, bizydb.ErrInvalid, "full_name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := base
			c.change(&p)
			_, err := db.Accounts().Register(t.Context(), p)
			var fieldErr *bizydb.FieldError
			if !errors.Is(err, c.want) || !errors.As(err, &fieldErr) || fieldErr.Column != c.column {
				t.Errorf("%v, want %v for %s", err, c.want, c.column)
			}
			if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, p.Password) || strings.Contains(text, "$2a$") {
				t.Errorf("the password got out: %s", text)
			}
		})
	}
}
