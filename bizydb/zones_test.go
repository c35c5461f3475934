package bizydb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A zone that the IANA database does not have is ErrInvalid in every method that takes one, in every exec mode, also for a user
// without goals and tasks.
func TestUnknownZones(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		methods := 0
		for m := range readWriter.Methods() {
			if !m.IsExported() || calls[m.Name] == nil || calls[m.Name](things{}) == nil {
				continue
			}
			params := settable(calls[m.Name](things{}))
			if !params.IsValid() || params.Kind().String() != "struct" || !params.FieldByName("TimeZone").IsValid() {
				continue
			}
			methods++
			for _, zone := range []string{
				"Mars/Olympus", "+02:00", "UTC+2", "CEST", "EDT", "Europe/Berlin ", "<+02>-2", "Local", "localtime", "posixrules", "Factory",
				"posix/Europe/Berlin", "right/Europe/Berlin", "Europe", "../Europe/Berlin", "/etc/localtime", "\x00", "\xff",
			} {
				params.FieldByName("TimeZone").SetString(zone)
				_, err := callWith(t.Context(), alice, m.Name, params.Interface())
				if field := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column != "time_zone" {
					t.Errorf("%s in %q: %v, want ErrInvalid for time_zone", m.Name, zone, err)
				}
			}
		}
		if methods < 10 {
			t.Errorf("only %d methods have a zone", methods)
		}
	})
}

// A zone that Go has and the server does not is refused by name too: the server may have an older IANA database.
func TestZoneThatTheServerLacks(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	for _, sql := range []string{"SELECT now() AT TIME ZONE $1", "SELECT now()::timestamp AT TIME ZONE $1"} {
		_, err := db.Pool().Exec(t.Context(), sql, "Europe/Atlantis")
		err = bizydb.Classify(err)
		if field := new(bizydb.FieldError); !errors.Is(err, bizydb.ErrInvalid) || !errors.As(err, &field) || field.Column != "time_zone" || sqlState(err) != pgerrcode.InvalidParameterValue {
			t.Errorf("%s: %v, want ErrInvalid for time_zone", sql, err)
		}
	}
}

// A zone means the same to the server as to Go, just before and just after every change of its clocks. That includes the names that
// PostgreSQL takes for abbreviations.
func TestZonesAreThoseOfIANA(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	names, err := queryAll[string](t, db.Pool(), "SELECT name FROM pg_timezone_names ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	var unlike []string
	for _, name := range append(names, "") {
		zone := planner.TimeZone(name)
		location, err := zone.Location()
		if err != nil {
			continue
		}
		known++
		sent, err := zone.TextValue()
		if err != nil {
			t.Fatal(err)
		}
		// The older the more the versions of the database differ, and years to come are changed again.
		var moments []time.Time
		end := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := time.Date(1997, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); {
			moments = append(moments, at)
			_, change := at.In(location).ZoneBounds()
			if change.IsZero() {
				break
			}
			moments = append(moments, change.Add(-time.Microsecond))
			at = change
		}
		offsets, err := queryAll[int](t, db.Pool(), `
			SELECT extract(epoch FROM (at AT TIME ZONE coalesce(nullif($1, ''), 'UTC')) - (at AT TIME ZONE 'UTC'))::int
			FROM unnest($2::timestamptz[]) WITH ORDINALITY AS m (at, place) ORDER BY place`, sent.String, moments)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		for i, at := range moments {
			if _, want := at.In(location).Zone(); offsets[i] != want {
				unlike = append(unlike, fmt.Sprintf("%q, sent as %q, at %v: the server is %d seconds east of UTC, Go %d", name, sent.String, at, offsets[i], want))
				break
			}
		}
	}
	if len(unlike) > 5 { // which another year's database can correct
		t.Errorf("%d zones differ:\n%s", len(unlike), strings.Join(unlike, "\n"))
	}
	if known < 400 {
		t.Errorf("only %d zones of %d are known to Go", known, len(names))
	}
}

// CET has summer time, which the abbreviation CET of PostgreSQL has not.
func TestAbbreviatedZone(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	alice := db.As(db.NewUser(t))
	create(t, alice, planner.CreateTaskParams{Title: "tomorrow in summer", DueDate: new(moment("2024-07-01T22:30:00Z"))})
	for zone, want := range map[planner.TimeZone]string{"CET": "tomorrow in summer", "Etc/GMT-2": "tomorrow in summer", "Etc/GMT+2": "", "Africa/Algiers": "", "": ""} {
		tasks, err := alice.TasksDueToday(t.Context(), planner.TasksDueTodayParams{At: new(moment("2024-07-02T10:00:00Z")), TimeZone: zone})
		if got := names(t, tasks, err); got != want {
			t.Errorf("in %q: %q, want %q", zone, got, want)
		}
	}
}
