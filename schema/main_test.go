package schema_test

import (
	"flag"
	"os"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) {
	if database := os.Getenv(migratesUntilKilled); database != "" {
		migrateUntilKilled(database)
	}
	_ = flag.Set("test.parallel", "4") // since tests wait for the server more than they work

	os.Exit(bizydbtest.Run(m))
}
