package sqliteimport_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// atMidnight is how a due date is written that is a day.
var atMidnight = regexp.MustCompile(`^\s*\d{4}-\d\d-\d\d([ T]00:00(:00(\.0+)?)?)?\s*$`)

// Each column has its zone, and times that a clock skips or shows twice have one answer.
func TestTimes(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
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
		{"Europe/Berlin", "goals", "updated_at", "2026-06-01 12:00:00", "2026-06-01 12:00:00", ""},

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
				r = record{"id": 7, "title": "Timed", "created_at": "2020-01-01", "completed_at": "2020-01-01", "status": "completed", "priority": 3}
			}
			r[c.column] = c.old
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

// Without a zone it is the machine's, and the report says so.
func TestMachinesZone(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
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
	if report.Zone != "of this machine, now UTC-09:30" {
		t.Errorf("zone %q", report.Zone)
	}
}
