package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/schema"
)

var writeFor = flag.Duration("writefor", 2*time.Second, "how long the writers of TestNothingIsMissed write, in each of its cases")

func TestMain(m *testing.M) {
	if dsn := os.Getenv(consumesFrom); dsn != "" {
		consumeUntilKilled(dsn, os.Getenv(deliversTo))
	}
	flag.Parse()
	if !testing.Verbose() {
		log.SetOutput(io.Discard) // of consumers that lose their connections
	}
	os.Exit(bizydbtest.Run(m))
}

// Sixteen writers complete and reopen tasks and goals, plain clients among them, and users are deleted, while two consumers, of which one
// delivers, end and start again. Each completion and each goal that comes to 100 is delivered at least once, in the order of each user's
// commits, and nothing else is.
//
//	go test -run NothingIsMissed ./examples/outbox -writefor 60s
func TestNothingIsMissed(t *testing.T) {
	for name, consume := range consumers {
		t.Run(name, func(t *testing.T) {
			s := newService(t, asItIs)
			random := rand.New(rand.NewPCG(1, 20))
			endOne, stop := consume(t, s, random)
			written, ended, ends := make(chan struct{}), make(chan struct{}), 0
			go func() {
				defer close(ended)
				for {
					select {
					case <-written:
						return
					case <-time.After(time.Duration(50+random.IntN(250)) * time.Millisecond):
						endOne()
						ends++
					}
				}
			}()
			s.write(t, *writeFor)
			close(written)
			<-ended
			deliveries := stop()
			for _, wrong := range s.wrong(t, deliveries) {
				t.Error(wrong)
			}
			t.Logf("%d ends of consumers", ends)
		})
	}
}

// drain delivers what is there, by a consumer's own batches.
func drain(t *testing.T, s *service, c *Consumer) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), s.login)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for more := true; more; {
		if more, err = c.batch(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
	}
}

// recorded is a consumer that keeps what it delivers.
func recorded(deliveries *[]delivery) *Consumer {
	return &Consumer{Deliver: func(_ context.Context, e Event) error {
		*deliveries = append(*deliveries, delivery{id: e.ID, user: int64(e.UserID), what: fmt.Sprint(e.Kind, " ", e.About)})
		return nil
	}}
}

const completeOne = "UPDATE public.tasks SET status = 'completed' WHERE id = $1"

// Two plain clients complete tasks of one user that are under no goal, where bizydb's own triggers take no lock. The one that began first
// commits last.
func TestLockKeepsTheOrder(t *testing.T) {
	t.Parallel()
	const lock = "PERFORM bizydb.lock_user(NEW.user_id);"
	for _, locked := range []bool{true, false} {
		t.Run(fmt.Sprintf("locked %v", locked), func(t *testing.T) {
			t.Parallel()
			s := newService(t, func(migration string) string {
				if locked {
					return migration
				}
				if strings.Count(migration, lock) != 1 {
					t.Fatalf("the trigger does not take the lock by %s", lock)
				}
				return strings.Replace(migration, lock, "", 1)
			})
			u, err := newUser(t.Context(), t, s)
			if err != nil {
				t.Fatal(err)
			}
			first, second := s.begin(t), s.begin(t)
			if _, err := first.Exec(t.Context(), completeOne, u.single[0]); err != nil {
				t.Fatal(err)
			}
			if _, err := second.Exec(t.Context(), "SET LOCAL lock_timeout = '200ms'"); err != nil {
				t.Fatal(err)
			}
			_, err = second.Exec(t.Context(), completeOne, u.single[1])
			if locked {
				if sqlState(err) != pgerrcode.LockNotAvailable {
					t.Errorf("the second does not wait for the first: %v", err)
				}
				return
			}
			for _, err := range []error{err, second.Commit(t.Context()), first.Commit(t.Context())} {
				if err != nil {
					t.Fatal(err)
				}
			}
			var deliveries []delivery
			drain(t, s, recorded(&deliveries))
			if wrong := s.wrong(t, deliveries); len(wrong) != 1 || !strings.Contains(wrong[0], "out of order") {
				t.Errorf("found: %q, want one user's events out of order", wrong)
			}
		})
	}
}

