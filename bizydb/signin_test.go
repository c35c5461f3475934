package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// attempts are sign-ins that all have to fail alike.
var attempts = map[string]struct {
	login    string
	password bizydb.Password
}{
	"wrong password":           {"alice", wrong},
	"unknown login":            {"nobody", password},
	"no login":                 {"", password},
	"login as a pattern":       {"%", password},
	"login with a zero byte":   {"a\x00b", password},
	"login that is not UTF-8":  {"a\xff", password},
	"endless login":            {strings.Repeat("a", 1<<20), password},
	"no password":              {"alice", bizydb.Password{}},
	"too long":                 {"alice", bizydb.NewPassword(strings.Repeat("a", 100))},
	"repeated behind a zero":   {"alice", bizydb.NewPassword("correct horse\x00correct horse")},
	"inactive":                 {"gone", password},
	"inactive, wrong password": {"gone", wrong},
	"weak hash":                {"weak", wrong},
	"inactive with weak hash":  {"goneweak", password},
	"broken hash":              {"broken", password},
	"no hash":                  {"none", password},
	"no hash, no password":     {"none", bizydb.Password{}},
}

// populate registers the accounts that attempts are made on.
func populate(t testing.TB, db *bizydbtest.Database, accounts *bizydb.Accounts) bizydb.User {
	t.Helper()
	alice := register(t, accounts, "alice")
	for _, name := range []string{"gone", "weak", "goneweak", "broken", "none"} {
		user := register(t, accounts, name)
		if strings.HasPrefix(name, "gone") {
			if _, err := accounts.Deactivate(t.Context(), user.ID); err != nil {
				t.Fatal(err)
			}
		}
		if strings.HasSuffix(name, "weak") {
			setHash(t, db, user.ID, bcrypt.MinCost)
		}
	}
	asOwner(t, db, `UPDATE public.users SET hashed_password = NULL WHERE username = 'none';
		ALTER TABLE public.users DROP CONSTRAINT ck_users_hashed_password_bcrypt;
		UPDATE public.users SET hashed_password = '$2a$99$' || repeat('.', 53) WHERE username = 'broken'`)
	return alice
}

// setHash gives a user a hash of password with that cost.
func setHash(t testing.TB, db *bizydbtest.Database, user bizydb.UserID, cost int) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password.Reveal()), cost)
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, fmt.Sprintf("UPDATE public.users SET hashed_password = '%s' WHERE id = %d", hash, user))
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	alice := populate(t, made, accounts)
	for _, login := range []string{"alice", "ALICE", " alice@example.org ", "Alice@EXAMPLE.org"} {
		user, err := accounts.Authenticate(t.Context(), login, password)
		if err != nil || user.ID != alice.ID || user.LastLoginAt == nil || !user.UpdatedAt.Equal(alice.UpdatedAt) {
			t.Errorf("%q: %+v, %v", login, user, err)
		}
	}
	var texts []string
	for name, c := range attempts {
		user, err := accounts.Authenticate(t.Context(), c.login, c.password)
		if !errors.Is(err, bizydb.ErrInvalidCredentials) || user != (bizydb.User{}) {
			t.Errorf("%s: %+v, %v, want ErrInvalidCredentials", name, user, err)
			continue
		}
		texts = append(texts, err.Error())
	}
	if texts = slices.Compact(slices.Sorted(slices.Values(texts))); len(texts) != 1 {
		t.Errorf("the errors tell: %q", texts)
	}
}

// Every sign-in that fails has bcrypt do the same amount of work, which is nearly all of the time that it takes: 2^cost
// rounds.
func TestSignInWorkTellsNothing(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	populate(t, made, accounts)
	const cost = 8
	bizydb.SetBcryptCost(accounts, cost)
	var rounds int
	bizydb.OnBcrypt(accounts, func(cost int) { rounds += 1 << cost })
	for name, c := range attempts {
		rounds = 0
		if _, err := accounts.Authenticate(t.Context(), c.login, c.password); !errors.Is(err, bizydb.ErrInvalidCredentials) {
			t.Errorf("%s: %v", name, err)
		}
		if rounds != 1<<cost {
			t.Errorf("%s: %d rounds, want %d", name, rounds, 1<<cost)
		}
	}
}

