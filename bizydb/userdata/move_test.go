package userdata_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

var benchTasks = flag.Int("tasks", 100_000, "how many `TASKS` the user of BenchmarkMove has; a hundredth as many goals")

// full is for .ci/long.
var full = flag.Bool("full", false, "test memory at full size")

// maxMemory is less than what a process may have.
const maxMemory = 100e6

// maxRowMemory is what a process may have for the largest rows.
const maxRowMemory = 200e6

// With these variables in its environment the test binary works in a process of its own, in the database that they name: it exports one user
// to a file, imports that for another one, and prints how many seconds each took and the most memory that it had. Or it imports the file
// only, and prints the most memory and whether it was accepted.
const (
	movesUser   = "BIZYDB_MOVE_USER"
	importsUser = "BIZYDB_IMPORT_USER"
)

func userOf(db *bizydb.DB, arg string) bizydb.Scope {
	id, _ := strconv.ParseInt(arg, 10, 64)
	return db.As(bizydb.UserID(id))
}

func moveUser(dsn string) {
	times, err := func() (times [2]time.Duration, err error) {
		ctx := context.Background()
		db, err := bizydb.Open(ctx, dsn)
		if err != nil {
			return times, err
		}
		defer db.Close()
		file, err := os.Create(os.Args[3])
		if err != nil {
			return times, err
		}
		defer file.Close()
		start := time.Now()
		if _, err := userdata.Export(ctx, userOf(db, os.Args[1]), file); err != nil {
			return times, err
		}
		times[0] = time.Since(start)
		if _, err := file.Seek(0, 0); err != nil {
			return times, err
		}
		start = time.Now()
		_, err = userdata.Import(ctx, userOf(db, os.Args[2]), file)
		times[1] = time.Since(start)
		return times, err
	}()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(times[0].Seconds(), times[1].Seconds(), ownPeak())
	os.Exit(0)
}

func importUser(dsn string) {
	accepted, err := func() (accepted bool, err error) {
		db, err := bizydb.Open(context.Background(), dsn)
		if err != nil {
			return false, err
		}
		defer db.Close()
		file, err := os.Open(os.Args[2])
		if err != nil {
			return false, err
		}
		defer file.Close()
		if _, err = userdata.Import(context.Background(), userOf(db, os.Args[1]), file); errors.Is(err, bizydb.ErrInvalid) {
			return false, nil
		}
		return true, err
	}()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(ownPeak(), accepted)
	os.Exit(0)
}

// ownPeak is the most memory that this process had, in bytes, or 0 where there is no /proc. What the system says of a process that has ended
// counts what its parent had.
func ownPeak() (peak int64) {
	status, _ := os.ReadFile("/proc/self/status")
	if _, line, ok := strings.Cut(string(status), "VmHWM:"); ok {
		_, _ = fmt.Sscan(line, &peak)
	}
	return peak * 1024
}

// inOwnProcess runs the test binary and returns what it printed.
func inOwnProcess(t testing.TB, environment string, args ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), environment)
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	return string(printed)
}

// move moves a user in a process of its own, and returns how long both ways took and how much memory it had.
func move(t testing.TB, db *bizydbtest.Database, first, second bizydb.UserID) (out, in float64, memory, size int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "user.json")
	printed := inOwnProcess(t, movesUser+"="+db.DSN, fmt.Sprint(first), fmt.Sprint(second), path)
	if _, err := fmt.Sscan(printed, &out, &in, &memory); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return out, in, memory, info.Size()
}

// A document is never in memory as a whole: it would take the process beyond maxMemory, with -full by itself.
func TestMemory(t *testing.T) {
	if testing.Short() || withRaceDetector() {
		t.Skip("the race detector takes memory of its own")
	}
	t.Parallel()
	db := testdb.Common(t)
	first, second := db.NewUser(t), db.NewUser(t)
	fill(t, db, first, 10, 5100)
	large, least := 80, int64(0.7*maxMemory)
	if *full {
		large, least = 150, int64(1.2*maxMemory)
	}
	asOwner(t, db, fmt.Sprintf("UPDATE public.tasks SET notes = repeat('all that was said ', 50000) WHERE id IN (SELECT id FROM public.tasks WHERE user_id = %d ORDER BY id DESC LIMIT %d)", first, large))
	_, _, memory, size := move(t, db, first, second)
	if memory >= maxMemory || size < least {
		t.Errorf("%d MB of memory for a document of %d MB", memory/1e6, size/1e6)
	}
	if diff := cmp.Diff(countsOf(t, db, first), countsOf(t, db, second)); diff != "" {
		t.Errorf("-exported +imported:\n%s", diff)
	}
}

