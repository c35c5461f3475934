package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/timesheet/internal/store"
	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

var attacks = flag.Int("attacks", 2000, "how many `CALLS` TestAttacks makes")

// TestAttacks calls every query with generated arguments: ids of another user, injected SQL, odd numbers and times. Nothing of the
// other user's comes back, not even in an error, and nothing of it changes.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, found := range attacked(t, newDatabase(t), *attacks) {
		t.Error(found)
	}
}

const marker = "only-alice-knows"

var injections = []string{
	"'; SELECT * FROM app.comments; --", "' OR 1=1 --", `"; DROP TABLE app.entries; --`, "$1", "$$; RESET ROLE; $$", "1; SET ROLE bizydb_accounts",
	"'); SELECT set_config('bizydb.user_id', '1', false); --", `\'; COMMIT; --`, "' UNION SELECT body FROM app.comments --", "only-alice", "%", "_",
	"\\", "\x00", "\xff", "UTC'; SELECT 1; --", "Europe/Berlin", "UTC", "", "\u2028", "ﬀ", strings.Repeat("'", 20000), "null", "infinity", "-1",
}

// attacked lists the calls that read something of another user, and the rows of that user that have changed.
func attacked(t *testing.T, db *bizydbtest.Database, n int) []string {
	t.Helper()
	const attackers = 4
	alice := db.NewUser(t)
	hers := fill(t, db.As(alice), marker)
	before := rowsOf(t, db, alice)
	names := queries(t)

	var done sync.WaitGroup
	var found [attackers][]string
	var answered [attackers]int
	for i := range attackers {
		mallory := db.As(db.NewUser(t))
		a := attacker{rand.New(rand.NewPCG(uint64(i), 1)), hers, fill(t, mallory, "mallory's")}
		done.Go(func() {
			q := reflect.ValueOf(store.New(mallory.DBTX(bizydb.Writes)))
			for call := range n / attackers {
				name := names[call%len(names)]
				method := q.MethodByName(name)
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				args := []reflect.Value{reflect.ValueOf(ctx)}
				for arg := 1; arg < method.Type().NumIn(); arg++ {
					args = append(args, a.value(method.Type().In(arg)))
				}
				results := method.Call(args)
				cancel()
				err, _ := results[1].Interface().(error)
				if err == nil {
					answered[i]++
				}
				if said := all(results[0].Interface(), err); strings.Contains(said, marker) || strings.Contains(said, fmt.Sprintf(`"UserID":%d,`, alice)) {
					found[i] = append(found[i], fmt.Sprintf("%s(%+v) gives %s", name, args[1:], said))
				}
			}
		})
	}
	done.Wait()
	for i := range attackers {
		if answered[i] < n/attackers/10 {
			t.Errorf("of %d calls only %d are answered: they show little", n/attackers, answered[i])
		}
	}
	leaks := slices.Concat(found[:]...)
	if after := rowsOf(t, db, alice); !slices.Equal(before, after) {
		leaks = append(leaks, fmt.Sprintf("rows have changed from %q to %q", before, after))
	}
	return leaks
}

// An attacker makes up arguments.
type attacker struct {
	*rand.Rand
	hers, mine sheet
}

func pick[T any](a attacker, of ...T) reflect.Value { return reflect.ValueOf(of[a.IntN(len(of))]) }

func (a attacker) value(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch t {
	case reflect.TypeFor[planner.TaskID]():
		return pick(a, a.hers.task, a.hers.task, a.mine.task, 0, -1, math.MaxInt64)
	case reflect.TypeFor[time.Time]():
		return pick(a, time.Now(), time.Now().Add(-time.Hour), time.Time{}, time.Unix(0, 0), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC))
	case reflect.TypeFor[int64](): // ids of comments
		return pick(a, a.hers.comment, a.hers.comment, a.mine.comment, 0, -1, math.MaxInt64, math.MinInt64)
	case reflect.TypeFor[int32]():
		return pick[int32](a, 0, 1, 5, -1, math.MaxInt32, math.MinInt32)
	}
	switch t.Kind() {
	case reflect.String:
		v.SetString(pick(a, injections...).String())
	case reflect.Pointer:
		if a.IntN(3) > 0 {
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(a.value(t.Elem()))
		}
	case reflect.Struct:
		for i := range t.NumField() {
			v.Field(i).Set(a.value(t.Field(i).Type))
		}
	default:
		panic(fmt.Sprintf("nothing to attack a %s with", t))
	}
	return v
}
