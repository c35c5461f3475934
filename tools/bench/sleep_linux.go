package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A sleeper waits to within some ten microseconds. The runtime's own timers can be a millisecond late on an idle machine. It
// waits for a timer's file as it would for a socket, so that no thread and no processor of the runtime is held meanwhile.
type sleeper struct {
	timer int
	file  *os.File
}

func newSleeper() (*sleeper, error) {
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &sleeper{timer, os.NewFile(uintptr(timer), "timer")}, nil
}

func (s *sleeper) Close() error { return s.file.Close() }

func (s *sleeper) until(due time.Time) {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		when := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
		var expirations [8]byte
		if unix.TimerfdSettime(s.timer, 0, &when, nil) != nil {
			time.Sleep(left)
		} else if _, err := s.file.Read(expirations[:]); err != nil {
			return // closed
		}
	}
}
