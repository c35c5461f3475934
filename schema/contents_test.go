package schema_test

import (
	"maps"
	"strings"
	"testing"
	"time"
)

// contents are the values in the tables, as JSON, by table and id and by column, and where the sequences are.
type contents map[string]map[string]string

// justNow is written for all times of the last hour.
const justNow = "just now"

func readContents(t testing.TB, on querier) contents {
	t.Helper()
	c := contents{}
	for _, sql := range all[string](t, on, `
		SELECT format('SELECT %L || id, key, value::text FROM %s AS r, jsonb_each(to_jsonb(r))', oid::regclass || ' ', oid::regclass)
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
			if at, err := time.Parse(`"`+time.RFC3339Nano+`"`, value); err == nil && time.Since(at).Abs() < time.Hour {
				value = justNow
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

func (c contents) columns() map[string]bool {
	columns := map[string]bool{}
	for row, values := range c {
		table, _, _ := strings.Cut(row, " ")
		for column := range values {
			columns[table+"."+column] = true
		}
	}
	return columns
}

// only returns what is in some of the columns.
func (c contents) only(columns map[string]bool) contents {
	some := contents{}
	for row, values := range c {
		table, _, _ := strings.Cut(row, " ")
		values = maps.Clone(values)
		maps.DeleteFunc(values, func(column, _ string) bool { return !columns[table+"."+column] })
		if len(values) > 0 {
			some[row] = values
		}
	}
	return some
}

func (c contents) changed(by contents) contents {
	c = maps.Clone(c)
	for row, values := range by {
		c[row] = maps.Clone(c[row])
		maps.Copy(c[row], values)
	}
	return c
}
