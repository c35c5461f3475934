package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// A sleeper waits to within some ten microseconds. The runtime's timers can be a millisecond late on an idle machine, as it
// waits for the network in whole ones.
type sleeper struct{}

func newSleeper() sleeper {
	runtime.LockOSThread() // for as long as the goroutine lives: the slack is the thread's
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return sleeper{}
}

func (sleeper) until(due time.Time) {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		wait := unix.NsecToTimespec(int64(left))
		_ = unix.Nanosleep(&wait, nil)
	}
}
