package sqliteimport

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// checkClock is an error if times of the file, or of all files if it is a new one, were read by another clock.
func (i *importer) checkClock(records []importsql.ListRecordsRow) error {
	if i.AllowOtherClock || len(records) == 0 {
		return nil
	}
	zone, upgraded := i.report.Zone, i.upgraded.Format(time.DateOnly)
	isSameZone := func(r importsql.ListRecordsRow) bool { return r.Zone == zone || isZone(i.Zone, r.Zone) }
	slices.SortFunc(records, func(a, b importsql.ListRecordsRow) int { return cmp.Compare(a.ID, b.ID) })
	ofFile := slices.DeleteFunc(slices.Clone(records), func(r importsql.ListRecordsRow) bool { _, ok := i.records[r.ID]; return !ok })
	if len(ofFile) > 0 {
		records = ofFile[len(ofFile)-1:]
	}
	if slices.ContainsFunc(records, func(r importsql.ListRecordsRow) bool { return r.UpgradedOn == upgraded && isSameZone(r) }) {
		return nil
	}
	before := records[len(records)-1]
	var differences []string
	if !isSameZone(before) {
		differences = append(differences, fmt.Sprintf("the zone was %s, not %s", before.Zone, zone))
	}
	if before.UpgradedOn != upgraded {
		differences = append(differences, fmt.Sprintf("the upgrade was %s, not %s", upgrade(before.UpgradedOn), upgrade(upgraded)))
	}
	return fmt.Errorf("%w: %s", ErrOtherClock, strings.Join(differences, ", and "))
}

func upgrade(day string) string {
	if day == NeverUpgraded.Format(time.DateOnly) {
		return "never"
	}
	return "on " + day
}

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
