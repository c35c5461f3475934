package v1

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// A Patch is a body that changes the fields that are sent; null clears. Fields describes them, and Params is a type of parameters of
// bizydb, which has a field with the JSON name clear_x for a field x that can be null.
type Patch[Fields, Params any] struct {
	params Params
	nulls  []error // of fields that are never null
}

// Schema is called by huma.
func (Patch[Fields, Params]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[Fields](), true, "")
}

// UnmarshalJSON reads a body that huma has found to be as Fields says, but for nulls: huma takes them as not sent.
func (p *Patch[Fields, Params]) UnmarshalJSON(body []byte) error {
	var sent, known map[string]json.RawMessage
	if err := json.Unmarshal(body, &sent); err != nil {
		return err
	}
	zero, err := json.Marshal(p.params)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(zero, &known); err != nil {
		return err
	}
	params := map[string]json.RawMessage{}
	for name, value := range sent {
		_, clears := known["clear_"+name]
		switch {
		case string(value) != "null":
			params[name] = value
		case clears:
			params["clear_"+name] = json.RawMessage("true")
		default:
			p.nulls = append(p.nulls, &huma.ErrorDetail{Message: "must not be null", Location: "body." + name})
		}
	}
	changes, err := json.Marshal(params)
	if err != nil {
		return err
	}
	return json.Unmarshal(changes, &p.params)
}

// Resolve is called by huma.
func (p *Patch[Fields, Params]) Resolve(huma.Context) []error { return p.nulls }
