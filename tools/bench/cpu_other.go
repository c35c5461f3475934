//go:build !linux

package main

func processTime() float64 { return 0 }

func isBackend(int) bool { return false }

func backendTime(int) (float64, error) { return 0, nil }
