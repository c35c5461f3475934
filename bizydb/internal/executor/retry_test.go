package executor

import (
	"testing"
	"time"
)

// The pauses double from 10 ms up to 500 ms, each half to one and a half times as long, so that losers do not meet again.
func TestPausesGrow(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	means := []time.Duration{10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 500 * ms, 500 * ms, 500 * ms}
	if len(means) != maxTries-1 {
		t.Fatalf("%d pauses, want %d", maxTries-1, len(means))
	}
	shorter, longer := false, false
	for range 100 {
		p := pauses()
		for i, mean := range means {
			d := p.NextBackOff()
			if d < mean/2 || d > mean*3/2 {
				t.Errorf("pause %d is %v, want %v to %v", i, d, mean/2, mean*3/2)
			}
			shorter, longer = shorter || d < mean*3/4, longer || d > mean*5/4
		}
	}
	if !shorter || !longer {
		t.Error("the pauses are not drawn from all of the range")
	}
}
