package bizydb_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// writers change the same rows at once.
type writers struct {
	n, plain int           // how many, and how many of them, the first, are plain clients
	atLeast  time.Duration // and a hundred changes at least
	seed     uint64
	expected []error  // what a change may return
	undone   []string // SQLSTATEs by which the server may undo a plain client's
	change   func(w int, random *rand.Rand) error
}

// run counts the changes, and those that the server has undone. Writers stop between their calls: the server may commit what is canceled
// later than a test looks.
func (c writers) run(t *testing.T) (done, undone int64) {
	t.Helper()
	start := time.Now()
	var changed, lost atomic.Int64
	var stopped atomic.Bool
	var wg sync.WaitGroup
	for w := range c.n {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), c.seed))
			for !stopped.Load() {
				err := c.change(w, random)
				switch {
				case err == nil || slices.ContainsFunc(c.expected, func(expected error) bool { return errors.Is(err, expected) }):
					if changed.Add(1) > 100 && time.Since(start) > c.atLeast {
						stopped.Store(true)
					}
				case w < c.plain && slices.Contains(c.undone, sqlState(err)):
					lost.Add(1)
				default:
					t.Errorf("writer %d: %v", w, err)
					stopped.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return changed.Load(), lost.Load()
}

// waits tells whether somebody waits for a lock in a database.
func waits(t *testing.T, db *bizydbtest.Database) bool {
	t.Helper()
	activity := "pg_stat_activity"
	if testdb.OnCitus() {
		activity = "citus_stat_activity" // of all nodes
	}
	return ownerQuery[bool](t, db, "SELECT EXISTS (SELECT FROM "+activity+" WHERE datname = current_database() AND wait_event_type = 'Lock')")
}

func untilWaiting(t *testing.T, db *bizydbtest.Database) {
	t.Helper()
	for !waits(t, db) {
		time.Sleep(time.Millisecond)
	}
}
