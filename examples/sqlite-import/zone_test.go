package main

import (
	"os"
	"strings"
	"testing"
)

// The zone is that of the flag, else of TZ, else of the machine, and has a name.
func TestZone(t *testing.T) {
	for _, c := range []struct{ flag, tz, want, from, err string }{
		{"Europe/Berlin", "Asia/Tokyo", "Europe/Berlin", "It is the one that -zone names.", ""},
		{"Europe/Berlin", "CET-1CEST", "Europe/Berlin", "It is the one that -zone names.", ""},
		{"", "Asia/Tokyo", "Asia/Tokyo", "It is the one in the environment variable TZ", ""},
		{"", ":Asia/Tokyo", "Asia/Tokyo", "It is the one in the environment variable TZ", ""},
		{"", "", "UTC", "The environment variable TZ is empty", ""},
		{"", "CET-1CEST,M3.5.0,M10.5.0/3", "", "", `TZ is "CET-1CEST,M3.5.0,M10.5.0/3"`}, // UTC for Go
		{"", "/usr/share/zoneinfo/Asia/Tokyo", "", "", "not a name in the IANA database"},
	} {
		t.Setenv("TZ", c.tz)
		zone, from, err := chooseZone(c.flag)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: error %v", c, err)
			}
		case err != nil || zone.String() != c.want || !strings.HasPrefix(from, c.from):
			t.Errorf("%+v: %v, %s, error %v", c, zone, from, err)
		}
	}
	os.Unsetenv("TZ") // Setenv puts it back
	switch zone, from, err := chooseZone(""); {
	case err != nil && !strings.Contains(err.Error(), "name the zone with -zone"): // the machine's zone can have no name
		t.Error(err)
	case err == nil && (zone.String() == "Local" || !strings.HasPrefix(from, "It is the one of this machine")):
		t.Errorf("%v, %s", zone, from)
	}
}
