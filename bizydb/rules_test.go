package bizydb_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Every constraint that a caller can run into has an error that names its field, and there are no others. Not among them:
// primary keys, since no query passes one, and the keys (user_id, id), which contain them.
func TestEveryConstraintHasItsError(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	names, err := queryAll[string](t, db.Pool(), `
		SELECT conname FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u', 'x') AND conname NOT IN ('uq_goals_user_id_id', 'uq_tasks_user_id_id')
		UNION ALL
		SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
		  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
		UNION ALL
		SELECT 'ck_goals_no_cycle' FROM pg_trigger WHERE tgname = 'goals_refuse_cycle'
		UNION ALL
		SELECT unnest(ARRAY['ck_tasks_no_dependency_cycle', 'fk_tasks_dependencies']) FROM pg_trigger WHERE tgname = 'tasks_check_dependencies_update'`)
	if err != nil {
		t.Fatal(err)
	}
	inSchema := map[string]bool{}
	for _, name := range names {
		inSchema[name] = true
	}
	known := map[string]bool{}
	for name, column := range bizydb.RuleColumns() {
		known[name] = true
		exists, err := queryAll[bool](t, db.Pool(), `
			SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = ('public.' || split_part($1, '.', 1))::regclass AND attname = split_part($1, '.', 2))`, column)
		if err != nil || !exists[0] {
			t.Errorf("%s: no column %s: %v", name, column, err)
		}
	}
	if diff := cmp.Diff(inSchema, known); diff != "" {
		t.Errorf("constraints (-schema +rules.go):\n%s", diff)
	}
}

// SchemaVersion is what Open insists on, and the migrations have to lead there.
func TestSchemaVersionIsTheLastMigration(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t) // which would not open otherwise
	if got, err := queryAll[int](t, db.Pool(), "SELECT bizydb.schema_version()"); err != nil || got[0] != bizydb.SchemaVersion {
		t.Errorf("%v, %v, want %d", got, err, bizydb.SchemaVersion)
	}
}
