package schema_test

import (
	"os"
	"testing"

	"github.com/bizy-ai/bizydb/internal/testdb"
)

func TestMain(m *testing.M) {
	if database := os.Getenv(migratesUntilKilled); database != "" {
		migrateUntilKilled(database)
	}

	os.Exit(testdb.Run(m))
}
