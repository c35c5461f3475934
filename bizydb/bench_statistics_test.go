package bizydb_test

import (
	"context"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// BenchmarkMovedIn measures calls of a user who has just moved in with 20,000 tasks beside four small users, of whom alone the
// statistics know, against the same once the tables are analyzed, in a database of its own. It reports the ratio of the two medians,
// and as a yardstick that of two databases which are analyzed. The three take turns.
//
//	go test -run '^$' -bench MovedIn -benchtime 1x ./bizydb
func BenchmarkMovedIn(b *testing.B) {
	var movers []mover
	var dbs []*bizydbtest.Database
	for i := range 3 {
		db := bizydbtest.New(b)
		asOwner(b, db, "ALTER TABLE public.goals SET (autovacuum_enabled = off); ALTER TABLE public.tasks SET (autovacuum_enabled = off)")
		for range 4 {
			moveIn(b, db, db.NewUser(b), 20)
		}
		asOwner(b, db, "ANALYZE")
		dbs, movers = append(dbs, db), append(movers, moveIn(b, db, db.NewUser(b), 20_000))
		if i > 0 {
			asOwner(b, db, "ANALYZE")
		}
	}
	nothing := func(context.Context) error { return nil }
	for name, of := range map[string]func(mover, planner.ReadWriter) (call, undo func(context.Context) error){
		"SetTaskDependencies": func(m mover, s planner.ReadWriter) (call, undo func(context.Context) error) {
			set := func(ids planner.TaskIDs) func(context.Context) error {
				return func(ctx context.Context) error {
					_, err := s.SetTaskDependencies(ctx, planner.SetTaskDependenciesParams{ID: m.at.task, Dependencies: ids})
					return err
				}
			}
			return set(m.taskIDs()[10:20]), set(nil)
		},
		"CreateTasks": func(m mover, s planner.ReadWriter) (call, undo func(context.Context) error) {
			var made []planner.TaskID
			return func(ctx context.Context) (err error) {
				made, err = s.CreateTasks(ctx, m.newTasks()[:100])
				return err
			}, func(ctx context.Context) error { _, err := s.DeleteTasks(ctx, made); return err }
		},
		"CompleteTask": func(m mover, s planner.ReadWriter) (call, undo func(context.Context) error) {
			return func(ctx context.Context) error {
					_, err := s.CompleteTask(ctx, planner.CompleteTaskParams{ID: m.at.task})
					return err
				}, func(ctx context.Context) error {
					_, err := s.ReopenTask(ctx, planner.ReopenTaskParams{ID: m.at.task})
					return err
				}
		},
		"GoalTree": func(_ mover, s planner.ReadWriter) (call, undo func(context.Context) error) {
			return func(ctx context.Context) error { _, err := s.GoalTree(ctx, 0); return err }, nothing
		},
		"ReadyTasks": func(_ mover, s planner.ReadWriter) (call, undo func(context.Context) error) {
			return func(ctx context.Context) error { _, err := s.ReadyTasks(ctx, planner.ReadyTasksParams{}); return err }, nothing
		},
	} {
		b.Run(name, func(b *testing.B) {
			var calls, undo []func(context.Context) error
			for i, db := range dbs {
				c, u := of(movers[i], db.As(movers[i].user))
				calls, undo = append(calls, c), append(undo, u)
			}
			var took [][]float64
			for b.Loop() {
				took = takeTurns(b, 20, 5, calls, undo)
			}
			b.ReportMetric(0, "ns/op") // a round is not an operation
			b.ReportMetric(median(took[0]), "moved-in-µs")
			b.ReportMetric(median(took[1]), "analyzed-µs")
			b.ReportMetric(median(took[0])/median(took[1]), "ratio")
			b.ReportMetric(median(took[2])/median(took[1]), "yardstick")
		})
	}
}
