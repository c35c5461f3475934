package standby

import "testing"

// A user who was forgotten needs what that user needed, and so does everybody who may have been forgotten.
func TestForgottenUsers(t *testing.T) {
	t.Parallel()
	m := newMemory(2)
	m.observe(Position{Timeline: 3, LSN: 1000, XID: 1000})
	m.add(1, Position{Timeline: 3, LSN: 100, XID: 7, XIDAt: 90})
	m.add(2, Position{LSN: 50})
	m.add(3, Position{LSN: 60}) // 1 is forgotten
	if a := m.ask(2, 0); a.LSN != 50 || a.Ended != 0 {
		t.Errorf("a user who is known needs %+v", a)
	}
	for _, user := range []int64{1, 4} {
		if a := m.ask(user, 0); a.LSN != 100 || a.Ended != 7 || a.Timeline != 3 || a.XID != 0 {
			t.Errorf("user %d needs %+v", user, a)
		}
	}
	if m.users.Len() != 2 {
		t.Errorf("%d users", m.users.Len())
	}
}

// A floor that only the primary has is an LSN after the next read on the primary, of any user.
func TestFloorOfThePrimary(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	m.add(1, Position{Primary: true})
	m.ask(2, 0) // 1 is forgotten now
	early := m.ask(3, 0)
	if !early.Primary {
		t.Fatalf("%+v", early)
	}
	m.sawPrimary(3, early, Position{Timeline: 1, LSN: 500})
	if a := m.ask(4, 0); a.Primary || a.LSN != 500 {
		t.Errorf("%+v", a)
	}
}

// Such a floor goes as well where others are forgotten all the time.
func TestFloorOfThePrimaryAmongMany(t *testing.T) {
	t.Parallel()
	m := newMemory(2)
	m.observe(Position{Timeline: 1, LSN: 1000, XID: 1000})
	m.add(1, Position{LSN: 600, Primary: true})
	m.ask(2, 0)
	m.ask(3, 0) // 1 is forgotten now
	early := m.ask(4, 0)
	m.add(5, Position{LSN: 700})
	m.ask(4, 0)
	m.ask(6, 0) // 5 is forgotten now, which raises the floor
	m.sawPrimary(4, early, Position{Timeline: 1, LSN: 800})
	if a := m.ask(7, 0); !early.Primary || a.Primary || a.LSN != 800 {
		t.Errorf("first %+v, then %+v", early, a)
	}
}

// A user who is forgotten with a transaction that is open still, and with what the primary has not shown yet.
func TestForgottenWhileOpen(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	m.observe(Position{Timeline: 1, LSN: 100, XID: 500})
	m.add(1, Position{LSN: 200, Ended: 500})
	m.sawPrimary(2, m.ask(2, 0), Position{Timeline: 1, LSN: 300})
	if a := m.ask(1, 0); a.Primary || a.LSN != 300 || a.Ended != 500 {
		t.Errorf("%+v", a)
	}
}

// What a read adds depends on where it was, and on what was added while it ran.
func TestReads(t *testing.T) {
	t.Parallel()
	const first, second = 1, 2
	m := newMemory(10)
	m.observe(Position{Timeline: 1, LSN: 1000, XID: 1000})
	m.add(1, Position{XID: 7, XIDAt: 90})

	a := m.ask(1, first)
	if a.XID != 7 {
		t.Fatalf("%+v", a)
	}
	m.sawStandby(1, first, a, 100, true)
	if a := m.ask(1, first); a.XID != 0 || a.LSN != 100 || a.Beyond || !a.Ahead {
		t.Errorf("on the same standby: %+v", a)
	}
	if a := m.ask(1, second); a.LSN != 100 || !a.Beyond {
		t.Errorf("on another standby: %+v", a)
	}

	// The standby had received nothing beyond.
	m.sawStandby(1, first, m.ask(1, first), 100, false)
	if a := m.ask(1, second); a.LSN != 100 || a.Beyond || !a.Ahead {
		t.Errorf("on another standby, when the first had received no more: %+v", a)
	}

	// A read on the primary waits for the user's writers, and then has all.
	a = m.ask(1, 0)
	m.sawPrimary(1, a, Position{Timeline: 1, LSN: 100})
	if a := m.ask(1, second); a.LSN != 100 || a.Beyond || a.Ahead {
		t.Errorf("after a read on the primary: %+v", a)
	}

	// But not what a standby shows meanwhile.
	a = m.ask(1, 0)
	m.sawStandby(1, first, m.ask(1, first), 100, true)
	m.sawPrimary(1, a, Position{Timeline: 1, LSN: 100})
	if a := m.ask(1, second); !a.Beyond || !a.Ahead {
		t.Errorf("after a read on the primary while another one was on a standby: %+v", a)
	}

	// A transaction that may be open still is asked for after a read on the primary.
	m.add(1, Position{XID: 8, XIDAt: 110})
	m.sawPrimary(1, m.ask(1, 0), Position{Timeline: 1, LSN: 120})
	if a := m.ask(1, second); a.XID != 8 || a.LSN != 120 {
		t.Errorf("%+v", a)
	}
}

// Of two reads on the primary that overlap, the one that ends last does not take back what the other one saw.
func TestOverlappingReads(t *testing.T) {
	t.Parallel()
	m := newMemory(10)
	m.observe(Position{Timeline: 1, LSN: 1000, XID: 1000})
	slow, fast := m.ask(1, 0), m.ask(1, 0)
	m.sawPrimary(1, fast, Position{Timeline: 1, LSN: 200})
	m.sawPrimary(1, slow, Position{Timeline: 1, LSN: 100})
	if a := m.ask(1, 0); a.LSN != 200 {
		t.Errorf("%+v", a)
	}

	// Nor that the primary has to be asked, however often that was said.
	m.add(2, Position{Primary: true})
	slow = m.ask(2, 0)
	m.add(2, Position{Primary: true})
	m.sawPrimary(2, slow, Position{Timeline: 1, LSN: 100})
	if a := m.ask(2, 0); !a.Primary {
		t.Errorf("%+v", a)
	}
}

// A position that no server has given harms its own user until the next read on the primary, and others as little once it is forgotten.
func TestForgedPosition(t *testing.T) {
	t.Parallel()
	m := newMemory(1)
	m.observe(Position{Timeline: 2, LSN: 1000, XID: 50})
	m.add(1, Position{Timeline: 1 << 30, LSN: 1 << 60, XID: 1 << 60, XIDOn: 1 << 30, Ended: 1 << 60})
	m.sawPrimary(1, m.ask(1, 0), Position{Timeline: 2, LSN: 1000})
	if a := m.ask(1, 0); a.Timeline != 2 || a.LSN != 1000 || a.XID != 0 || a.Ended != 0 {
		t.Errorf("%+v", a)
	}

	m.add(1, Position{Timeline: 1 << 30, LSN: 1 << 60, XID: 1 << 60})
	m.ask(2, 0) // 1 is forgotten
	m.sawPrimary(3, m.ask(3, 0), Position{Timeline: 2, LSN: 1000})
	if a := m.ask(4, 0); a.Primary || a.Timeline != 2 || a.LSN != 1000 || a.Ended != 0 {
		t.Errorf("%+v", a)
	}
}
