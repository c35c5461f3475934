package standby

import (
	"testing"
	"time"

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

// A standby is asked the whole question for a transaction that may not have ended, for another timeline, and until it has answered that.
func TestQuestion(t *testing.T) {
	t.Parallel()
	r := newTestRouter()
	server := &Server{}
	whole := func() bool {
		question, _ := r.question(server, r.Set.memory.ask(7, 1))
		return question.SQL == requireFreshSQL
	}
	if !whole() {
		t.Error("nothing is known of the standby")
	}
	run := &knownRun{since: time.Now(), timeline: 1}
	server.known.Store(run)
	r.Set.memory.add(7, Position{LSN: 0x200, Beyond: true})
	if question, of := r.question(server, r.Set.memory.ask(7, 1)); of != run || question.SQL != requireReplayedSQL || question.Args[0] != run.since || question.Args[1] != "0/201" {
		t.Errorf("%+v", question)
	}
	for name, p := range map[string]Position{"the user's transaction": {XID: 9, XIDOn: 1}, "transactions of a user who was forgotten": {Ended: 9}} {
		r := newTestRouter()
		r.Set.memory.add(7, p)
		if question, _ := r.question(server, r.Set.memory.ask(7, 1)); question.SQL != requireFreshSQL {
			t.Errorf("%s: %+v", name, question)
		}
	}
	r.Set.observe(Position{Timeline: 2})
	if !whole() {
		t.Error("the primary has been promoted since")
	}
}
