package entschema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Goal is what the dashboard shows of a row of public.goals.
type Goal struct{ ent.Schema }

// Annotations implements ent.Interface.
func (Goal) Annotations() []schema.Annotation { return []schema.Annotation{entsql.Table("goals")} }

// Fields implements ent.Interface.
func (Goal) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("title"),
		field.String("status").Default("active"),
		field.Float("progress_percentage").Default(0),
		field.Time("target_date").Optional().Nillable(),
		field.Time("created_at").Default(time.Now),
	}
}
