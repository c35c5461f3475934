//go:build linux

package patroni

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A load is users of a service of two processes, each of whom writes in one of them and reads in both.
type load struct {
	t        *testing.T
	services []*service
	users    []*account
	stopping context.CancelFunc
	done     sync.WaitGroup

	reads            gap // of any user
	stale            atomic.Int64
	answered, failed atomic.Int64 // reads
	errs             tally        // of reads
}

// A service is a process.
type service struct {
	name                           string
	db                             *bizydb.DB
	writes                         gap // of any user
	acknowledged, refused, unknown atomic.Int64
	errs                           tally // of writes
}

// An account is a user and what the user has been told.
type account struct {
	id       bizydb.UserID
	service  *service // that writes
	counter  planner.TaskID
	seen     atomic.Int64 // the highest number of the counter that was acknowledged or read
	newest   atomic.Int64 // the task that was created last
	mu       sync.Mutex
	created  []string // titles, acknowledged
	shown    []int64  // ids of tasks that a read returned, acknowledged or not
	reads    gap
	attempts int
}

// A gap is the longest time between two successes.
type gap struct {
	mu    sync.Mutex
	last  time.Time
	worst time.Duration
}

func (g *gap) success() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.worst, g.last = max(g.worst, time.Since(g.last)), time.Now()
}

func (g *gap) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.worst, g.last = 0, time.Now()
}

func (g *gap) longest() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(g.worst, time.Since(g.last)).Round(10 * time.Millisecond)
}

// A tally counts errors by what they are.
type tally struct {
	mu    sync.Mutex
	kinds map[string]int
}

var kinds = map[string]error{
	"ErrUnavailable": bizydb.ErrUnavailable, "ErrConnect": bizydb.ErrConnect, "ErrOutcomeUnknown": bizydb.ErrOutcomeUnknown,
	"ErrPoolExhausted": bizydb.ErrPoolExhausted, "ErrReadOnly": bizydb.ErrReadOnly, "context.DeadlineExceeded": context.DeadlineExceeded,
}

func (c *tally) add(t *testing.T, err error) {
	var names []string
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	name := strings.Join(names, "+")
	if name == "" {
		name = err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		c.kinds = map[string]int{}
	}
	if c.kinds[name]++; c.kinds[name] == 1 {
		t.Logf("%s, the first: %v", name, err)
	}
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(c.kinds)) {
		texts = append(texts, fmt.Sprintf("%d %s", c.kinds[name], name))
	}
	return strings.Join(texts, ", ")
}

const (
	callTime   = 5 * time.Second        // how long the service lets a call take
	afterError = 100 * time.Millisecond // before it calls again
)

// start has users write and read until the load is stopped.
func start(t *testing.T, users int, services ...*service) *load {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &load{t: t, services: services, stopping: stop}
	t.Cleanup(l.stop)
	for i := range users {
		s := services[i%len(services)]
		user, err := s.db.Accounts().Register(t.Context(), bizydb.RegisterParams{
			Email: fmt.Sprintf("u%d-%d@example.org", i, rand.Int64()), Username: fmt.Sprintf("u%d-%d", i, rand.Int64()), Password: bizydb.NewPassword("correct horse"),
		})
		if err != nil {
			t.Fatal(err)
		}
		a := &account{id: user.ID, service: s}
		counter, err := s.db.As(a.id).CreateTask(t.Context(), planner.CreateTaskParams{Title: "0"})
		if err != nil {
			t.Fatal(err)
		}
		a.counter = counter.ID
		l.users = append(l.users, a)
	}
	l.reset()
	for _, a := range l.users {
		l.done.Go(func() {
			for ctx.Err() == nil {
				l.write(a)
			}
		})
		l.done.Go(func() {
			for ctx.Err() == nil {
				l.read(a)
			}
		})
	}
	return l
}

func (l *load) stop() {
	l.stopping()
	l.done.Wait()
}

// reset begins to measure gaps.
func (l *load) reset() {
	l.reads.reset()
	for _, s := range l.services {
		s.writes.reset()
	}
	for _, a := range l.users {
		a.reads.reset()
	}
}