// BenchmarkSignIn measures the time of each kind of sign-in that fails. They take turns; it reports medians.
//
//	go test -run '^$' -bench SignIn -benchtime 100x ./bizydb
func BenchmarkSignIn(b *testing.B) {
	made := bizydbtest.New(b)
	accounts := openCheap(b, made)
	populate(b, made, accounts)
	bizydb.SetBcryptCost(accounts, 10)
	took := map[string][]float64{}
	for b.Loop() {
		for name, c := range attempts {
			start := time.Now()
			if _, err := accounts.Authenticate(b.Context(), c.login, c.password); !errors.Is(err, bizydb.ErrInvalidCredentials) {
				b.Fatalf("%s: %v", name, err)
			}
			took[name] = append(took[name], 1000*time.Since(start).Seconds())
		}
	}
	b.ReportMetric(0, "ns/op") // all of them together
	for name, times := range took {
		b.ReportMetric(median(times), strings.ReplaceAll(name, " ", "-")+"-ms")
	}
}

// A password that begins with the right 72 bytes is not the right one.
func TestPasswordIsNeverCut(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	alice := register(t, accounts, "alice")
	longest := strings.Repeat("p", 72)
	if err := accounts.SetPassword(t.Context(), alice.ID, bizydb.NewPassword(longest)); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Authenticate(t.Context(), "alice", bizydb.NewPassword(longest)); err != nil {
		t.Error(err)
	}
	if _, err := accounts.Authenticate(t.Context(), "alice", bizydb.NewPassword(longest+"x")); !errors.Is(err, bizydb.ErrInvalidCredentials) {
		t.Errorf("%v, want ErrInvalidCredentials", err)
	}
}

func TestWeakHashIsRenewed(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	alice := register(t, accounts, "alice")
	bizydb.SetBcryptCost(accounts, bcrypt.MinCost+1)
	cost := func() int {
		n, err := bcrypt.Cost([]byte(ownerQuery[string](t, made, "SELECT hashed_password FROM public.users WHERE id = $1", alice.ID)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := accounts.Authenticate(t.Context(), "alice", wrong); err == nil || cost() != bcrypt.MinCost {
		t.Errorf("after a wrong password: %v, cost %d", err, cost())
	}
	for range 2 {
		if _, err := accounts.Authenticate(t.Context(), "alice", password); err != nil || cost() != bcrypt.MinCost+1 {
			t.Errorf("%v, cost %d", err, cost())
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	alice := register(t, accounts, "alice")
	next, reset := bizydb.NewPassword("battery staple"), bizydb.NewPassword("yet another one")
	signsIn := func(password bizydb.Password) bool {
		_, err := accounts.Authenticate(t.Context(), "alice", password)
		return err == nil
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, wrong, next); !errors.Is(err, bizydb.ErrInvalidCredentials) || !signsIn(password) {
		t.Errorf("change without the old one: %v", err)
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, password, bizydb.NewPassword("short")); !errors.Is(err, bizydb.ErrInvalid) || !signsIn(password) {
		t.Errorf("change to a short one: %v", err)
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, password, next); err != nil || signsIn(password) || !signsIn(next) {
		t.Errorf("change: %v", err)
	}
	if err := accounts.SetPassword(t.Context(), alice.ID, reset); err != nil || signsIn(next) || !signsIn(reset) {
		t.Errorf("reset: %v", err)
	}
	if _, err := accounts.Deactivate(t.Context(), alice.ID); err != nil {
		t.Fatal(err)
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, reset, next); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("change while inactive: %v, want ErrNotFound", err)
	}
}

// A link that resets a password works once, for the address and the password that it was made for.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	link := func(name string) bizydb.ResetPasswordParams {
		user := register(t, accounts, name)
		return bizydb.ResetPasswordParams{ID: user.ID, Email: user.Email, ChangedAt: user.PasswordChangedAt, Password: bizydb.NewPassword("battery staple")}
	}
	for what, meanwhile := range map[string]func(id bizydb.UserID) error{
		"used":        func(id bizydb.UserID) error { return accounts.SetPassword(t.Context(), id, password) },
		"removed":     func(id bizydb.UserID) error { return accounts.RemovePassword(t.Context(), id) },
		"moved":       func(id bizydb.UserID) error { return second(accounts.ChangeEmail(t.Context(), id, "new@example.org")) },
		"deactivated": func(id bizydb.UserID) error { return second(accounts.Deactivate(t.Context(), id)) },
		"deleted":     func(id bizydb.UserID) error { return second(accounts.Delete(t.Context(), id)) },
	} {
		p := link(what)
		if err := meanwhile(p.ID); err != nil {
			t.Fatal(err)
		}
		if err := accounts.ResetPassword(t.Context(), p); !errors.Is(err, bizydb.ErrInvalidCredentials) {
			t.Errorf("%s meanwhile: %v", what, err)
		}
	}

	p := link("alice")
	short := p
	short.Password = bizydb.NewPassword("short")
	if err := accounts.ResetPassword(t.Context(), short); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("a short one: %v", err)
	}
	p.Email = strings.ToUpper(p.Email)
	results := make(chan error)
	for range 8 {
		go func() { results <- accounts.ResetPassword(t.Context(), p) }()
	}
	done := 0
	for range 8 {
		switch err := <-results; {
		case err == nil:
			done++
		case !errors.Is(err, bizydb.ErrInvalidCredentials):
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("one link has reset a password %d times", done)
	}
	if _, err := accounts.Authenticate(t.Context(), "alice", p.Password); err != nil {
		t.Error(err)
	}

	none, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "grace@example.org", Username: "grace", NoPassword: true})
	if err != nil {
		t.Fatal(err)
	}
	p = bizydb.ResetPasswordParams{ID: none.ID, Email: none.Email, ChangedAt: none.PasswordChangedAt, Password: password}
	if err := accounts.ResetPassword(t.Context(), p); err != nil {
		t.Errorf("an account without a password: %v", err)
	}
}

