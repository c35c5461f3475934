package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// asProcess makes the test binary the service itself: see TestMain.
const asProcess = "SERVER_TEST_PROCESS"

// Fifty clients create tasks, one after the other, while the process gets its signal. Those behind a load balancer, which asks whether the
// service is ready, see no failure at all. The others go on until they are refused, and have the answer to every request that was begun. What
// is stored is what was acknowledged, one by one.
func TestTerminated(t *testing.T) {
	t.Parallel()
	s := start(t, "JWT_SECRET", secret)
	ada := s.newPerson(t, "ada")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), asProcess+"=1", "DATABASE_URL="+s.db.Pool().Config().ConnString(), "JWT_SECRET="+secret,
		"LISTEN=127.0.0.1:0", "SHUTDOWN_DELAY=700ms")
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	url := ""
	for listening := regexp.MustCompile(`^listening on (http://\S+)`); url == "" && lines.Scan(); {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
		}
	}
	if url == "" {
		t.Fatal("not listening")
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() { // or else it would wait to write its log
		}
	}()

	const clients = 50
	var (
		acknowledged [clients][]string
		count, after atomic.Int64
		signalled    atomic.Bool
		ready        atomic.Bool
		done         sync.WaitGroup
	)
	ready.Store(true)
	done.Go(func() { // the load balancer's check
		defer ready.Store(false)
		for {
			got, err := http.Get(url + "/ready")
			if err != nil {
				t.Errorf("the service was not seen to be about to stop: %v", err)
				return
			}
			_ = got.Body.Close()
			if got.StatusCode == http.StatusServiceUnavailable {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	for i := range clients {
		balanced := i%2 == 0
		done.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; !balanced || ready.Load(); n++ {
				title := fmt.Sprintf("%d of %d", n, i)
				status, text, err := ada.createTask(t.Context(), client, url, title)
				if err != nil { // refused, and so is what comes after
					if balanced || !signalled.Load() || text != "" {
						t.Errorf("%s: %v after %q", title, err, text)
					}
					return
				}
				if status != http.StatusCreated || !json.Valid([]byte(text)) {
					t.Errorf("%s: %d %s", title, status, text)
					return
				}
				acknowledged[i] = append(acknowledged[i], title)
				count.Add(1)
				if signalled.Load() {
					after.Add(1)
				}
			}
		})
	}
	for count.Load() < 200 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	signalled.Store(true)
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done.Wait()
	<-read
	if err := command.Wait(); err != nil {
		t.Errorf("the process: %v", err)
	}
	if got, err := http.Get(url + "/health"); err == nil {
		_ = got.Body.Close()
		t.Error("still listening")
	}

	all := slices.Sorted(slices.Values(slices.Concat(acknowledged[:]...)))
	var stored []string
	for offset := 0; ; offset += 500 {
		page := ada.must(t, fmt.Sprintf("GET /api/tasks/?limit=500&offset=%d", offset), "").json(t).([]any)
		for _, task := range page {
			stored = append(stored, task.(map[string]any)["title"].(string))
		}
		if len(page) < 500 {
			break
		}
	}
	slices.Sort(stored)
	if !slices.Equal(all, stored) {
		t.Errorf("%d acknowledged and %d stored", len(all), len(stored))
	}
	t.Logf("%d tasks, of which %d after the signal", len(all), after.Load())
}

// createTask sends one request. Without an error the answer is whole.
func (p *person) createTask(ctx context.Context, client *http.Client, url, title string) (status int, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/tasks/", strings.NewReader(fmt.Sprintf(`{"title": %q}`, title)))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	got, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return got.StatusCode, string(body), err
}
