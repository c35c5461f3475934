//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/internal/standby"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A group is a primary with its standbys.
type group struct {
	*bizydbtest.Database
	server   *bizydbtest.Server
	primary  *cluster
	standbys []*cluster
	dsns     []string // of the standbys, for the service
	admin    []string // of the standbys, for the owner
}

func newGroup(t testing.TB, standbys int) *group {
	t.Helper()
	g := &group{server: newServer(t)}
	g.primary = clusterOf(t, g.server)
	var err error
	if g.Database, err = g.server.NewDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Database.Close)
	for i := range standbys {
		replica, address := g.primary.newReplica(t, g.server.DSN(), "standby"+strconv.Itoa(i+1))
		g.standbys = append(g.standbys, replica)
		g.dsns = append(g.dsns, on(t, g.DSN, address))
		g.admin = append(g.admin, on(t, g.AdminDSN, address))
	}
	return g
}

// open opens the database with its standbys, and waits until they are used.
func (g *group) open(t testing.TB, dsn string, standbys ...string) *bizydb.DB {
	t.Helper()
	db, err := bizydb.Open(t.Context(), dsn, bizydb.WithStandbys(standbys...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	waitUntilUp(t, db)
	return db
}

func waitUntilUp(t testing.TB, db *bizydb.DB) {
	t.Helper()
	eventually(t, recoveryBound, func() string {
		stats, _ := db.StandbyStats()
		for _, s := range stats {
			if s.Down != nil {
				return fmt.Sprintf("%s: %v", s.Name, s.Down)
			}
		}
		return ""
	})
}

// waitUntilReplayed returns when every standby has what the primary has written by now.
func (g *group) waitUntilReplayed(t testing.TB) {
	t.Helper()
	lsn := one[string](t, g.AdminDSN, "SELECT pg_current_wal_insert_lsn()::text")
	for _, dsn := range g.admin {
		eventually(t, recoveryBound, func() string {
			if !one[bool](t, dsn, "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", lsn) {
				return "the standby does not catch up"
			}
			return ""
		})
	}
}

// A fresh read is one round trip to the standby, a stale one two, and a write one to the primary.
func TestRoundTripsOfStandbys(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	// On one connection each, since a new one prepares its statements.
	primary, primaryDSN := bizydbtest.NewProxy(t, g.DSN)
	standby, standbyDSN := bizydbtest.NewProxy(t, g.dsns[0])
	db := g.open(t, primaryDSN+"&pool_max_conns=1", standbyDSN+"&pool_max_conns=1")
	user := db.As(g.NewUser(t))

	var id planner.TaskID
	create := func() {
		task, err := user.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
		if err != nil {
			t.Fatal(err)
		}
		id = task.ID
	}
	getIn := func(scope bizydb.Scope) {
		if _, err := scope.GetTask(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	get := func() { getIn(user) }
	onPrimary := func() { getIn(user.OnPrimary()) }
	for range 3 { // what is prepared once is, on both
		create()
		get()
		g.waitUntilReplayed(t)
		get()
	}
	nothing := func() {}
	for _, c := range []struct {
		name             string
		before, do       func()
		primary, standby int
	}{
		{"a fresh read", nothing, get, 0, 1},
		{"a stale read", func() { g.pause(t, 0); get(); create() }, get, 1, 1},
		{"a write", nothing, create, 1, 0},
		{"a read of OnPrimary", nothing, onPrimary, 1, 0},
	} {
		var p, s int
		for range 20 { // a probe can come between
			create()
			g.waitUntilReplayed(t)
			get()
			onPrimary() // both just now, since pgxpool pings a connection that was idle for a second
			c.before()
			primary.RoundTrips()
			standby.RoundTrips()
			c.do()
			p, s = primary.RoundTrips(), standby.RoundTrips()
			g.resume(t, 0)
			if p == c.primary && s == c.standby {
				break
			}
		}
		if p != c.primary || s != c.standby {
			t.Errorf("%s: %d round trips to the primary and %d to the standby, want %d and %d", c.name, p, s, c.primary, c.standby)
		}
	}
}

// A standby answers in each exec mode that bizydb supports: to the whole question after a write, and to the short one after that.
func TestExecModesOfStandbys(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec"} {
		mode := "&default_query_exec_mode=" + mode
		db := g.open(t, g.DSN+mode, g.dsns[0]+mode)
		user := db.As(g.NewUser(t))
		task, err := user.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
		if err != nil {
			t.Fatal(err)
		}
		g.waitUntilReplayed(t)
		for range 3 {
			if _, err := user.GetTask(t.Context(), task.ID); err != nil {
				t.Fatal(err)
			}
		}
		if standby, primary := reads(db); standby != 3 || primary != 0 {
			t.Errorf("%s: %d reads on the standby, %d on the primary", mode, standby, primary)
		}
	}
}

// What another process has committed is seen by OnPrimary at once, by other reads when the standby has replayed it.
func TestReadsOnPrimary(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	db, other := g.open(t, g.DSN, g.dsns[0]), g.open(t, g.DSN, g.dsns[0])
	user := g.NewUser(t)
	task, err := db.As(user).CreateTask(t.Context(), planner.CreateTaskParams{Title: "old"})
	if err != nil {
		t.Fatal(err)
	}
	title := func(of bizydb.Scope) string {
		got, err := of.GetTask(t.Context(), task.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got.Title
	}
	g.waitUntilReplayed(t)
	title(db.As(user)) // from the standby
	g.pause(t, 0)
	defer g.resume(t, 0)
	changed := "new"
	if _, err := other.As(user).UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, Title: &changed}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scope bizydb.Scope
		want  string
	}{{db.As(user), "old"}, {db.As(user).OnPrimary(), "new"}, {db.As(user), "old"}} { // since the new one does not count as seen
		if got := title(c.scope); got != c.want {
			t.Errorf("the title is %q, want %q", got, c.want)
		}
	}
}

// While a user's write takes long, the user's reads on the primary wait for it for a second, and then go on: what works has not committed.
func TestReadsDuringALongWrite(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	db := g.open(t, g.DSN, g.dsns[0])
	id := g.NewUser(t)
	user := db.As(id)
	task, err := user.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
	if err != nil {
		t.Fatal(err)
	}
	g.waitUntilReplayed(t)
	if _, err := user.GetTask(t.Context(), task.ID); err != nil { // which can have shown what the primary has not
		t.Fatal(err)
	}
	if standby, _ := reads(db); standby != 1 {
		t.Fatalf("%d reads on the standby", standby)
	}
	other, err := bizydb.Open(t.Context(), g.DSN) // another process, so that nothing of this one depends on it
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	begun, done := make(chan struct{}), make(chan error)
	go func() {
		done <- other.As(id).InTx(t.Context(), func(tx *bizydb.Tx) error {
			close(begun)
			_, err := tx.DBTX().Exec(t.Context(), "SELECT pg_sleep(8)")
			return err
		})
	}()
	<-begun
	time.Sleep(100 * time.Millisecond)
	g.pause(t, 0)
	defer g.resume(t, 0)
	if _, err := g.As(g.NewUser(t)).CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"}); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"a snapshot": func() error {
			return user.Snapshot(t.Context(), func(tx *bizydb.Tx) error { _, err := tx.GetTask(t.Context(), task.ID); return err })
		},
		"OnPrimary": func() error { _, err := user.OnPrimary().GetTask(t.Context(), task.ID); return err },
		"a read":    func() error { _, err := user.GetTask(t.Context(), task.ID); return err },
	} {
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	select {
	case err := <-done:
		t.Errorf("the write had ended: %v", err)
	default:
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (g *group) pause(t *testing.T, i int) {
	t.Helper()
	if err := execOn(t, g.admin[i], "SELECT pg_wal_replay_pause()"); err != nil {
		t.Fatal(err)
	}
	eventually(t, recoveryBound, func() string {
		return map[bool]string{false: "replay is not paused"}[one[string](t, g.admin[i], "SELECT pg_get_wal_replay_pause_state()") == "paused"]
	})
}

func (g *group) resume(t *testing.T, i int) {
	t.Helper()
	if err := execOn(t, g.admin[i], "SELECT pg_wal_replay_resume()"); err != nil {
		t.Fatal(err)
	}
}

// A server that cannot answer for its users as a standby should is passed over, and says why.
func TestUnfitStandbys(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	// Others' databases have the row of this one's timeline as well, after a dump for example.
	beside, err := g.server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(beside.Close)
	other := newGroup(t, 1)
	system := one[int64](t, g.AdminDSN, "SELECT system_identifier FROM pg_control_system()")
	for _, dsn := range []string{beside.AdminDSN, other.AdminDSN} {
		if err := execOn(t, dsn, fmt.Sprintf("INSERT INTO bizydb.timelines VALUES (%d, 1)", system)); err != nil {
			t.Fatal(err)
		}
	}
	g.waitUntilReplayed(t)
	other.waitUntilReplayed(t)
	for name, c := range map[string]struct{ dsn, why string }{
		"nobody listens":      {on(t, g.DSN, freeAddress(t).String()), "connection refused"},
		"the primary":         {g.DSN, "not a standby"},
		"an empty database":   {strings.Replace(g.dsns[0], "/"+strings.Split(g.dsns[0], "/")[3], "/postgres?sslmode=disable", 1), "not migrated"},
		"another isolation":   {g.dsns[0] + "&default_transaction_isolation=repeatable%20read", "default_transaction_isolation"},
		"another database":    {on(t, beside.DSN, fmt.Sprintf("127.0.0.1:%d", g.standbys[0].port)), "another database"},
		"another cluster":     {other.dsns[0], "another cluster"},
		"a login of nobody's": {strings.Replace(g.dsns[0], "//", "//no", 1), "authentication failed"},
	} {
		db, err := bizydb.Open(t.Context(), g.DSN, bizydb.WithStandbys(c.dsn))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		eventually(t, recoveryBound, func() string {
			stats, _ := db.StandbyStats()
			if down := stats[0].Down; down == nil || !strings.Contains(down.Error(), c.why) {
				return fmt.Sprintf("%s: down: %v, want %q", name, down, c.why)
			}
			return ""
		})
		user := db.As(g.NewUser(t))
		if _, err := user.Me(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if standby, primary := reads(db); standby != 0 || primary != 1 {
			t.Errorf("%s: %d reads on standbys and %d on the primary", name, standby, primary)
		}
		db.Close()
	}
	if _, err := bizydb.Open(t.Context(), g.DSN, bizydb.WithStandbys("port=none password=secret")); !errors.Is(err, bizydb.ErrConfig) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a broken connection string: %v", err)
	}
}

// The hooks of the pool are called for the probes as well: BeforeConnect may give the password, and what AfterConnect sets is checked.
func TestHooksOfStandbys(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	u, err := url.Parse(g.dsns[0])
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(u.User.Username())
	open := func(isolation string) *bizydb.DB {
		config, err := pgxpool.ParseConfig(g.DSN)
		if err != nil {
			t.Fatal(err)
		}
		password := config.ConnConfig.Password
		config.ConnConfig.Password = ""
		config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.Password = password
			return nil
		}
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			if int(conn.Config().Port) != g.standbys[0].port {
				return nil
			}
			_, err := conn.Exec(ctx, "SELECT set_config('default_transaction_isolation', $1, false)", isolation)
			return err
		}
		db, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithStandbys(u.String()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		return db
	}
	waitUntilUp(t, open("read committed"))
	unfit := open("repeatable read")
	eventually(t, recoveryBound, func() string {
		stats, _ := unfit.StandbyStats()
		if down := stats[0].Down; down == nil || !strings.Contains(down.Error(), "default_transaction_isolation") {
			return fmt.Sprintf("down: %v", down)
		}
		return ""
	})
}

// Reads go on, without an error, while a standby dies, comes back, hangs, or cancels what stands in the way of replay.
func TestStandbyFaults(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	standby := g.standbys[0]
	db := g.open(t, g.DSN, g.dsns[0])
	user := db.As(g.NewUser(t))
	task, err := user.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
	if err != nil {
		t.Fatal(err)
	}
	used := func() {
		t.Helper()
		eventually(t, recoveryBound, func() string {
			before, _ := reads(db)
			if _, err := user.GetTask(t.Context(), task.ID); err != nil {
				t.Fatal(err)
			}
			if after, _ := reads(db); after == before {
				return "the standby is not used"
			}
			return ""
		})
	}
	// readsThrough reads all the time until fault has ended, and for a second after that, each time within some seconds.
	readsThrough := func(name string, fault func()) {
		t.Helper()
		used()
		done := make(chan struct{})
		go func() {
			defer close(done)
			fault()
			time.Sleep(time.Second)
		}()
		var longest time.Duration
		for ended := false; !ended; {
			select {
			case <-done:
				ended = true
			default:
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			start := time.Now()
			if _, err := user.GetTask(ctx, task.ID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
			longest = max(longest, time.Since(start))
		}
		t.Logf("%s: the longest read took %v", name, longest.Round(time.Millisecond))
	}

	readsThrough("killed", func() { standby.kill(t) })
	standby.startAgain(t)
	readsThrough("frozen", func() {
		standby.signal(t, syscall.SIGSTOP)
		time.Sleep(3 * time.Second)
	})
	standby.signal(t, syscall.SIGCONT)
	used()

	// A conflict with recovery.
	for _, sql := range []string{"ALTER SYSTEM SET max_standby_streaming_delay = 0", "SELECT pg_reload_conf()"} {
		if err := execOn(t, on(t, g.server.DSN(), fmt.Sprintf("127.0.0.1:%d", standby.port)), sql); err != nil {
			t.Fatal(err)
		}
	}
	g.waitUntilReplayed(t)
	before := failed(db)
	slow := make(chan error)
	go func() {
		var n int
		slow <- user.DBTX().QueryRow(t.Context(), "SELECT count(*) FROM public.tasks, pg_sleep(2)").Scan(&n)
	}()
	time.Sleep(500 * time.Millisecond)
	for _, sql := range []string{"UPDATE public.tasks SET title = title || '.'", "VACUUM public.tasks"} {
		if err := execOn(t, g.AdminDSN, sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-slow; err != nil {
		t.Errorf("a conflict with recovery: %v", err)
	}
	if failed(db) == before {
		t.Error("there was no conflict")
	}
	used()
}

func failed(db *bizydb.DB) (n int64) {
	stats, _ := db.StandbyStats()
	for _, s := range stats {
		n += s.Failed
	}
	return n
}

// A pool of a standby that is full sends its reads to the primary.
func TestStandbyPoolFull(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	db := g.open(t, g.DSN, g.dsns[0]+"&pool_max_conns=1")
	user := db.As(g.NewUser(t))
	if _, err := user.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"}); err != nil {
		t.Fatal(err)
	}
	g.waitUntilReplayed(t)
	for range user.StreamTasks(t.Context(), planner.ListTasksParams{}) {
		if standby, _ := reads(db); standby > 0 {
			t.Fatal("the stream has ended")
		}
		if _, err := user.Me(t.Context()); err != nil { // needs another connection
			t.Error(err)
		}
	}
	if standby, primary := reads(db); standby != 1 || primary != 1 || failed(db) != 1 {
		t.Errorf("%d reads on the standby, %d on the primary, %d failed", standby, primary, failed(db))
	}
}

// A standby that a promotion has left behind has a history of its own, and answers nobody who knows of the promotion.
func TestDivergedStandby(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 2)
	promoted, left := 0, 1
	user := g.NewUser(t)
	task, err := g.As(user).CreateTask(t.Context(), planner.CreateTaskParams{Title: "0"})
	if err != nil {
		t.Fatal(err)
	}
	g.waitUntilReplayed(t)
	g.standbys[promoted].pgCtl(t, "promote")

	// The old primary writes on, and the standby that is left with it shows that.
	title := "lost"
	for range 50 {
		if _, err := g.As(user).UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, Title: &title}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, recoveryBound, func() string {
		if one[string](t, g.admin[left], "SELECT title FROM public.tasks") != title {
			return "the standby has not diverged"
		}
		return ""
	})

	db := g.open(t, g.dsns[promoted], g.dsns[left])
	wrong := 0
	for n := range 200 {
		title := strconv.Itoa(n)
		if n%10 == 0 {
			if _, err := db.As(user).UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, Title: &title}); err != nil {
				t.Fatal(err)
			}
		}
		for _, scope := range []bizydb.Scope{db.As(user), db.As(user).After(bizydb.Token{})} {
			got, err := scope.GetTask(t.Context(), task.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Title == "lost" {
				wrong++
			}
		}
	}
	if standby, _ := reads(db); wrong > 0 || standby > 0 {
		t.Errorf("%d answers of another history, %d answers of the standby", wrong, standby)
	}
}

// Once a promotion is known, no transaction begins on the former primary, which still takes writes. One that has begun before says that it
// may have written there, and its connection is not used again.
func TestInTxOnFormerPrimary(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	user := g.NewUser(t)
	g.waitUntilReplayed(t)
	config, err := pgxpool.ParseConfig(g.DSN)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 3
	var port atomic.Int64
	port.Store(int64(config.ConnConfig.Port))
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		c.Port = uint16(port.Load())
		return nil
	}
	db, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithStandbys(g.DSN)) // which is none
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	acquire := func() *pgxpool.Conn {
		t.Helper()
		conn, err := db.Pool().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if int64(conn.Conn().Config().Port) != port.Load() {
			t.Error("a connection to the former primary is used")
		}
		return conn
	}
	create := func(q planner.ReadWriter, title string) error {
		_, err := q.CreateTask(t.Context(), planner.CreateTaskParams{Title: title})
		return err
	}
	// What is not to be used is held, so that each call has one connection to choose.
	known, unknown, conn := acquire(), acquire(), acquire()
	g.standbys[0].pgCtl(t, "promote")
	port.Store(int64(g.standbys[0].port))
	_ = conn.Conn().Close(t.Context())
	conn.Release()
	conn = acquire()

	unknown.Release()
	err = db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
		conn.Release()
		if err := create(db.As(user), "first"); err != nil { // which makes the promotion known
			return err
		}
		return create(tx, "lost")
	})
	if !errors.Is(err, bizydb.ErrOutcomeUnknown) {
		t.Errorf("begun before the promotion was known: %v, want ErrOutcomeUnknown", err)
	}
	held := []*pgxpool.Conn{acquire(), acquire()}

	known.Release()
	err = db.As(user).InTx(t.Context(), func(*bizydb.Tx) error {
		t.Error("it runs")
		return nil
	})
	if !errors.Is(err, bizydb.ErrUnavailable) {
		t.Errorf("begun when the promotion was known: %v, want ErrUnavailable", err)
	}
	if err := db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error { return create(tx, "second") }); err != nil {
		t.Errorf("after that: %v", err)
	}
	for _, conn := range held {
		conn.Release()
	}
	if titles := one[string](t, g.admin[0], "SELECT string_agg(title, ' ' ORDER BY id) FROM public.tasks"); titles != "first second" {
		t.Errorf("the new primary has the tasks %s", titles)
	}
}

