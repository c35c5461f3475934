package sqliteimport_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

var benchTasks = flag.Int("tasks", 1_000_000, "how many `TASKS` the file of BenchmarkImport has; a fiftieth as many goals")

var benchUsers = flag.Int("users", 0, "how many `USERS` with 20 tasks each the statistics know when the file of BenchmarkImport comes")

// Import is measured against what the server needs for the same rows: COPY into a table without anything, INSERT … SELECT
// into the real ones, with their triggers, and the roll-up. The command is run as its user would run it. Where pgloader is
// installed it shows what it takes to move the file into tables without keys.
//
//	go test -run '^$' -bench 'Import$' -benchtime 1x ./bizydb/sqliteimport -tasks 300000 -users 1000
func BenchmarkImport(b *testing.B) {
	command, big := commandAndFile(b)
	info, err := os.Stat(big.path)
	if err != nil {
		b.Fatal(err)
	}
	var limit, taken, again time.Duration
	var memory int64
	rounds := 0
	for b.Loop() {
		limit += big.measureLimit(b)
		first, second, most := big.measureImport(b, command, *benchUsers)
		taken, again, memory = taken+first, again+second, max(memory, most)
		rounds++
	}
	seconds := func(d time.Duration) float64 { return d.Seconds() / float64(rounds) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "MB-file")
	b.ReportMetric(seconds(limit), "s-limit")
	b.ReportMetric(seconds(taken), "s-import")
	b.ReportMetric(seconds(taken)/seconds(limit), "import/limit")
	b.ReportMetric(seconds(again), "s-again")
	b.ReportMetric(float64(memory)/1e6, "MB-memory")
	if _, err := exec.LookPath("pgloader"); err == nil {
		b.ReportMetric(big.measurePgloader(b).Seconds(), "s-pgloader")
	}
	if memory >= 200e6 {
		b.Errorf("the import took %d MB of memory, want less than 200", memory/1e6)
	}
}

// BenchmarkImportBesideOthers measures the import into a database that knows four small users against that into a fresh one. It reports the
// ratio of the medians, and as a yardstick that of two fresh databases. The three take turns.
//
//	go test -run '^$' -bench BesideOthers -benchtime 5x ./bizydb/sqliteimport -tasks 20000
func BenchmarkImportBesideOthers(b *testing.B) {
	command, big := commandAndFile(b)
	var took [3][]float64
	for b.Loop() {
		for i, users := range []int{0, 4, 0} {
			first, _, _ := big.measureImport(b, command, users)
			took[i] = append(took[i], first.Seconds())
		}
	}
	median := func(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(took[0]), "s-fresh")
	b.ReportMetric(median(took[1]), "s-beside-others")
	b.ReportMetric(median(took[1])/median(took[0]), "ratio")
	b.ReportMetric(median(took[2])/median(took[0]), "yardstick")
}

// newDatabase makes a database in which users have 20 tasks each, which are analyzed. Their ids are beyond those of the file.
func newDatabase(b *testing.B, users int) *bizydbtest.Database {
	b.Helper()
	db := bizydbtest.New(b)
	if users == 0 {
		return db
	}
	conn := connect(b, db.AdminDSN)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), fmt.Sprintf(`
		INSERT INTO users (email, username) SELECT 'u' || i || '@example.org', 'u' || i FROM generate_series(1, %d) AS i;
		INSERT INTO goals (id, user_id, title) SELECT 1000000000 + row_number() OVER (), id, 'goal ' || i FROM users, generate_series(1, 2) AS i;
		INSERT INTO tasks (id, user_id, title, parent_goal_id) SELECT 1000000000 + row_number() OVER (), user_id, 'task ' || i, id FROM goals, generate_series(1, 10) AS i;
		ANALYZE`, users)); err != nil {
		b.Fatal(err)
	}
	return db
}

// commandAndFile builds the command and makes the file.
func commandAndFile(b *testing.B) (string, *bigFile) {
	b.Helper()
	dir := b.TempDir()
	command := filepath.Join(dir, "sqlite-import")
	if out, err := exec.Command("go", "build", "-o", command, "../../examples/sqlite-import").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return command, makeBigFile(b, dir, *benchTasks)
}

// A bigFile is a planner's file, and the same rows as COPY takes them.
type bigFile struct {
	path, goals, tasks string
}

