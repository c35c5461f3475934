package sqliteimport_test

import (
	"os"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

func TestMain(m *testing.M) { os.Exit(bizydbtest.Run(m)) }
