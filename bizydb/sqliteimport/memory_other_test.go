//go:build !unix

package sqliteimport_test

import "os"

// peakMemory is not to be had.
func peakMemory(*os.ProcessState) int64 { return 0 }
