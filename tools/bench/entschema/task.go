// Package entschema says what ent generates code for: the tables as bizydb's migrations make them.
package entschema

//go:generate go tool ent generate --feature sql/execquery,sql/modifier --target ../generated/ent .

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Task is a row of public.tasks.
type Task struct{ ent.Schema }

// Annotations implements ent.Interface.
func (Task) Annotations() []schema.Annotation { return []schema.Annotation{entsql.Table("tasks")} }

// Fields implements ent.Interface. The owner is optional since the database sets it.
func (Task) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.Int64("user_id").Optional(),
		field.Int64("parent_goal_id").Optional().Nillable(),
		field.String("title"),
		field.String("description").Optional().Nillable(),
		field.Int("priority").Default(3),
		field.String("status").Default("pending"),
		field.String("category").Optional().Nillable(),
		field.Float("estimated_hours").Optional().Nillable(),
		field.Float("actual_hours").Optional().Nillable(),
		field.Time("due_date").Optional().Nillable(),
		field.Bool("due_all_day").Default(false),
		field.Time("created_at").Default(time.Now),
		field.Time("updated_at").Default(time.Now),
		field.Int64("version").Optional(),
		field.Time("completed_at").Optional().Nillable(),
		field.JSON("dependencies", []int64{}).Default([]int64{}),
		field.String("notes").Optional().Nillable(),
		field.Strings("tags").Default([]string{}),
		field.String("blocked_reason").Optional().Nillable(),
		field.Bool("blocked_in_progress").Default(false),
	}
}
