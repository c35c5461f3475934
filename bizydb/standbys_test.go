package bizydb_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Every method of Accounts that changes an account sends the user's next read to the primary, since standbys learn of it later. The
// methods are called on a user with the password "old".
func TestChangesOfAccountsAskThePrimary(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	db, err := bizydb.Open(t.Context(), made.DSN, bizydb.WithStandbys(made.DSN), bizydb.WithBcryptCost(bizydb.MinBcryptCost)) // which is none
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	accounts, old := db.Accounts(), bizydb.NewPassword("old password")
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
		user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: method.Name + "@example.org", Username: method.Name, Password: old})
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
		if err := call(user); err != nil {
			t.Errorf("%s: %v", method.Name, err)
		}
		if !bizydb.AsksPrimary(db.As(user.ID)) {
			t.Errorf("%s: the next read may go to a standby", method.Name)
		}
	}
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
