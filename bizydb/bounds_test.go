package bizydb_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Statuses and horizons in Go are those of the schema.
func TestStatusesAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t, tracked)
	for name, value := range map[string]func(string) pgtype.TextValuer{
		"ck_tasks_status":  func(s string) pgtype.TextValuer { return planner.TaskStatus(s) },
		"ck_goals_status":  func(s string) pgtype.TextValuer { return planner.GoalStatus(s) },
		"ck_goals_horizon": func(s string) pgtype.TextValuer { return planner.Horizon(s) },
	} {
		definition, err := queryAll[string](t, db.Pool(), "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name)
		if err != nil || len(definition) != 1 {
			t.Fatal(definition, err)
		}
		allowed := literalsOf(definition[0])
		for _, s := range allowed {
			if text, err := value(s).TextValue(); err != nil || text.String != s || !text.Valid {
				t.Errorf("%s: %q is sent as %+v: %v", name, s, text, err)
			}
		}
		_, err = value("nonsense").TextValue()
		if !errors.Is(err, bizydb.ErrInvalid) {
			t.Errorf("%s: nonsense: %v, want ErrInvalid", name, err)
			continue
		}
		listed := regexp.MustCompile(`, | or `).Split(strings.TrimPrefix(err.Error(), "must be "), -1)
		if diff := cmp.Diff(allowed, listed); diff != "" {
			t.Errorf("%s (-schema +Go):\n%s", name, diff)
		}
	}
}

// A status or horizon that there is not is ErrInvalid in every method, those that filter too, in every exec mode.
func TestUnknownStatuses(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		for m := range readWriter.Methods() {
			if !m.IsExported() || m.Type.NumIn() != 2 || m.Type.In(1).Kind() != reflect.Struct {
				continue
			}
			for f := range m.Type.In(1).Fields() {
				typ := f.Type
				of := func(value reflect.Value) reflect.Value { return value }
				switch typ.Kind() {
				case reflect.Pointer:
					typ = typ.Elem()
				case reflect.Slice: // one of several
					list := reflect.Zero(typ)
					typ = typ.Elem()
					of = func(value reflect.Value) reflect.Value { return reflect.Append(list, value) }
				}
				if strings.HasPrefix(m.Name, "Count") && f.Name == "Order" { // which does not matter
					continue
				}
				if !slices.Contains([]reflect.Type{reflect.TypeFor[planner.TaskStatus](), reflect.TypeFor[planner.GoalStatus](), reflect.TypeFor[planner.Horizon](), reflect.TypeFor[planner.GoalOrder]()}, typ) {
					continue
				}
				p := settable(calls[m.Name](things{}))
				put(p, f.Name, of(reflect.ValueOf("nonsense").Convert(typ)))
				_, err := callWith(t.Context(), alice, m.Name, p.Interface())
				if field := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column != snakeCase(f.Name) {
					t.Errorf("%s.%s: %v, want ErrInvalid with the field", m.Name, f.Name, err)
				}
			}
		}
	})
}

// A whole number that the server does not have counts as the nearest: no number of days, weeks or rows is too large.
func TestWholeNumbers(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		for m := range readWriter.Methods() {
			if !m.IsExported() || m.Type.NumIn() != 2 || strings.HasPrefix(m.Name, "Create") || strings.HasPrefix(m.Name, "Update") {
				continue // which have a priority to store
			}
			typ := m.Type.In(1)
			fields := []string{""}
			if typ.Kind() == reflect.Struct {
				fields = nil
				for f := range typ.Fields() {
					if f.Type == reflect.TypeFor[int]() || f.Type == reflect.TypeFor[*int]() {
						fields = append(fields, f.Name)
					}
				}
			} else if typ != reflect.TypeFor[int]() {
				continue
			}
			for _, field := range fields {
				for _, n := range []int{math.MaxInt, 1 << 33, math.MaxInt32, math.MinInt} {
					var params any = n
					if field != "" {
						p := settable(calls[m.Name](at))
						put(p, field, reflect.ValueOf(n))
						params = p.Interface()
					}
					_, err := callWith(t.Context(), alice, m.Name, params)
					refused := n < 0 && (field == "" || field == "Limit") || field == "Size" && !strings.HasPrefix(m.Name, "Count") || m.Name == "Changes" // for which it does not matter
					if refused && !errors.Is(err, bizydb.ErrInvalid) || !refused && err != nil {
						t.Errorf("%s %s %d: %v", m.Name, field, n, err)
					}
				}
			}
		}
	}, tracked)
}

