package main

import (
	"context"
	_ "embed"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

//go:embed README.md
var readme string

// The lines of the README work as written, with what they say that they print.
func TestReadme(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	s := start(t)
	if err := makeDemo(t.Context(), s.db, t.Output()); err != nil {
		t.Fatal(err)
	}
	var script, want strings.Builder
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString(command)
			} else {
				want.WriteString(line)
			}
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(script.String(), "http://127.0.0.1:8000", s.url))
	got, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if variable(string(got)) != variable(want.String()) {
		t.Errorf("got\n%s\nwant\n%s", variable(string(got)), variable(want.String()))
	}
}

// variable takes out of an output what differs each time.
func variable(text string) string {
	text = regexp.MustCompile(`"(created_at|updated_at|completed_at|due_date)":"[^"]*"`).ReplaceAllString(text, `"$1":"…"`)
	return regexp.MustCompile(`"(id|user_id|parent_goal_id)":\d+`).ReplaceAllString(text, `"$1":…`)
}

// run is the whole program: it starts, answers, and stops without an error when it is told to.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &lockedBuffer{}
	environment := map[string]string{"LISTEN": "127.0.0.1:0,127.0.0.1:0"}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-demo"}, func(name string) string { return environment[name] }, out)
	}()
	began := time.Now()
	urls := waitFor(t, out, regexp.MustCompile(`listening on (http://\S+)`), 2)
	t.Logf("listening after %s", time.Since(began))
	for _, url := range urls {
		s := &service{url: url}
		got := s.send(t, "POST /api/auth/login", `{"username": "demo", "password": "correct horse"}`)
		wantAnswer(t, "login", got, 200, "")
		demo := &person{service: s, token: got.field(t, "token").(string)}
		if n := demo.must(t, "GET /api/tasks/stats/summary", "").field(t, "total").(float64); n < 10 {
			t.Errorf("%v tasks", n)
		}
		if strings.Contains(out.String(), demo.token) {
			t.Error("a token is in the log")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
