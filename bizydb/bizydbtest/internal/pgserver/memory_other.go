//go:build !linux

package pgserver

const memoryRoom = 0

func memoryDir(uint64) string { return "" }
