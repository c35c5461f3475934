package sqliteimport

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxDepth is how deep what is in metrics can be nested. PostgreSQL takes some thousand levels, by how it is set up.
const maxDepth = 500

// decodeJSON reads one JSON value. Numbers stay as they are written.
func decodeJSON(s string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	if depth(v) > maxDepth {
		return nil, errors.New("nested too deep")
	}
	return v, nil
}

// sizeInJSON is at least how many bytes jsonb has as text: every number with all of its digits, a space after each comma and colon.
func sizeInJSON(v any) int {
	size := len("{}")
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			size += sizeInJSON(key) + len(": , ") + sizeInJSON(value)
		}
	case []any:
		for _, value := range v {
			size += len(", ") + sizeInJSON(value)
		}
	case json.Number:
		size += len(v)
		if _, exponent, ok := strings.Cut(strings.ToLower(v.String()), "e"); ok {
			digits, _ := strconv.Atoi(exponent)
			size += max(digits, -digits)
		}
	default: // a text, or less
		size += len(jsonText(v))
	}
	return size
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, value := range v {
			deepest = max(deepest, depth(value))
		}
	case []any:
		for _, value := range v {
			deepest = max(deepest, depth(value))
		}
	default:
		return 0
	}
	return deepest + 1
}

// storableJSON returns v as jsonb takes it, and whether that is something else.
func storableJSON(v any) (any, bool) {
	changed := false
	switch v := v.(type) {
	case string:
		return storableText(v)
	case json.Number:
		if !fitsFloat(v.String()) {
			return v.String(), true
		}
	case []any:
		for i, value := range v {
			var c bool
			v[i], c = storableJSON(value)
			changed = changed || c
		}
	case map[string]any:
		for key, value := range v {
			clean, keyChanged := storableText(key)
			value, c := storableJSON(value)
			changed = changed || c || keyChanged
			if keyChanged {
				delete(v, key)
			}
			v[clean] = value
		}
	}
	return v, changed
}

// fitsFloat says whether a number is neither too large nor too small nor too long. PostgreSQL's numeric takes more, but not
// everything, not even every zero.
func fitsFloat(number string) bool {
	f, err := strconv.ParseFloat(number, 64)
	mantissa, exponent, has := strings.Cut(strings.ToLower(number), "e")
	if n, atoiErr := strconv.Atoi(exponent); has && (atoiErr != nil || n < -400 || n > 400) {
		return false
	}
	return err == nil && len(number) <= 400 && (math.Abs(f) > 1e-300 || strings.Trim(mantissa, "-+0.") == "")
}

// jsonText is v as JSON has it. What has been decoded can be encoded.
func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
