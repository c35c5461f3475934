package bizydb_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestMain(m *testing.M) {
	// Far from UTC and with half an hour in it, so that a time in the machine's zone shows.
	time.Local = time.FixedZone("test", -(9*60+30)*60)

	_ = flag.Set("test.parallel", "4") // since tests wait for the server more than they work
	_ = flag.Set("rapid.checks", "40") // unless the command line says otherwise

	code := bizydbtest.Run(m)
	testdb.DropCommon()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}
