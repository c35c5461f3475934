package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processTime is the processor time of this process in µs.
func processTime() float64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

func isBackend(pid int) bool {
	title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(title), "postgres:")
}

// backendTime is the processor time of a process of the server in µs. It waits until the process waits for the next query:
// before that, it is not yet said. The scheduler counts in ns, utime and stime in hundredths of a second.
func backendTime(pid int) (float64, error) {
	for began := time.Now(); time.Since(began) < 100*time.Millisecond; {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		if _, after, _ := strings.Cut(string(state), ") "); strings.HasPrefix(after, "S") {
			break
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var ns float64
	_, err = fmt.Sscan(string(text), &ns)
	return ns / 1e3, err
}
