package bizydb_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// What users send: whatever the values of parameters, a call does not panic, an error has a name, and what is stored can be read,
// written as JSON, and stored again as it is.
func FuzzParams(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed)
	}
	db := bizydbtest.New(f, tracked)
	accounts := openCheap(f, db)
	f.Fuzz(func(t *testing.T, seed uint64) {
		alice := db.As(db.NewUser(t))
		g := generator{rand.New(rand.NewPCG(seed, 17)), plantAll(t, alice)}
		for m := range readWriter.Methods() {
			if !m.IsExported() || m.Type.NumIn() != 2 {
				continue
			}
			params := g.value(m.Type.In(1)).Interface()
			got, err := callWith(t.Context(), alice, m.Name, params)
			if err != nil {
				checkNamed(t, m.Name, params, err)
				continue
			}
			readBack(t, alice, m.Name, params, got)
		}
		for _, m := range []string{"Register", "UpdateProfile", "List"} {
			method := reflect.ValueOf(accounts).MethodByName(m)
			in := []reflect.Value{reflect.ValueOf(t.Context())}
			for i := 1; i < method.Type().NumIn(); i++ {
				in = append(in, g.value(method.Type().In(i)))
			}
			out := method.Call(in)
			if err, _ := out[1].Interface().(error); err != nil {
				checkNamed(t, m, in[len(in)-1].Interface(), err)
			} else {
				readBack(t, alice, m, nil, out[0].Interface())
			}
		}
		tasks, err := alice.ListTasks(t.Context(), planner.ListTasksParams{})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			readBack(t, alice, "ListTasks", nil, task)
		}
		goals, err := alice.ListGoals(t.Context(), planner.ListGoalsParams{})
		if err != nil {
			t.Fatal(err)
		}
		for _, goal := range goals {
			readBack(t, alice, "ListGoals", nil, goal)
		}
	})
}

func checkNamed(t *testing.T, method string, params any, err error) {
	t.Helper()
	for _, named := range []error{
		bizydb.ErrNotFound, bizydb.ErrUnknownReference, bizydb.ErrInvalid, bizydb.ErrConflict, bizydb.ErrNoUser, bizydb.ErrChangesExpired,
	} {
		if errors.Is(err, named) {
			return
		}
	}
	t.Errorf("%s %.2000s: an error without a name: %v", method, shown(params), err)
}

// readBack writes what a method returned as JSON, reads that, and stores it once more if it is a row.
func readBack(t *testing.T, s bizydb.Scope, method string, params, got any) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Errorf("%s %.2000s: %v", method, shown(params), err)
		return
	}
	read := reflect.New(reflect.TypeOf(got))
	if err := json.Unmarshal(b, read.Interface()); err != nil {
		t.Errorf("%s %.2000s: %v", method, shown(params), err)
		return
	}
	kept := cmp.Options{ // what is not in JSON
		cmpopts.IgnoreFields(planner.Goal{}, "SubGoalProgress", "RollUpCount"),
	}
	if diff := cmp.Diff(got, read.Elem().Interface(), kept, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s %.2000s (-returned +read from JSON):\n%s", method, shown(params), diff)
	}
	var again any
	switch row := read.Interface().(type) {
	case *planner.Task:
		again, err = s.CreateTask(t.Context(), copied[planner.CreateTaskParams](row))
	case *planner.Goal:
		if row.TaskCount > 0 || row.SubGoalCount > 0 {
			return // whose percentage follows
		}
		again, err = s.CreateGoal(t.Context(), copied[planner.CreateGoalParams](row))
	default:
		return
	}
	if errors.Is(err, bizydb.ErrUnknownReference) { // deleted with what it refers to
		return
	}
	if diff := cmp.Diff(got, again, kept, cmpopts.IgnoreFields(planner.Task{}, "ID", "UpdatedAt", "Version"), cmpopts.IgnoreFields(planner.Goal{}, "ID", "UpdatedAt", "Version")); diff != "" || err != nil {
		t.Errorf("%s %.2000s: stored again: %v (-returned +stored):\n%s", method, shown(params), err, diff)
	}
}

