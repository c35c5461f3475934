package bizydb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// addresses are pairs, and whether both are one account.
var addresses = []struct {
	a, b string
	same bool
}{
	{"ada@example.org", "ada@example.org", true},
	{"ada@example.org", "ADA@EXAMPLE.ORG", true},
	{"info@example.org", "INFO@example.org", true}, // of which Turkish makes ınfo
	{"ınfo@example.org", "info@example.org", false},
	{"ınfo@example.org", "INFO@example.org", false},
	{"İnfo@example.org", "info@example.org", false},
	{"İnfo@example.org", "i\u0307nfo@example.org", true},
	{" ada@example.org\t", "ada@example.org", true},
	{"\u00a0ada@example.org\u3000", "ada@example.org", true},
	{"émile@example.org", "e\u0301mile@example.org", true},
	{"émile@example.org", "ÉMILE@example.org", true},
	{"émile@example.org", "E\u0301MILE@example.org", true},
	{"émile@example.org", "emile@example.org", false},
	{"οδος@example.org", "ΟΔΟΣ@example.org", true},
	{"οδος@example.org", "οδοσ@example.org", true},
	{"οδοςα@example.org", "ΟΔΟΣΑ@example.org", true},
	{"straße@example.org", "STRASSE@example.org", true},
	{"straße@example.org", "STRAẞE@example.org", true},
	{"ﬁn@example.org", "fin@example.org", true},
	{"иван@example.org", "ИВАН@example.org", true},
	{"ada@bücher.example", "ada@xn--bcher-kva.example", true},
	{"ada@bücher.example", "ada@BÜCHER.example", true},
	{"ada@bücher.example", "ada@XN--BCHER-KVA.example", true},
	{"ada@bücher.example", "ada@bu\u0308cher.example", true},
	{"ada@bücher.example", "ada@bucher.example", false},
	{"ada@example.org", "ada@ｅｘａｍｐｌｅ.org", true},
	{"ada@example.org", "ada@example。org", true},
	{"ada@faß.example", "ada@fass.example", false}, // two domains since IDNA 2008
	{"ada@例え.jp", "ada@xn--r8jz45g.jp", true},
	{"a.da@example.org", "ada@example.org", false},
	{"ada+x@example.org", "ada@example.org", false},
	{"ada@example.org", "ada@example.com", false},
	{"аda@example.org", "ada@example.org", false}, // Cyrillic
}

// A joiner is part of some domains.
func TestAddressWithAJoiner(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "z@نامه\u200cای.example", Username: "z", Password: password})
	if err != nil || user.Email != "z@xn--mgba3gch31f060k.example" {
		t.Errorf("%q, %v", user.Email, err)
	}
	if _, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "z@a\u200cb.example", Username: "y", Password: password}); !errors.Is(err, bizydb.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
}