// What is refused without the database is refused before a password is hashed, and by Check as by Register.
func TestRefusedBeforeTheHash(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	bizydb.OnBcrypt(accounts, func(int) { t.Error("a password is hashed") })
	good := bizydb.RegisterParams{Email: "refused@example.org", Username: "refused", Password: password}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*bizydb.RegisterParams){
		"email":     func(p *bizydb.RegisterParams) { p.Email = "ada@" },
		"username":  func(p *bizydb.RegisterParams) { p.Username = "a b" },
		"full_name": func(p *bizydb.RegisterParams) { p.FullName = new("a\nb") },
		"password":  func(p *bizydb.RegisterParams) { p.NoPassword = true },
	} {
		bad := good
		spoil(&bad)
		_, err := accounts.Register(t.Context(), bad)
		if found := new(bizydb.FieldError); !errors.As(err, &found) || found.Column != what || fmt.Sprint(bad.Check()) != err.Error() {
			t.Errorf("%s: Register: %v; Check: %v", what, err, bad.Check())
		}
	}
	err := accounts.ResetPassword(t.Context(), bizydb.ResetPasswordParams{ID: 1, Email: "\x00", Password: password})
	if !errors.Is(err, bizydb.ErrInvalidCredentials) {
		t.Errorf("an address that no account has: %v", err)
	}
}

// A password that HashPassword has hashed is stored without a run of bcrypt, and is the same password.
func TestHashPassword(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	var runs atomic.Int64
	bizydb.OnBcrypt(accounts, func(int) { runs.Add(1) })
	hash := func(s string) bizydb.Password {
		t.Helper()
		hashed, err := accounts.HashPassword(t.Context(), bizydb.NewPassword(s))
		if err != nil || runs.Swap(0) != 1 {
			t.Fatalf("%v", err)
		}
		return hashed
	}
	first, next, last := hash("correct horse"), hash("battery staple"), hash("yet another one")
	user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "ada@example.org", Username: "ada", Password: first})
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.SetPassword(t.Context(), user.ID, next); err != nil {
		t.Fatal(err)
	}
	if user, err = accounts.Get(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	if err := accounts.ResetPassword(t.Context(), bizydb.ResetPasswordParams{ID: user.ID, Email: user.Email, ChangedAt: user.PasswordChangedAt, Password: last}); err != nil {
		t.Fatal(err)
	}
	if n := runs.Load(); n != 0 {
		t.Errorf("%d runs of bcrypt to store passwords that have been hashed", n)
	}
	for password, right := range map[string]bool{"correct horse": false, "battery staple": false, "yet another one": true} {
		if _, err := accounts.Authenticate(t.Context(), "ada", bizydb.NewPassword(password)); (err == nil) != right {
			t.Errorf("%s: %v", password, err)
		}
	}
	if _, err := accounts.Authenticate(t.Context(), "ada", last); err != nil {
		t.Errorf("signed in with a password that has been hashed: %v", err)
	}
	if _, err := accounts.HashPassword(t.Context(), bizydb.NewPassword("short")); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("a short one: %v", err)
	}

	// A hash that costs less than new ones do is not kept.
	bizydb.SetBcryptCost(accounts, bcrypt.MinCost+1)
	runs.Store(0)
	if err := accounts.SetPassword(t.Context(), user.ID, first); err != nil || runs.Load() != 1 {
		t.Errorf("a weak hash was stored, or %v", err)
	}
}

