//go:build !linux

package main

import "time"

type sleeper struct{}

func newSleeper() sleeper { return sleeper{} }

func (sleeper) until(due time.Time) { time.Sleep(time.Until(due)) }
