package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

func TestOwnFile(t *testing.T) {
	t.Parallel()
	file := fileWith(t, `{"goals": [{"title": "Открыть кофейню", "target": "2031-03-31", "horizon": "yearly"}]}`)
	out, err := example(t, t.Context(), "-load", file)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, out,
		`Load /.*/my\.json for Alice`,
		`  InTx          1 goal and 0 tasks, an insert each `,
		`  UpdateTask    block "Tell the team what is next" `,
		`  Открыть кофейню +\.{16}    0\.0%         by 31 Mar 2031$`,
		`  ListGoals     0 goals `,
	)
}

func TestBadFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 501)
	for _, c := range []struct{ name, text, want string }{
		{"empty file", ``, `my.json: not JSON: the end is missing`},
		{"cut off", `{"goals": [`, `my.json: not JSON: the end is missing`},
		{"not JSON", "{\"goals\": [\n{\"title\": Grow}]}", `my.json: not JSON: line 2: invalid character 'G' looking for beginning of value`},
		{"two values", `{"goals": []} {}`, `my.json: more than one JSON value`},
		{"no goal", `{"tasks": [{"title": "Call the bank"}]}`, `my.json: at least one goal is needed, in "goals"`},
		{"unknown field", `{"gaols": []}`, `my.json: unknown field "gaols"`},
		{
			"unknown field of a task", `{"goals": [{"title": "Grow", "goals": [{"title": "Sell", "tasks": [{"prio": 1, "title": "Call"}]}]}]}`,
			`my.json: goal "Grow": goal "Sell": task "Call": unknown field "prio"`,
		},
		{
			"wrong type", `{"goals": [{"title": "Grow", "tasks": [{"title": "Call", "priority": "high"}]}]}`,
			`my.json: goal "Grow": task "Call": field "priority" cannot be a JSON string`,
		},
		{
			"wrong date", `{"goals": [{"title": "Grow", "target": "31.3.2031"}]}`,
			`my.json: goal "Grow": date "31.3.2031" is neither a number of days from today nor a day like "2027-03-31"`,
		},
		{
			"empty title", `{"goals": [{"title": "Grow", "tasks": [{"title": "Call"}, {"title": ""}]}]}`,
			`my.json: goal 1 "Grow": task 2 "": bizydb: CreateTask: tasks.title must not be blank`,
		},
		{
			"unknown status", `{"goals": [{"title": "Grow", "status": "done"}]}`,
			`my.json: goal 1 "Grow": bizydb: CreateGoal: goals.status must be active, completed, on_hold or cancelled`,
		},
		{
			"long title", `{"goals": [{"title": "Grow"}, {"title": "` + long + `"}]}`,
			`my.json: goal 2 "` + long[:60] + `": bizydb: CreateGoal: goals.title must have at most 500 characters`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := fileWith(t, c.text)
			_, err := example(t, t.Context(), "-load", file)
			if want := filepath.Dir(file) + "/" + c.want; fmt.Sprint(err) != want {
				t.Errorf("error %v\nwant  %s", err, want)
			}
			if code := exitCode(err); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "none.json")
		_, err := example(t, t.Context(), "-load", file)
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v, want one that names %s", err, file)
		}
	})
}

func TestLoadIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	c := &company{name: "a file", Goals: []goal{{Title: "Grow", Tasks: []task{{Title: "Call"}, {Title: ""}}}}}
	r := newReport(t.Output())
	r.trips = func() int { return 0 }

	var field *bizydb.FieldError
	if err := load(t.Context(), r, alice, c); !errors.As(err, &field) || field.Column != "title" {
		t.Fatalf("error %v, want one about the title", err)
	}
	goals, err := alice.ListGoals(t.Context(), planner.ListGoalsParams{})
	if err != nil || len(goals) > 0 {
		t.Errorf("goals %v, error %v, want none", goals, err)
	}
}

func fileWith(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "my.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
