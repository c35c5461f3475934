package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// With these variables in its environment the test binary is a consumer that writes what it delivers to a file. It is to be killed.
const (
	consumesFrom = "OUTBOX_CONSUMES_FROM"
	deliversTo   = "OUTBOX_DELIVERS_TO"
)

func consumeUntilKilled(dsn, path string) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		log.Fatal(err)
	}
	c := Consumer{Conn: config, Poll: 5 * time.Millisecond, Deliver: func(_ context.Context, e Event) error {
		if fails(e) {
			return errNotNow
		}
		time.Sleep(time.Millisecond)
		_, err := fmt.Fprintf(file, "%d;%d;%s;%d\n", e.ID, e.UserID, e.Kind, e.About)
		return err
	}}
	c.Run(context.Background())
}

var errNotNow = errors.New("not now")

// fails says which deliveries are refused: the first one of some events.
func fails(e Event) bool { return e.ID%97 == 0 && e.Attempts == 0 }

// drained waits until nothing is left.
func (s *service) drained(t *testing.T) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var left int
		if err := s.owner.QueryRow(t.Context(), "SELECT count(*) FROM app.outbox").Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			return
		}
		if time.Since(start) > 2*time.Minute {
			t.Fatalf("%d events are left", left)
		}
	}
}

const endSessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outbox' AND datname = current_database()"

// Consumers are ways to consume, each with the end that consumers come to again and again.
var consumers = map[string]func(t *testing.T, s *service, random *rand.Rand) (endOne func(), stop func() []delivery){
	"sessions end": func(t *testing.T, s *service, random *rand.Rand) (func(), func() []delivery) {
		var mu sync.Mutex
		var deliveries []delivery
		deliver := func(_ context.Context, e Event) error {
			if fails(e) {
				return errNotNow
			}
			mu.Lock()
			deliveries = append(deliveries, delivery{id: e.ID, user: int64(e.UserID), what: fmt.Sprint(e.Kind, " ", e.About)})
			killed := len(deliveries)%331 == 0 // before they are deleted: more than a batch, or it would never end
			mu.Unlock()
			if killed {
				_, err := s.owner.Exec(context.Background(), endSessions)
				return err
			}
			return nil
		}
		var wg sync.WaitGroup
		start := func() context.CancelFunc {
			ctx, cancel := context.WithCancel(context.Background())
			wg.Go(func() { (&Consumer{Conn: s.login, Deliver: deliver, Poll: 5 * time.Millisecond}).Run(ctx) })
			return cancel
		}
		running := []context.CancelFunc{start(), start()}
		endOne := func() {
			if random.IntN(2) == 0 {
				s.exec(t, endSessions)
				return
			}
			at := random.IntN(2)
			running[at]()
			running[at] = start()
		}
		return endOne, func() []delivery {
			s.drained(t)
			for _, cancel := range running {
				cancel()
			}
			wg.Wait()
			return deliveries
		}
	},
	"processes get SIGKILL": func(t *testing.T, s *service, random *rand.Rand) (func(), func() []delivery) {
		path := filepath.Join(t.TempDir(), "deliveries")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		login, err := url.Parse(s.AdminDSN)
		if err != nil {
			t.Fatal(err)
		}
		login.User = url.UserPassword(s.login.User, s.login.Password)
		start := func() *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), consumesFrom+"="+login.String(), deliversTo+"="+path)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			return cmd
		}
		end := func(cmd *exec.Cmd) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		running := []*exec.Cmd{start(), start()}
		endOne := func() {
			at := random.IntN(2)
			end(running[at])
			running[at] = start()
		}
		return endOne, func() []delivery {
			s.drained(t)
			for _, cmd := range running {
				end(cmd)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			var deliveries []delivery
			for lines := bufio.NewScanner(file); lines.Scan(); {
				var d delivery
				parts := strings.Split(lines.Text(), ";")
				if _, err := fmt.Sscan(parts[0], &d.id); err != nil {
					t.Fatal(err)
				}
				if _, err := fmt.Sscan(parts[1], &d.user); err != nil {
					t.Fatal(err)
				}
				d.what = parts[2] + " " + parts[3]
				deliveries = append(deliveries, d)
			}
			return deliveries
		}
	},
}