// What happens to an account between the look at its hash and what is done about it.
func TestAccountChangesMeanwhile(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	others := openCheap(t, made)
	reset := bizydb.NewPassword("yet another one")
	users := 0
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, db *bizydbtest.Database, others *bizydb.Accounts, id bizydb.UserID) error
		signIn    error
		change    error
		holds     bizydb.Password // afterwards, if the user can sign in
	}{
		"deactivated": {func(t *testing.T, _ *bizydbtest.Database, others *bizydb.Accounts, id bizydb.UserID) error {
			return second(others.Deactivate(t.Context(), id))
		}, bizydb.ErrInvalidCredentials, bizydb.ErrNotFound, bizydb.Password{}},
		"deleted": {func(t *testing.T, _ *bizydbtest.Database, others *bizydb.Accounts, id bizydb.UserID) error {
			return second(others.Delete(t.Context(), id))
		}, bizydb.ErrInvalidCredentials, bizydb.ErrNotFound, bizydb.Password{}},
		"reset": {func(t *testing.T, _ *bizydbtest.Database, others *bizydb.Accounts, id bizydb.UserID) error {
			return others.SetPassword(t.Context(), id, reset)
		}, bizydb.ErrInvalidCredentials, bizydb.ErrInvalidCredentials, reset},
		"changed by its owner": {func(t *testing.T, _ *bizydbtest.Database, others *bizydb.Accounts, id bizydb.UserID) error {
			return others.ChangePassword(t.Context(), id, password, reset)
		}, bizydb.ErrInvalidCredentials, bizydb.ErrInvalidCredentials, reset},
		"password removed": {func(t *testing.T, _ *bizydbtest.Database, others *bizydb.Accounts, id bizydb.UserID) error {
			return others.RemovePassword(t.Context(), id)
		}, bizydb.ErrInvalidCredentials, bizydb.ErrInvalidCredentials, bizydb.Password{}},
		"renewed by another sign-in": {func(t *testing.T, db *bizydbtest.Database, _ *bizydb.Accounts, id bizydb.UserID) error {
			setHash(t, db, id, bcrypt.MinCost+1)
			return nil
		}, nil, nil, password},
	} {
		for call, do := range map[string]func(ctx context.Context, a *bizydb.Accounts, user bizydb.User) error{
			"Authenticate": func(ctx context.Context, a *bizydb.Accounts, user bizydb.User) error {
				return second(a.Authenticate(ctx, user.Username, password))
			},
			"ChangePassword": func(ctx context.Context, a *bizydb.Accounts, user bizydb.User) error {
				return a.ChangePassword(ctx, user.ID, password, password)
			},
		} {
			users++
			alice := register(t, others, fmt.Sprintf("alice%d", users))
			t.Run(name+"/"+call, func(t *testing.T) {
				t.Parallel()
				accounts := openCheap(t, made)
				bizydb.SetBcryptCost(accounts, bcrypt.MinCost+1) // so that a sign-in renews
				var once sync.Once
				bizydb.OnBcrypt(accounts, func(int) {
					once.Do(func() {
						if err := c.meanwhile(t, made, others, alice.ID); err != nil {
							t.Error(err)
						}
					})
				})
				want := c.signIn
				if call == "ChangePassword" {
					want = c.change
				}
				if err := do(t.Context(), accounts, alice); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
				if !c.holds.IsZero() {
					if _, err := others.Authenticate(t.Context(), alice.Username, c.holds); err != nil {
						t.Errorf("afterwards: %v", err)
					}
				}
			})
		}
	}
}