// A consumer that remembers the last id instead of deleting what it delivers misses what commits late.
func TestCursorMisses(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	var users [2]user
	for i := range users {
		var err error
		if users[i], err = newUser(t.Context(), t, s); err != nil {
			t.Fatal(err)
		}
	}
	var deliveries, byCursor []delivery
	var last int64
	read := func() {
		t.Helper()
		rows, _ := s.owner.Query(t.Context(), "SELECT id, user_id, kind || ' ' || about FROM app.outbox WHERE id > $1 ORDER BY id", last)
		var user int64
		var what string
		if _, err := pgx.ForEachRow(rows, []any{&last, &user, &what}, func() error {
			byCursor = append(byCursor, delivery{id: last, user: user, what: what})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		drain(t, s, recorded(&deliveries))
	}
	late := s.begin(t)
	if _, err := late.Exec(t.Context(), completeOne, users[0].single[0]); err != nil {
		t.Fatal(err)
	}
	s.exec(t, completeOne, users[1].single[0])
	read()
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	read()
	if wrong := s.wrong(t, deliveries); len(wrong) > 0 {
		t.Errorf("by batches: %q", wrong)
	}
	if wrong := s.wrong(t, byCursor); len(wrong) != 1 || !strings.Contains(wrong[0], "1 of 1 events are not delivered") {
		t.Errorf("by a cursor: %q, want one event missed", wrong)
	}
}

func (s *service) begin(t *testing.T) pgx.Tx {
	t.Helper()
	tx, err := s.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

// fill adds events of a new user.
func (s *service) fill(t testing.TB, events int) bizydb.UserID {
	t.Helper()
	user := s.NewUser(t)
	s.exec(t, "INSERT INTO app.outbox (user_id, kind, about, payload) SELECT $1, 'task completed', n, '{}' FROM generate_series(1, $2::int) AS n", user, events)
	return user
}

func (s *service) count(t testing.TB, sql string, args ...any) (n int) {
	t.Helper()
	if err := s.owner.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// An event that cannot be delivered, because Deliver returns an error or hangs, holds back its user's, and nobody else's. It is not
// tried again before its time.
func TestFailedDelivery(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errNotNow },
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, asItIs)
			var users [2]user
			for i := range users {
				var err error
				if users[i], err = newUser(t.Context(), t, s); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 3 {
				for _, u := range users {
					s.exec(t, completeOne, u.single[n])
				}
			}
			poisonous, tried := fmt.Sprint("task completed ", users[0].single[1]), 0
			var deliveries []delivery
			c := recorded(&deliveries)
			c.Timeout = 100 * time.Millisecond
			keep := c.Deliver
			c.Deliver = func(ctx context.Context, e Event) error {
				if poisonous == fmt.Sprint(e.Kind, " ", e.About) {
					if e.Attempts != tried {
						t.Errorf("%d attempts, want %d", e.Attempts, tried)
					}
					tried++
					return fail(ctx)
				}
				return keep(ctx, e)
			}
			conn, err := pgx.ConnectConfig(t.Context(), s.login)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			for attempts := 1; attempts <= 2; attempts++ {
				if _, err := c.batch(t.Context(), conn); err != nil {
					t.Fatal(err)
				}
				if n := s.count(t, "SELECT attempts FROM app.outbox_blocked WHERE user_id = $1", users[0].id); n != attempts {
					t.Errorf("%d attempts, want %d", n, attempts)
				}
				s.exec(t, "UPDATE app.outbox_blocked SET next_attempt_at = now() + interval '1 hour'")
				for range 2 {
					if _, err := c.batch(t.Context(), conn); err != nil {
						t.Fatal(err)
					}
				}
				if tried != attempts {
					t.Errorf("tried %d times, want %d", tried, attempts)
				}
				s.exec(t, "UPDATE app.outbox_blocked SET next_attempt_at = now()")
			}
			if wrong := s.wrong(t, deliveries); len(wrong) != 1 || !strings.Contains(wrong[0], fmt.Sprintf("user %d: 2 of 3 events are not delivered", users[0].id)) {
				t.Errorf("while it fails: %q, %v", wrong, deliveries)
			}
			poisonous = ""
			drain(t, s, c)
			if wrong := s.wrong(t, deliveries); len(wrong) > 0 || s.count(t, "SELECT count(*) FROM app.outbox_blocked") > 0 {
				t.Errorf("once it does not: %q", wrong)
			}
		})
	}
}

