package standby

import (
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

func newTestRouter() *Router {
	s := &Set{memory: newMemory(10), newer: make(chan struct{}, 1)}
	s.observe(Position{Timeline: 1, LSN: 100, XID: 100})
	return &Router{Set: s, User: 7}
}

// answer puts an answer of the server where a statement wants it.
func answer(into []any, values ...string) {
	for i, value := range values {
		*into[i].(*string) = value
	}
}

// A retry whose answer is lost does not pass for the first try, whose answer came.
func TestRetryOfAWrite(t *testing.T) {
	t.Parallel()
	r := newTestRouter()
	route := r.Write()
	answer(route.Enter[len(route.Enter)-1].Into, "0/200", "00000001", "500")
	if err := route.Ended(true, false); err != nil {
		t.Fatal(err)
	}
	if a := r.Set.memory.ask(7, 0); a.XID != 500 || a.Primary {
		t.Fatalf("%+v", a)
	}
	if err := route.Ended(false, false); err != nil {
		t.Fatal(err)
	}
	if a := r.Set.memory.ask(7, 0); !a.Primary {
		t.Errorf("after a write that nobody knows of: %+v", a)
	}
}

// A read in a transaction of the service's own does not wait for the user's writers, so the next read elsewhere has to.
func TestReadInATransactionOfTheServices(t *testing.T) {
	t.Parallel()
	r := newTestRouter()
	r.Set.memory.add(7, Position{LSN: 50, Ahead: true})
	route := r.Read(false)
	answer(route.Leave[len(route.Leave)-1].Into, "0/300", "00000001", "0")
	if err := route.Ended(true, true); err != nil {
		t.Fatal(err)
	}
	if a := r.Set.memory.ask(7, 0); !a.Ahead || a.LSN != 0x300 {
		t.Errorf("%+v", a)
	}
}

// Reads of OnPrimary do not count as seen, but writes do.
func TestOutside(t *testing.T) {
	t.Parallel()
	r := newTestRouter()
	r.Outside = true
	r.Entry = executor.Entry{Leave: []executor.Statement{{SQL: "leave"}}}
	before := r.Set.memory.ask(7, 0)
	route := r.Read(false)
	answer(route.Leave[len(route.Leave)-1].Into, "0/300", "00000001", "0")
	if err := route.Ended(true, true); err != nil {
		t.Fatal(err)
	}
	if a := r.Set.memory.ask(7, 0); a != before || r.Set.PrimaryReads() != 1 {
		t.Errorf("%+v, %d reads", a, r.Set.PrimaryReads())
	}
	answer(route.Leave[len(route.Leave)-1].Into, "0/300", "00000000", "0")
	if err := route.Ended(true, true); err == nil {
		t.Error("a former primary has answered")
	}
	route = r.Write()
	answer(route.Enter[len(route.Enter)-1].Into, "0/400", "00000001", "600")
	if err := route.Ended(true, true); err != nil {
		t.Fatal(err)
	}
	if a := r.Set.memory.ask(7, 0); a.XID != 600 {
		t.Errorf("%+v", a)
	}
}
