package executor

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// The mechanism knows nothing of the schema, so it imports nothing of the module.
func TestImportsNothingOfTheModule(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range file.Imports {
			if strings.Contains(imported.Path.Value, "bizy-ai/bizydb") {
				t.Errorf("%s imports %s", name, imported.Path.Value)
			}
		}
	}
}