// While there is no primary, a user's reads are answered if one of the standbys has all that the user has seen and written, whichever is
// asked first.
func TestReadsWithoutPrimary(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 2)
	db := g.open(t, g.DSN, g.dsns...)
	behind, fresh := 0, 1
	var users []bizydb.UserID
	for range 4 {
		users = append(users, g.NewUser(t))
	}
	lost := len(users) - 2 // what these write, no standby has
	g.waitUntilReplayed(t)
	g.pause(t, behind)
	tasks := make([]planner.TaskID, len(users))
	for i, user := range users {
		if i == lost {
			eventually(t, recoveryBound, func() string {
				if one[int](t, g.admin[fresh], "SELECT count(*)::int FROM public.tasks") < lost {
					return "the standby does not catch up"
				}
				return ""
			})
			g.pause(t, fresh)
		}
		task, err := db.As(user).CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"})
		if err != nil {
			t.Fatal(err)
		}
		tasks[i] = task.ID
	}
	g.primary.pgCtl(t, "stop", "-m", "immediate")
	for i, user := range users {
		scope, id := db.As(user), tasks[i]
		get := func(q planner.Reader) error { _, err := q.GetTask(t.Context(), id); return err }
		for name, err := range map[string]error{
			"GetTask": get(scope),
			"Batch":   scope.Batch(t.Context(), func(q bizydb.Reader) error { return get(q) }),
			"DBTX":    scope.DBTX().QueryRow(t.Context(), "SELECT FROM public.tasks WHERE id = $1", id).Scan(),
		} {
			switch {
			case i < lost && err != nil:
				t.Errorf("user %d: %s: %v", i, name, err)
			case i >= lost && !errors.Is(err, bizydb.ErrConnect) && !errors.Is(err, bizydb.ErrUnavailable):
				t.Errorf("user %d, whose write no standby has: %s: %v", i, name, err)
			}
		}
	}
}