// makeBigFile makes tasks of which most are under a goal, in the order in which a person comes to them, and one in ten
// waits for one or two others.
func makeBigFile(b *testing.B, dir string, tasks int) *bigFile {
	b.Helper()
	big := &bigFile{filepath.Join(dir, "big.db"), filepath.Join(dir, "goals.copy"), filepath.Join(dir, "tasks.copy")}
	f := openFixture(b, big.path)
	for _, sql := range []string{newer(oldGoals), newer(oldTasks), "PRAGMA synchronous = off", "BEGIN"} {
		f.exec(b, sql)
	}
	copies := map[string]*bufio.Writer{}
	for _, name := range []string{big.goals, big.tasks} {
		file, err := os.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		copies[name] = bufio.NewWriter(file)
	}
	line := func(name string, values ...any) {
		for i, v := range values {
			if v == nil {
				values[i] = `\N`
			}
			values[i] = fmt.Sprint(values[i])
		}
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = v.(string)
		}
		fmt.Fprintln(copies[name], strings.Join(text, "\t"))
	}

	const stamp = "2006-01-02 15:04:05.000000"
	at := time.Date(2019, 1, 1, 8, 0, 0, 123456000, time.UTC)
	goals := max(tasks/50, 1)
	insert, err := f.db.Prepare("INSERT INTO goals (id, title, description, horizon, target_date, status, progress_percentage, parent_goal_id, created_at, updated_at, metrics, project_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		b.Fatal(err)
	}
	for id := 1; id <= goals; id++ {
		var parent any
		if id > 10 {
			parent = id / 10
		}
		title, created := fmt.Sprintf("Goal %d: something that takes a while", id), at.Add(time.Duration(id)*time.Hour).Format(stamp)
		target := at.Add(time.Duration(id) * 24 * time.Hour).Format("2006-01-02")
		horizon := []string{"yearly", "quarterly", "monthly", "weekly"}[id%4]
		if _, err := insert.Exec(id, title, "What it is about.", horizon, target, "active", 12.5, parent, created, created, "{}", "shop"); err != nil {
			b.Fatal(err)
		}
		line(big.goals, id, parent, title, "What it is about.", horizon, target, "active", 12.5, created, created, `{"project": "shop"}`)
	}
	if insert, err = f.db.Prepare("INSERT INTO tasks (id, title, description, priority, status, category, estimated_hours, actual_hours, due_date, created_at, completed_at, parent_goal_id, dependencies, notes, tags, project_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"); err != nil {
		b.Fatal(err)
	}
	for id := 1; id <= tasks; id++ {
		created := at.Add(time.Duration(id) * time.Minute)
		status, completed, goal, dependencies := []string{"pending", "completed", "completed", "in_progress"}[id%4], any(nil), any(nil), "[]"
		if status == "completed" {
			completed = created.Add(50 * time.Hour).Format(stamp)
		}
		if id%5 > 0 {
			goal = (id*7919)%goals + 1 // tasks of a goal are far apart
		}
		if id%10 == 0 {
			dependencies = fmt.Sprintf("[%d, %d]", id-1, id-9)
		}
		title := fmt.Sprintf("Task %d: call, write, wait and call again", id)
		description := "It has been on the list for a while, and somebody asked for it again last week."
		category, tags := []string{"marketing", "development", "finance"}[id%3], fmt.Sprintf(`["week %d"]`, id%500)
		due := created.Add(1000 * time.Hour).Format("2006-01-02")
		if _, err := insert.Exec(id, title, description, id%5+1, status, category, 1.5, nil, due, created.Format(stamp), completed, goal, dependencies, "see there", tags, "shop"); err != nil {
			b.Fatal(err)
		}
		line(big.tasks, id, goal, title, description, id%5+1, status, category, 1.5, due, created.Format(stamp), completed, dependencies, "see there", strings.TrimSuffix(tags, "]")+`, "project:shop"]`)
	}
	f.exec(b, "COMMIT")
	if err := f.db.Close(); err != nil {
		b.Fatal(err)
	}
	for _, w := range copies {
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	return big
}