// Passwords are hashed one at a time where that is asked for. Who waits for a turn stops when the context ends, and holds
// no connection meanwhile.
func TestHashingWaitsItsTurn(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	config := parseConfig(t, made.DSN)
	oneConn(config)
	db, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithHashConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	accounts := db.Accounts()
	bizydb.SetBcryptCost(accounts, bcrypt.MinCost)
	alice := register(t, accounts, "alice")

	held, letGo := make(chan bool), make(chan bool)
	var once sync.Once
	bizydb.OnBcrypt(accounts, func(int) {
		once.Do(func() {
			held <- true
			<-letGo
		})
	})
	first := make(chan error)
	go func() { first <- second(accounts.Authenticate(t.Context(), "alice", wrong)) }()
	<-held

	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	for range 9 {
		go func() { waiting <- accounts.SetPassword(ctx, alice.ID, password) }()
	}
	if _, err := accounts.Get(t.Context(), alice.ID); err != nil {
		t.Error(err)
	}
	cancel()
	for range 9 {
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
	}
	close(letGo)
	if err := <-first; !errors.Is(err, bizydb.ErrInvalidCredentials) {
		t.Error(err)
	}
}

func TestHashingOptions(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for name, opt := range map[string]bizydb.Option{
		"cost too low": bizydb.WithBcryptCost(9), "cost too high": bizydb.WithBcryptCost(32), "none at a time": bizydb.WithHashConcurrency(0),
	} {
		if _, err := bizydb.Open(t.Context(), made.DSN, opt); !errors.Is(err, bizydb.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
	db, err := bizydb.Open(t.Context(), made.DSN, bizydb.WithBcryptCost(11))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	alice := register(t, db.Accounts(), "alice")
	hash := ownerQuery[string](t, made, "SELECT hashed_password FROM public.users WHERE id = $1", alice.ID)
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != 11 {
		t.Errorf("cost %d, %v, want 11", cost, err)
	}
}

// PasswordChangedAt has another value after each change of the password, and after nothing else.
func TestPasswordChangedAt(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	alice := register(t, accounts, "alice")
	hash := ownerQuery[string](t, made, "SELECT hashed_password FROM public.users WHERE id = $1", alice.ID)
	next := bizydb.NewPassword("battery staple")
	for _, c := range []struct {
		what    string
		do      func() error
		changes bool
	}{
		{"sign-in", func() error { return second(accounts.Authenticate(t.Context(), "alice", password)) }, false},
		{"sign-in that renews the hash", func() error {
			bizydb.SetBcryptCost(accounts, bcrypt.MinCost+1)
			return second(accounts.Authenticate(t.Context(), "alice", password))
		}, false},
		{"sign-in that fails", func() error {
			if err := second(accounts.Authenticate(t.Context(), "alice", wrong)); !errors.Is(err, bizydb.ErrInvalidCredentials) {
				return errors.New("signed in")
			}
			return nil
		}, false},
		{"profile", func() error {
			return second(accounts.UpdateProfile(t.Context(), alice.ID, bizydb.UpdateProfileParams{FullName: new("Alice")}))
		}, false},
		{"address", func() error { return second(accounts.ChangeEmail(t.Context(), alice.ID, "new@example.org")) }, false},
		{"deactivation", func() error { return second(accounts.Deactivate(t.Context(), alice.ID)) }, false},
		{"reactivation", func() error { return second(accounts.Reactivate(t.Context(), alice.ID)) }, false},
		{"change", func() error { return accounts.ChangePassword(t.Context(), alice.ID, password, next) }, true},
		{"change to the same", func() error { return accounts.ChangePassword(t.Context(), alice.ID, next, next) }, true},
		{"reset", func() error { return accounts.SetPassword(t.Context(), alice.ID, password) }, true},
		{"reset by a link", func() error {
			user, err := accounts.Get(t.Context(), alice.ID)
			if err != nil {
				return err
			}
			return accounts.ResetPassword(t.Context(), bizydb.ResetPasswordParams{ID: user.ID, Email: user.Email, ChangedAt: user.PasswordChangedAt, Password: password})
		}, true},
		{"removal", func() error { return accounts.RemovePassword(t.Context(), alice.ID) }, true},
		{"removal again", func() error { return accounts.RemovePassword(t.Context(), alice.ID) }, false},
		{"a new one", func() error { return accounts.SetPassword(t.Context(), alice.ID, password) }, true},
		{"plain SQL", func() error {
			asOwner(t, made, fmt.Sprintf("UPDATE public.users SET hashed_password = '%s' WHERE id = %d", hash, alice.ID))
			return nil
		}, true},
		{"plain SQL with the same hash", func() error {
			asOwner(t, made, fmt.Sprintf("UPDATE public.users SET hashed_password = '%s' WHERE id = %d", hash, alice.ID))
			return nil
		}, false},
	} {
		before, err := accounts.Get(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		after, err := made.As(alice.ID).Me(t.Context())
		if errors.Is(err, bizydb.ErrNoUser) { // deactivated
			after, err = accounts.Get(t.Context(), alice.ID)
		}
		if err != nil || after.PasswordChangedAt.After(before.PasswordChangedAt) != c.changes || after.PasswordChangedAt.Before(before.PasswordChangedAt) {
			t.Errorf("%s: changed at %v, before %v, %v", c.what, after.PasswordChangedAt, before.PasswordChangedAt, err)
		}
	}

	// Two changes in one transaction are two.
	tx := begin(t, made.Pool())
	var seen []time.Time
	for range 2 {
		if err := accounts.WithTx(tx).SetPassword(t.Context(), alice.ID, password); err != nil {
			t.Fatal(err)
		}
		user, err := accounts.WithTx(tx).Get(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, user.PasswordChangedAt)
	}
	if !seen[1].After(seen[0]) {
		t.Errorf("two changes at %v", seen)
	}
}

// An account without a password is made on purpose only. Nobody signs in to it until it has one.
func TestNoPassword(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	params := bizydb.RegisterParams{Email: "ada@example.org", Username: "ada"}
	for name, p := range map[string]bizydb.Password{"zero": {}, "empty": bizydb.NewPassword("")} {
		params.Password = p
		if _, err := accounts.Register(t.Context(), params); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	params.NoPassword, params.Password = true, password
	var fieldErr *bizydb.FieldError
	if _, err := accounts.Register(t.Context(), params); !errors.As(err, &fieldErr) || fieldErr.Column != "password" {
		t.Errorf("with a password: %v, want a FieldError of it", err)
	}
	params.Password = bizydb.Password{}
	ada, err := accounts.Register(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	refuses := func() {
		t.Helper()
		for name, p := range map[string]bizydb.Password{"right": password, "wrong": wrong, "zero": {}, "empty": bizydb.NewPassword("")} {
			if user, err := accounts.Authenticate(t.Context(), "ada", p); !errors.Is(err, bizydb.ErrInvalidCredentials) {
				t.Errorf("%s: %+v, %v, want ErrInvalidCredentials", name, user, err)
			}
			if err := accounts.ChangePassword(t.Context(), ada.ID, p, password); !errors.Is(err, bizydb.ErrInvalidCredentials) {
				t.Errorf("change from %s: %v, want ErrInvalidCredentials", name, err)
			}
		}
	}
	refuses()
	if err := accounts.SetPassword(t.Context(), ada.ID, password); err != nil {
		t.Error(err)
	}
	if _, err := accounts.Authenticate(t.Context(), "ada", password); err != nil {
		t.Error(err)
	}
	if err := accounts.RemovePassword(t.Context(), ada.ID); err != nil {
		t.Error(err)
	}
	refuses()
	if err := accounts.RemovePassword(t.Context(), ada.ID+1000); !errors.Is(err, bizydb.ErrNotFound) {
		t.Errorf("of nobody: %v, want ErrNotFound", err)
	}
}

// A password is the same from every keyboard.
func TestPasswordInAnyForm(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	for i, form := range []string{"p\u00e4ssword\u212b", "pa\u0308sswordA\u030a"} {
		name := fmt.Sprint("user", i)
		if _, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: name + "@example.org", Username: name, Password: bizydb.NewPassword(form)}); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"p\u00e4ssword\u00c5", "pa\u0308ssword\u212b"} {
			if _, err := accounts.Authenticate(t.Context(), name, bizydb.NewPassword(other)); err != nil {
				t.Errorf("%+q for %+q: %v", other, form, err)
			}
		}
	}
}
