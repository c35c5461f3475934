package standby

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func positions() *rapid.Generator[Position] {
	small := rapid.Uint32Range(0, math.MaxInt32)
	return rapid.Custom(func(t *rapid.T) Position {
		return Position{
			Cluster: small.Draw(t, "cluster"), Timeline: small.Draw(t, "timeline"), LSN: rapid.Uint64Range(0, 1<<63-1).Draw(t, "lsn"), Beyond: rapid.Bool().Draw(t, "beyond"),
			On: small.Draw(t, "on"), XIDOn: small.Draw(t, "xid on"),
			XID: rapid.Uint64().Draw(t, "xid"), XIDAt: rapid.Uint64().Draw(t, "at"), Ended: rapid.Uint64().Draw(t, "ended"),
			Ahead: rapid.Bool().Draw(t, "ahead"), Primary: rapid.Bool().Draw(t, "primary"),
		}
	})
}

func TestTextOfPosition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := positions().Draw(t, "position")
		text := p.String()
		if got, err := Parse(text); err != nil || got != p {
			t.Fatalf("%+v: %s is %+v, %v", p, text, got, err)
		}
		if len(text) > 90 {
			t.Fatalf("%s has %d characters", text, len(text))
		}
	})
}

// No text makes Parse panic, and what it takes is written as it was.
func TestParseAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`A[Q-T][A-Za-z0-9_-]{0,70}`).Draw(t, "text")
		if p, err := Parse(text); err == nil {
			if again, err := Parse(p.String()); err != nil || again != p {
				t.Fatalf("%s: %+v, then %+v, %v", text, p, again, err)
			}
		}
	})
}

// What two positions have together, a standby has if it has each of them.
func TestAnd(t *testing.T) {
	t.Parallel()
	small := rapid.Custom(func(t *rapid.T) Position {
		return Position{
			Timeline: rapid.Uint32Range(1, 3).Draw(t, "timeline"), LSN: rapid.Uint64Range(0, 3).Draw(t, "lsn"), Beyond: rapid.Bool().Draw(t, "beyond"),
			Ended: rapid.Uint64Range(0, 3).Draw(t, "ended"), Ahead: rapid.Bool().Draw(t, "ahead"), Primary: rapid.Bool().Draw(t, "primary"),
		}
	})
	has := func(replayed, ended uint64, timeline uint32, p Position) bool {
		return replayed >= p.replayed() && ended >= p.Ended && timeline >= p.Timeline
	}
	rapid.Check(t, func(t *rapid.T) {
		p, q := small.Draw(t, "p"), small.Draw(t, "q")
		both := p.and(q)
		for replayed := range uint64(6) {
			for ended := range uint64(4) {
				for timeline := range uint32(4) {
					if has(replayed, ended, timeline, both) != (has(replayed, ended, timeline, p) && has(replayed, ended, timeline, q)) {
						t.Fatalf("%+v and %+v are %+v", p, q, both)
					}
				}
			}
		}
		if both.Ahead != (p.Ahead || q.Ahead) || both.Primary != (p.Primary || q.Primary) {
			t.Fatalf("%+v and %+v are %+v", p, q, both)
		}
	})
}

// Of two transactions of a user, the one that had the lock later is asked for.
func TestAndOfTransactions(t *testing.T) {
	t.Parallel()
	first, second := Position{XID: 200, XIDOn: 1, XIDAt: 10}, Position{XID: 100, XIDOn: 1, XIDAt: 20}
	for _, both := range []Position{first.and(second), second.and(first)} {
		if both.XID != 100 {
			t.Errorf("%+v", both)
		}
	}
	// What was lost in a failover can have had it later on its own timeline.
	lost, kept := Position{XID: 200, XIDOn: 1, XIDAt: 500}, Position{XID: 100, XIDOn: 2, XIDAt: 450}
	for _, both := range []Position{lost.and(kept), kept.and(lost)} {
		if both.XID != 100 {
			t.Errorf("%+v", both)
		}
	}
}