// While there is no primary, what a user has read on one standby is there on another that has replayed as much.
func TestTokensWithoutPrimary(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 2)
	user := g.NewUser(t)
	g.waitUntilReplayed(t)
	processes := []*bizydb.DB{g.open(t, g.DSN, g.dsns[0]), g.open(t, g.DSN, g.dsns[1])}
	g.primary.pgCtl(t, "stop", "-m", "fast") // so that the standbys have everything
	var token bizydb.Token
	for i := range 10 {
		scope := processes[i%2].As(user).After(token)
		if _, err := scope.Me(t.Context()); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
		token = scope.Token()
	}
}

// signal sends a signal to all processes of the server.
func (c *cluster) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	pid, port := c.postmaster()
	if pid <= 1 || port != c.port {
		t.Fatalf("process %d on port %d is not the server", pid, port)
	}
	children, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	for _, p := range append(strings.Fields(string(children)), strconv.Itoa(pid)) {
		n, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(n, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// A forged token affects the reads of its own user only, which may go to the primary or return an older state.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	db := g.open(t, g.DSN, g.dsns[0])
	other := db.As(g.NewUser(t))
	if _, err := other.CreateTask(t.Context(), planner.CreateTaskParams{Title: "task"}); err != nil {
		t.Fatal(err)
	}
	g.waitUntilReplayed(t)
	readOnStandby := func(scope bizydb.Scope, want int) {
		t.Helper()
		before, _ := reads(db)
		if tasks, err := scope.ListTasks(t.Context(), planner.ListTasksParams{}); err != nil || len(tasks) != want {
			t.Errorf("%d tasks, %v", len(tasks), err)
		}
		if after, _ := reads(db); after != before+1 {
			t.Error("another user's read goes to the primary")
		}
	}
	readOnStandby(other, 1)
	before := other.Token()
	for range 200 {
		user := db.As(g.NewUser(t))
		own := user.Token()
		p, err := standby.Parse(own.String()) // for its mark, without which it is ignored
		if err != nil {
			t.Fatal(err)
		}
		p = standby.Position{
			Cluster: p.Cluster, Timeline: rand.Uint32() >> (1 + rand.IntN(31)), LSN: rand.Uint64() >> (1 + rand.IntN(63)), Beyond: rand.IntN(2) == 0,
			On: rand.Uint32() >> (1 + rand.IntN(31)), XID: rand.Uint64() >> rand.IntN(64), XIDOn: rand.Uint32() >> (1 + rand.IntN(31)),
			XIDAt: rand.Uint64() >> rand.IntN(64), Ended: rand.Uint64() >> rand.IntN(64), Ahead: rand.IntN(2) == 0, Primary: rand.IntN(2) == 0,
		}
		token, err := bizydb.ParseToken(p.String())
		if err != nil {
			t.Fatal(err)
		}
		if user.After(token).Token() == own {
			t.Errorf("%+v is ignored", p)
		}
		for range 3 {
			if tasks, err := user.ListTasks(t.Context(), planner.ListTasksParams{}); err != nil || len(tasks) != 0 {
				t.Fatalf("%+v: %d tasks, %v", p, len(tasks), err)
			}
		}
		if after := other.Token(); after != before {
			t.Fatalf("%+v: another user's token was %v and is %v", p, before, after)
		}
	}
	unheardOf := db.As(g.NewUser(t))
	g.waitUntilReplayed(t)
	readOnStandby(other, 1)
	readOnStandby(unheardOf, 0)
}