// measureLimit takes the rows into a database as its owner, whom nothing confines.
func (big *bigFile) measureLimit(b *testing.B) time.Duration {
	b.Helper()
	db := newDatabase(b, *benchUsers)
	user := db.NewUser(b)
	conn := connect(b, db.AdminDSN)
	defer conn.Close(context.Background())
	start := time.Now()
	for _, step := range []struct{ sql, file string }{
		{sql: "BEGIN"},
		{sql: "SET LOCAL timezone = 'Europe/Berlin'"},
		{sql: "CREATE TABLE goals_in (id bigint, parent_goal_id bigint, title text, description text, horizon text, target_date timestamptz, status text, progress_percentage float8, created_at timestamptz, updated_at timestamptz, metrics jsonb)"},
		{sql: "CREATE TABLE tasks_in (id bigint, parent_goal_id bigint, title text, description text, priority integer, status text, category text, estimated_hours float8, due_date timestamptz, created_at timestamptz, completed_at timestamptz, dependencies jsonb, notes text, tags jsonb)"},
		{"COPY goals_in FROM STDIN", big.goals},
		{"COPY tasks_in FROM STDIN", big.tasks},
		{sql: fmt.Sprintf("INSERT INTO goals (user_id, id, parent_goal_id, title, description, horizon, target_date, status, progress_percentage, created_at, updated_at, metrics) SELECT %d, * FROM goals_in", user)},
		{sql: fmt.Sprintf("INSERT INTO tasks (user_id, id, parent_goal_id, title, description, priority, status, category, estimated_hours, due_date, created_at, completed_at, dependencies, notes, tags) SELECT %d, * FROM tasks_in", user)},
		{sql: "COMMIT"},
	} {
		var err error
		at := time.Now()
		if step.file == "" {
			_, err = conn.Exec(b.Context(), step.sql)
		} else {
			err = copyFrom(b.Context(), conn, step.sql, step.file)
		}
		if err != nil {
			b.Fatalf("%s: %v", step.sql, err)
		}
		b.Logf("%6.1f s  %.40s", time.Since(at).Seconds(), step.sql)
	}
	if _, err := db.As(user).RollUpAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func copyFrom(ctx context.Context, conn *pgx.Conn, sql, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = conn.PgConn().CopyFrom(ctx, file, sql)
	return err
}

// measureImport runs the command twice: the second time nothing is new.
func (big *bigFile) measureImport(b *testing.B, command string, users int) (first, second time.Duration, memory int64) {
	b.Helper()
	db := newDatabase(b, users)
	goals, tasks := max(*benchTasks/50, 1), *benchTasks
	for i, taken := range []*time.Duration{&first, &second} {
		cmd := exec.Command(command, "-user", "ada@example.org", "-create", "-zone", "Europe/Berlin", big.path)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+db.DSN)
		start := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		*taken = time.Since(start)
		memory = max(memory, peakMemory(cmd.ProcessState))
		b.Logf("%6.1f s, %d MB\n%s", taken.Seconds(), peakMemory(cmd.ProcessState)/1e6, out)
		for name, n := range map[string]int{"goals": goals, "tasks": tasks} {
			want := []string{name, fmt.Sprint(n), fmt.Sprint(n), "0", "0"} // in the file, imported, imported before, left out
			if i == 1 {
				want[2], want[3] = want[3], want[2]
			}
			if !slices.ContainsFunc(strings.Split(string(out), "\n"), func(line string) bool { return slices.Equal(strings.Fields(line), want) }) {
				b.Errorf("import %d: no line %v in its report", i+1, want)
			}
		}
	}
	conn := connect(b, db.AdminDSN)
	defer conn.Close(context.Background())
	user, err := db.Accounts().FindByLogin(b.Context(), "ada@example.org")
	if err != nil {
		b.Fatal(err)
	}
	var goalsThere, tasksThere int
	if err := conn.QueryRow(b.Context(), "SELECT (SELECT count(*) FROM goals WHERE user_id = $1), (SELECT count(*) FROM tasks WHERE user_id = $1)", user.ID).Scan(&goalsThere, &tasksThere); err != nil {
		b.Fatal(err)
	}
	if goalsThere != goals || tasksThere != tasks {
		b.Errorf("%d goals and %d tasks are there, want %d and %d", goalsThere, tasksThere, goals, tasks)
	}
	if wrong, err := db.As(user.ID).RollUpAll(b.Context()); err != nil || len(wrong) > 0 {
		b.Errorf("%d goals are wrong (error %v)", len(wrong), err)
	}
	return first, second, memory
}

func (big *bigFile) measurePgloader(b *testing.B) time.Duration {
	b.Helper()
	db := bizydbtest.New(b)
	conn := connect(b, db.AdminDSN)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		b.Fatal(err)
	}
	config := conn.Config()
	script := filepath.Join(b.TempDir(), "load")
	text := fmt.Sprintf("LOAD DATABASE FROM sqlite://%s INTO postgresql://%s:%s@%s:%d/%s\nWITH create tables, create no indexes, reset no sequences;\n",
		big.path, config.User, config.Password, config.Host, config.Port, config.Database)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	out, err := exec.Command("pgloader", script).CombinedOutput()
	if err != nil {
		b.Fatalf("pgloader: %v\n%s", err, out)
	}
	b.Logf("pgloader:\n%s", out)
	return time.Since(start)
}