// No row takes more memory than the largest that is accepted, whatever is in it.
func TestMemoryOfARow(t *testing.T) {
	if testing.Short() || withRaceDetector() {
		t.Skip("the race detector takes memory of its own")
	}
	t.Parallel()
	db := testdb.Common(t)
	text := func(n int) string { return `"` + strings.Repeat(`\u0001`, n) + `"` }
	largest := []string{"description", text(1_000_000), "notes", text(1_000_000), "status", `"blocked"`, "blocked_reason", text(1_000_000)}
	// Without -full what comes in great numbers is a quarter, and so is the memory for it beyond that of an idle process.
	longest, many, manyGoals, memoryForMany := 2, 500_000, 15, int64(75e6)
	if *full {
		longest, many, manyGoals, memoryForMany = 4, 2_000_000, 60, maxRowMemory
	}
	var rows []string
	for id := 1; id <= longest; id++ {
		rows = append(rows, row(taskRow, append(largest, "id", fmt.Sprint(id))...))
	}
	var goals []string
	for id := 1; id <= longest; id++ {
		goals = append(goals, row(goalRow, "id", fmt.Sprint(id), "description", text(1_000_000), "success_criteria", text(1_000_000), "metrics", `{"a": `+text(160_000)+`}`))
	}
	var large []string // each less than what is written by itself
	for id := 1; id <= manyGoals; id++ {
		large = append(large, row(goalRow, "id", fmt.Sprint(id), "metrics", `{"a": [`+strings.Repeat(`{"":0},`, 14_000)+`0]}`))
	}
	var needy []string
	for id := 1; id <= 400; id++ {
		needy = append(needy, row(taskRow, "id", fmt.Sprint(id), "dependencies", "["+strings.Trim(strings.Join(strings.Fields(fmt.Sprint(numbers(id-1))), ","), "[]")+"]"))
	}
	for _, c := range []struct {
		name, document string
		accepted       bool
		memory         int64 // it takes less
	}{
		{"the largest tasks", documentOf(nil, rows), true, maxRowMemory},
		{"the largest goals", documentOf(goals, nil), true, maxRowMemory},
		{"a text that is too large", taskWith("notes", text(1_040_000)), false, maxRowMemory},
		{"a value that does not end", taskWith("notes", `"`+strings.Repeat("x", 30<<20)), false, maxRowMemory},
		{"every text is too large", taskWith("category", text(1_000_000), "description", text(1_000_000), "notes", text(1_000_000), "title", text(1_000_000), "blocked_reason", text(1_000_000)), false, maxRowMemory},
		{"two million tags", taskWith("tags", `[`+strings.Repeat(`"",`, 2_000_000)+`""]`), false, maxRowMemory},
		{"many objects", goalWith("metrics", `{"a":[`+strings.Repeat(`{},`, many)+`{}]}`), false, memoryForMany},
		{"goals with many objects", documentOf(large, nil), true, memoryForMany},
		{"three million dependencies", taskWith("dependencies", `[`+strings.Repeat(`1,`, 3_000_000)+`1]`), false, maxRowMemory},
		{"eighty thousand dependencies", documentOf(nil, needy), true, maxRowMemory},
		{"a million arrays", goalWith("metrics", `{"a":`+strings.Repeat("[", 1_000_000)), false, maxRowMemory},
		{"space", strings.Replace(taskWith(), "[", "["+strings.Repeat(" ", 8<<20), 1), false, maxRowMemory},
	} {
		path := filepath.Join(t.TempDir(), "document.json")
		if err := os.WriteFile(path, []byte(c.document), 0o600); err != nil {
			t.Fatal(err)
		}
		var memory int64
		var accepted bool
		for range 3 { // where the collector waits for a processor, there is more garbage
			printed := inOwnProcess(t, importsUser+"="+db.DSN, fmt.Sprint(db.NewUser(t)), path)
			if _, err := fmt.Sscan(printed, &memory, &accepted); err != nil {
				t.Fatalf("%s: %v\n%s", c.name, err, printed)
			}
			if memory < c.memory {
				break
			}
		}
		if memory >= c.memory || accepted != c.accepted {
			t.Errorf("%s: %d MB of memory, accepted: %v", c.name, memory/1e6, accepted)
		}
	}
}

// numbers are those from 1 to n.
func numbers(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i+1)
	}
	return numbers
}

func withRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// countsOf counts a user's rows and the bytes of their texts.
func countsOf(t testing.TB, db *bizydbtest.Database, user bizydb.UserID) (counts []int) {
	t.Helper()
	conn := connect(t, db)
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT ARRAY[(SELECT count(*) FROM public.goals WHERE user_id = $1), count(*), sum(length(notes))] FROM public.tasks WHERE user_id = $1", user).Scan(&counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

// BenchmarkMove exports a user with tasks of all kinds, and goals four levels deep, and imports what was exported for another one, whom the
// statistics do not know.
//
//	go test -run '^$' -bench Move -benchtime 1x ./bizydb/userdata
func BenchmarkMove(b *testing.B) {
	db := bizydbtest.New(b)
	first := db.NewUser(b)
	fill(b, db, first, max(*benchTasks/100, 10), *benchTasks)
	asOwner(b, db, "ANALYZE")
	var out, in float64
	var memory, size int64
	rounds := 0
	for b.Loop() {
		second := db.NewUser(b)
		o, i, m, s := move(b, db, first, second)
		out, in, memory, size = out+o, in+i, max(memory, m), s
		rounds++
		wantSame(b.Context(), b, db.As(first), db.As(second))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(size)/1e6, "MB-document")
	b.ReportMetric(out/float64(rounds), "s-export")
	b.ReportMetric(in/float64(rounds), "s-import")
	b.ReportMetric(float64(memory)/1e6, "MB-memory")
	if memory >= maxMemory {
		b.Errorf("it took %d MB of memory, want less than %d", memory/1e6, int(maxMemory/1e6))
	}
}
