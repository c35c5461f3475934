package schema_test

import (
	"os"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) {
	if database := os.Getenv(migratesUntilKilled); database != "" {
		migrateUntilKilled(database)
	}
	os.Exit(bizydbtest.Run(m))
}
