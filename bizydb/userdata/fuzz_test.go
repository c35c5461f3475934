package userdata_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/userdata"
)

// Whatever somebody sends: it is refused as invalid, with nothing written, or it comes in as a whole, and what is exported then can be
// imported again.
func FuzzImport(f *testing.F) {
	db := bizydbtest.New(f)
	full := db.NewUser(f)
	fill(f, db, full, 4, 12)
	f.Add(exportOf(f.Context(), f, db.As(full)))
	for _, document := range []string{
		"", "{", "null", documentOf(nil, nil), documentOf(chain(3), nil), taskWith("parent_goal_id", "1", "dependencies", "[1]"), taskWith("dependencies", "[2]"),
		taskWith("title", `"\ud800"`), goalWith("metrics", `{"a": [1e400, "\u0000"]}`), goalWith("status", `"completed"`, "completed_at", `"2025-01-01T00:00:00Z"`), taskWith("due_date", `"0000-01-01T00:00:00Z"`),
	} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		ctx := t.Context()
		first, second := db.As(db.NewUser(t)), db.As(db.NewUser(t))
		summary, err := userdata.Import(ctx, first, bytes.NewReader(document))
		has := belongingsOf(ctx, t, first)
		switch {
		case err == nil:
			if !json.Valid(document) || len(has.Goals) != summary.Goals || len(has.Tasks) != summary.Tasks {
				t.Errorf("%+v of %q", summary, document)
			}
			importInto(ctx, t, second, exportOf(ctx, t, first))
			wantSame(ctx, t, first, second)
		case !errors.Is(err, bizydb.ErrInvalid) || len(has.Goals)+len(has.Tasks) > 0:
			t.Errorf("%v; %d goals and %d tasks", err, len(has.Goals), len(has.Tasks))
		case slices.Contains([]string{"", "bizydb:"}, strings.TrimSpace(err.Error())):
			t.Errorf("error %q", err)
		}
	})
}