// However much there is for one user, others have their turns.
func TestTurns(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	for range 15 {
		s.fill(t, 50)
	}
	conn, err := pgx.ConnectConfig(t.Context(), s.login)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var deliveries []delivery
	c, users := recorded(&deliveries), map[int64]bool{}
	for range 2 {
		if more, err := c.batch(t.Context(), conn); err != nil || !more {
			t.Fatal(more, err)
		}
	}
	for _, d := range deliveries {
		users[d.user] = true
	}
	if len(users) != 15 {
		t.Errorf("%d users had a turn", len(users))
	}
}

// Of two consumers one delivers, and the other takes over when it ends.
func TestOneIsActive(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	s.fill(t, 1)
	var stop [2]context.CancelFunc
	var delivers [2]chan struct{}
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range stop {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stop[i], delivers[i] = cancel, make(chan struct{}, 100)
		login := s.login.Copy()
		login.RuntimeParams["application_name"] = fmt.Sprint("consumer ", i)
		c := Consumer{Conn: login, Poll: time.Millisecond, Timeout: time.Hour, Deliver: func(ctx context.Context, _ Event) error {
			delivers[i] <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}}
		wg.Go(func() { c.Run(ctx) })
		if i == 0 {
			<-delivers[0]
		}
	}
	for asked := map[time.Time]bool{}; len(asked) < 3; { // again and again, so it does nothing else
		var at time.Time
		if err := s.owner.QueryRow(t.Context(), "SELECT query_start FROM pg_stat_activity WHERE application_name = 'consumer 1' AND query = $1", lockSQL).Scan(&at); err == nil {
			asked[at] = true
		} else if !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
		select {
		case <-delivers[1]:
			t.Fatal("two consumers deliver at once")
		case <-time.After(time.Millisecond):
		}
	}
	stop[0]()
	<-delivers[1]
	stop[1]()
}

// A consumer that is stopped delivers nothing again of what it has delivered.
func TestStop(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	s.fill(t, 5)
	var deliveries []delivery
	for round := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := recorded(&deliveries)
		keep := c.Deliver
		c.Conn = s.login
		c.Deliver = func(ctx context.Context, e Event) error {
			if round == 0 && len(deliveries) == 2 {
				cancel()
				return ctx.Err()
			}
			if len(deliveries) == 4 {
				cancel()
			}
			return keep(ctx, e)
		}
		c.Run(ctx)
	}
	if n := s.count(t, "SELECT (SELECT count(*) FROM app.outbox) + (SELECT count(*) FROM app.outbox_blocked)"); n > 0 {
		t.Errorf("%d rows are left", n)
	}
	for i, d := range deliveries {
		if len(deliveries) != 5 || i > 0 && d.id <= deliveries[i-1].id {
			t.Fatalf("delivered: %v", deliveries)
		}
	}
}

// What a poll reads depends on what it delivers, and not on the events of users who are blocked.
func TestPollsReadLittle(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	s.exec(t, "ALTER TABLE app.outbox SET (autovacuum_enabled = off)")
	blocked := s.fill(t, 100_000)
	s.exec(t, "INSERT INTO app.outbox_blocked (user_id, next_attempt_at) VALUES ($1, now() + interval '1 hour')", blocked)
	for range 40 {
		s.fill(t, 1)
	}
	for _, state := range []string{"unanalyzed", "analyzed"} {
		if state == "analyzed" {
			s.exec(t, "ANALYZE app.outbox, app.outbox_blocked")
		}
		conn, err := pgx.ConnectConfig(t.Context(), s.login)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		var plans []struct {
			Plan struct {
				Rows float64 `json:"Actual Rows"` // 40.00 from 18 on
				Hit  int     `json:"Shared Hit Blocks"`
				Read int     `json:"Shared Read Blocks"`
			}
		}
		for range 2 { // the first one sets hint bits, and reads the catalogue
			if err := conn.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+readSQL, 0).Scan(&plans); err != nil {
				t.Fatal(err)
			}
		}
		if plan := plans[0].Plan; plan.Rows != 40 || plan.Hit+plan.Read > 15*41 {
			t.Errorf("%s: %+v", state, plan)
		}
	}
}