// An address is one account however it is written: to register, to sign in, to be found, changed and verified, and to plain SQL.
func TestAddressIsOneAccount(t *testing.T) {
	t.Parallel()
	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		accounts := openCheap(t, db)
		for i, c := range addresses {
			user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: c.a, Username: fmt.Sprint("a", i), Password: password})
			if err != nil {
				t.Errorf("%+q: %v", c.a, err)
				continue
			}
			other, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: c.b, Username: fmt.Sprint("b", i), Password: password})
			if c.same != errors.Is(err, bizydb.ErrEmailTaken) || !c.same && err != nil {
				t.Errorf("register %+q beside %+q: %v", c.b, c.a, err)
			}
			if found, err := accounts.FindByLogin(t.Context(), c.b); err != nil || (found.ID == user.ID) != c.same {
				t.Errorf("find %+q as %+q: %v", c.a, c.b, err)
			}
			if found, err := accounts.Authenticate(t.Context(), c.b, password); err != nil || (found.ID == user.ID) != c.same {
				t.Errorf("sign in to %+q as %+q: %v", c.a, c.b, err)
			}
			if _, err := accounts.MarkEmailVerified(t.Context(), user.ID, c.b); (err == nil) != c.same {
				t.Errorf("verify %+q as %+q: %v", c.a, c.b, err)
			}
			if c.same {
				if user, err = accounts.ChangeEmail(t.Context(), user.ID, c.b); err != nil {
					t.Errorf("change %+q to %+q: %v", c.a, c.b, err)
				}
			}
			for _, u := range []bizydb.User{user, other} {
				if u.ID != 0 {
					if _, err := accounts.Delete(t.Context(), u.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

func TestAddressIsStored(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	for i, c := range []struct{ typed, stored string }{
		{"Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x@Example.ORG"},
		{"\u2003E\u0301mile@example.org\n", "Émile@example.org"},
		{"Ada@Bücher.Example", "Ada@xn--bcher-kva.example"},
		{"bob@XN--bcher-kva.example", "bob@XN--bcher-kva.example"},
		{"o'hara!#$%&*/=?^_`{|}~-@example.org", "o'hara!#$%&*/=?^_`{|}~-@example.org"},
		{"x@localhost", "x@localhost"},
		{"😀@example.org", "😀@example.org"},
	} {
		user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: c.typed, Username: fmt.Sprint("u", i), Password: password})
		if err != nil || user.Email != c.stored {
			t.Errorf("%+q: %+q, %v, want %+q", c.typed, user.Email, err, c.stored)
		}
	}
}

func TestAddressIsRefused(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	user := register(t, accounts, "ada")
	for _, email := range []string{
		"", " ", "ada", "@", "ada@", "@example.org", "ada@@example.org", "ada@example.org.", "ada@example.org。", ".ada@example.org", "a..da@example.org",
		"ada@.org", "ada@example..org", "ada@-example.org", "ada@exam_ple.org", "ada@exa mple.org", "ada@[127.0.0.1]", "ada@xn--zzzzzz.example", "ada@xn--.example",
		"Ada <ada@example.org>", "<ada@example.org>", "ada@example.org (Ada)", `"ada"@example.org`, `"a da"@example.org`, `a\da@example.org`, "ada@example.org, bob@example.org",
		"a da@example.org", "a\u00a0da@example.org", "ada\u200b@example.org", "ada@exam\u200bple.org", "ada@exam\u00adple.org", "\ufeffada@example.org", "ada\u200d@example.org",
		"ada\u202e@example.org", "ada\u2066@example.org", "ada\u034f@example.org", "ada\ufe0f@example.org", "ada\u3164@example.org", "ada\u115f@example.org",
		"ada\ue000@example.org", "ada\ufdd0@example.org", "ada\U000e0041@example.org", "ada\U000e0100@example.org", "ada\u0378@example.org", "ada\t@example.org",
		"ada\x00@example.org", "ada\x7f@example.org", "ada\u0085@example.org", "ada\xff@example.org", "ada@ex\xffample.org",
		strings.Repeat("a", 244) + "@example.org", "a@" + strings.Repeat("ü", 80) + ".org", strings.Repeat("e\u0301", 1<<20) + "@example.org",
	} {
		for method, err := range map[string]error{
			"Register":    second(accounts.Register(t.Context(), bizydb.RegisterParams{Email: email, Username: "other", Password: password})),
			"ChangeEmail": second(accounts.ChangeEmail(t.Context(), user.ID, email)),
		} {
			var fieldErr *bizydb.FieldError
			if !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &fieldErr) || fieldErr.Column != "email" {
				t.Errorf("%s %+.60q: %v, want ErrInvalid of the address", method, email, err)
			}
		}
		if _, err := accounts.FindByLogin(t.Context(), email); !errors.Is(err, bizydb.ErrNotFound) && email != "ada" { // which is a username
			t.Errorf("FindByLogin %+.60q: %v, want ErrNotFound", email, err)
		}
		if _, err := accounts.MarkEmailVerified(t.Context(), user.ID, email); !errors.Is(err, bizydb.ErrNotFound) && !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("MarkEmailVerified %+.60q: %v, want ErrNotFound or ErrInvalid", email, err)
		}
	}
}

