package sqliteimport

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// zoneName is the IANA name of a time zone, or its offset from UTC at the beginning of the year if it has none: that of today is
// another one in half a year.
func zoneName(zone *time.Location) string {
	name := zone.String()
	if name == "Local" {
		name = machineZone()
	}
	if isZone(zone, name) {
		return name
	}
	return time.Date(time.Now().Year(), time.January, 1, 0, 0, 0, 0, zone).Format("UTC-07:00")
}

// machineZone is the name of the zone that [time.Local] was loaded from, if it is known.
func machineZone() string {
	name, set := os.LookupEnv("TZ")
	switch {
	case !set:
		name, _ = filepath.EvalSymlinks("/etc/localtime")
	case name == "":
		return "UTC"
	}
	if _, below, ok := strings.Cut(filepath.ToSlash(name), "/zoneinfo/"); ok {
		return below
	}
	return strings.TrimPrefix(name, ":")
}

// isZone says whether clocks in a zone show what they show in the zone of a name: the same zone may have several.
func isZone(zone *time.Location, name string) bool {
	named, err := planner.TimeZone(name).Location()
	if name == "" || err != nil {
		return false
	}
	for at, end := time.Now().AddDate(-10, 0, 0), time.Now().AddDate(1, 0, 0); at.Before(end); at = at.AddDate(0, 0, 1) {
		_, offset := at.In(zone).Zone()
		if _, other := at.In(named).Zone(); offset != other {
			return false
		}
	}
	return true
}
