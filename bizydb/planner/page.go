package planner

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	defaultPageSize = 50
	maxPageSize     = 10_000
)

// keyset is what a cursor says: the page begins beside the row with these values, and not at its id alone, so that it can
// be found when the row has gone. The first page begins at the zero keyset.
type keyset struct {
	Order     string `json:"o,omitempty"` // that of the list
	Back      bool   `json:"b,omitempty"`
	Priority  int    `json:"p,omitempty"`
	Key       *int64 `json:"d,omitempty"` // a date, like CreatedAt in microseconds since 1970, as PostgreSQL keeps them; or what goals are sorted by
	CreatedAt int64  `json:"c,omitempty"`
	ID        int64  `json:"i"`
}

// The first and the last time of a row, as in a keyset.
var minTime, maxTime = time.Time{}.UnixMicro(), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1

func isTime(at int64) bool { return at >= minTime && at <= maxTime }

// A pager turns the pages of a list.
type pager[Row any] struct {
	method   string
	order    string // its name in cursors
	idsFall  bool   // along the list, where all else is level
	size     int
	cursor   string
	isPlace  func(keyset) bool
	keysetOf func(Row) keyset
	nearest  func(from keyset, n int) ([]Row, error) // no more than n, those nearest to from first
}

// page returns the rows of the page at the cursor, and the cursors of those beside it.
func (p pager[Row]) page() (rows []Row, next, previous string, err error) {
	from, err := p.from()
	if err != nil {
		return nil, "", "", err
	}
	size, err := pageSize("size", p.size)
	if err != nil {
		return nil, "", "", err
	}
	rows, err = p.nearest(from, size+1) // one more tells whether there are more
	if err != nil {
		return nil, "", "", err
	}
	more := len(rows) > size
	if more {
		rows = rows[:size]
	}
	if from.Back {
		slices.Reverse(rows)
	}
	ahead := int64(1) // to the next id of the list
	if p.idsFall {
		ahead = -1
	}
	first, last := from, from
	switch {
	case len(rows) > 0:
		first, last = p.keysetOf(rows[0]), p.keysetOf(rows[len(rows)-1])
	case from.Back: // the way back from an empty page begins with the row that led to it
		last.ID -= ahead
	default:
		first.ID += ahead
	}
	if more || from.Back {
		next = p.cursorTo(last, false)
	}
	if more && from.Back || !from.Back && p.cursor != "" {
		previous = p.cursorTo(first, true)
	}
	return rows, next, previous, nil
}

// pageSize is the size of a page, by the parameter that asks for it.
func pageSize(param string, asked int) (int, error) {
	switch {
	case asked < 0 || asked > maxPageSize:
		return 0, refused(param, fmt.Sprintf("must be from 0 to %d", maxPageSize))
	case asked == 0:
		return defaultPageSize, nil
	}
	return asked, nil
}

func (p pager[Row]) cursorTo(k keyset, back bool) string {
	k.Order, k.Back = p.order, back
	b, _ := json.Marshal(k) // numbers and names can be marshaled
	return base64.RawURLEncoding.EncodeToString(b)
}

func (p pager[Row]) from() (keyset, error) {
	if p.cursor == "" {
		return keyset{}, nil
	}
	var k keyset
	b, err := base64.RawURLEncoding.DecodeString(p.cursor)
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err != nil || k.Order != p.order || k.ID < 0 || !isTime(k.CreatedAt) || !p.isPlace(k) {
		return keyset{}, refused("cursor", "must be from "+p.method+", in the same order")
	}
	return k, nil
}

func refused(param, reason string) error {
	return &FieldError{Column: param, Reason: reason, Err: ErrInvalid}
}