// write creates a task or counts up, or both in a transaction.
func (l *load) write(a *account) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	scope := a.service.db.As(a.id)
	a.attempts++
	number := a.attempts
	title := "task " + strconv.Itoa(number)
	var task planner.Task
	create := func(to planner.ReadWriter) (err error) {
		task, err = to.CreateTask(ctx, planner.CreateTaskParams{Title: title})
		return err
	}
	count := func(to bizydb.DBTX) error { // never down: an earlier call whose outcome is unknown may come later
		_, err := to.Exec(ctx, "UPDATE public.tasks SET title = $2::bigint::text WHERE id = $1 AND title::bigint < $2", a.counter, number)
		return err
	}
	how := number % 4
	var err error
	switch how {
	case 0:
		err = scope.InTx(ctx, func(tx *bizydb.Tx) error { return errors.Join(create(tx), count(tx.DBTX())) })
	case 1:
		err = create(scope)
	default:
		err = count(scope.DBTX(bizydb.Writes))
	}
	if err != nil {
		if errors.Is(err, bizydb.ErrOutcomeUnknown) {
			a.service.unknown.Add(1)
		} else {
			a.service.refused.Add(1)
		}
		a.service.errs.add(l.t, err)
		time.Sleep(afterError)
		return
	}
	a.service.acknowledged.Add(1)
	a.service.writes.success()
	if how < 2 {
		a.mu.Lock()
		a.created = append(a.created, title)
		a.mu.Unlock()
		a.newest.Store(int64(task.ID))
	}
	if how != 1 {
		a.sees(int64(number))
	}
	time.Sleep(rand.N(2 * *pause))
}

func (a *account) sees(number int64) {
	for n := a.seen.Load(); number > n && !a.seen.CompareAndSwap(n, number); n = a.seen.Load() {
	}
}

// read asks one of the processes, which gets the tokens of the others, for the counter or for the newest task.
func (l *load) read(a *account) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	seen, newest := a.seen.Load(), planner.TaskID(a.newest.Load())
	asked := l.services[rand.IntN(len(l.services))]
	scope := asked.db.As(a.id)
	for _, other := range l.services {
		if other != asked {
			token, err := bizydb.ParseToken(other.db.As(a.id).Token().String())
			if err != nil {
				l.t.Error(err)
			}
			scope = scope.After(token)
		}
	}
	if rand.IntN(3) == 0 {
		l.look(ctx, a, scope)
		return
	}
	id := a.counter
	if newest != 0 && rand.IntN(2) == 0 {
		id = newest
	}
	task, err := scope.GetTask(ctx, id)
	var got int64
	if err == nil && id == a.counter {
		got, err = strconv.ParseInt(task.Title, 10, 64)
	}
	switch {
	case errors.Is(err, bizydb.ErrNotFound), errors.Is(err, bizydb.ErrNoUser):
		l.foundStale("user %d: task %d is not there: %v", a.id, id, err)
	case err != nil:
		l.readFailed(err)
		return
	case id == a.counter && got < seen:
		l.foundStale("user %d, whose token was %s: the counter is %d, and the user has seen %d", a.id, scope.Token(), got, seen)
	}
	a.sees(got)
	l.readAnswered(a)
}

// look asks for the user's last task.
func (l *load) look(ctx context.Context, a *account, scope bizydb.Scope) {
	newest := a.newest.Load()
	var id int64
	if err := scope.DBTX().QueryRow(ctx, "SELECT max(id) FROM public.tasks").Scan(&id); err != nil {
		l.readFailed(err)
		return
	}
	if id < newest {
		l.foundStale("user %d: the last task is %d, and the user has created %d", a.id, id, newest)
	}
	if len(a.shown) == 0 || a.shown[len(a.shown)-1] != id {
		a.shown = append(a.shown, id)
	}
	l.readAnswered(a)
}

func (l *load) readFailed(err error) {
	l.failed.Add(1)
	l.errs.add(l.t, err)
	time.Sleep(afterError)
}

func (l *load) readAnswered(a *account) {
	l.answered.Add(1)
	l.reads.success()
	a.reads.success()
	time.Sleep(rand.N(2 * *pause))
}

func (l *load) foundStale(format string, args ...any) {
	if l.stale.Add(1) <= 3 {
		l.t.Logf("%s stale: "+format, append([]any{time.Now().Format("15:04:05.000")}, args...)...)
	}
}

// lost compares what was acknowledged, and what was shown, with what a server has.
func (l *load) lost(t *testing.T, dsn string) (lost, acknowledged, gone int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, a := range l.users {
		titles, ids := map[string]bool{}, map[int64]bool{}
		var id, counter int64
		var title string
		rows, _ := conn.Query(t.Context(), "SELECT id, title FROM public.tasks WHERE user_id = $1", a.id)
		if _, err := pgx.ForEachRow(rows, []any{&id, &title}, func() error {
			titles[title], ids[id] = true, true
			if id == int64(a.counter) {
				counter, err = strconv.ParseInt(title, 10, 64)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, title := range a.created {
			acknowledged++
			if !titles[title] {
				lost++
			}
		}
		if counter < a.seen.Load() {
			lost++
		}
		for _, id := range a.shown {
			if !ids[id] {
				gone++
			}
		}
	}
	return lost, acknowledged, gone
}

// readsOn counts reads of all processes.
func (l *load) readsOn() (standbys, primary int64) {
	for _, s := range l.services {
		stats, p := s.db.StandbyStats()
		primary += p
		for _, stat := range stats {
			standbys += stat.Reads
		}
	}
	return standbys, primary
}
