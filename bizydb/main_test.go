package bizydb_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestMain(m *testing.M) {
	// Far from UTC and with half an hour in it, so that a time in the machine's zone shows.
	time.Local = time.FixedZone("test", -(9*60+30)*60)

	_ = flag.Set("rapid.checks", "40") // unless the command line says otherwise

	os.Exit(testdb.WithoutLeaks(testdb.Run(m)))
}
