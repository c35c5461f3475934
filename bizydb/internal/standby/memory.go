package standby

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxUsers is how many users a memory has positions of: some 2 MB.
const maxUsers = 10_000

// A memory has the positions of the users that were asked for last, and a floor that has those of all others.
type memory struct {
	mu      sync.Mutex
	users   *simplelru.LRU[int64, *known]
	floor   known
	unclear uint64 // how often the floor has become one that only the primary has
	changes uint64
	primary Position // see observed
}

// known is what a user knows, and the number of the last change of that.
type known struct {
	Position
	change    uint64
	inherited bool // Primary is the floor's, and the floor has what it stands for
}

// asked is what a user knew when a call began.
type asked struct {
	Position
	change, unclear uint64
}

func newMemory(size int) *memory {
	m := &memory{}
	m.users, _ = simplelru.NewLRU(size, m.forget) // it fails for sizes below 1
	return m
}

func (m *memory) set(k *known, p Position) {
	m.changes++ // for each change another number, whoever is forgotten and comes back
	k.Position, k.change = p, m.changes
}

// forget raises the floor to the position of a user who goes. Of several users, no transaction is known to end last. What the primary has
// not shown yet can be anything, since a token can: the primary knows. A transaction of the user's that may be open stays.
func (m *memory) forget(_ int64, k *known) {
	p := k.Position
	p.Primary = p.Primary && !k.inherited
	p.On, p.Ended, p.XID, p.XIDOn, p.XIDAt = 0, max(p.Ended, p.XID), 0, 0, 0
	if p.Timeline > m.primary.Timeline || p.LSN > m.primary.LSN || p.Ended > m.primary.XID {
		if p.Ended > m.primary.XID {
			p.Ended = 0
		}
		p = Position{Primary: true, Ahead: true, Ended: p.Ended}
	}
	if p.Primary {
		m.unclear++
	}
	if sum := m.floor.and(p); sum != m.floor.Position || p.Primary {
		m.set(&m.floor, sum)
	}
}

func (m *memory) of(user int64) *known {
	k, ok := m.users.Get(user)
	if !ok {
		k = &known{inherited: m.floor.Primary}
		m.set(k, m.floor.Position)
		m.users.Add(user, k)
	}
	return k
}

// ask returns what a standby needs for a user; on is the standby, 0 for any.
func (m *memory) ask(user int64, on uint32) asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of(user)
	a := asked{k.Position, k.change, m.unclear}
	a.Beyond = a.Beyond && (on == 0 || k.On != on)
	a.Timeline = max(a.Timeline, m.primary.Timeline)
	return a
}

// add notes what a user has seen or written elsewhere than in a read that was asked for.
func (m *memory) add(user int64, p Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of(user)
	m.set(k, k.and(p))
	k.inherited = k.inherited && !p.Primary
}

// observe notes an answer of the primary. It is not ok if the primary is one that a later one has replaced. promoted says that nothing was
// known of the timeline.
func (m *memory) observe(p Position) (ok, promoted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Timeline < m.primary.Timeline {
		return false, false
	}
	promoted = p.Timeline > m.primary.Timeline
	m.primary.Timeline = p.Timeline
	m.primary.LSN = max(m.primary.LSN, p.LSN)
	m.primary.XID = max(m.primary.XID, p.XID, p.Ended)
	return true, promoted
}

// observed returns the largest timeline, LSN and transaction id that the primary's answers have shown.
func (m *memory) observed() Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.primary
}

// sawStandby notes what a read saw on a standby that had what was asked, and had replayed to lsn afterwards. beyond says that the read can
// have seen the record after that.
func (m *memory) sawStandby(user int64, on uint32, a asked, lsn uint64, beyond bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.of(user)
	p := k.Position
	if p.XID == a.XID { // it has ended there
		p.XID, p.XIDOn, p.XIDAt = 0, 0, 0
	}
	if p.Ended == a.Ended {
		p.Ended = 0
	}
	if p.LSN == lsn && p.On == on && !beyond { // it was not beyond at the time either
		p.Beyond = false
	}
	saw := Position{LSN: lsn, Ahead: true}
	if beyond {
		saw.Beyond, saw.On = true, on
	}
	m.set(k, p.and(saw))
}

// sawPrimary notes a read on the primary, which then was on a timeline with the log written to lsn. It has waited for the user's writers, if
// the user had been ahead. p.Ended is a transaction of the caller's own that may be open still.
func (m *memory) sawPrimary(user int64, a asked, p Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.floor.Primary && m.unclear == a.unclear { // whatever it stands for was in the log by then
		f := m.floor.and(Position{Timeline: p.Timeline, LSN: p.LSN})
		f.Primary = false
		m.set(&m.floor, f)
	}
	k := m.of(user)
	if k.change != a.change {
		m.set(k, k.and(p))
		return
	}
	// All that was known when it began was in the log by then. What has not ended may go on.
	p.XID, p.XIDOn, p.XIDAt, p.Ended = k.XID, k.XIDOn, k.XIDAt, max(k.Ended, p.Ended)
	if p.XID > m.primary.XID { // from a token that was forged, or the primary has lost it
		p.XID, p.XIDOn, p.XIDAt = 0, 0, 0
	}
	if p.Ended > m.primary.XID {
		p.Ended = 0
	}
	m.set(k, p)
}