// copied are the parameters that create a row like another one.
func copied[Params, Row any](row *Row) Params {
	var p Params
	for f, field := range reflect.ValueOf(&p).Elem().Fields() {
		from := reflect.ValueOf(row).Elem().FieldByName(f.Name)
		if field.Kind() == reflect.Pointer && from.Kind() != reflect.Pointer {
			from = from.Addr()
		}
		field.Set(from)
	}
	return p
}

// A generator makes values of parameters, as odd as they come.
type generator struct {
	*rand.Rand
	at things
}

func pick[T any](g generator, values ...T) T { return values[g.IntN(len(values))] }

func (g generator) text() string {
	if g.IntN(50) == 0 {
		return strings.Repeat(pick(g, "x", "😀", "\\", "\x01"), pick(g, 250, 251, 500, 501, 250_001, 1_000_000, 1_000_001))
	}
	return pick(
		g, "", " ", "a", "Title", "\x00", "a\x00b", "\xff", "a\xed\xa0\x80", "\uFFFD", `\ufffd`, `\u0000`, `"`, "'; DROP TABLE tasks; --", "\u200b", "\u00a0", "a\u0301", "İıſKΟΣς",
		"\U000e0041", "\u202eabc", "%_\\", "a\r\nb", "null", "NaN", "ada@example.org", "ada", strings.Repeat("é", 100), strings.Repeat("é", 101),
	)
}

func (g generator) time() time.Time {
	zone := pick(g, time.UTC, time.FixedZone("", 14*3600), time.FixedZone("", -(11*3600+59*60+7)))
	return pick(
		g, time.Time{}, leapNoon, time.Now(), date("2024-02-29"), time.Unix(0, 0), time.Unix(0, 999), moment("9999-12-31T23:59:59.999999999Z"), moment("9999-12-31T10:00:00Z"),
		time.Date(1, 1, 1, 0, 0, 0, 0, zone), time.Date(10_000, 1, 1, 0, 0, 0, 0, zone), time.Date(0, 1, 1, 0, 0, 0, 0, zone), time.Date(-5000, 1, 1, 0, 0, 0, 0, zone),
		time.Date(300_000, 1, 1, 0, 0, 0, 0, zone), time.Date(590_000, 1, 1, 0, 0, 0, 0, zone), time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0),
		time.Unix(g.Int64N(4e9), g.Int64N(1e9)).In(zone),
	)
}

func (g generator) json(depth int) any {
	switch g.IntN(10) {
	case 0, 1:
		return g.text()
	case 2:
		return pick[any](g, nil, true, false)
	case 3:
		if depth == 0 {
			return nil
		}
		return []any{g.json(depth - 1), g.json(depth - 1)}
	case 4:
		if depth == 0 {
			return map[string]any{}
		}
		return map[string]any{g.text(): g.json(depth - 1)}
	case 5:
		return pick[any](g, math.MaxInt64, uint64(math.MaxUint64), json.Number("1e400"), json.Number("x"), json.RawMessage("{"), make(chan int))
	default:
		return g.float()
	}
}

func (g generator) float() float64 {
	return pick(g, 0, math.Copysign(0, -1), 1, 0.1, 33.333, 100, 100.0001, -1, 1e6, 1000000.5, 1e308, math.MaxFloat64, 5e-324, math.NaN(), math.Inf(1), math.Inf(-1))
}

