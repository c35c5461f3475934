package sqliteimport

import (
	"strings"
	"time"
)

// From the version of this day on the planner wrote tasks.created_at in the zone of its machine, before that in UTC.
var released = time.Date(2025, 10, 11, 0, 0, 0, 0, time.UTC)

var layouts = []string{
	"2006-01-02 15:04:05", // and with a fraction
	"2006-01-02T15:04:05",
	"2006-01-02",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
}

// parseTime reads a time as it stands in a file: in UTC, with what a clock on the wall said. It has an offset from UTC of
// its own if that was given.
func parseTime(s string) (t time.Time, offset, ok bool) {
	s = strings.TrimSpace(s)
	for i, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			offset = i == 3 || i == 4
			return t.Truncate(time.Microsecond).UTC(), offset, true
		}
	}
	return time.Time{}, false, false
}

// inZone returns when a clock in a zone shows what wall shows in UTC. Where that is twice it is the first time. Where it is
// skipped it is as much later as the clock goes forward.
func inZone(wall time.Time, zone *time.Location) (t time.Time, problem Problem) {
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	before, after := offset(wall.Add(-24*time.Hour)), offset(wall.Add(24*time.Hour))
	earlier, later := wall.Add(-before), wall.Add(-after)
	switch {
	case offset(earlier) == before && before != after && offset(later) == after:
		return earlier, RepeatedTime
	case offset(earlier) == before:
		return earlier, ""
	case offset(later) == after:
		return later, ""
	default:
		return earlier, SkippedTime
	}
}

// storable says whether PostgreSQL and JSON both have the year of a time.
func storable(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }
