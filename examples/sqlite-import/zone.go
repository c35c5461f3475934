package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/thlib/go-timezone-local/tzlocal"
)

// chooseZone returns the time zone of the machine that the planner ran on, and says where it was taken from.
func chooseZone(flag string) (zone *time.Location, from string, err error) {
	if flag != "" {
		zone, err = location(flag)
		return zone, "It is the one that -zone names.", err
	}
	switch tz, set := os.LookupEnv("TZ"); {
	case set && tz == "":
		return time.UTC, "The environment variable TZ is empty, which means UTC; -zone names another one.", nil
	case set:
		if zone, err = location(strings.TrimPrefix(tz, ":")); err != nil { // Go would take it for UTC
			return nil, "", fmt.Errorf("the environment variable TZ is %q, which is not a name in the IANA database; name the zone with -zone", tz)
		}
		return zone, "It is the one in the environment variable TZ; -zone names another one.", nil
	}
	name, err := tzlocal.RuntimeTZ()
	if err == nil {
		zone, err = location(name)
	}
	if err != nil || !asHere(zone) {
		return nil, "", fmt.Errorf("the time zone of this machine, %s, has no known name; name the zone with -zone", time.Now().Format("UTC-07:00"))
	}
	return zone, "It is the one of this machine; -zone names another one.", nil
}

// asHere says whether clocks in a zone show what they show on this machine, all through the planner's years.
func asHere(zone *time.Location) bool {
	for t := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(time.Now()); t = t.AddDate(0, 1, 0) {
		_, there := t.In(zone).Zone()
		if _, here := t.Local().Zone(); here != there {
			return false
		}
	}
	return true
}