// value returns a value of a type.
func (g generator) value(typ reflect.Type) reflect.Value {
	var v any
	switch reflect.Zero(typ).Interface().(type) {
	case planner.GoalID:
		v = pick(g, g.at.goal, g.at.subGoal, g.at.subGoal, 0, -1, 1<<40, math.MaxInt64, math.MinInt64)
	case planner.TaskID:
		v = pick(g, g.at.task, g.at.waiting, g.at.waiting, 0, -1, 1<<40, math.MaxInt64, math.MinInt64)
	case planner.UserID:
		v = pick[planner.UserID](g, 1, 0, -1, math.MaxInt64)
	case planner.TaskIDs:
		v = pick(g, nil, planner.TaskIDs{}, planner.TaskIDs{g.at.task}, planner.TaskIDs{g.at.task, g.at.task}, planner.TaskIDs{0}, planner.TaskIDs{math.MaxInt64}, planner.TaskIDs{g.at.waiting, 1 << 40})
	case planner.Tags:
		v = pick(g, nil, planner.Tags{}, planner.Tags{g.text()}, planner.Tags{g.text(), "a", g.text()}, planner.Tags{"a", "a"}, planner.Tags(strings.Split(strings.Repeat("a,", pick(g, 99, 100)), ",")))
	case planner.Metrics:
		v = pick(g, nil, planner.Metrics{}, planner.Metrics{g.text(): g.json(3)}, planner.Metrics{"a": g.json(2), "b": g.json(2)})
	case planner.Metric:
		v = planner.Metric{Value: g.json(3)}
	case planner.TaskStatus:
		v = pick(g, "", planner.TaskPending, planner.TaskInProgress, planner.TaskCompleted, planner.TaskBlocked, planner.TaskStatus(g.text()))
	case planner.GoalStatus:
		v = pick(g, "", planner.GoalActive, planner.GoalCompleted, planner.GoalOnHold, planner.GoalCancelled, planner.GoalStatus(g.text()))
	case planner.Horizon:
		v = pick(g, planner.Yearly, planner.Weekly, planner.Horizon(g.text()))
	case planner.TimeZone:
		v = pick(g, "", "", "UTC", "Europe/Berlin", "CET", "Pacific/Kiritimati", "America/St_Johns", "+02:00", "Local", planner.TimeZone(g.text()))
	case planner.TaskCursor:
		v = pick(g, "", "", planner.TaskCursor(g.text()), cursorAt(g.IntN(2) == 0, pick(g, 0, 3, 5, 6), pick(g, nil, new(g.time())), g.time(), planner.TaskID(g.Int64())))
	case planner.GoalCursor:
		v = pick(g, "", "", planner.GoalCursor(g.text()))
	case planner.GoalOrder:
		v = pick(g, planner.GoalsByTargetDate, planner.GoalsByProgress, planner.GoalsByNewest, planner.GoalOrder(g.text()))
	case planner.ChangesCursor:
		v = pick(g, "", "", planner.ChangesCursor(g.text()))
	case bizydb.Password:
		v = bizydb.NewPassword(g.text() + pick(g, "", "correct horse"))
	case time.Time:
		v = g.time()
	case string:
		v = g.text()
	case int64:
		v = pick(g, 1, 1, 2, 0, -1, math.MaxInt64)
	case int:
		v = pick(g, 0, 1, 2, 3, 5, 6, 400, -1, 1<<33, math.MaxInt32, math.MaxInt, math.MinInt)
	case float64:
		v = g.float()
	case bool:
		v = g.IntN(2) == 0
	default:
		value := reflect.New(typ).Elem()
		switch typ.Kind() {
		case reflect.Pointer:
			if g.IntN(3) > 0 {
				value.Set(reflect.New(typ.Elem()))
				value.Elem().Set(g.value(typ.Elem()))
			}
		case reflect.Slice:
			for range g.IntN(4) {
				value = reflect.Append(value, g.value(typ.Elem()))
			}
		case reflect.Struct:
			// Most fields as they are when they are not set, or no call would have a chance.
			for f, field := range value.Fields() {
				if f.Name == "Title" && f.Type.Kind() == reflect.String && g.IntN(4) > 0 {
					field.SetString("title")
				} else if strings.HasSuffix(f.Name, "ID") || g.IntN(4) == 0 {
					field.Set(g.value(f.Type))
				}
			}
		default:
			panic("no values of " + typ.String())
		}
		return value
	}
	return reflect.ValueOf(v).Convert(typ)
}
