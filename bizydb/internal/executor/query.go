package executor

import "strings"

// A query is what the text of a statement says about it.
type query struct {
	Effect
	name string
}

// query reads a text once: that takes microseconds, looking it up a tenth. Their number is that of the texts that callers have.
func (c *Config) query(sql string) *query {
	if q, ok := c.queries.Load(sql); ok {
		return q.(*query)
	}
	q, _ := c.queries.LoadOrStore(sql, &query{c.Effect(sql), NameOf(sql)})
	return q.(*query)
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
