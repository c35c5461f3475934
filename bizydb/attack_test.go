package bizydb_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

var probes = flag.Int("probes", 250, "how many `CALLS` TestAttacks makes")

const marker = "only-alice-knows"

// injections are texts that mean something where a text becomes a part of a statement, an identifier or JSON.
var injections = []string{
	"'; SELECT * FROM public.tasks; --", "' OR 1=1 --", `"; DROP TABLE public.tasks; --`, "$1", "$$; RESET ROLE; $$",
	"'); SELECT set_config('bizydb.user_id', '1', false); --", "1; SET ROLE bizydb_accounts", "1; SET ROLE bizydb_reporter", "x'::jsonb || tags", `\'; COMMIT; --`,
	`{"$ne": null}`, `["a"]`, `"]}, {"user_id": 1, "id": 1`, "%", "_", "\\", "' UNION SELECT hashed_password FROM public.users --", "only-alice",
	"pg_sleep(10)", "UTC'; SELECT 1; --", "Europe/Berlin", "", "\u2028", "ﬀ", strings.Repeat("'", 600), "null", "infinity", "-1",
}

// TestAttacks calls every query method with generated arguments: ids of another user wherever an id goes, injected SQL
// wherever a text goes, odd numbers and times. Nothing of the other user's comes back, not even in an error, and nothing of it
// changes.
func TestAttacks(t *testing.T) {
	t.Parallel()
	db := ofUsers(t, tracked)
	alice := db.NewUser(t)
	hers := plantMarked(t, db.As(alice))
	before := dump(t, db, alice)
	changes, err := db.As(alice).Changes(t.Context(), planner.ChangesParams{})
	if err != nil && !(testdb.Distributed() && errors.Is(err, bizydb.ErrChangesOff)) {
		t.Fatal(err)
	}

	const attackers = 4
	var done sync.WaitGroup
	answered := make([]int, attackers)
	for n := range attackers {
		mallory := db.NewUser(t)
		plantAll(t, db.As(mallory))
		done.Go(func() {
			a := attacker{t: t, rand: rand.New(rand.NewPCG(uint64(n), 1)), alice: alice, hers: hers, cursor: changes.Next}
			names := methods()
			for probe := range *probes / attackers {
				name := names[probe%len(names)]
				method, args, asked := a.call(name)
				if !asked {
					t.Errorf("no generated argument of %s makes it send query %s", method, name)
					continue
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				got, err := attack(reflect.ValueOf(db.As(mallory)).MethodByName(method), append([]reflect.Value{reflect.ValueOf(ctx)}, args...))
				cancel()
				if errors.Is(err, errPanic) {
					t.Errorf("%s(%s): %v", method, said(args), err)
				}
				if err == nil {
					answered[n]++
				}
				if strings.Contains(got, marker) || strings.Contains(got, fmt.Sprintf(`"user_id":%d,`, alice)) {
					t.Errorf("%s(%s) gives\n%s", method, said(args), got)
				}
			}
		})
	}
	done.Wait()
	if diff := cmp.Diff(before, dump(t, db, alice)); diff != "" {
		t.Errorf("the other user's rows have changed:\n%s", diff)
	}
	total := 0
	for _, n := range answered {
		total += n
	}
	t.Logf("%d probes, %d of them answered without an error", *probes, total)
	if total < *probes/10 {
		t.Error("hardly any probe is answered: they show little")
	}
}

var errPanic = errors.New("panic")

// attack makes a call, and returns all that it says. A panic, which would end the other tests too, is an error.
func attack(method reflect.Value, args []reflect.Value) (got string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return outcomeOf(method.Call(args))
}

// plantMarked is plantAll with a marker wherever a text can be.
func plantMarked(t *testing.T, s planner.ReadWriter) things {
	t.Helper()
	at := plantAll(t, s)
	if _, err := s.RestoreGoal(t.Context(), planner.RestoreGoalParams{ID: at.deletedGoal}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RestoreTask(t.Context(), at.deletedTask); err != nil {
		t.Fatal(err)
	}
	for _, task := range []planner.TaskID{at.task, at.waiting, at.deletedTask} {
		_, err := s.UpdateTask(t.Context(), planner.UpdateTaskParams{
			ID: task, Title: new(marker), Description: new(marker), Notes: new(marker), Tags: planner.Tags{marker}, Category: new(marker),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, goal := range []planner.GoalID{at.goal, at.subGoal, at.deletedGoal} {
		_, err := s.UpdateGoal(t.Context(), planner.UpdateGoalParams{ID: goal, Title: new(marker), Metrics: planner.Metrics{marker: marker}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DeleteTask(t.Context(), at.deletedTask); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteGoal(t.Context(), at.deletedGoal); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateMe(t.Context(), planner.UpdateMeParams{FullName: new(marker)}); err != nil {
		t.Fatal(err)
	}
	return at
}

// An attacker makes up arguments.
type attacker struct {
	t     *testing.T
	rand  *rand.Rand
	alice bizydb.UserID
	hers  things

	cursor planner.ChangesCursor // of hers
}

// call makes up arguments for a method, or for the one that sends an unexported query, until that is the query sent.
func (a *attacker) call(name string) (method string, args []reflect.Value, asked bool) {
	method = callOf(name, a.hers).method
	m, _ := readWriter.MethodByName(method)
	for range 1000 {
		args = nil
		for i := 1; i < m.Type.NumIn(); i++ {
			args = append(args, a.value(m.Type.In(i), ""))
		}
		if unexported[name] == nil {
			return method, args, true
		}
		heard := &recorder{}
		_, _ = callWith(context.Background(), planner.New(heard), method, args[0].Interface())
		if heard.query() == name {
			return method, args, true
		}
	}
	return method, args, false
}

func (a *attacker) value(t reflect.Type, field string) reflect.Value {
	v := reflect.New(t).Elem()
	switch t {
	case reflect.TypeFor[time.Time]():
		times := []time.Time{{}, time.Unix(0, 0), time.Now(), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC)}
		return reflect.ValueOf(times[a.rand.IntN(len(times))])
	case reflect.TypeFor[planner.TaskID]():
		ids := []planner.TaskID{a.hers.task, a.hers.waiting, a.hers.deletedTask, 0, -1, math.MaxInt64}
		return reflect.ValueOf(ids[a.rand.IntN(len(ids))])
	case reflect.TypeFor[planner.GoalID]():
		ids := []planner.GoalID{a.hers.goal, a.hers.subGoal, a.hers.deletedGoal, 0, -1, math.MaxInt64}
		return reflect.ValueOf(ids[a.rand.IntN(len(ids))])
	case reflect.TypeFor[planner.TaskCursor]():
		if a.rand.IntN(2) == 0 {
			var due *time.Time
			if a.rand.IntN(2) == 0 {
				due = new(time.Now())
			}
			return reflect.ValueOf(cursorAt(a.rand.IntN(2) == 0, 1+a.rand.IntN(5), due, time.Now(), a.value(reflect.TypeFor[planner.TaskID](), field).Interface().(planner.TaskID)))
		}
	case reflect.TypeFor[planner.ChangesCursor]():
		cursors := []planner.ChangesCursor{"", a.cursor, "1.1.0", planner.ChangesCursor(a.text())}
		return reflect.ValueOf(cursors[a.rand.IntN(len(cursors))])
	case reflect.TypeFor[planner.Metrics]():
		return reflect.ValueOf(planner.Metrics{a.text(): a.text(), "owner": a.alice, "nested": map[string]any{a.text(): []any{a.text(), nil, 1e308}}})
	case reflect.TypeFor[planner.Metric]():
		return reflect.ValueOf(planner.Metric{Value: a.text()})
	}
	switch t.Kind() {
	case reflect.String:
		v.SetString(a.text())
		if a.rand.IntN(3) > 0 { // most statuses and the like should be some
			v.SetString(map[string]string{
				"planner.TaskStatus": "pending", "planner.GoalStatus": "active", "planner.Horizon": "weekly",
			}[t.String()])
		}
		if field == "Title" {
			v.SetString("a " + a.text())
		}
	case reflect.Bool:
		v.SetBool(a.rand.IntN(4) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		numbers := []int64{0, 1, 3, 20, int64(a.alice), -1, math.MaxInt32}
		v.SetInt(numbers[a.rand.IntN(len(numbers))])
	case reflect.Float64:
		numbers := []float64{0, 1.5, -1, math.Inf(1), math.NaN(), math.MaxFloat64}
		v.SetFloat(numbers[a.rand.IntN(len(numbers))])
	case reflect.Pointer:
		if a.rand.IntN(2) == 0 {
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(a.value(t.Elem(), field))
		}
	case reflect.Slice:
		for range a.rand.IntN(4) {
			v.Set(reflect.Append(v, a.value(t.Elem(), field)))
		}
	case reflect.Struct:
		for i := range t.NumField() {
			// A call in which all is odd is refused for the first oddity.
			if name := t.Field(i).Name; a.rand.IntN(3) == 0 || strings.HasSuffix(name, "ID") || name == "Title" {
				v.Field(i).Set(a.value(t.Field(i).Type, name))
			}
		}
	default:
		a.t.Errorf("nothing to attack a %s with", t)
	}
	return v
}

func (a *attacker) text() string { return injections[a.rand.IntN(len(injections))] }

func said(args []reflect.Value) string {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = fmt.Sprintf("%+v", arg.Interface())
		if b, err := json.Marshal(arg.Interface()); err == nil {
			texts[i] = string(b)
		}
	}
	return strings.Join(texts, ", ")
}

// outcomeOf is all that a call says: its result as JSON, or each row of a stream, and its error with what the server said.
func outcomeOf(results []reflect.Value) (string, error) {
	var said []string
	var err error
	for _, r := range results {
		switch v := r.Interface().(type) {
		case error:
			err = v
			said = append(said, fmt.Sprintf("%v %s", v, outcome(nil, v)))
		case nil:
		default:
			if r.Kind() == reflect.Func {
				for task, rowErr := range r.Seq2() {
					b, _ := json.Marshal(task.Interface())
					said = append(said, string(b), fmt.Sprint(rowErr))
				}
				continue
			}
			b, _ := json.Marshal(v)
			said = append(said, string(b))
		}
	}
	return strings.Join(said, "\n"), err
}
