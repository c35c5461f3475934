package planner

import (
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // where a container has no zones, the server's are still named

	"github.com/jackc/pgx/v5/pgtype"
)

// A TimeZone is the name of a time zone in the IANA database, such as Europe/Berlin. Empty means UTC. Abbreviations and offsets
// are not names, except those in the IANA database: Etc/GMT-2 is two hours east of Greenwich.
type TimeZone string

var errZone = &FieldError{Reason: "must be the name of a time zone in the IANA database", Err: ErrInvalid}

// zones has the locations of valid names.
var zones sync.Map

// Location returns the time zone as a [time.Location]. It returns ErrInvalid unless the IANA database has exactly this name. The
// database is the machine's or, if there is none, the one embedded in the program.
func (z TimeZone) Location() (*time.Location, error) {
	if known, ok := zones.Load(z); ok {
		return known.(*time.Location), nil
	}
	name := string(z)
	top, _, _ := strings.Cut(name, "/")
	if slices.Contains([]string{"Local", "localtime", "posixrules", "Factory", "posix", "right"}, top) { // files beside the zones
		return nil, errZone
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone
	}
	zones.Store(z, location)
	return location, nil
}

// abbreviated are the names that PostgreSQL takes for abbreviations, of one offset all year round, and the zones that they are in
// the IANA database since 2024b.
var abbreviated = map[TimeZone]TimeZone{
	"CET": "Europe/Brussels", "EET": "Europe/Athens", "EST": "America/Panama", "HST": "Pacific/Honolulu", "MET": "Europe/Brussels",
	"MST": "America/Phoenix", "WET": "Europe/Lisbon",
}

// TextValue implements [pgtype.TextValuer].
func (z TimeZone) TextValue() (pgtype.Text, error) {
	_, err := z.Location()
	if full, ok := abbreviated[z]; ok {
		z = full
	}
	return pgtype.Text{String: string(z), Valid: err == nil}, err
}