// What Go calls invisible is what the database drops, apart from unassigned characters, which only Go knows.
func TestInvisibleIsWhatTheDatabaseDrops(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	var runes []int32
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point) {
			runes = append(runes, r)
		}
	}
	visible := ownerQuery[[]bool](t, db, "SELECT array_agg(bizydb.visible(chr(r)) <> '' ORDER BY n) FROM unnest($1::int[]) WITH ORDINALITY AS u (r, n)", runes)
	for i, r := range runes {
		if visible[i] == bizydb.Invisible(r) {
			t.Errorf("%U: the database sees it: %v", r, visible[i])
		}
	}
}

// The names of a profile are trimmed alike, whoever writes them.
func TestNamesAreTrimmed(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	var space strings.Builder
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.IsSpace(r) {
			space.WriteRune(r)
		}
	}
	for i, c := range []struct {
		typed  string
		stored *string
	}{
		{"\u00a0Ada\u3000", new("Ada")},
		{space.String() + "Ada\u00a0Lovelace" + space.String(), new("Ada\u00a0Lovelace")},
		{"", nil},
		{space.String(), nil},
		{"\u200b \u2060\ufeff\u3164", nil},
		{"می\u200cخواهم", new("می\u200cخواهم")}, // which needs its invisible character
		{"👩\u200d💻", new("👩\u200d💻")},
	} {
		username := space.String() + fmt.Sprint("ada", i) + space.String()
		user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: fmt.Sprintf("ada%d@example.org", i), Username: username, Password: password, FullName: &c.typed})
		check := func(how string, user bizydb.User, err error) {
			t.Helper()
			if err != nil || user.Username != fmt.Sprint("ada", i) || (user.FullName == nil) != (c.stored == nil) || c.stored != nil && !is(user.FullName, *c.stored) {
				t.Errorf("%s %+q: %+v, %v", how, c.typed, user, err)
			}
		}
		check("Register", user, err)
		spoil := func() {
			t.Helper()
			asOwner(t, db, fmt.Sprintf("UPDATE public.users SET full_name = 'other', username = 'other' WHERE id = %d", user.ID))
		}
		spoil()
		changed, err := accounts.UpdateProfile(t.Context(), user.ID, bizydb.UpdateProfileParams{Username: &username, FullName: &c.typed})
		check("UpdateProfile", changed, err)
		spoil()
		changed, err = db.As(user.ID).UpdateMe(t.Context(), planner.UpdateMeParams{Username: &username, FullName: &c.typed})
		check("UpdateMe", changed, err)
		spoil()
		ownerQuery[int64](t, db, "UPDATE public.users SET full_name = $1, username = $2 WHERE id = $3 RETURNING id", c.typed, username, user.ID)
		changed, err = accounts.Get(t.Context(), user.ID)
		check("plain SQL", changed, err)
	}
}

// A name is one line, and of characters that can be stored.
func TestNamesAreRefused(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	user := register(t, accounts, "ada")
	for _, name := range []string{"Ada\nBcc: eve@example.org", "Ada\x1b[31m", "Ada\u0085x", "Ada\u2028x", "Ada\u2029x", "Ada\x7fx", "Ada\x00x", "Ada\xffx", strings.Repeat("x", 201)} {
		for method, err := range map[string]error{
			"Register":      second(accounts.Register(t.Context(), bizydb.RegisterParams{Email: "x@example.org", Username: "x", Password: password, FullName: &name})),
			"UpdateProfile": second(accounts.UpdateProfile(t.Context(), user.ID, bizydb.UpdateProfileParams{FullName: &name})),
			"UpdateMe":      second(db.As(user.ID).UpdateMe(t.Context(), planner.UpdateMeParams{FullName: &name})),
		} {
			var fieldErr *bizydb.FieldError
			if !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &fieldErr) || fieldErr.Column != "full_name" {
				t.Errorf("%s %+.30q: %v, want ErrInvalid of the full name", method, name, err)
			}
		}
	}
	for _, name := range []string{"a\nb", "a\x00", "a\xff", "ａda", "ada\u200b"} {
		for method, err := range map[string]error{
			"Register":      second(accounts.Register(t.Context(), bizydb.RegisterParams{Email: "x@example.org", Username: name, Password: password})),
			"UpdateProfile": second(accounts.UpdateProfile(t.Context(), user.ID, bizydb.UpdateProfileParams{Username: &name})),
			"UpdateMe":      second(db.As(user.ID).UpdateMe(t.Context(), planner.UpdateMeParams{Username: &name})),
		} {
			var fieldErr *bizydb.FieldError
			if !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &fieldErr) || fieldErr.Column != "username" {
				t.Errorf("%s %+q: %v, want ErrInvalid of the username", method, name, err)
			}
		}
	}
}

