package sqliteimport_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// An import names its user in each statement: where row security is off it finds and changes nothing of another user, who has
// imported the same file.
func TestImportWithoutPolicies(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	conn := connect(t, db.AdminDSN)
	defer conn.Close(context.Background())
	for _, table := range []string{"public.goals", "public.tasks", "bizydb.imports"} {
		if _, err := conn.Exec(t.Context(), "ALTER TABLE "+table+" DISABLE ROW LEVEL SECURITY"); err != nil {
			t.Fatal(err)
		}
	}
	alice, bob := db.NewUser(t), db.NewUser(t)
	f := sample(t, 0)
	importFile(t, db, alice, f.path, sqliteimport.Options{})
	rows := func() []string {
		return slices.DeleteFunc(everything(t, db), func(line string) bool {
			return strings.Contains(line, "_id_seq ") || strings.HasPrefix(line, "public.users ")
		})
	}
	before := rows()

	tokyo := sqliteimport.Options{Zone: zone(t, "Asia/Tokyo")} // which was not Alice's
	report := importFile(t, db, bob, f.path, tokyo)
	wantCounts(t, report, sqliteimport.Counts{InFile: 3, Imported: 3}, sqliteimport.Counts{InFile: 20, Imported: 20})
	f.exec(t, "UPDATE tasks SET title = 'Another' WHERE id = 5")
	f.exec(t, "DELETE FROM tasks WHERE id = 6")
	report = importFile(t, db, bob, f.path, tokyo)
	wantCounts(t, report, sqliteimport.Counts{InFile: 3, Known: 3}, sqliteimport.Counts{InFile: 19, Known: 19, Changed: 1, NotInFile: 1})
	if _, err := db.Accounts().Delete(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, rows()); diff != "" {
		t.Errorf("what is not Bob's (-before +after):\n%s", diff)
	}
}
