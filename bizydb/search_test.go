package bizydb_test

import (
	"fmt"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// In whatever case, however it is written, and in whatever locale the database has: the same is found.
func TestSearchInEachLocale(t *testing.T) {
	t.Parallel()
	pairs := []struct {
		text, search string
		found        bool
	}{
		{"Info", "INFO", true},
		{"INFO", "info", true},
		{"title", "TITLE", true},
		{"ÄRGER", "ärger", true},
		{"ärger", "ARGER", false}, // an accent counts
		{"naïve", "NAÏVE", true},
		{"naive", "naïve", false},
		{"café", "cafe\u0301", true}, // composed or not
		{"cafe\u0301", "CAFÉ", true},
		{"cafe\u0301", "cafe", false}, // é is one letter, however it is written
		{"A\u030angström", "Ångström", true},
		{"\u212bngström", "ångström", true},      // the sign
		{"q\u0323\u0307", "Q\u0307\u0323", true}, // marks in either order
		{"ệ", "E\u0302\u0323", true},             // two of them
		{"각", "\u1100\u1161\u11a8", true},        // a syllable of Hangul
		{"\uac00\u11a8", "각", true},              // half composed
		{"ΟΔΟΣΑ", "ΟΔΟΣ", true},                  // whose last letter is another one at the end of a word
		{"οδος", "ΟΔΟΣ", true},                   // which this has
		{"οδοσα", "οδος", true},                  // and so has this
		{"ΟΔΟΣ", "οδοσ", true},                   // and this not
		{"Straße", "STRASSE", true},              // full case folding
		{"STRASSE", "straße", true},              //
		{"STRAẞE", "Straße", true},               // the capital sharp s
		{"Straße", "strase", false},              //
		{"Maß", "mass", true},                    //
		{"ﬁnal", "FINAL", true},                  // a ligature
		{"ŉ", "ʼN", true},                        //
		{"I", "ı", false},                        // dotless i is a letter by itself
		{"ISPARTA", "ısparta", false},            // also in Turkish
		{"ısparta", "ISPARTA", false},            //
		{"İstanbul", "i\u0307stanbul", true},     // a dotted capital is i and a dot
		{"İstanbul", "istanbul", false},          //
		{"istanbul", "ISTANBUL", true},           //
		{"ЖУРНАЛ", "журнал", true},               //
		{"ёлка", "ЕЛКА", false},                  //
		{"Ёлка", "е\u0308лка", true},             //
		{"ĲSSEL", "ĳssel", true},                 //
		{"Ǆ", "ǆ", true},                         //
		{"ǅ", "Ǆ", true},                         // the title case
		{"ΆΛΦΑ", "άλφα", true},                   //
		{"ᾼ", "αι", true},                        // an iota below
		{"µm", "ΜM", true},                       // the micro sign is a mu
		{"ſecond", "SECOND", true},               // the long s
		{"K", "\u212a", true},                    // the Kelvin sign
		{"ｆｕｌｌ", "full", false},                  // wide letters are others
		{"ｆｕｌｌ", "ＦＵＬＬ", true},                   //
		{"x²", "x2", false},                      //
		{"日本語", "本", true},                       //
		{"שלום", "שלום", true},                   //
		{"🙂 smile", "🙂 SMILE", true},             //
		{"100%", "0%", true},                     // no wildcards
		{"100x", "0%", false},                    //
		{"a_b", "A_B", true},                     //
		{"axb", "a_b", false},                    //
		{`back\slash`, `K\S`, true},              //
		{"two  words", "TWO WORDS", false},       // spaces count
		{"line\nbreak", "LINE\nBREAK", true},     //
		{"co\u00adoperate", "cooperate", false},  // as does what cannot be seen
		{"Ꭰ", "ꭰ", true},                         // Cherokee
		{"𐐀", "𐐨", true},                         // Deseret, beyond 16 bits
	}
	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		alice := db.As(db.NewUser(t))
		var tasks planner.CreateTasksParams
		for i, p := range pairs {
			tasks = append(
				tasks, planner.CreateTaskParams{Title: "t" + p.text, Category: new(fmt.Sprint(i)), Tags: planner.Tags{"all"}},
				planner.CreateTaskParams{Title: "d", Description: &p.text, Category: new(fmt.Sprint(i)), Tags: planner.Tags{"all"}},
				planner.CreateTaskParams{Title: "n", Notes: new("x" + p.text), Category: new(fmt.Sprint(i)), Tags: planner.Tags{"all"}},
			)
			for _, goal := range []planner.CreateGoalParams{{Title: "t" + p.text}, {Title: "d", Description: &p.text}, {Title: "s", SuccessCriteria: &p.text}} {
				goal.Metrics = planner.Metrics{"pair": i}
				if _, err := alice.CreateGoal(t.Context(), goal); err != nil {
					t.Fatal(err)
				}
			}
		}
		create(t, alice, tasks...)
		for i, p := range pairs {
			want := 0
			if p.found {
				want = 3
			}
			check := func(method string, n int, err error) {
				t.Helper()
				if n != want || err != nil {
					t.Errorf("%s: %+q in %d of the 3 that have %+q, want %d: %v", method, p.search, n, p.text, want, err)
				}
			}
			of := func(tasks []planner.Task) (n int) {
				for _, task := range tasks {
					if *task.Category == fmt.Sprint(i) {
						n++
					}
				}
				return n
			}
			found, err := alice.SearchTasks(t.Context(), planner.SearchTasksParams{Text: p.search})
			check("SearchTasks", of(found), err)
			page, err := alice.PageTasks(t.Context(), planner.PageTasksParams{Search: p.search, Category: new(fmt.Sprint(i))})
			check("PageTasks", len(page.Tasks), err)
			page, err = alice.PageTasks(t.Context(), planner.PageTasksParams{Search: p.search, Category: new(fmt.Sprint(i)), AnyTag: planner.Tags{"all"}})
			check("PageTasks by tag", len(page.Tasks), err)
			goals, err := alice.SearchGoals(t.Context(), planner.SearchGoalsParams{Text: p.search})
			n := 0
			for _, goal := range goals {
				if goal.Metrics["pair"] == float64(i) {
					n++
				}
			}
			check("SearchGoals", n, err)
		}
	})
}

// Categories are in the order of their code points in every database.
func TestCategoriesInEachLocale(t *testing.T) {
	t.Parallel()
	bizydbtest.EachLocale(t, func(t *testing.T, db *bizydbtest.Database) {
		alice := db.As(db.NewUser(t))
		sorted := []string{"", "B", "I", "Z", "a", "b", "i", "z", "ä", "ı", "ς", "σ", "日", "🙂"}
		for _, i := range []int{7, 3, 0, 12, 5, 9, 1, 13, 2, 11, 4, 10, 6, 8} {
			create(t, alice, planner.CreateTaskParams{Title: "t", Category: &sorted[i]})
		}
		create(t, alice, planner.CreateTaskParams{Title: "t"})
		rows, err := alice.TaskCountsByCategory(t.Context())
		if err != nil || len(rows) != len(sorted)+1 || rows[len(sorted)].Category != nil {
			t.Fatal(rows, err)
		}
		for i, category := range sorted {
			if *rows[i].Category != category {
				t.Errorf("%d: %q, want %q", i, *rows[i].Category, category)
			}
		}
	})
}
