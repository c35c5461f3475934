package bizydb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// BenchmarkCitus compares calls in a database on Citus with the same calls in one without it, for a user with 600 tasks, in turns of 20 ms
// in random order. The service is connected to the coordinator, to the user's own node, and to another one. It reports medians of the
// ratios of rounds, and of the milliseconds of a call without Citus; "noise" is the database without Citus once more. "complete" is
// CompleteTask and ReopenTask in turn.
//
//	BIZYDBTEST_CITUS_URL=… go test -run '^$' -bench Citus -benchtime 200x ./bizydb
func BenchmarkCitus(b *testing.B) {
	if !testdb.OnCitus() {
		b.Skip("needs Citus, by BIZYDBTEST_CITUS_URL")
	}
	sharded, plain := testdb.Common(b), bizydbtest.New(b)
	user := sharded.NewUser(b)
	at := func(node string) string {
		return regexp.MustCompile(`@[^/]+/`).ReplaceAllLiteralString(sharded.DSN, "@"+node+"/")
	}
	nodes := ownerQuery[[]string](b, sharded, `SELECT array_agg(nodename || ':' || nodeport ORDER BY groupid <> 0, groupid <> (
		SELECT p.groupid FROM pg_dist_placement p WHERE p.shardid = get_shard_id_for_distribution_column('public.tasks', $1::bigint)
	)) FROM pg_dist_node`, int64(user))
	type planned struct {
		name  string
		scope bizydb.Scope
		task  planner.TaskID
	}
	var places []planned
	open := func(name, dsn string, user bizydb.UserID, tasks planner.TaskIDs) {
		db, err := bizydb.Open(b.Context(), dsn+"&pool_max_conns=1")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(db.Close)
		places = append(places, planned{name, db.As(user), tasks[len(places)]}) // a task of its own, to complete
	}
	own := plain.NewUser(b)
	tasks := sixHundred(b, plain.As(own))
	open("plain", plain.DSN, own, tasks)
	open("noise", plain.DSN, own, tasks)
	tasks = sixHundred(b, sharded.As(user))
	for i, name := range []string{"coordinator", "own-node", "other-node"} {
		open(name, at(nodes[i]), user, tasks)
	}
	for _, db := range []*bizydbtest.Database{plain, sharded} {
		asOwner(b, db, "VACUUM ANALYZE public.goals, public.tasks")
	}
	completed := map[string]bool{}
	for name, call := range map[string]func(context.Context, planned) error{
		"get": func(ctx context.Context, p planned) error { _, err := p.scope.GetTask(ctx, p.task); return err },
		"list": func(ctx context.Context, p planned) error {
			_, err := p.scope.ListTasks(ctx, planner.ListTasksParams{Limit: 20})
			return err
		},
		"complete": func(ctx context.Context, p planned) (err error) {
			if completed[p.name] = !completed[p.name]; completed[p.name] {
				_, err = p.scope.CompleteTask(ctx, planner.CompleteTaskParams{ID: p.task})
			} else {
				_, err = p.scope.ReopenTask(ctx, planner.ReopenTaskParams{ID: p.task})
			}
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			took := map[string][]float64{}
			for b.Loop() {
				round := map[string]float64{}
				for _, i := range rand.Perm(len(places)) {
					n, start := 0, time.Now()
					for ; n < 2 || time.Since(start) < 20*time.Millisecond; n++ {
						if err := call(b.Context(), places[i]); err != nil {
							b.Fatal(err)
						}
					}
					round[places[i].name] = time.Since(start).Seconds() * 1000 / float64(n)
				}
				took["plain-ms"] = append(took["plain-ms"], round["plain"])
				for _, p := range places[1:] {
					took[p.name] = append(took[p.name], round[p.name]/round["plain"])
				}
			}
			b.ReportMetric(0, "ns/op") // a round is not an operation
			for name, all := range took {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2], name)
			}
		})
	}
}

func sixHundred(b *testing.B, s bizydb.Scope) planner.TaskIDs {
	b.Helper()
	goal, err := s.CreateGoal(b.Context(), planner.CreateGoalParams{Title: "goal"})
	if err != nil {
		b.Fatal(err)
	}
	many := make(planner.CreateTasksParams, 600)
	for i := range many {
		many[i] = planner.CreateTaskParams{Title: fmt.Sprint("task ", i), ParentGoalID: &goal.ID}
	}
	ids, err := s.CreateTasks(b.Context(), many)
	if err != nil {
		b.Fatal(err)
	}
	return ids
}
