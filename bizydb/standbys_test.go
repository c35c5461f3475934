package bizydb_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/internal/standby"
)

// Every method of Accounts that changes an account sends the user's next read to the primary, since standbys learn of it later. So does one
// whose answer is lost, which may have changed it. The methods are called on a user with the password "old".
func TestChangesOfAccountsAskThePrimary(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	var left atomic.Int64
	db := openCutOff(t, made.DSN, execModes(t)[0], &left, bizydb.WithStandbys(made.DSN)) // which is none
	bizydb.StopWatchingStandbys(db)                                                      // whose questions would take from what is left
	accounts, old := db.Accounts(), bizydb.NewPassword("old password")
	bizydb.SetBcryptCost(accounts, bcrypt.MinCost)
	reads := []string{"Get", "FindByLogin", "List", "HashPassword", "ForgetDeleted", "WithTx"} // the last but one: of all users, but nothing that a scope shows
	calls := map[string]func(u bizydb.User) error{
		"Register":     func(bizydb.User) error { return nil }, // which makes the user
		"Authenticate": func(u bizydb.User) error { _, err := accounts.Authenticate(t.Context(), u.Email, old); return err },
		"ChangePassword": func(u bizydb.User) error {
			return accounts.ChangePassword(t.Context(), u.ID, old, bizydb.NewPassword("new password"))
		},
		"SetPassword": func(u bizydb.User) error { return accounts.SetPassword(t.Context(), u.ID, old) },
		"ResetPassword": func(u bizydb.User) error {
			return accounts.ResetPassword(t.Context(), bizydb.ResetPasswordParams{ID: u.ID, Email: u.Email, ChangedAt: u.PasswordChangedAt, Password: old})
		},
		"RemovePassword": func(u bizydb.User) error { return accounts.RemovePassword(t.Context(), u.ID) },
		"UpdateProfile": func(u bizydb.User) error {
			_, err := accounts.UpdateProfile(t.Context(), u.ID, bizydb.UpdateProfileParams{ClearFullName: true})
			return err
		},
		"ChangeEmail": func(u bizydb.User) error {
			_, err := accounts.ChangeEmail(t.Context(), u.ID, "other-"+u.Email)
			return err
		},
		"MarkEmailVerified": func(u bizydb.User) error {
			_, err := accounts.MarkEmailVerified(t.Context(), u.ID, u.Email)
			return err
		},
		"Deactivate":   func(u bizydb.User) error { _, err := accounts.Deactivate(t.Context(), u.ID); return err },
		"Reactivate":   func(u bizydb.User) error { _, err := accounts.Reactivate(t.Context(), u.ID); return err },
		"SetSuperuser": func(u bizydb.User) error { _, err := accounts.SetSuperuser(t.Context(), u.ID, true); return err },
		"Delete":       func(u bizydb.User) error { _, err := accounts.Delete(t.Context(), u.ID); return err },
	}
	for method := range reflect.TypeFor[*bizydb.Accounts]().Methods() {
		call, ok := calls[method.Name]
		if !ok {
			if !slices.Contains(reads, method.Name) {
				t.Errorf("method %s has no call in this test: give it one", method.Name)
			}
			continue
		}
		unknown := 0
		for n, lost := int64(0), true; lost; n++ { // before the n-th part of the answers comes
			name := method.Name + strconv.FormatInt(n, 10)
			user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: name + "@example.org", Username: name, Password: old})
			if err != nil {
				t.Fatal(err)
			}
			if method.Name != "Register" {
				if _, err := db.As(user.ID).Me(t.Context()); err != nil { // on the primary, which has told all
					t.Fatal(err)
				}
			}
			if bizydb.AsksPrimary(db.As(user.ID)) != (method.Name == "Register") {
				t.Errorf("%s: before the call, the next read goes to the primary: %v", method.Name, method.Name != "Register")
			}
			left.Store(n)
			err = call(user)
			lost = left.Swap(plenty) < 0
			db.Pool().Reset() // so that statements are prepared again
			switch {
			case errors.Is(err, bizydb.ErrOutcomeUnknown):
				unknown++
			case lost: // before it was sent
				continue
			case err != nil:
				t.Errorf("%s: %v", method.Name, err)
			}
			if !bizydb.AsksPrimary(db.As(user.ID)) {
				t.Errorf("%s: the next read may go to a standby; lost: %v", method.Name, lost)
			}
		}
		if unknown == 0 && method.Name != "Register" {
			t.Errorf("%s: no outcome was unknown", method.Name)
		}
	}
}

// In a transaction of the service's own, a change is noted even if the ctx of the call has ended by then, since the service can commit it.
func TestChangeIsNotedWithoutCtx(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db := open(t, made.DSN, nil, bizydb.WithStandbys(made.DSN)) // which is none
	user := made.NewUser(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tx := begin(t, db.Pool())
	if _, err := db.Accounts().WithTx(endsCtx{tx, cancel}).Deactivate(ctx, user); err != nil {
		t.Fatal(err)
	}
	if ctx.Err() == nil {
		t.Error("nothing was asked after the change")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	known, err := standby.Parse(db.As(user).Token().String())
	if err != nil || known.Ended == 0 {
		t.Errorf("what the user's reads have to see: %+v, %v", known, err)
	}
}

// endsCtx ends the ctx of a call as it asks for a single row, which no query does.
type endsCtx struct {
	pgx.Tx
	cancel context.CancelFunc
}

func (e endsCtx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	e.cancel()
	return e.Tx.QueryRow(ctx, sql, args...)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	user := made.As(made.NewUser(t))
	if token := user.Token(); token != (bizydb.Token{}) {
		t.Errorf("without standbys: token %v", token)
	}
	for _, text := range []string{"", "x", "AQ", "AgAAAAAAAA", user.Token().String() + "AA", "AQAAAAAAAA==", "../../etc/passwd"} {
		if _, err := bizydb.ParseToken(text); !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", text, err)
		}
	}
}
