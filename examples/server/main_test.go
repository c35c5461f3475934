package main

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// waitFor waits until a log has n matches, and returns the first group of each.
func waitFor(t *testing.T, log *lockedBuffer, pattern *regexp.Regexp, n int) []string {
	t.Helper()
	for range 6000 {
		if found := pattern.FindAllStringSubmatch(log.String(), -1); len(found) >= n {
			var groups []string
			for _, f := range found {
				groups = append(groups, f[1])
			}
			return groups
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %s in\n%s", pattern, log)
	return nil
}

func TestConfig(t *testing.T) {
	t.Parallel()
	const long = "0123456789 0123456789 0123456789"
	for name, c := range map[string]struct {
		environment []string
		err         string // empty for none
	}{
		"nothing":             {nil, ""},
		"a database":          {[]string{"DATABASE_URL", "postgres://x", "JWT_SECRET", long}, ""},
		"no secret":           {[]string{"DATABASE_URL", "postgres://x"}, "JWT_SECRET must have at least 32 characters"},
		"a short secret":      {[]string{"JWT_SECRET", long[1:]}, "JWT_SECRET must have at least 32 characters"},
		"an algorithm":        {[]string{"JWT_ALGORITHM", "HS512"}, ""},
		"no algorithm":        {[]string{"JWT_ALGORITHM", "none"}, `JWT_ALGORITHM: algorithm "none" is not HS256, HS384 or HS512`},
		"another kind of it":  {[]string{"JWT_ALGORITHM", "RS256"}, `JWT_ALGORITHM: algorithm "RS256" is not HS256, HS384 or HS512`},
		"a lifetime":          {[]string{"JWT_LIFETIME", "one day"}, `JWT_LIFETIME: time: invalid duration "one day"`},
		"a delay":             {[]string{"SHUTDOWN_DELAY", "5"}, `SHUTDOWN_DELAY: time: missing unit in duration "5"`},
		"mail":                {[]string{"SMTP_URL", " smtp://me:pass@host:587", "MAIL_FROM", "Me <me@example.org>\n", "PUBLIC_URL", "https://planner.example.org/"}, ""},
		"mail from nowhere":   {[]string{"SMTP_URL", "smtp://me:pass@host:587", "MAIL_FROM", "me@example.org"}, "SMTP_URL needs PUBLIC_URL: links in mails lead there"},
		"a bad address":       {[]string{"PUBLIC_URL", "planner.example.org"}, "PUBLIC_URL must be like https://planner.example.org"},
		"no address":          {[]string{"LISTEN", " ,"}, "LISTEN has no address"},
		"bad mail":            {[]string{"SMTP_URL", "smtp://me:pass@host", "MAIL_FROM", "me@example.org"}, "SMTP_URL, MAIL_FROM: not like smtp://user:password@host:587"},
		"standbys of nothing": {[]string{"STANDBY_URLS", "postgres://standby/planner"}, "STANDBY_URLS needs DATABASE_URL: a database of its own has no standbys"},
		"no sender":           {[]string{"SMTP_URL", "smtp://me:pass@host:587"}, "SMTP_URL, MAIL_FROM: the sender's address: mail: no address"},
		"verification":        {[]string{"EMAIL_VERIFICATION", "yes"}, "EMAIL_VERIFICATION must be required or optional"},
	} {
		_, err := readConfig(func(name string) string {
			for i := 0; i < len(c.environment); i += 2 {
				if c.environment[i] == name {
					return c.environment[i+1]
				}
			}
			return ""
		}, io.Discard)
		message := ""
		if err != nil {
			message = err.Error()
		}
		if message != c.err {
			t.Errorf("%s: error %q, want %q", name, message, c.err)
		}
	}
}

// The demo's plan is the quickstart's.
func TestDemoPlan(t *testing.T) {
	t.Parallel()
	company, err := os.ReadFile("../quickstart/company.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(company)) != strings.TrimSpace(string(demoPlan)) {
		t.Error("cp ../quickstart/company.json demo.json")
	}
}

// A real service, of which several processes start at once on an empty database. No secret gets into its log.
func TestRealService(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	login, err := pgx.ParseConfig(made.DSN)
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{
		"DATABASE_URL": made.DSN, "OWNER_DATABASE_URL": made.AdminDSN, "LISTEN": "127.0.0.1:0", "JWT_SECRET": secret,
		"CLIENT_ADDRESS_HEADER": "X-Forwarded-For",
	}
	getenv := func(name string) string { return environment[name] }
	if err := run(t.Context(), []string{"-demo"}, getenv, io.Discard); err == nil {
		t.Error("a demo user in a real service")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error)
	var logs []*lockedBuffer
	for range 3 {
		log := &lockedBuffer{}
		logs = append(logs, log)
		go func() { ended <- run(ctx, nil, getenv, log) }()
	}
	for i, log := range logs {
		s := &service{url: waitFor(t, log, regexp.MustCompile(`listening on (http://\S+)`), 1)[0]}
		name := string(rune('a'+i)) + "da"
		wantAnswer(t, "register", s.send(t, "POST /register", signUp(name), "X-Forwarded-For", "192.0.2.1, 192.0.2.2"), 201, "")
		// A sign-up with one process is one with all.
		wantAnswer(t, "register again", s.send(t, "POST /register", signUp("ada")), 409, "")
	}
	stop()
	for _, log := range logs {
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, secret := range []string{environment["JWT_SECRET"], login.Password, password} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("a secret is in the log:\n%s", log)
			}
		}
	}
}

// The README's table has the variables that the code reads, and no other.
func TestEnvironmentIsDocumented(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	_, err := readConfig(func(name string) string {
		read[name] = true
		// So that it reads the rest, too.
		return map[string]string{"SMTP_URL": "smtp://me:pass@host:587", "MAIL_FROM": "me@example.org", "PUBLIC_URL": "https://planner.example.org"}[name]
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") && regexp.MustCompile(`os\.(Getenv|LookupEnv)\(`).Match(code) {
			t.Errorf("%s reads the environment beside readConfig", name)
		}
	}
	_, section, _ := strings.Cut(readme, "\n## Environment\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = true
		}
	}
	if len(read) < 10 {
		t.Errorf("only %d variables are read", len(read))
	}
	if !maps.Equal(read, documented) {
		t.Errorf("read %v\ndocumented %v", slices.Sorted(maps.Keys(read)), slices.Sorted(maps.Keys(documented)))
	}
}
