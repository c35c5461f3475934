package schema_test

import (
	"testing"

	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Whoever looks at the schema in psql, or at docs/schema.md, is told what everything is for.
func TestEverythingHasAComment(t *testing.T) {
	t.Parallel()
	for _, missing := range all[string](t, owner(t, testdb.Common(t)), `
		WITH ours AS (
		  SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		  WHERE n.nspname IN ('public', 'bizydb') AND c.relname <> 'bizydb_schema_version'
		)
		SELECT 'relation ' || oid::regclass FROM ours
		WHERE relkind IN ('r', 'v', 'i') AND obj_description(oid, 'pg_class') IS NULL
		  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = ours.oid AND i.indrelid = 'public.bizydb_schema_version'::regclass)
		UNION ALL
		SELECT 'column ' || oid::regclass || '.' || attname FROM ours JOIN pg_attribute ON attrelid = oid
		WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND col_description(oid, attnum) IS NULL
		UNION ALL
		SELECT 'function ' || oid::regprocedure FROM pg_proc
		WHERE pronamespace = 'bizydb'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
		UNION ALL
		SELECT 'type ' || oid::regtype FROM pg_type
		WHERE typnamespace = 'bizydb'::regnamespace AND (typtype = 'd' OR typtype = 'c' AND typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))
		  AND obj_description(oid, 'pg_type') IS NULL AND obj_description(typrelid, 'pg_class') IS NULL
		ORDER BY 1`) {
		t.Errorf("%s has no comment", missing)
	}
}
