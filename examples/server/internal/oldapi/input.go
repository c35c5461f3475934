package oldapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"example.com/server/internal/web"
	"github.com/bizy-ai/bizydb/bizydb"
)

// A bodyMode says whether a request has a body.
type bodyMode int

const (
	noBody bodyMode = iota
	needsBody
	mayHaveBody
)

// An input is what came with a request. What is wrong with its values is collected, so that one answer names all of it.
type input struct {
	request *http.Request
	body    any     // as package json decodes it, with json.Number
	faults  []fault // at most maxFaults
}

const maxFaults = 100

// readInput reads the body, if there should be one, up to a number of bytes.
func readInput(w http.ResponseWriter, r *http.Request, mode bodyMode, limit int64) (*input, error) {
	in := &input{request: r}
	if mode == noBody {
		return in, nil
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, fail(http.StatusRequestEntityTooLarge, "Request body too large")
	case err != nil, !utf8.Valid(text):
		return nil, fail(http.StatusBadRequest, "There was an error parsing the body")
	case web.CheckValues(text) != nil:
		return nil, fail(http.StatusRequestEntityTooLarge, "Request body has too many values")
	}
	if len(text) == 0 && mode == mayHaveBody {
		return in, nil
	}
	missing := unprocessable(fault{Type: "missing", Loc: []any{"body"}, Msg: "Field required"})
	if len(text) == 0 {
		return nil, missing
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err = decoder.Decode(&in.body); err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("extra data")
		}
	}
	if err != nil {
		at := decoder.InputOffset()
		if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
			at = syntax.Offset - 1
		}
		return nil, unprocessable(fault{"json_invalid", []any{"body", at}, "JSON decode error", map[string]any{}, map[string]any{"error": err.Error()}})
	}
	if in.body == nil && mode == needsBody {
		return nil, missing
	}
	return in, nil
}

// check returns the error that has all faults.
func (in *input) check() error {
	if len(in.faults) == 0 {
		return nil
	}
	return unprocessable(in.faults...)
}

// id is an id in the path.
func (in *input) id(name string) int64 {
	f := fields{in, []any{"path"}, nil, map[string]any{name: in.request.PathValue(name)}, false}
	if id := f.integer(name, required, nil, nil); id != nil {
		return *id
	}
	return 0
}

// query are the parameters of the URL. Of several with one name the last counts.
func (in *input) query() fields {
	f := fields{in, []any{"query"}, nil, map[string]any{}, false}
	for name, values := range in.request.URL.Query() {
		f.of[name] = values[len(values)-1]
	}
	return f
}

// fields are those of the body, which has to be an object. Without a body there are none.
func (in *input) fields() fields { return in.object([]any{"body"}, in.body, false) }

// secrets are fields whose values no answer repeats, like a body that is no object.
func (in *input) secrets() fields { return in.object([]any{"body"}, in.body, true) }

// object are the fields of a value somewhere in the body.
func (in *input) object(loc []any, value any, secret bool) fields {
	of, ok := value.(map[string]any)
	if !ok && value != nil {
		fields{in: in, loc: loc[:len(loc)-1], secret: secret}.fault(
			loc[len(loc)-1], value, "model_attributes_type", "Input should be a valid dictionary or object to extract fields from", nil,
		)
	}
	return fields{in, loc, value, of, secret}
}

// sent is the value of the body that the database has refused.
func (in *input) sent(field *bizydb.FieldError) any {
	if field.Table == "users" {
		return nil
	}
	value := in.body
	if list, ok := value.([]any); ok && field.Index != nil && *field.Index < len(list) {
		value = list[*field.Index]
	}
	of, _ := value.(map[string]any)
	return of[field.Column]
}