// Times at the end of those that columns take come back, and so do the numbers of days there, however many are asked for. Later and
// earlier ones are refused by name in every method and exec mode. All can be written as JSON.
func TestFirstAndLastTimes(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		first, last := time.Time{}, moment("9999-12-31T23:59:59.999999Z")
		for _, at := range []time.Time{first, last} {
			goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", TargetDate: &at, CreatedAt: &at, Status: planner.GoalCompleted, CompletedAt: &at})
			if err != nil || !goal.CreatedAt.Equal(at) {
				t.Fatal(goal, err)
			}
			create(
				t, alice,
				planner.CreateTaskParams{Title: "task", ParentGoalID: &goal.ID, DueDate: &at, CreatedAt: &at, Status: planner.TaskCompleted, CompletedAt: &at},
				planner.CreateTaskParams{Title: "day", ParentGoalID: &goal.ID, DueDate: new(at.Truncate(24 * time.Hour)), DueAllDay: true, CreatedAt: &at},
			)
		}
		mine := plantAll(t, alice)
		idle, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "idle"})
		if err != nil {
			t.Fatal(err)
		}
		times := 0
		for m := range readWriter.Methods() {
			if !m.IsExported() || m.Type.NumIn() != 2 || m.Type.In(1).Kind() != reflect.Struct {
				continue
			}
			for f := range m.Type.In(1).Fields() {
				if typ := f.Type; typ != reflect.TypeFor[time.Time]() && typ != reflect.TypeFor[*time.Time]() {
					continue
				}
				times++
				p := settable(calls[m.Name](mine))
				for _, at := range []time.Time{
					first.Add(-1), last.Add(time.Microsecond), time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(294_275, 1, 1, 0, 0, 0, 0, time.UTC),
					time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<60, 0), time.Unix(-1<<60, 0),
				} {
					put(p, f.Name, reflect.ValueOf(at))
					_, err := callWith(t.Context(), alice, m.Name, p.Interface())
					if field := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column != snakeCase(f.Name) {
						t.Errorf("%s.%s %v: %v, want ErrInvalid with the field", m.Name, f.Name, at, err)
					}
				}
				for _, zone := range []string{"", "Pacific/Kiritimati", "Pacific/Pago_Pago"} {
					if z := p.FieldByName("TimeZone"); z.IsValid() {
						z.SetString(zone)
					}
					for _, at := range []time.Time{first, last} {
						for _, n := range []int{0, math.MaxInt} {
							for _, name := range []string{"Days", "Weeks"} {
								if days := p.FieldByName(name); days.IsValid() && n > 0 {
									days.SetInt(int64(n))
								}
							}
							put(p, f.Name, reflect.ValueOf(at))
							got, err := callWith(t.Context(), alice, m.Name, p.Interface())
							if err != nil {
								t.Errorf("%s.%s %v in %q: %v", m.Name, f.Name, at, zone, err)
							}
							if b, err := json.Marshal(got); err != nil || bytes.Contains(b, []byte(`"0000-`)) {
								t.Errorf("%s.%s %v in %q: %s, %v", m.Name, f.Name, at, zone, b, err)
							}
						}
					}
				}
			}
		}
		if times < 10 {
			t.Errorf("only %d parameters are times", times)
		}
		// With nothing to do the forecast is the day of At.
		for zone, at := range map[planner.TimeZone]time.Time{"Pacific/Pago_Pago": first, "Pacific/Kiritimati": last} {
			forecast, err := alice.GoalForecast(t.Context(), planner.GoalForecastParams{GoalID: idle.ID, At: &at, TimeZone: zone, Days: math.MaxInt})
			if day := at.Truncate(24 * time.Hour); err != nil || forecast.ExpectedDay == nil || !forecast.ExpectedDay.Equal(day) {
				t.Errorf("in %q: %v, want %v: %v", zone, forecast.ExpectedDay, day, err)
			}
		}
	})
}

