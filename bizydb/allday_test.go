package bizydb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A task that is due on a day is due until the day is over where its user is.
func TestAllDayTasks(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		day := date("2025-11-03")
		task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "day", DueDate: &day, DueAllDay: true})
		if err != nil || !task.DueAllDay || !task.DueDate.Equal(day) {
			t.Fatalf("%+v, %v", task, err)
		}
		for _, c := range []struct {
			zone                     planner.TimeZone
			at                       string
			overdue, today, upcoming bool
		}{
			{"Europe/Berlin", "2025-11-02T22:59:59Z", false, false, false},
			{"Europe/Berlin", "2025-11-02T23:00:00Z", false, true, true},
			{"Europe/Berlin", "2025-11-03T07:00:00Z", false, true, true}, // 08:00
			{"Europe/Berlin", "2025-11-03T22:59:59.999999Z", false, true, true},
			{"Europe/Berlin", "2025-11-03T23:00:00Z", true, false, false}, // 00:00 of the next day
			{"Pacific/Kiritimati", "2025-11-02T10:00:00Z", false, true, true},
			{"Pacific/Kiritimati", "2025-11-03T10:00:00Z", true, false, false},
			{"Pacific/Pago_Pago", "2025-11-04T10:59:59Z", false, true, true},
			{"Pacific/Pago_Pago", "2025-11-04T11:00:00Z", true, false, false},
			{"", "2025-11-03T23:59:59Z", false, true, true},
		} {
			at := moment(c.at)
			check := func(list string, want bool, tasks []planner.Task, err error) {
				t.Helper()
				if got := names(t, tasks, err) == "day"; got != want {
					t.Errorf("at %s in %q: %s is %v, want %v", c.at, c.zone, list, got, want)
				}
			}
			tasks, err := alice.OverdueTasks(t.Context(), planner.OverdueTasksParams{At: &at, TimeZone: c.zone})
			check("overdue", c.overdue, tasks, err)
			tasks, err = alice.TasksDueToday(t.Context(), planner.TasksDueTodayParams{At: &at, TimeZone: c.zone})
			check("due today", c.today, tasks, err)
			tasks, err = alice.UpcomingTasks(t.Context(), planner.UpcomingTasksParams{At: &at, TimeZone: c.zone})
			check("upcoming", c.upcoming, tasks, err)
		}

		// The day begins at 23:00 of the day before in Berlin.
		for before, want := range map[string]string{"2025-11-02T23:00:00Z": "", "2025-11-02T23:00:00.000001Z": "day"} {
			tasks, err := alice.TasksDue(t.Context(), planner.TasksDueParams{From: moment("2025-11-01T00:00:00Z"), Before: moment(before), TimeZone: "Europe/Berlin"})
			if got := names(t, tasks, err); got != want {
				t.Errorf("due before %s: %q, want %q", before, got, want)
			}
		}
		for completed, onTime := range map[string]int{"2025-11-03T09:00:00Z": 1, "2025-11-03T22:59:59Z": 1, "2025-11-03T23:00:00Z": 0} {
			asOwner(t, made, fmt.Sprintf("UPDATE public.tasks SET status = 'completed', completed_at = '%s' WHERE id = %d", completed, task.ID))
			rate, err := alice.CompletionRate(t.Context(), planner.CompletionRateParams{From: date("2025-11-01"), Before: date("2025-12-01"), TimeZone: "Europe/Berlin"})
			if err != nil || rate.Due != 1 || rate.Completed != 1 || rate.OnTime != onTime {
				t.Errorf("done at %s: %+v, want %d on time: %v", completed, rate, onTime, err)
			}
		}
		for zone, want := range map[planner.TimeZone]int{"Pacific/Kiritimati": 1, "Pacific/Pago_Pago": 1} { // the day is a Monday everywhere
			weeks, err := alice.Workload(t.Context(), planner.WorkloadParams{At: &day, TimeZone: zone, Weeks: 3})
			due := 0
			for _, week := range weeks {
				if week.Monday.Equal(day) {
					due = week.Due
				}
			}
			if err != nil || due != want {
				t.Errorf("in %q %d are due in its week, want %d: %v", zone, due, want, err)
			}
		}

		// A day is midnight UTC, and another time is refused with what to do.
		var field *bizydb.FieldError
		midnight := time.Date(2025, 11, 3, 0, 0, 0, 0, locationOf(t, "Europe/Berlin"))
		_, err = alice.RescheduleTask(t.Context(), planner.RescheduleTaskParams{ID: task.ID, DueDate: &midnight, DueAllDay: true})
		if !errors.As(err, &field) || field.Column != "due_date" || !strings.Contains(field.Reason, "midnight UTC") {
			t.Errorf("midnight in Berlin: %v, want a FieldError", err)
		}
		_, err = alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "x", DueDate: &midnight, DueAllDay: true}})
		if !errors.As(err, &field) || field.Column != "due_date" {
			t.Errorf("midnight in Berlin, in bulk: %v, want a FieldError", err)
		}
		if task, err = alice.RescheduleTask(t.Context(), planner.RescheduleTaskParams{ID: task.ID, DueDate: &midnight}); err != nil || task.DueAllDay {
			t.Errorf("at a time: %+v, %v", task, err)
		}
		if task, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, DueDate: &day, DueAllDay: new(true)}); err != nil || !task.DueAllDay {
			t.Errorf("on a day again: %+v, %v", task, err)
		}
		// A date alone is a time, and no date leaves the day as it is.
		for _, at := range []time.Time{day.Add(15 * time.Hour), day} {
			if task, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, DueDate: &at}); err != nil || task.DueAllDay || !task.DueDate.Equal(at) {
				t.Errorf("updated to %s: %+v, %v", at, task, err)
			}
			if task, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, DueDate: &day, DueAllDay: new(true)}); err != nil || !task.DueAllDay {
				t.Errorf("on a day again: %+v, %v", task, err)
			}
		}
		if task, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, Title: new("day")}); err != nil || !task.DueAllDay {
			t.Errorf("another field: %+v, %v", task, err)
		}
		if b, err := json.Marshal(task); err != nil || !strings.Contains(string(b), `"due_date":"2025-11-03T00:00:00Z","due_all_day":true`) {
			t.Errorf("as JSON: %s, %v", b, err)
		}
		if task, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: task.ID, ClearDueDate: true}); err != nil || task.DueAllDay || task.DueDate != nil {
			t.Errorf("never: %+v, %v", task, err)
		}
	})
}
