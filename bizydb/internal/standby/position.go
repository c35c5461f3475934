package standby

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Position says how much of the database a user has seen and written. The zero Position says nothing.
type Position struct {
	Cluster  uint32 // a mark of the cluster and the user; 0 if there is none
	Timeline uint32 // the last one that was observed
	LSN      uint64 // replayed to here, or
	Beyond   bool   // farther, except
	On       uint32 // on the standby where it was seen; 0 if there is none
	XID      uint64 // a transaction of the user's that has ended there; 0 if none
	XIDOn    uint32 // its timeline, and
	XIDAt    uint64 // where the log was when the transaction had the user's lock: of two, the later one ends later
	Ended    uint64 // all transactions up to this one have ended there; 0 if none

	// Ahead says that some of it was seen on a standby, which can be ahead of what the primary shows.
	Ahead bool
	// Primary says that only the primary has all of it for certain.
	Primary bool
}

// and returns what has all of p and all of q.
func (p Position) and(q Position) Position {
	p.Timeline = max(p.Timeline, q.Timeline)
	switch {
	case q.LSN > p.LSN, q.LSN == p.LSN && q.Beyond && !p.Beyond:
		p.LSN, p.Beyond, p.On = q.LSN, q.Beyond, q.On
	case q.LSN == p.LSN && q.Beyond && p.On != q.On:
		p.On = 0
	}
	if q.XID != 0 && (q.XIDOn > p.XIDOn || q.XIDOn == p.XIDOn && q.XIDAt >= p.XIDAt) {
		p.XID, p.XIDOn, p.XIDAt = q.XID, q.XIDOn, q.XIDAt
	}
	p.Ended = max(p.Ended, q.Ended)
	p.Ahead = p.Ahead || q.Ahead
	p.Primary = p.Primary || q.Primary
	return p
}

// replayed is the LSN to which a standby must have replayed.
func (p Position) replayed() uint64 {
	if p.Beyond {
		return p.LSN + 1
	}
	return p.LSN
}

// formOfText is the first byte of a text. Another form gets another one.
const formOfText = 1

const (
	flagBeyond = 1 << iota
	flagAhead
	flagPrimary
)

// String returns a text of at most 90 characters, which are letters, digits, "-" and "_".
func (p Position) String() string {
	var flags byte
	for flag, set := range map[byte]bool{flagBeyond: p.Beyond, flagAhead: p.Ahead, flagPrimary: p.Primary} {
		if set {
			flags |= flag
		}
	}
	b := []byte{formOfText, flags}
	for _, n := range []uint64{uint64(p.Cluster), uint64(p.Timeline), p.LSN, uint64(p.On), p.XID, uint64(p.XIDOn), p.XIDAt, p.Ended} {
		b = binary.AppendUvarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

var errText = errors.New("it is not the text of a token")

// Parse reads what [Position.String] returned.
func Parse(text string) (p Position, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case err != nil || len(b) < 2:
		return Position{}, errText
	case b[0] != formOfText:
		return Position{}, fmt.Errorf("it has form %d, this version reads form %d", b[0], formOfText)
	}
	p.Beyond, p.Ahead, p.Primary = b[1]&flagBeyond != 0, b[1]&flagAhead != 0, b[1]&flagPrimary != 0
	b = b[2:]
	var cluster, timeline, on, xidOn uint64
	for _, n := range []*uint64{&cluster, &timeline, &p.LSN, &on, &p.XID, &xidOn, &p.XIDAt, &p.Ended} {
		var read int
		if *n, read = binary.Uvarint(b); read <= 0 {
			return Position{}, errText
		}
		b = b[read:]
	}
	const largest = 1<<63 - 1 // which leaves room for the LSN after the last
	if max(cluster, timeline, on, xidOn) > math.MaxInt32 || p.LSN > largest || len(b) > 0 {
		return Position{}, errText
	}
	p.Cluster, p.Timeline, p.On, p.XIDOn = uint32(cluster), uint32(timeline), uint32(on), uint32(xidOn)
	return p, nil
}

// lsn is an LSN as the server writes it.
func lsn(n uint64) string { return fmt.Sprintf("%X/%X", n>>32, uint32(n)) }

func parseLSN(text string) (uint64, error) {
	high, low, _ := strings.Cut(text, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	l, lowErr := strconv.ParseUint(low, 16, 32)
	if err = errors.Join(err, lowErr); err != nil {
		return 0, fmt.Errorf("LSN %q: %w", text, err)
	}
	return h<<32 | l, nil
}