// Work without hours is work.
func TestCriticalPathWithoutHours(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	var last planner.TaskIDs
	for _, p := range []planner.CreateTaskParams{{Title: "draft"}, {Title: "dev", EstimatedHours: new(8.0)}, {Title: "test", EstimatedHours: new(0.0)}, {Title: "launch"}} {
		p.ParentGoalID, p.Dependencies = &mine.goal, last
		task, err := alice.CreateTask(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		last = planner.TaskIDs{task.ID}
	}
	path, err := alice.CriticalPath(t.Context(), mine.goal)
	if got := names(t, path.Tasks, err); got != "draft dev test launch" || path.Hours != 8 {
		t.Errorf("%s in %v hours", got, path.Hours)
	}
}

// Goals have at most 100 levels; the tree of all of them is read as it is.
func TestLevelsOfGoals(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	var parent *planner.GoalID
	var top planner.GoalID
	for level := range 100 {
		goal, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", ParentGoalID: parent})
		if err != nil {
			t.Fatal(level, err)
		}
		if parent = &goal.ID; level == 0 {
			top = goal.ID
		}
	}
	var field *bizydb.FieldError
	_, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "goal", ParentGoalID: parent})
	if !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column != "parent_goal_id" || !strings.Contains(field.Reason, "100 levels") {
		t.Errorf("one more: %v, want a FieldError", err)
	}
	root, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "root"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.MoveGoal(t.Context(), planner.MoveGoalParams{ID: top, ParentGoalID: &root.ID}); !errors.As(err, &field) || field.Column != "parent_goal_id" {
		t.Errorf("all of them under another: %v, want a FieldError", err)
	}
	tree, err := alice.GoalTree(t.Context(), top)
	if err != nil || len(tree) != 100 || tree[99].Depth != 99 {
		t.Errorf("%d goals: %v", len(tree), err)
	}
}

// A new row that names the id that it gets names a row that is not there, one of many as one by itself.
func TestNewRowNamesItself(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	alice := db.As(db.NewUser(t))
	mine := plantAll(t, alice)
	next := func(table string) int64 {
		asOwner(t, db, "SELECT setval('public."+table+"_id_seq', 1000)")
		return 1001
	}
	for name, create := range map[string]func() error{
		"goals.parent_goal_id": func() error {
			_, err := alice.CreateGoal(t.Context(), planner.CreateGoalParams{Title: "x", ParentGoalID: new(planner.GoalID(next("goals")))})
			return err
		},
		"tasks.dependencies": func() error {
			_, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "x", Dependencies: planner.TaskIDs{mine.task, planner.TaskID(next("tasks"))}})
			return err
		},
		"tasks.dependencies of one of many": func() error {
			_, err := alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "x", Dependencies: planner.TaskIDs{planner.TaskID(next("tasks"))}}, {Title: "y"}})
			return err
		},
	} {
		var field *bizydb.FieldError
		if err := create(); !errors.Is(err, bizydb.ErrUnknownReference) || !errors.As(err, &field) || !strings.HasPrefix(name, field.Table+"."+field.Column) {
			t.Errorf("%s: %v, want ErrUnknownReference", name, err)
		}
	}
}

// Each dependency is stored once, whichever method writes it.
func TestDependenciesOnce(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		twice, once := planner.TaskIDs{at.waiting, at.task, at.waiting, at.task, at.task}, planner.TaskIDs{at.waiting, at.task}
		task, err := alice.CreateTask(t.Context(), planner.CreateTaskParams{Title: "x", Dependencies: twice})
		if err != nil || !slices.Equal(task.Dependencies, once) {
			t.Errorf("created with %v: %v", task.Dependencies, err)
		}
		ids, err := alice.CreateTasks(t.Context(), planner.CreateTasksParams{{Title: "x", Dependencies: twice}})
		if err != nil {
			t.Fatal(err)
		}
		if task, err := alice.GetTask(t.Context(), ids[0]); err != nil || !slices.Equal(task.Dependencies, once) {
			t.Errorf("created among others with %v: %v", task.Dependencies, err)
		}
		task, err = alice.SetTaskDependencies(t.Context(), planner.SetTaskDependenciesParams{ID: ids[0], Dependencies: planner.TaskIDs{at.task, at.task, at.task}})
		if err != nil || !slices.Equal(task.Dependencies, planner.TaskIDs{at.task}) {
			t.Errorf("set to %v: %v", task.Dependencies, err)
		}
		task, err = alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: ids[0], Dependencies: twice})
		if err != nil || !slices.Equal(task.Dependencies, once) {
			t.Errorf("updated to %v: %v", task.Dependencies, err)
		}
	})
}

// updated_at is later after a change made in a transaction that began before another change.
func TestUpdatedAtInAnEarlierTransaction(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	mine := plant(t, alice)
	tx, err := db.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v1, err := alice.UpdateTask(t.Context(), planner.UpdateTaskParams{ID: mine.task, Title: new("v1")})
	if err != nil {
		t.Fatal(err)
	}
	v2, err := alice.WithTx(tx).UpdateTask(t.Context(), planner.UpdateTaskParams{ID: mine.task, Title: new("v2")})
	if err != nil || !v2.UpdatedAt.After(v1.UpdatedAt) {
		t.Errorf("%v after %v: %v", v2.UpdatedAt, v1.UpdatedAt, err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}
