package oldapi

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A stamp is a time as this API writes it: UTC, without a zone, and with microseconds unless they are zero.
type stamp time.Time

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) {
	t, layout := time.Time(s).UTC(), "2006-01-02T15:04:05"
	if t.Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	return []byte(t.Format(`"` + layout + `"`)), nil
}

func stampOf(t *time.Time) *stamp { return (*stamp)(t) }

const notAMoment = "not a moment"

var (
	momentForm = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)(?:[Tt _](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(?:([Zz])|([+-])(\d\d):?(\d\d))?)?$`)
	numberForm = regexp.MustCompile(`^[+-]?\d+(\.\d*)?$`)
)

// readMoment reads a time. why is what is wrong, if something is.
func readMoment(value any) (t time.Time, why string) {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
		if len(text) > maxDigits || !numberForm.MatchString(text) {
			return t, notAMoment
		}
	case string:
		text = strings.TrimSpace(v)
	default:
		return t, notAMoment
	}
	if len(text) <= maxDigits && numberForm.MatchString(text) {
		return fromEpoch(text)
	}
	switch {
	case len(text) > maxDigits:
		return t, "input is too long"
	case len(text) < len(time.DateOnly):
		return t, "input is too short"
	}
	part := momentForm.FindStringSubmatch(text)
	if part == nil {
		return t, "invalid character in it"
	}
	number := func(i int) int { n, _ := strconv.Atoi(part[i]); return n }
	nanos, _ := strconv.Atoi((part[7] + "000000000")[:9])
	nanos -= nanos % 1000 // microseconds are what is kept
	t = time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6), nanos, time.UTC)
	switch {
	case number(1) == 0 || t.Year() != number(1) || int(t.Month()) != number(2) || t.Day() != number(3):
		return t, "day value is outside expected range"
	case t.Hour() != number(4) || t.Minute() != number(5) || t.Second() != number(6):
		return t, "time value is outside expected range"
	case number(10) > 23 || number(11) > 59:
		return t, "timezone offset must be less than 24 hours"
	}
	offset := time.Duration(number(10))*time.Hour + time.Duration(number(11))*time.Minute
	if part[9] == "-" {
		offset = -offset
	}
	return t.Add(-offset), ""
}

// fromEpoch reads seconds since 1970, or milliseconds if they are that many.
func fromEpoch(text string) (time.Time, string) {
	seconds, err := strconv.ParseFloat(text, 64)
	if math.Abs(seconds) > 2e10 {
		seconds /= 1000
	}
	if err != nil || math.Abs(seconds) > 253402300799 {
		return time.Time{}, "dates after 9999 are not supported as unix timestamps"
	}
	return time.UnixMicro(int64(math.Round(seconds * 1e6))).UTC(), ""
}
