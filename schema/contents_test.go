package schema_test

import "testing"

// contents are the values in the tables, as JSON, by table and id and by column, and where the sequences are.
type contents map[string]map[string]string

func readContents(t testing.TB, on querier) contents {
	t.Helper()
	c := contents{}
	for _, sql := range all[string](t, on, `
		SELECT format('SELECT %L || coalesce(to_jsonb(r) ->> ''id'', to_jsonb(r)::text), key, value::text FROM %s AS r, jsonb_each(to_jsonb(r))', oid::regclass || ' ', oid::regclass)
		FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) AND relname <> 'bizydb_schema_version'
		UNION ALL SELECT 'SELECT sequencename, ''last_value'', coalesce(last_value::text, ''null'') FROM pg_sequences'`) {
		rows, err := on.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var row, column, value string
			if err := rows.Scan(&row, &column, &value); err != nil {
				t.Fatal(err)
			}
			if c[row] == nil {
				c[row] = map[string]string{}
			}
			c[row][column] = value
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