// A consumer whose fields are not set polls now and then, and lets the server notice within a minute that its host is lost.
func TestDefaults(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	login := s.login.Copy()
	var queries atomic.Int32
	login.Tracer = counter{&queries}
	c := Consumer{Conn: login}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c.Run(ctx)
	if n := queries.Load(); n > 5 {
		t.Errorf("%d queries when there is nothing to do", n)
	}
	conn, err := c.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, ok := conn.PgConn().Conn().(*net.TCPConn); !ok {
		t.Skip("keepalives are for TCP")
	}
	var idle, interval, count int
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('tcp_keepalives_idle')::int, current_setting('tcp_keepalives_interval')::int, current_setting('tcp_keepalives_count')::int").Scan(&idle, &interval, &count); err != nil || idle+interval*count > 60 {
		t.Errorf("noticed after %d s, %v", idle+interval*count, err)
	}
}

type counter struct{ n *atomic.Int32 }

func (c counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}

func (counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// The service's triggers are none of bizydb's business: checks find nothing, schema.Protect and upgrades leave them, and the migration
// goes down.
func TestTriggersStay(t *testing.T) {
	t.Parallel()
	s := newService(t, asItIs)
	bizydbtest.CheckConfined(t, s.Database)
	conn, err := pgx.Connect(t.Context(), s.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for name, mend := range map[string]func() error{
		"Protect": func() error { _, err := schema.Protect(t.Context(), conn); return err },
		"Migrate": func() error { return schema.Migrate(t.Context(), conn) },
	} {
		if err := mend(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var triggers int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'x\\_outbox%' AND tgenabled = 'O'").Scan(&triggers); err != nil || triggers != 6 {
		t.Errorf("%d triggers, %v", triggers, err)
	}

	// Nobody but the consumer reaches the outbox, and it can do no more than it has to.
	u, err := newUser(t.Context(), t, s)
	if err != nil {
		t.Fatal(err)
	}
	s.exec(t, completeOne, u.single[0])
	if _, err := s.As(u.id).DBTX().Exec(t.Context(), "SELECT FROM app.outbox"); sqlState(err) != pgerrcode.InsufficientPrivilege {
		t.Errorf("a scope reads the outbox: %v", err)
	}
	login, err := pgx.ConnectConfig(t.Context(), s.login)
	if err != nil {
		t.Fatal(err)
	}
	defer login.Close(context.Background())
	for _, sql := range []string{
		"SELECT FROM public.tasks", "SELECT FROM bizydb.profiles", "INSERT INTO app.outbox (user_id, kind, about, payload) VALUES (1, '', 1, '{}')",
		"UPDATE app.outbox SET payload = '{}'", "SELECT bizydb.lock_user(1)", "SET ROLE bizydb_user", "CREATE TRIGGER x AFTER UPDATE ON app.outbox EXECUTE FUNCTION app.add_event()",
	} {
		if _, err := login.Exec(t.Context(), sql); sqlState(err) != pgerrcode.InsufficientPrivilege {
			t.Errorf("the consumer: %s: %v", sql, err)
		}
	}

	_, down, _ := strings.Cut(string(must(files.ReadFile("migrations/001_outbox.sql"))), "---- create above / drop below ----")
	s.exec(t, down)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The SQL in docs/reacting.md is that of the example, and the example runs as it stands.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "goal completed"); n != 4 {
		t.Errorf("%d goals are completed:\n%s", n, out.String())
	}
	page := string(must(os.ReadFile("../../docs/reacting.md")))
	code := string(must(files.ReadFile("migrations/001_outbox.sql"))) + grants + string(must(os.ReadFile("consumer.go")))
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(code, strings.TrimSpace(block[1])) {
			t.Errorf("not in the example as it stands:\n%s", block[1])
		}
	}
}
