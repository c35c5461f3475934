package schema_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
	"github.com/bizy-ai/bizydb/schema"
)

// foldedLater are letters that got a case after the oldest Unicode that a supported server has, which is 14.
var foldedLater = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1c89, Hi: 0x1c8a, Stride: 1}, // Cyrillic, 16
		{Lo: 0xa7cb, Hi: 0xa7cf, Stride: 1}, // Latin, 16 and 17
		{Lo: 0xa7d2, Hi: 0xa7d4, Stride: 2},
		{Lo: 0xa7da, Hi: 0xa7dc, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x10d50, Hi: 0x10d85, Stride: 1}, // Garay, 16
		{Lo: 0x16ea0, Hi: 0x16ed3, Stride: 1}, // Beria Erfe, 17
	},
}

// The database folds as Go does, whatever its locale: each character by itself, before and after a letter, and what decides by
// its neighbours. Not compared is Cherokee, whose capital and small letters Go's package swaps.
func TestFold(t *testing.T) {
	t.Parallel()
	folder := cases.Fold()
	fold := func(s string) string { return folder.String(norm.NFC.String(s)) }
	var texts []string
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.In(r, foldedLater, unicode.Cherokee) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf) {
			continue
		}
		texts = append(texts, string(r))
		if !unicode.In(r, unicode.Han, unicode.Hangul) {
			texts = append(texts, "A"+string(r), string(r)+"A", "İΣ"+string(r)+"Σ")
		}
	}
	texts = append(texts,
		"", "ΟΔΟΣ", "ΟΔΟΣΑ", "ΟΔΟΣ ΑΣ", "Σ", "ΣΣ", "ς", "οδος", "INFO", "ınfo", "İnfo", "i̇nfo", "I\u0307", "I\u0323\u0307", "Straße", "STRASSE", "STRAẞE",
		"ﬁ", "ŉ", "ǰ", "J\u030c", "ΐ", "Ϊ́", "ᾳ", "ᾼ", "Α\u0345", "ά\u0345", "Å", "A\u030a", "\u212b", "K", "Ω", "\u037e", "ı\u037e",
		"Ǆ", "ǅ", "ǆ", "e\u0301", "é", "É", "\u1100\u1161", "각",
		strings.Repeat("Ä", 10000), strings.Repeat("x", 10000)+"Σ",
	)
	want := make([]string, len(texts))
	for i, s := range texts {
		want[i] = fold(s)
	}
	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		got := all[string](t, owner(t, db), "SELECT bizydb.fold(s) FROM unnest($1::text[]) WITH ORDINALITY AS u (s, n) ORDER BY n", texts)
		wrong := 0
		for i, s := range texts {
			if got[i] != want[i] {
				if wrong++; wrong <= 20 {
					t.Errorf("%+q: %+q, want %+q", s, got[i], want[i])
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%d of %d are wrong", wrong, len(texts))
		}
		// A million marks on a letter are not put in order, which would take hours.
		marks := strings.Repeat("\u0301\u0323\u05b0\u064e\u093c", 200_000)
		if got := one[string](t, owner(t, db), "SELECT bizydb.fold($1)", "Ä"+marks); got != "ä"+marks {
			t.Error("marks are not left as they are")
		}
		if got := one[string](t, owner(t, db), "SELECT bizydb.fold('ᎠᏰꭰᏸ')"); got != "ꭰᏸꭰᏸ" {
			t.Errorf("Cherokee: %q", got)
		}
		if got := one[*string](t, owner(t, db), "SELECT bizydb.fold(NULL)"); got != nil {
			t.Errorf("NULL: %q", *got)
		}
	})
}

// A condition on it is one on built-in functions, which the server plans and runs without a call.
func TestFoldIsInlined(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	plan := strings.Join(all[string](t, conn, "EXPLAIN (VERBOSE, COSTS OFF) SELECT FROM public.users WHERE strpos(bizydb.fold(email), bizydb.fold($1)) > 0", "x"), "\n")
	if strings.Contains(plan, "bizydb.fold") {
		t.Error(plan)
	}
}

// Where there are not all letters or nobody knows their case, bizydb cannot fold, and Migrate says so.
func TestMigrateWhereNothingCanBeFolded(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	withoutICU := newDatabase(t, admin, "")
	run(t, withoutICU, `DROP COLLATION pg_catalog."und-x-icu"`)
	latin := newDatabase(t, admin, "")
	run(t, admin, "DROP DATABASE "+latin.Database, "CREATE DATABASE "+latin.Database+" TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
	for says, config := range map[string]*pgx.ConnConfig{"built with ICU": withoutICU, "encoding LATIN1": latin} {
		if err := schema.Migrate(t.Context(), connect(t, config)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want an error that says %s", err, says)
		}
	}
}
