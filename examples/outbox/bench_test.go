package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// BenchmarkTrigger measures how much more processor time the server takes to complete a task with the outbox's triggers than without: a
// task by itself, one under four levels of goals that are completed with it, and a hundred tasks in one call. It reports the ratio of the
// medians of rounds that take turns. The server must be on this machine, and be one whose processes can be seen.
//
//	go test -run '^$' -bench Trigger -benchtime 30x ./examples/outbox
func BenchmarkTrigger(b *testing.B) {
	made := bizydbtest.New(b, bizydbtest.WithMigrations(migrations()))
	db, err := bizydb.Open(b.Context(), made.DSN+"&pool_max_conns=1")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := &service{Database: made}
	u, err := newUser(b.Context(), b, s)
	if err != nil {
		b.Fatal(err)
	}
	scope := db.As(u.id)
	if _, err := scope.DeleteTasks(b.Context(), u.tasks[1:]); err != nil {
		b.Fatal(err)
	}
	many, err := scope.CreateTasks(b.Context(), slices.Repeat(planner.CreateTasksParams{{Title: "task"}}, 100))
	if err != nil {
		b.Fatal(err)
	}
	var pid int
	if err := db.Pool().QueryRow(b.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		b.Fatal(err)
	}
	used := func(b *testing.B) (ns int64) {
		for { // until it waits for the next query: before that, it is not yet said
			state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				b.Skip(err)
			}
			if strings.Contains(string(state), ") S ") {
				break
			}
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err == nil {
			_, err = fmt.Sscan(string(text), &ns)
		}
		if err != nil {
			b.Skip(err)
		}
		return ns
	}

	for _, c := range []struct {
		name  string
		tasks planner.TaskIDs
	}{{"single", u.single[:1]}, {"deep", u.tasks[:1]}, {"hundred", many}} {
		b.Run(c.name, func(b *testing.B) {
			costs := map[string][]int64{}
			for b.Loop() {
				for _, mode := range []string{"DISABLE", "ENABLE"} {
					for _, table := range []string{"tasks", "goals"} {
						for _, trigger := range []string{"x_outbox_insert", "x_outbox_update"} {
							asOwner(b, made, fmt.Sprintf("ALTER TABLE public.%s %s TRIGGER %s", table, mode, trigger))
						}
					}
					var total int64
					const calls = 20
					for n := range calls + 5 { // the first ones plan anew
						if _, err := scope.SetTaskStatuses(b.Context(), planner.SetTaskStatusesParams{IDs: c.tasks, Status: planner.TaskPending}); err != nil {
							b.Fatal(err)
						}
						before := used(b)
						if _, err := scope.SetTaskStatuses(b.Context(), planner.SetTaskStatusesParams{IDs: c.tasks, Status: planner.TaskCompleted}); err != nil {
							b.Fatal(err)
						}
						if n >= 5 {
							total += used(b) - before
						}
					}
					costs[mode] = append(costs[mode], total/calls)
				}
			}
			median := func(mode string) float64 {
				slices.Sort(costs[mode])
				return float64(costs[mode][len(costs[mode])/2]) / 1000
			}
			b.ReportMetric(median("DISABLE"), "µs/without")
			b.ReportMetric(median("ENABLE"), "µs/with")
			b.ReportMetric(median("ENABLE")/median("DISABLE"), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func asOwner(tb testing.TB, made *bizydbtest.Database, sql string) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), made.AdminDSN)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(tb.Context())
	if _, err := conn.Exec(tb.Context(), sql); err != nil {
		tb.Fatal(err)
	}
}
