package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Under load, behind a load balancer that asks whether the service is ready, no request fails and none that was acknowledged is lost.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.newPerson(t, "ada")
	c := s.config
	c.listen, c.drain = []string{"127.0.0.1:0"}, 500*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, ended := &lockedBuffer{}, make(chan error, 1)
	go func() { ended <- s.serve(ctx, c, slog.New(slog.DiscardHandler), out) }()
	url := waitFor(t, out, regexp.MustCompile(`listening on (http://\S+)`), 1)[0]

	var ready atomic.Bool
	ready.Store(true)
	var created atomic.Int64
	var clients sync.WaitGroup
	clients.Go(func() { // the load balancer's check
		for ready.Load() {
			got, err := http.Get(url + "/ready")
			if err != nil {
				t.Error(err)
				break
			}
			_ = got.Body.Close()
			ready.Store(got.StatusCode == http.StatusOK)
			time.Sleep(20 * time.Millisecond)
		}
		ready.Store(false)
	})
	for i := range 8 {
		client := &http.Client{Transport: &http.Transport{}}
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for n := 0; ready.Load(); n++ {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/tasks/", strings.NewReader(fmt.Sprintf(`{"title": "%d of %d"}`, n, i)))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+ada.token)
				got, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(got.Body)
				_ = got.Body.Close()
				if err != nil || got.StatusCode != http.StatusCreated {
					t.Errorf("%d %s %v", got.StatusCode, text, err)
					return
				}
				created.Add(1)
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	clients.Wait()
	if stored := ada.must(t, "GET /api/tasks/stats/summary", "").field(t, "total"); stored != float64(created.Load()) || stored == 0.0 {
		t.Errorf("%v tasks are stored, %d were acknowledged", stored, created.Load())
	}
	if got, err := http.Get(url + "/health"); err == nil {
		_ = got.Body.Close()
		t.Error("still listening")
	}
}
