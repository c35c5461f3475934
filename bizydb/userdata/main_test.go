package userdata_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(movesUser); dsn != "" {
		moveUser(dsn)
	}
	if dsn := os.Getenv(importsUser); dsn != "" {
		importUser(dsn)
	}
	// Far from UTC and with half an hour in it, so that a time in the machine's zone shows.
	time.Local = time.FixedZone("", -(9*60+30)*60)

	_ = flag.Set("rapid.checks", "20") // unless the command line says otherwise

	os.Exit(testdb.WithoutLeaks(testdb.Run(m)))
}
