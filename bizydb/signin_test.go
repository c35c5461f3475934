package bizydb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	alice, gone := register(t, accounts, "alice"), register(t, accounts, "gone")
	if _, err := accounts.Deactivate(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{"alice", "ALICE", " alice@example.org ", "Alice@EXAMPLE.org"} {
		user, err := accounts.Authenticate(t.Context(), login, password)
		if err != nil || user.ID != alice.ID || user.LastLoginAt == nil || !user.UpdatedAt.Equal(alice.UpdatedAt) {
			t.Errorf("%q: %+v, %v", login, user, err)
		}
	}
	var texts []string
	for name, c := range map[string]struct {
		login    string
		password bizydb.Password
	}{
		"unknown login":            {"nobody", password},
		"no login":                 {"", password},
		"wrong password":           {"alice", "wrong horse"},
		"no password":              {"alice", ""},
		"too long":                 {"alice", bizydb.Password(strings.Repeat("a", 100))},
		"inactive":                 {"gone", password},
		"inactive, wrong password": {"gone", "wrong horse"},
		"login as a pattern":       {"%", password},
	} {
		user, err := accounts.Authenticate(t.Context(), c.login, c.password)
		if !errors.Is(err, bizydb.ErrSignIn) || user != (bizydb.User{}) {
			t.Errorf("%s: %+v, %v, want ErrSignIn", name, user, err)
			continue
		}
		texts = append(texts, err.Error())
	}
	if texts = slices.Compact(slices.Sorted(slices.Values(texts))); len(texts) != 1 {
		t.Errorf("the errors tell: %q", texts)
	}
}

// A password that begins with the right 72 bytes is not the right one.
func TestPasswordIsNeverCut(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	alice := register(t, accounts, "alice")
	longest := bizydb.Password(strings.Repeat("p", 72))
	if err := accounts.SetPassword(t.Context(), alice.ID, longest); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.Authenticate(t.Context(), "alice", longest); err != nil {
		t.Error(err)
	}
	if _, err := accounts.Authenticate(t.Context(), "alice", longest+"x"); !errors.Is(err, bizydb.ErrSignIn) {
		t.Errorf("%v, want ErrSignIn", err)
	}
}

func TestWeakHashIsRenewed(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	alice := register(t, openCheap(t, made), "alice")
	stronger, err := bizydb.Open(t.Context(), made.DSN, bizydb.WithBcryptCost(bizydb.MinBcryptCost+1))
	if err != nil {
		t.Fatal(err)
	}
	defer stronger.Close()
	cost := func() int {
		n, err := bcrypt.Cost([]byte(ownerQuery[string](t, made, "SELECT hashed_password FROM public.users WHERE id = $1", alice.ID)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := stronger.Accounts().Authenticate(t.Context(), "alice", "wrong horse"); err == nil || cost() != bizydb.MinBcryptCost {
		t.Errorf("after a wrong password: %v, cost %d", err, cost())
	}
	for range 2 {
		if _, err := stronger.Accounts().Authenticate(t.Context(), "alice", password); err != nil || cost() != bizydb.MinBcryptCost+1 {
			t.Errorf("%v, cost %d", err, cost())
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	alice := register(t, accounts, "alice")
	const next, reset = bizydb.Password("battery staple"), bizydb.Password("yet another one")
	signsIn := func(password bizydb.Password) bool {
		_, err := accounts.Authenticate(t.Context(), "alice", password)
		return err == nil
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, "wrong horse", next); !errors.Is(err, bizydb.ErrSignIn) || !signsIn(password) {
		t.Errorf("change without the old one: %v", err)
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, password, "short"); !errors.Is(err, bizydb.ErrInvalid) || !signsIn(password) {
		t.Errorf("change to a short one: %v", err)
	}
	if err := accounts.ChangePassword(t.Context(), alice.ID, password, next); err != nil || signsIn(password) || !signsIn(next) {
		t.Errorf("change: %v", err)
	}
	if err := accounts.SetPassword(t.Context(), alice.ID, reset); err != nil || signsIn(next) || !signsIn(reset) {
		t.Errorf("reset: %v", err)
	}
}

// One hash at a time, and none for who does not wait for it.
func TestHashingWaitsItsTurn(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made, bizydb.WithHashing(1))
	register(t, accounts, "alice")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := accounts.Authenticate(ctx, "alice", password); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if err := accounts.SetPassword(ctx, 1, password); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}

	// A pool of one connection is free for others while ten passwords are hashed, one after the other.
	config := parseConfig(t, made.DSN)
	oneConn(config)
	db, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithBcryptCost(bizydb.MinBcryptCost), bizydb.WithHashing(1))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	for range 10 {
		go func() {
			_, err := db.Accounts().Authenticate(ctx, "alice", "wrong horse")
			done <- err
		}()
	}
	if err := <-done; !errors.Is(err, bizydb.ErrSignIn) { // the others have looked alice up or are about to
		t.Error(err)
	}
	if _, err := db.Accounts().Get(t.Context(), 1); err != nil {
		t.Error(err)
	}
	cancel()
	var canceled int
	for range 9 {
		if errors.Is(<-done, context.Canceled) {
			canceled++
		}
	}
	if canceled < 7 { // one may be at it, another about to be
		t.Errorf("%d of 9 gave up when their context ended", canceled)
	}
}

func TestHashingOptions(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	for name, opt := range map[string]bizydb.Option{
		"cost too low": bizydb.WithBcryptCost(9), "cost too high": bizydb.WithBcryptCost(32), "none at a time": bizydb.WithHashing(0),
	} {
		if _, err := bizydb.Open(t.Context(), made.DSN, opt); !errors.Is(err, bizydb.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}

// Unknown login, wrong password, a password that is too long, a hash of a lower cost and an inactive account take equally
// long: of samples taken in turn, none is shifted against the others by more than a part of what one hash takes. A sign-in without a hash would
// be off by all of it.
func TestSignInTimeTellsNothing(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	accounts := openCheap(t, made)
	register(t, accounts, "alice")
	gone := register(t, accounts, "gone")
	if _, err := accounts.Deactivate(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	weak := register(t, accounts, "weak")
	asOwner(t, made, fmt.Sprintf("UPDATE public.users SET hashed_password = '$2a$04$' || repeat('a', 53) WHERE id = %d", weak.ID))
	cases := []struct {
		login    string
		password bizydb.Password
	}{
		{"alice", "wrong horse"},
		{"nobody", "wrong horse"},
		{"gone", password},
		{"weak", "wrong horse"},
		{"alice", bizydb.Password(strings.Repeat("p", 100))},
		{"alice", ""},
	}
	took := make([][]float64, len(cases))
	for range 15 {
		for i, c := range cases {
			start := time.Now()
			if _, err := accounts.Authenticate(t.Context(), c.login, c.password); !errors.Is(err, bizydb.ErrSignIn) {
				t.Fatal(err)
			}
			took[i] = append(took[i], time.Since(start).Seconds())
		}
	}
	for i, c := range cases {
		// The smallest quarter is the least disturbed by what else the machine does.
		fast, reference := slices.Sorted(slices.Values(took[i]))[3], slices.Sorted(slices.Values(took[0]))[3]
		t.Logf("%q: %.1f ms", c.login, 1000*fast)
		if ratio := fast / reference; ratio < 0.5 || ratio > 2 {
			t.Errorf("%q: %.1f ms, a wrong password %.1f ms", c.login, 1000*fast, 1000*reference)
		}
	}
}
