package executor

import "strings"

// A query is what the text of a statement says about it.
type query struct {
	Effect
	name    string
	sent    string // the text, as it is sent
	keyed   bool   // with Entry.Key
	own     bool   // a caller's
	refused string // why it is not sent, or ""
}

// query reads a text of generated code once: that takes microseconds, looking it up a tenth. Their number is that of the queries.
func (c *Config) query(sql string) *query {
	if q, ok := c.queries.Load(sql); ok {
		return q.(*query)
	}
	read := &query{Effect: c.Effect(sql), name: NameOf(sql)}
	read.sent, read.keyed = c.text(read.published(), sql)
	q, _ := c.queries.LoadOrStore(sql, read)
	return q.(*query)
}

func (c *Config) text(query, sql string) (sent string, keyed bool) {
	if c.Text == nil {
		return sql, false
	}
	return c.Text(query, sql)
}

// published is the name of a query of generated code, and "" for a caller's.
func (q *query) published() string {
	if q.own {
		return ""
	}
	return q.name
}

// NameOf returns the name of a query, which sqlc writes above it: "-- name: GetTask :one".
func NameOf(sql string) string {
	rest, ok := strings.CutPrefix(sql, "-- name: ")
	if !ok {
		return "query"
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}
