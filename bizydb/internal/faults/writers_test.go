package faults_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A writeLog is what writers have tried, by the titles of the tasks. Those of a transaction share a title.
type writeLog struct {
	mu                             sync.Mutex
	acknowledged, refused, unknown []string
	pairs                          map[string]bool
	errs                           map[string]error
}

// Writers create tasks, one by one and in transactions of two.
type writers struct {
	stopping chan struct{}
	stopOnce sync.Once
	done     sync.WaitGroup
	log      writeLog
}

// startWriters starts n of them. They are stopped with the test, if not before.
func (g *target) startWriters(t *testing.T, n int, description string) *writers {
	w := &writers{stopping: make(chan struct{}), log: writeLog{pairs: map[string]bool{}, errs: map[string]error{}}}
	t.Cleanup(func() { w.stop() })
	for i := range n {
		scope := g.through.As(g.users[i%len(g.users)])
		w.done.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-w.stopping:
					return
				default:
				}
				title, pair := fmt.Sprintf("%d/%d", i, k), k%3 == 0
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				create := func(to planner.ReadWriter) error {
					_, err := to.CreateTask(ctx, planner.CreateTaskParams{Title: title, Description: &description})
					return err
				}
				var err error
				if pair {
					err = scope.InTx(ctx, func(tx *bizydb.Tx) error { return errors.Join(create(tx), create(tx)) })
				} else {
					err = create(scope)
				}
				cancel()
				w.log.add(title, pair, err)
				if err != nil {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	return w
}

func (w *writers) stop() *writeLog {
	w.stopOnce.Do(func() { close(w.stopping) })
	w.done.Wait()
	return &w.log
}

// afterwards lets the writers go on until they work again, and compares their log with what is there.
func (w *writers) afterwards(t *testing.T, g *target, fault string) *writeLog {
	t.Helper()
	recovered := g.waitUntilItWorks(t)
	time.Sleep(300 * time.Millisecond)
	log := w.stop()
	log.check(t, g)
	t.Logf("%s: %v; works again after %v", fault, log, recovered.Round(time.Millisecond))
	return log
}

func (l *writeLog) add(title string, pair bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs[title], l.errs[title] = pair, err
	switch {
	case err == nil:
		l.acknowledged = append(l.acknowledged, title)
	case errors.Is(err, bizydb.ErrOutcomeUnknown):
		l.unknown = append(l.unknown, title)
	default:
		l.refused = append(l.refused, title)
	}
}

func (l *writeLog) String() string {
	return fmt.Sprintf("%d acknowledged, %d refused, %d unknown", len(l.acknowledged), len(l.refused), len(l.unknown))
}

// check compares the log with what is there. Whoever has not been answered may still be writing, so that is ended first.
func (l *writeLog) check(t *testing.T, g *target) {
	t.Helper()
	g.wantNoneInUse(t)
	g.endAll(t)
	g.direct.Pool().Reset()
	there := map[string]int{}
	for _, user := range g.users {
		for task, err := range g.direct.As(user).StreamTasks(t.Context(), planner.ListTasksParams{}) {
			if err != nil {
				t.Fatal(err)
			}
			there[task.Title]++
		}
	}
	whole := func(title string) int {
		if l.pairs[title] {
			return 2
		}
		return 1
	}
	for _, title := range l.acknowledged {
		if there[title] != whole(title) {
			t.Errorf("%s was acknowledged and is there %d times, want %d", title, there[title], whole(title))
		}
	}
	for _, title := range l.refused {
		if there[title] != 0 {
			t.Errorf("%s was refused and is there %d times: %v", title, there[title], l.errs[title])
		}
	}
	for _, title := range l.unknown {
		if n := there[title]; n != 0 && n != whole(title) {
			t.Errorf("%s is unknown and is there %d times, want 0 or %d", title, n, whole(title))
		}
	}
	if len(l.acknowledged) == 0 || len(there) > len(l.acknowledged)+len(l.unknown) {
		t.Errorf("%d titles are there, %v", len(there), l)
	}
}
