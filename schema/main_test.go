package schema_test

import (
	"flag"
	"os"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestMain(m *testing.M) {
	if database := os.Getenv(migratesUntilKilled); database != "" {
		migrateUntilKilled(database)
	}
	_ = flag.Set("test.parallel", "4") // since tests wait for the server more than they work

	code := bizydbtest.Run(m)
	testdb.DropCommon()
	os.Exit(code)
}
