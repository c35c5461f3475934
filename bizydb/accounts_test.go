package bizydb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/internal/inspected"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var (
	password = bizydb.NewPassword("correct horse")
	wrong    = bizydb.NewPassword("wrong horse")
)

// openCheap opens db once more, with the cheapest hashes there are.
func openCheap(t testing.TB, db *bizydbtest.Database) *bizydb.Accounts {
	t.Helper()
	cheap, err := bizydb.Open(inspected.Before(t.Context()), db.DSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cheap.Close)
	bizydb.SetBcryptCost(cheap.Accounts(), bcrypt.MinCost)
	return cheap.Accounts()
}

func register(t testing.TB, accounts *bizydb.Accounts, name string) bizydb.User {
	t.Helper()
	user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: name + "@Example.org", Username: name, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestRegister(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for i, mode := range execModes(t) {
		db := open(t, made.DSN, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
		name := fmt.Sprint("Alice.", i)
		user, err := db.Accounts().Register(t.Context(), bizydb.RegisterParams{
			Email: " " + name + "@Example.org\n", Username: "\t" + name, Password: password, FullName: new(" Alice Ä. "),
		})
		if err != nil {
			t.Fatal(err)
		}
		if user.ID <= 0 || user.Email != name+"@Example.org" || user.Username != name || !is(user.FullName, "Alice Ä.") ||
			!user.IsActive || user.IsVerified || user.IsSuperuser || user.LastLoginAt != nil || user.EmailVerifiedAt != nil {
			t.Errorf("%v: %+v", mode, user)
		}
		if user.CreatedAt.Location() != time.UTC {
			t.Errorf("%v is not in UTC", user.CreatedAt)
		}
		hash := ownerQuery[string](t, made, "SELECT hashed_password FROM public.users WHERE id = $1", user.ID)
		if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != 12 || bcrypt.CompareHashAndPassword([]byte(hash), []byte(password.Reveal())) != nil {
			t.Errorf("hash of cost %d, %v", cost, err)
		}
		// The user can work at once.
		if _, err := db.As(user.ID).CreateTask(t.Context(), planner.CreateTaskParams{Title: "first"}); err != nil {
			t.Error(err)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	register(t, accounts, "alice")
	for name, c := range map[string]struct {
		change func(*bizydb.RegisterParams)
		want   error
		column string
	}{
		"taken email":       {func(p *bizydb.RegisterParams) { p.Email = "ALICE@example.ORG" }, bizydb.ErrEmailTaken, "email"},
		"taken username":    {func(p *bizydb.RegisterParams) { p.Username = "aLICE" }, bizydb.ErrUsernameTaken, "username"},
		"no email":          {func(p *bizydb.RegisterParams) { p.Email = "" }, bizydb.ErrInvalid, "email"},
		"no address":        {func(p *bizydb.RegisterParams) { p.Email = "bob" }, bizydb.ErrInvalid, "email"},
		"name and address":  {func(p *bizydb.RegisterParams) { p.Email = "Bob <bob@example.org>" }, bizydb.ErrInvalid, "email"},
		"long email":        {func(p *bizydb.RegisterParams) { p.Email = strings.Repeat("b", 250) + "@x.org" }, bizydb.ErrInvalid, "email"},
		"no username":       {func(p *bizydb.RegisterParams) { p.Username = " " }, bizydb.ErrInvalid, "username"},
		"address as name":   {func(p *bizydb.RegisterParams) { p.Username = "alice@example.org" }, bizydb.ErrInvalid, "username"},
		"long username":     {func(p *bizydb.RegisterParams) { p.Username = strings.Repeat("a", 101) }, bizydb.ErrInvalid, "username"},
		"no password":       {func(p *bizydb.RegisterParams) { p.Password = bizydb.NewPassword("") }, bizydb.ErrInvalid, "password"},
		"short password":    {func(p *bizydb.RegisterParams) { p.Password = bizydb.NewPassword("hunter2") }, bizydb.ErrInvalid, "password"},
		"seven characters":  {func(p *bizydb.RegisterParams) { p.Password = bizydb.NewPassword("ünïcödé") }, bizydb.ErrInvalid, "password"},
		"zero byte":         {func(p *bizydb.RegisterParams) { p.Password = bizydb.NewPassword("correct\x00horse") }, bizydb.ErrInvalid, "password"},
		"printed":           {func(p *bizydb.RegisterParams) { p.Password = throughJSON(t, p.Password) }, bizydb.ErrInvalid, "password"},
		"long password":     {func(p *bizydb.RegisterParams) { p.Password = bizydb.NewPassword(strings.Repeat("ü", 37)) }, bizydb.ErrInvalid, "password"},
		"longest full name": {func(p *bizydb.RegisterParams) { p.FullName = new(strings.Repeat("a", 201)) }, bizydb.ErrInvalid, "full_name"},
	} {
		p := bizydb.RegisterParams{Email: "bob@example.org", Username: "bob", Password: password}
		c.change(&p)
		_, err := accounts.Register(t.Context(), p)
		var fieldErr *bizydb.FieldError
		if !errors.Is(err, c.want) || !errors.As(err, &fieldErr) || fieldErr.Column != c.column {
			t.Errorf("%s: %v, want %v for %s", name, err, c.want, c.column)
		}
	}
	if users, err := accounts.List(t.Context(), bizydb.ListUsersParams{}); err != nil || len(users) != 1 {
		t.Errorf("afterwards %v, %v", users, err)
	}
}

// throughJSON is what comes of a password that is written as JSON and read again.
func throughJSON(t *testing.T, p bizydb.Password) (read bizydb.Password) {
	t.Helper()
	b, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(b, &read)
	}
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestPasswordFromJSON(t *testing.T) {
	t.Parallel()
	var request struct{ Password bizydb.Password }
	if err := json.Unmarshal([]byte(`{"password": "correct horse"}`), &request); err != nil || request.Password.Reveal() != "correct horse" {
		t.Errorf("%v", err)
	}
}

func TestRegisterRace(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	const racers = 50
	var won, taken int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			_, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "one@example.org", Username: fmt.Sprint("racer", i), Password: password})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, bizydb.ErrEmailTaken):
				taken++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 || taken != racers-1 {
		t.Errorf("%d won, %d found it taken", won, taken)
	}
}

// The life of a user, one call after the other.
func TestAccounts(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	alice := register(t, accounts, "alice")
	bob := register(t, accounts, "bob")
	check := func(what string, got bizydb.User, err error, ok func(bizydb.User) bool) {
		t.Helper()
		if err != nil || !ok(got) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	isAlice := func(u bizydb.User) bool { return u.ID == alice.ID && u.Username == "alice" }

	got, err := accounts.Get(t.Context(), alice.ID)
	check("get", got, err, isAlice)
	for _, login := range []string{"ALICE@example.org", " Alice "} {
		got, err = accounts.FindByLogin(t.Context(), login)
		check("find "+login, got, err, isAlice)
	}
	got, err = accounts.MarkEmailVerified(t.Context(), alice.ID, "alice@example.ORG")
	check("verify", got, err, func(u bizydb.User) bool {
		return u.IsVerified && u.EmailVerifiedAt != nil && u.EmailVerifiedAt.Location() == time.UTC
	})
	first := got.EmailVerifiedAt
	got, err = accounts.MarkEmailVerified(t.Context(), alice.ID, alice.Email)
	check("verify again", got, err, func(u bizydb.User) bool {
		return u.IsVerified && first != nil && u.EmailVerifiedAt != nil && u.EmailVerifiedAt.Equal(*first)
	})
	got, err = accounts.ChangeEmail(t.Context(), alice.ID, "new@example.org")
	check("change email", got, err, func(u bizydb.User) bool {
		return u.Email == "new@example.org" && !u.IsVerified && u.EmailVerifiedAt == nil
	})
	if _, err := accounts.MarkEmailVerified(t.Context(), alice.ID, alice.Email); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("verify the old address: %v, want ErrNotFound", err)
	}
	if _, err := accounts.ChangeEmail(t.Context(), alice.ID, "BOB@example.org"); !errors.Is(err, bizydb.ErrEmailTaken) {
		t.Errorf("take bob's address: %v, want ErrEmailTaken", err)
	}
	got, err = accounts.SetSuperuser(t.Context(), alice.ID, true)
	check("superuser", got, err, func(u bizydb.User) bool { return u.IsSuperuser })
	got, err = accounts.Deactivate(t.Context(), bob.ID)
	check("deactivate", got, err, func(u bizydb.User) bool { return !u.IsActive })

	got, err = accounts.Reactivate(t.Context(), bob.ID)
	check("reactivate", got, err, func(u bizydb.User) bool { return u.IsActive })
	plant(t, made.As(bob.ID))
	plant(t, made.As(alice.ID))
	deleted, err := accounts.Delete(t.Context(), bob.ID)
	if err != nil || deleted != (bizydb.DeleteResult{Goals: 2, Tasks: 1}) {
		t.Errorf("delete: %+v, %v", deleted, err)
	}
	if n := ownerQuery[int](t, made, "SELECT count(*) FROM public.tasks"); n != 1 {
		t.Errorf("%d tasks are left, want alice's", n)
	}
	for name, err := range map[string]error{
		"get":        second(accounts.Get(t.Context(), bob.ID)),
		"find":       second(accounts.FindByLogin(t.Context(), "bob")),
		"profile":    second(accounts.UpdateProfile(t.Context(), bob.ID, bizydb.UpdateProfileParams{})),
		"email":      second(accounts.ChangeEmail(t.Context(), bob.ID, "bob@example.org")),
		"deactivate": second(accounts.Deactivate(t.Context(), bob.ID)),
		"superuser":  second(accounts.SetSuperuser(t.Context(), bob.ID, true)),
		"delete":     second(accounts.Delete(t.Context(), bob.ID)),
		"password":   accounts.SetPassword(t.Context(), bob.ID, password),
		"remove":     accounts.RemovePassword(t.Context(), bob.ID),
		"change":     accounts.ChangePassword(t.Context(), bob.ID, password, password),
	} {
		if !errors.Is(err, bizydb.ErrNotFound) {
			t.Errorf("%s after the deletion: %v, want ErrNotFound", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A deletion waits for a transaction of the user's, whatever that goes on to do.
func TestDeleteMeetsATransaction(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user := db.NewUser(t)
	mine := plant(t, db.As(user))
	deleted := make(chan error)
	err := db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
		if _, err := tx.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: mine.task, Title: new("changed")}); err != nil {
			return err
		}
		go func() {
			_, err := db.Accounts().Delete(t.Context(), user)
			deleted <- err
		}()
		untilWaiting(t, db)
		_, err := tx.CreateTask(t.Context(), planner.CreateTaskParams{Title: "not in the way of the deletion"})
		return err
	})
	if err != nil {
		t.Errorf("the user's transaction: %v", err)
	}
	if err := <-deleted; err != nil {
		t.Errorf("the deletion: %v", err)
	}
	if n := ownerQuery[int](t, db, "SELECT count(*) FROM public.tasks"); n != 0 {
		t.Errorf("%d tasks are left", n)
	}
}

// What each call costs once its connection is warm, hashing apart.
func TestAccountsRoundTrips(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, proxy *bizydbtest.Proxy, _ *bizydbtest.Database) {
		accounts := db.Accounts()
		bizydb.SetBcryptCost(accounts, bcrypt.MinCost)
		alice, bob := register(t, accounts, "alice"), register(t, accounts, "bob")
		for name, c := range map[string]struct {
			do   func() error
			want int
		}{
			"Get":         {func() error { return second(accounts.Get(t.Context(), alice.ID)) }, 1},
			"FindByLogin": {func() error { return second(accounts.FindByLogin(t.Context(), "alice")) }, 1},
			"List":        {func() error { return second(accounts.List(t.Context(), bizydb.ListUsersParams{})) }, 1},
			"Deactivate":  {func() error { return second(accounts.Reactivate(t.Context(), alice.ID)) }, 1},
			"SetPassword": {func() error { return accounts.SetPassword(t.Context(), alice.ID, password) }, 1},
			"ResetPassword": {func() error {
				err := accounts.ResetPassword(t.Context(), bizydb.ResetPasswordParams{ID: alice.ID, Email: alice.Email, Password: password})
				if errors.Is(err, bizydb.ErrInvalidCredentials) {
					return nil
				}
				return fmt.Errorf("a link of year 1: %w", err)
			}, 1},
			"RemovePassword": {func() error { return accounts.RemovePassword(t.Context(), bob.ID) }, 1},
			"Authenticate":   {func() error { return second(accounts.Authenticate(t.Context(), "alice", password)) }, 2},
			"ChangePassword": {func() error { return accounts.ChangePassword(t.Context(), alice.ID, password, password) }, 2},
		} {
			for range 2 {
				proxy.RoundTrips()
				if err := c.do(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if n := proxy.RoundTrips(); n != c.want {
				t.Errorf("%s: %d round trips, want %d", name, n, c.want)
			}
		}
	})
}

// One's own account, from one's own scope.
func TestMe(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	a, b := db.NewUser(t), db.NewUser(t)
	me, err := db.As(a).Me(t.Context())
	if err != nil || me.ID != a {
		t.Fatalf("%+v, %v", me, err)
	}
	other, err := db.As(b).Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if me, err = db.As(a).UpdateMe(t.Context(), planner.UpdateMeParams{Username: new(" renamed\n"), FullName: new("\tA ")}); err != nil || me.ID != a || me.Username != "renamed" || !is(me.FullName, "A") {
		t.Errorf("update: %+v, %v", me, err)
	}
	if me, err = db.As(a).UpdateMe(t.Context(), planner.UpdateMeParams{ClearFullName: true}); err != nil || me.Username != "renamed" || me.FullName != nil {
		t.Errorf("clear: %+v, %v", me, err)
	}
	if again, err := db.As(b).Me(t.Context()); err != nil || again != other {
		t.Errorf("the other one's account has changed: %+v, %v", again, err)
	}
	if _, err := db.As(a).UpdateMe(t.Context(), planner.UpdateMeParams{Username: &other.Username}); !errors.Is(err, bizydb.ErrUsernameTaken) {
		t.Errorf("taken: %v", err)
	}
	if _, err := db.As(a).UpdateMe(t.Context(), planner.UpdateMeParams{Username: new("a@b")}); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("address as name: %v", err)
	}
	// What is not one's own to change is not there, and cannot be reached by hand either.
	err = pgx.BeginFunc(t.Context(), db.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), enterSQL, fmt.Sprint(a)); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Exec(t.Context(), "UPDATE bizydb.profiles SET is_superuser = true")
		return err
	})
	if sqlState(err) != pgerrcode.InsufficientPrivilege {
		t.Errorf("made oneself a superuser: %v", err)
	}
}
