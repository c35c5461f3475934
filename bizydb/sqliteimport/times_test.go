package sqliteimport_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// atMidnight is how a due date is written that is a day.
var atMidnight = regexp.MustCompile(`^\s*\d{4}-\d\d-\d\d([ T]00:00(:00(\.0+)?)?)?\s*$`)

// Each column has its zone, and times that a clock skips or shows twice have one answer.
func TestTimes(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	const skipped, twice = sqliteimport.SkippedTime, sqliteimport.RepeatedTime
	for _, c := range []struct {
		zone, table, column, old string
		want                     string // in UTC
		problem                  sqliteimport.Problem
	}{
		{"Europe/Berlin", "tasks", "created_at", "2025-06-01 12:00:00", "2025-06-01 12:00:00", ""},
		{"Europe/Berlin", "tasks", "created_at", "2025-10-10 23:59:59.999999", "2025-10-10 23:59:59.999999", ""},
		{"Europe/Berlin", "tasks", "created_at", "2025-10-11 00:00:00", "2025-10-10 22:00:00", ""},
		{"Europe/Berlin", "tasks", "created_at", "2026-01-15 12:00:00", "2026-01-15 11:00:00", ""},
		{"Europe/Berlin", "tasks", "completed_at", "2025-06-01 12:00:00", "2025-06-01 10:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-12-24 18:00:00", "2025-12-24 17:00:00", ""},
		{"Europe/Berlin", "goals", "target_date", "2025-07-01", "2025-06-30 22:00:00", ""},
		{"Europe/Berlin", "goals", "created_at", "2026-06-01 12:00:00", "2026-06-01 12:00:00", ""},
		{"Europe/Berlin", "goals", "updated_at", "2026-06-01 12:00:00", "2026-06-01 10:00:00", ""},

		// However it is written.
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01 12:00:00.123456", "2025-06-01 10:00:00.123456", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01 12:00:00.123456789", "2025-06-01 10:00:00.123456", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01T12:00:00.5", "2025-06-01 10:00:00.5", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01 12:00", "2025-06-01 10:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01T00:00:00Z", "2025-06-01 00:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01 00:00:00+02:00", "2025-05-31 22:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01 00:00:00.000001", "2025-05-31 22:00:00.000001", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01T12:00:00Z", "2025-06-01 12:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-06-01 12:00:00-05:00", "2025-06-01 17:00:00", ""},

		// A due date at midnight is a day, the same in every zone, also where the clock skips midnight or shows it twice.
		{"Europe/Berlin", "tasks", "due_date", "2024-02-29", "2024-02-29 00:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", " 2025-06-01 ", "2025-06-01 00:00:00", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-12-24 00:00:00", "2025-12-24 00:00:00", ""},
		{"America/New_York", "tasks", "due_date", "2025-11-03 00:00:00.000000", "2025-11-03 00:00:00", ""},
		{"America/New_York", "tasks", "due_date", "2025-11-03T00:00", "2025-11-03 00:00:00", ""},
		{"America/Sao_Paulo", "tasks", "due_date", "2018-11-04 00:00:00", "2018-11-04 00:00:00", ""},
		{"America/Havana", "tasks", "due_date", "2023-11-05 00:00:00", "2023-11-05 00:00:00", ""},
		{"Pacific/Kiritimati", "tasks", "due_date", "2025-01-01", "2025-01-01 00:00:00", ""},

		// The clock goes forward at two, and back at three.
		{"Europe/Berlin", "tasks", "due_date", "2025-03-30 01:59:59", "2025-03-30 00:59:59", ""},
		{"Europe/Berlin", "tasks", "due_date", "2025-03-30 02:00:00", "2025-03-30 01:00:00", skipped},
		{"Europe/Berlin", "tasks", "due_date", "2025-03-30 02:30:00", "2025-03-30 01:30:00", skipped},
		{"Europe/Berlin", "tasks", "due_date", "2025-03-30 03:00:00", "2025-03-30 01:00:00", ""},
		{"Europe/Berlin", "tasks", "completed_at", "2025-10-26 01:59:59", "2025-10-25 23:59:59", ""},
		{"Europe/Berlin", "tasks", "completed_at", "2025-10-26 02:30:00", "2025-10-26 00:30:00", twice},
		{"Europe/Berlin", "tasks", "completed_at", "2025-10-26 03:00:00", "2025-10-26 02:00:00", ""},
		{"Europe/Berlin", "tasks", "created_at", "2025-10-26 02:30:00", "2025-10-26 00:30:00", twice},
		// Not in columns that are in UTC.
		{"Europe/Berlin", "goals", "created_at", "2025-03-30 02:30:00", "2025-03-30 02:30:00", ""},
		{"Europe/Berlin", "tasks", "created_at", "2025-03-30 02:30:00", "2025-03-30 02:30:00", ""},

		{"America/New_York", "tasks", "due_date", "2025-03-09 02:30:00", "2025-03-09 07:30:00", skipped},
		{"America/New_York", "tasks", "due_date", "2025-11-02 01:30:00", "2025-11-02 05:30:00", twice},
		{"Australia/Lord_Howe", "tasks", "due_date", "2025-10-05 02:15:00", "2025-10-04 15:45:00", skipped}, // by half an hour
		{"Australia/Lord_Howe", "tasks", "due_date", "2025-04-06 01:45:00", "2025-04-05 14:45:00", twice},
		{"America/Sao_Paulo", "goals", "target_date", "2018-11-04", "2018-11-04 03:00:00", skipped}, // midnight
		{"Africa/Cairo", "goals", "target_date", "2023-04-28", "2023-04-27 22:00:00", skipped},
		{"Pacific/Apia", "goals", "target_date", "2011-12-30", "2011-12-30 10:00:00", skipped}, // a whole day
		{"Pacific/Apia", "goals", "target_date", "2011-12-31", "2011-12-30 10:00:00", ""},
		{"UTC", "tasks", "due_date", "2025-03-30 02:30:00", "2025-03-30 02:30:00", ""},
	} {
		t.Run(c.zone+" "+c.table+"."+c.column+" "+c.old, func(t *testing.T) {
			t.Parallel()
			user := db.NewUser(t)
			f := newFixture(t, oldGoals, oldTasks)
			r := record{"id": 7, "title": "Timed", "created_at": "2020-01-01", "updated_at": "2020-01-01", "status": "active", "progress_percentage": 0}
			if c.table == "tasks" {
				r = record{"id": 7, "title": "Timed", "created_at": "2020-01-01", "completed_at": "2020-01-03", "status": "completed", "priority": 3}
			}
			r[c.column] = c.old
			if c.column == "created_at" { // which nothing else may contradict
				delete(r, "completed_at")
				if r["status"] = "pending"; c.table == "goals" {
					r["status"], r["updated_at"] = "active", c.old
				}
			}
			f.insert(t, c.table, r)
			report := importFile(t, db, user, f.path, sqliteimport.Options{Zone: zone(t, c.zone), Strict: true})
			stored := importedFor(t, db, user)
			task, goal := stored.tasks[7], stored.goals[7]
			got := map[string]*time.Time{
				"tasks.created_at": &task.CreatedAt, "tasks.completed_at": task.CompletedAt, "tasks.due_date": task.DueDate,
				"goals.created_at": &goal.CreatedAt, "goals.updated_at": &goal.UpdatedAt, "goals.target_date": goal.TargetDate,
			}[c.table+"."+c.column]
			want, err := time.Parse("2006-01-02 15:04:05", c.want)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil || !got.Equal(want) {
				t.Errorf("%v, want %v", got, want)
			}
			if isDay := c.column == "due_date" && atMidnight.MatchString(c.old); task.DueAllDay != isDay {
				t.Errorf("due on a day %v, want %v", task.DueAllDay, isDay)
			}
			var findings []sqliteimport.Finding
			if c.problem != "" {
				findings = []sqliteimport.Finding{{Table: c.table, ID: 7, Column: c.column, Problem: c.problem, Old: c.old, New: want.Format(time.RFC3339Nano)}}
			}
			if diff := cmp.Diff(findings, report.Findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// When a goal was last changed, and with it when it was completed, is in UTC if the goal was not touched since it was added, or was
// paused or cancelled; else in the zone. Where that cannot be, it is the other way round.
func TestGoalTimes(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	const first, second = sqliteimport.CompletedBeforeCreated, sqliteimport.UpdatedBeforeCreated
	const inUTC, inZone, future = sqliteimport.ReadInUTC, sqliteimport.ReadInZone, sqliteimport.InFuture
	for i, c := range []struct {
		zone, status, created, updated string
		want                           string // in UTC; empty for the time of the import
		problem                        sqliteimport.Problem
	}{
		// Untouched, before and after the version of 2025-10-11.
		{"America/New_York", "active", "2025-06-01 14:00:00.265176", "2025-06-01 14:00:00.265181", "2025-06-01 14:00:00.265181", ""},
		{"America/New_York", "completed", "2025-06-01 14:00:00.265176", "2025-06-01 14:00:00.265181", "2025-06-01 14:00:00.265181", ""},
		{"Asia/Tokyo", "active", "2025-12-15 14:00:00.265176", "2025-12-15 14:00:01.265176", "2025-12-15 14:00:01.265176", ""},
		{"Asia/Tokyo", "completed", "2025-12-15 14:00:00.265181", "2025-12-15 14:00:00.265176", "2025-12-15 14:00:00.265176", ""},
		{"Asia/Tokyo", "on_hold", "2025-12-15 14:00:00.265176", "2025-12-15 14:00:00.265181", "2025-12-15 14:00:00.265181", ""},
		// Touched, before and after.
		{"America/New_York", "active", "2025-06-01 14:00:00.265176", "2025-06-01 10:45:00.235690", "2025-06-01 14:45:00.23569", ""},
		{"America/New_York", "completed", "2025-12-15 14:00:00.265176", "2025-12-15 09:45:00.235690", "2025-12-15 14:45:00.23569", ""},
		{"Asia/Tokyo", "active", "2026-01-28 20:23:58.993078", "2026-01-29 05:23:59.903029", "2026-01-28 20:23:59.903029", ""},
		{"Asia/Tokyo", "completed", "2025-06-01 14:00:00.265176", "2025-06-02 14:00:00.265176", "2025-06-02 05:00:00.265176", ""},
		{"Asia/Tokyo", "on_hold", "2025-12-15 14:00:00.265176", "2025-12-16 14:00:00.265176", "2025-12-16 14:00:00.265176", ""},
		{"Asia/Tokyo", "cancelled", "2025-06-01 14:00:00.265176", "2025-06-02 14:00:00.265176", "2025-06-02 14:00:00.265176", ""},
		// An active goal was edited soon after it was added; a paused one got a task.
		{"Asia/Tokyo", "active", "2025-12-15 14:00:00", "2025-12-15 15:00:00", "2025-12-15 15:00:00", inUTC},
		{"America/New_York", "on_hold", "2025-12-15 14:00:00", "2025-12-15 10:00:00", "2025-12-15 15:00:00", inZone},
		// Neither can be.
		{"America/New_York", "completed", "2025-12-15 14:00:00", "2025-12-14 10:00:00", "2025-12-14 15:00:00", first},
		{"America/New_York", "active", "2025-12-15 14:00:00", "2025-12-14 10:00:00", "2025-12-14 15:00:00", second},
		{"Asia/Tokyo", "on_hold", "2025-12-15 14:00:00", "2025-12-15 13:59:58.999999", "2025-12-15 13:59:58.999999", second},
		{"Asia/Tokyo", "completed", "2025-12-15 14:00:00", "9000-12-14 10:00:00", "", future},
	} {
		t.Run(fmt.Sprint(i, " ", c.zone, " ", c.status), func(t *testing.T) {
			t.Parallel()
			user := db.NewUser(t)
			f := newFixture(t, oldGoals, oldTasks)
			f.insert(t, "goals", record{
				"id": 1, "title": "Shop", "status": c.status, "progress_percentage": map[bool]int{true: 100}[c.status == "completed"],
				"created_at": c.created, "updated_at": c.updated,
			})
			report := importFile(t, db, user, f.path, sqliteimport.Options{Zone: zone(t, c.zone), Strict: true})
			goal := importedFor(t, db, user).goals[1]
			want, words := goal.UpdatedAt, "time of the import"
			if c.want != "" {
				want = utc(t, c.want)
				words = want.Format(time.RFC3339Nano)
			} else if since := time.Since(want); since < 0 || since > time.Hour {
				t.Errorf("updated %v ago, want at the import", since)
			}
			if !goal.CreatedAt.Equal(utc(t, c.created)) || !goal.UpdatedAt.Equal(want) {
				t.Errorf("created %v and updated %v, want %s and %v", goal.CreatedAt, goal.UpdatedAt, c.created, want)
			}
			if c.status == "completed" && (goal.CompletedAt == nil || !goal.CompletedAt.Equal(want)) {
				t.Errorf("completed %v, want %v", goal.CompletedAt, want)
			}
			var findings []sqliteimport.Finding
			if c.problem != "" {
				findings = []sqliteimport.Finding{{Table: "goals", ID: 1, Column: "updated_at", Problem: c.problem, Old: c.updated, New: words}}
			}
			if diff := cmp.Diff(findings, report.Findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func utc(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The planner's own files of one goal that was completed with its task, and of one that was listed after it had been added.
func TestGoalsCompletedAndListed(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for name, c := range map[string]struct{ zone, updated, created, completed string }{ // of the goal, and of its first task, in UTC
		"completed-in-new-york.db": {"America/New_York", "2025-12-15 14:45:00.23569", "2025-12-15 14:05:00.237758", "2025-12-15 14:45:00.223453"},
		"listed-in-tokyo.db":       {"Asia/Tokyo", "2026-11-28 20:23:59.903029", "2026-11-28 20:23:59.299101", ""},
	} {
		user := db.NewUser(t)
		report := importFile(t, db, user, filepath.Join("testdata", name), sqliteimport.Options{Zone: zone(t, c.zone)})
		if report.Findings != nil {
			t.Errorf("%s: findings %+v", name, report.Findings)
		}
		stored := importedFor(t, db, user)
		goal, task := stored.goals[1], stored.tasks[1]
		if !goal.UpdatedAt.Equal(utc(t, c.updated)) || !task.CreatedAt.Equal(utc(t, c.created)) {
			t.Errorf("%s: updated %v and created %v, want %s and %s", name, goal.UpdatedAt, task.CreatedAt, c.updated, c.created)
		}
		if done := c.completed != ""; (goal.CompletedAt != nil) != done || (task.CompletedAt != nil) != done ||
			done && (!goal.CompletedAt.Equal(utc(t, c.updated)) || !task.CompletedAt.Equal(utc(t, c.completed))) {
			t.Errorf("%s: completed %v and %v, want %s and %s", name, goal.CompletedAt, task.CompletedAt, c.updated, c.completed)
		}
	}
}

// A time of a task that another one contradicts is stored as it was read, and reported.
func TestTaskTimesThatContradict(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldTasks)
	task := func(id int, created, completed any) record {
		return record{"id": id, "title": "Task", "priority": 3, "status": "completed", "created_at": created, "completed_at": completed}
	}
	f.insert(t, "tasks",
		task(1, "2025-06-01 10:00:00", "2025-06-01 11:59:59"), // a second before in UTC
		task(2, "2025-06-01 10:00:00", "2025-06-01 11:59:58.9"),
		task(3, "2025-06-01 10:00:00", "9000-06-01 12:00:00"),
		task(4, "9000-01-01 10:00:00", "9000-01-01 12:00:00"),
		task(5, "yesterday", "2025-06-01 12:00:00"), // nothing contradicts a time that is not known
	)
	report := importFile(t, db, user, f.path, sqliteimport.Options{})
	want := []sqliteimport.Finding{
		{Table: "tasks", ID: 2, Column: "completed_at", Problem: sqliteimport.CompletedBeforeCreated, Old: "2025-06-01 11:59:58.9", New: "2025-06-01T09:59:58.9Z"},
		{Table: "tasks", ID: 3, Column: "completed_at", Problem: sqliteimport.InFuture, Old: "9000-06-01 12:00:00", New: "9000-06-01T10:00:00Z"},
		{Table: "tasks", ID: 4, Column: "created_at", Problem: sqliteimport.InFuture, Old: "9000-01-01 10:00:00", New: "9000-01-01T09:00:00Z"},
		{Table: "tasks", ID: 4, Column: "completed_at", Problem: sqliteimport.InFuture, Old: "9000-01-01 12:00:00", New: "9000-01-01T11:00:00Z"},
		{Table: "tasks", ID: 5, Column: "created_at", Problem: sqliteimport.NotATime, Old: "yesterday", New: "time of the import"},
	}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	stored := importedFor(t, db, user).tasks
	for _, finding := range want[:4] {
		at := stored[finding.ID].CompletedAt
		if finding.Column == "created_at" {
			at = new(stored[finding.ID].CreatedAt)
		}
		if at == nil || at.Format(time.RFC3339Nano) != finding.New {
			t.Errorf("%v is stored, and %+v was found", at, finding)
		}
	}
}

// A task was created in UTC until the day on which the person got the version that writes it in the zone.
func TestUpgradedOn(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	f := newFixture(t, oldTasks)
	days := []string{"2025-10-10", "2025-10-11", "2026-01-14", "2026-01-15"}
	for i, day := range days {
		f.insert(t, "tasks", record{"id": i + 1, "title": "Task", "priority": 3, "status": "pending", "created_at": day + " 00:00:00"})
	}
	for _, c := range []struct {
		upgraded time.Time
		inZone   int // the first day
	}{
		{time.Time{}, 1},
		{time.Date(2025, 10, 11, 0, 0, 0, 0, time.UTC), 1},
		{time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC), 3},
		{time.Date(2026, 1, 15, 23, 59, 0, 0, zone(t, "America/New_York")), 3},
		{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), 4},
	} {
		user := db.NewUser(t)
		importFile(t, db, user, f.path, sqliteimport.Options{UpgradedOn: c.upgraded, Zone: zone(t, "Asia/Tokyo")})
		stored := importedFor(t, db, user).tasks
		for i, day := range days {
			want := utc(t, day+" 00:00:00")
			if i >= c.inZone {
				want = want.Add(-9 * time.Hour)
			}
			if got := stored[int64(i+1)].CreatedAt; !got.Equal(want) {
				t.Errorf("upgraded on %v: %s was read as %v, want %v", c.upgraded, day, got, want)
			}
		}
	}
}

// Without a zone it is the machine's, and the report says so.
func TestMachinesZone(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	user := db.NewUser(t)
	f := newFixture(t, oldTasks)
	f.insert(t, "tasks", record{"id": 1, "title": "Timed", "due_date": "2025-06-01 12:00:00"})
	report, err := sqliteimport.Import(t.Context(), db.DB, user, f.path, sqliteimport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2025, 6, 1, 12, 0, 0, 0, time.Local)
	if due := importedFor(t, db, user).tasks[1].DueDate; due == nil || !due.Equal(want) {
		t.Errorf("due %v, want %v", due, want)
	}
	if report.Zone != "UTC-09:30" {
		t.Errorf("zone %q", report.Zone)
	}
}

// The zone in which a file was read is remembered under its name, with the day of the upgrade. Others are refused, unless they show
// the same times or are asked for; to other users they are nothing.
func TestClockIsRemembered(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	type clock struct {
		zone     string // or the machine's, which has no name
		upgraded time.Time
	}
	options := func(c clock, allow bool) sqliteimport.Options {
		o := sqliteimport.Options{AllowOtherClock: allow, UpgradedOn: c.upgraded}
		if c.zone != "" {
			o.Zone = zone(t, c.zone)
		}
		return o
	}
	day := func(year, month, day int) time.Time {
		return time.Date(year, time.Month(month), day, 23, 0, 0, 0, time.Local)
	}
	for first, others := range map[clock]map[clock]string{ // with what is wrong with them
		{zone: "America/New_York"}: {
			{zone: "America/New_York"}: "", {zone: "US/Eastern"}: "", {zone: "America/Toronto"}: "",
			{zone: "America/New_York", upgraded: day(2025, 10, 11)}: "",
			{zone: "America/Chicago"}:                               "the zone was America/New_York, not America/Chicago",
			{zone: "America/New_York", upgraded: day(2025, 10, 12)}: "the upgrade was on 2025-10-11, not on 2025-10-12",
			{zone: "UTC", upgraded: sqliteimport.NeverUpgraded}:     "the zone was America/New_York, not UTC, and the upgrade was on 2025-10-11, not never",
		},
		{zone: "UTC"}: {{zone: "UTC"}: "", {zone: "Etc/UTC"}: "", {zone: "Europe/London"}: "the zone was UTC, not Europe/London"},
		{}:            {{}: "", {zone: "UTC"}: "the zone was UTC-09:30, not UTC"},
		{zone: "UTC", upgraded: sqliteimport.NeverUpgraded}: {
			{zone: "UTC", upgraded: day(20_000, 12, 31)}: "",
			{zone: "UTC", upgraded: day(-20_000, 1, 1)}:  "the upgrade was never, not on 0001-01-01",
		},
	} {
		for other, want := range others {
			user := db.NewUser(t)
			f := newFixture(t, oldTasks)
			importBy := func(c clock, allow bool) error {
				f.exec(t, "INSERT INTO tasks (title) VALUES ('Task')") // which is recorded
				_, err := sqliteimport.Import(t.Context(), db.DB, user, f.path, options(c, allow))
				return err
			}
			if err := importBy(first, false); err != nil {
				t.Fatal(err)
			}
			err := importBy(other, false)
			if want == "" && err != nil || want != "" && (!errors.Is(err, sqliteimport.ErrOtherClock) || !strings.HasSuffix(err.Error(), ": "+want)) {
				t.Errorf("%v after %v: error %v, want %q", other, first, err, want)
			}
			if want == "" {
				continue
			}
			// If it is asked for it counts from then on, for the file.
			if err := importBy(other, true); err != nil {
				t.Errorf("%v after %v, as asked for: error %v", other, first, err)
			}
			if err := importBy(other, false); err != nil {
				t.Errorf("%v after %v, again: error %v", other, first, err)
			}
			if err := importBy(first, false); !errors.Is(err, sqliteimport.ErrOtherClock) {
				t.Errorf("%v again: error %v", first, err)
			}
			// A file that is new can have either, and no third one.
			for clock, taken := range map[clock]bool{first: true, other: true, {zone: "Asia/Kathmandu"}: false} {
				another := newFixture(t, oldTasks)
				another.insert(t, "tasks", record{"title": fmt.Sprint("Another", clock)})
				_, err := sqliteimport.Import(t.Context(), db.DB, user, another.path, options(clock, false))
				if taken && err != nil || !taken && !errors.Is(err, sqliteimport.ErrOtherClock) {
					t.Errorf("%v for another file: error %v", clock, err)
				}
			}
			// A wrong file is refused as that.
			wrong := newFixture(t, otherTables)
			if _, err := sqliteimport.Import(t.Context(), db.DB, user, wrong.path, options(clock{zone: "Asia/Kathmandu"}, false)); !errors.Is(err, sqliteimport.ErrNotPlanner) {
				t.Errorf("a wrong file: error %v", err)
			}
		}
	}
}
