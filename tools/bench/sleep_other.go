//go:build !linux

package main

import "time"

type sleeper struct{}

func newSleeper() (*sleeper, error) { return &sleeper{}, nil }

func (*sleeper) Close() error { return nil }

func (*sleeper) until(due time.Time) { time.Sleep(time.Until(due)) }