// I and i are one letter in a username, also where Turkish rules.
func TestUsernameIsOneAccount(t *testing.T) {
	t.Parallel()
	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		accounts := openCheap(t, db)
		user := register(t, accounts, "INFO")
		if _, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: "other@example.org", Username: "info", Password: password}); !errors.Is(err, bizydb.ErrUsernameTaken) {
			t.Errorf("info beside INFO: %v, want ErrUsernameTaken", err)
		}
		for _, login := range []string{"info", "INFO", "Info"} {
			if found, err := accounts.Authenticate(t.Context(), login, password); err != nil || found.ID != user.ID {
				t.Errorf("sign in as %s: %v", login, err)
			}
		}
		for _, login := range []string{"ınfo", "İnfo"} {
			if _, err := accounts.FindByLogin(t.Context(), login); !errors.Is(err, bizydb.ErrNotFound) {
				t.Errorf("find %s: %v, want ErrNotFound", login, err)
			}
		}
	})
}

// Whatever is typed, it is refused by name or stored in a form that is found, accepted and stored again as it is.
func TestAddressesOfAnyKind(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	accounts := openCheap(t, db)
	pieces := []string{
		"a", "B", "ß", "ẞ", "ı", "İ", "Σ", "ς", "é", "e\u0301", "\u0345", "ﬁ", "ǆ", "Ꭰ", "ꭰ", "각", "\u1100", "\u1161", "ا", "א", "०", "😀", "１", "1", "-", "_", ".", "。", "@", "＠",
		" ", "\u00a0", "\u200b", "\u200d", "\u200c", "\u202e", "\ufeff", "\u00ad", "\u3164", "\ufe0f", "\u0378", "\ue000", "\x00", "\n", "\xff", "\"", "\\", "(", ",", "<", "'", "%", "+", "xn--",
	}
	draw := rand.New(rand.NewPCG(1, 2))
	some := func(upTo int) string {
		var s strings.Builder
		for range 1 + draw.IntN(upTo) {
			if draw.IntN(2) == 0 {
				s.WriteString(pieces[draw.IntN(4)])
			} else {
				s.WriteString(pieces[draw.IntN(len(pieces))])
			}
		}
		return s.String()
	}
	stored := 0
	for i := range 2000 {
		email := some(6) + "@" + some(4) + ".org"
		user, err := accounts.Register(t.Context(), bizydb.RegisterParams{Email: email, Username: fmt.Sprint("u", i), NoPassword: true, FullName: new(some(6))})
		var fieldErr *bizydb.FieldError
		if err != nil {
			if !errors.As(err, &fieldErr) || fieldErr.Column != "email" && fieldErr.Column != "full_name" {
				t.Errorf("%+q: %v, want a FieldError", email, err)
			}
			continue
		}
		stored++
		for _, login := range []string{email, user.Email, " " + strings.ToUpper(user.Email)} {
			if found, err := accounts.FindByLogin(t.Context(), login); (err != nil || found.ID != user.ID) && !strings.ContainsRune(user.Email, 'ı') { // whose capital is I
				t.Errorf("%+q is not found as %+q: %v", user.Email, login, err)
			}
		}
		if again, err := accounts.ChangeEmail(t.Context(), user.ID, user.Email); err != nil || again.Email != user.Email {
			t.Errorf("%+q is stored again as %+q: %v", user.Email, again.Email, err)
		}
		if user.FullName != nil {
			if again, err := accounts.UpdateProfile(t.Context(), user.ID, bizydb.UpdateProfileParams{FullName: user.FullName}); err != nil || !is(again.FullName, *user.FullName) {
				t.Errorf("the name %+q is stored again as %+v: %v", *user.FullName, again, err)
			}
		}
	}
	if stored < 100 {
		t.Errorf("only %d were stored", stored)
	}
}
