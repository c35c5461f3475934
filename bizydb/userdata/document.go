package userdata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/internal/text"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

const (
	format  = "bizydb.userdata"
	version = 1
)

// since has the columns that versions after the first have added, as in tasks.notes.
var since = map[string]addition{}

// An addition is the version in which a column came into the document, and the column's default in JSON, which those before it get.
type addition struct {
	version int
	value   string
}

// maxValue is more bytes than the largest value has: a text of 1,000,000 bytes that are all control characters, which take six each.
const maxValue = 6 << 20

// The most of what the columns hold; of numbers, as many as any float64 has.
const (
	maxText         = 1_000_000
	maxTags         = 100
	maxDependencies = 100_000
	maxExponent     = 400
)

var errTooLarge = fmt.Errorf("has a value of more than %d MB", maxValue>>20)

// A document is read from its beginning to its end.
type document struct {
	source  *source
	decoder *json.Decoder
	version int
	since   map[string]addition
	place   string // what is being read
	raw     json.RawMessage
}

func newDocument(r io.Reader) *document {
	s := &source{r: r}
	return &document{source: s, decoder: json.NewDecoder(s), since: since}
}

// A source is what a decoder reads. It ends before a value gets too large, and keeps the reader's error.
type source struct {
	r    io.Reader
	left int
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, errTooLarge
	}
	n, err := s.r.Read(p[:min(len(p), s.left, 64<<10)]) // little more than the value, since the decoder keeps what it has read
	s.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// failed is the reader's error, or says that the document is not as it should be.
func (d *document) failed(err error) error {
	switch {
	case d.source.err != nil:
		return d.source.err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("userdata: %s: %w: the document ends too early", d.place, bizydb.ErrInvalid)
	default:
		return fmt.Errorf("userdata: %s: %w: %w", d.place, bizydb.ErrInvalid, err)
	}
}

func (d *document) token() (json.Token, error) {
	d.source.left = maxValue
	token, err := d.decoder.Token()
	if err != nil {
		return nil, d.failed(err)
	}
	return token, nil
}

// expect reads a bracket or a key.
func (d *document) expect(want json.Token) error {
	token, err := d.token()
	if err == nil && token != want {
		err = d.failed(fmt.Errorf("there is %s where %v should be", short(fmt.Sprint(token)), want))
	}
	return err
}

// key reads a key, which is the place from then on.
func (d *document) key(name string) error {
	d.place = name
	return d.expect(name)
}

func (d *document) value() (json.RawMessage, error) {
	d.source.left = maxValue
	if err := d.decoder.Decode(&d.raw); err != nil {
		return nil, d.failed(err)
	}
	if len(d.raw) > maxValue {
		return nil, d.failed(errTooLarge)
	}
	return d.raw, nil
}

// open reads all that comes before the goals.
func (d *document) open() (profile bizydb.User, err error) {
	d.place = "document"
	if err := d.expect(json.Delim('{')); err != nil {
		return profile, err
	}
	var head struct {
		Format     string
		Version    int
		ExportedAt time.Time
	}
	for _, part := range []struct {
		key  string
		into any
	}{{"format", &head.Format}, {"version", &head.Version}, {"exported_at", &head.ExportedAt}, {"profile", &profile}} {
		if err := d.key(part.key); err != nil {
			return profile, err
		}
		if part.key == "profile" {
			d.version = head.Version
			if _, err := d.row("profile", columnsOf(reflect.TypeOf(profile)), reflect.ValueOf(&profile).Elem()); err != nil {
				return profile, d.located(err, "profile", nil)
			}
			continue
		}
		value, err := d.value()
		if err != nil {
			return profile, err
		}
		reason := decode(value, reflect.ValueOf(part.into).Elem())
		switch {
		case reason != "":
		case part.key == "format" && head.Format != format:
			reason = "must be " + format
		case part.key == "version" && (head.Version < 1 || head.Version > version):
			reason = fmt.Sprint("must be from 1 to ", version)
		}
		if reason != "" {
			return profile, refuse(part.key, reason)
		}
	}
	return profile, nil
}

// rows reads an array of rows and calls each with one after the other. Its error gets the index of the row.
func rows[T any](d *document, table string, each func(row T, size int) error) error {
	if err := d.key(table); err != nil {
		return err
	}
	if err := d.expect(json.Delim('[')); err != nil {
		return err
	}
	columns := columnsOf(reflect.TypeFor[T]())
	for n := 0; ; n++ {
		d.place = fmt.Sprintf("%s[%d]", table, n)
		d.source.left = maxValue
		if !d.decoder.More() {
			break
		}
		var row T
		size, err := d.row(table, columns, reflect.ValueOf(&row).Elem())
		if err == nil {
			err = each(row, size)
		}
		if err != nil {
			return d.located(err, table, &n)
		}
	}
	return d.expect(json.Delim(']'))
}

// located says which row an error is about, unless it says so.
func (d *document) located(err error, table string, index *int) error {
	var field *bizydb.FieldError
	switch {
	case !errors.As(err, &field):
		return err
	case field.Table == "" && field.Column == "":
		return fmt.Errorf("userdata: %s %w", d.place, err)
	case field.Table == "":
		field.Table = table
		if index != nil {
			n := *index
			field.Index = &n
		}
	}
	return err
}

// end reads what comes after the tasks: nothing.
func (d *document) end() error {
	d.place = "document"
	if err := d.expect(json.Delim('}')); err != nil {
		return err
	}
	d.source.left = maxValue
	switch _, err := d.decoder.Token(); {
	case d.source.err != nil:
		return d.source.err
	case !errors.Is(err, io.EOF):
		return d.failed(errors.New("more follows its end"))
	}
	return nil
}

func refuse(column, reason string) error {
	return &bizydb.FieldError{Column: column, Reason: reason, Err: bizydb.ErrInvalid}
}

// A column is a field of a row.
type column struct {
	name  string // in JSON
	field []int
}

func columnsOf(t reflect.Type) (columns []column) {
	for _, field := range reflect.VisibleFields(t) {
		if !field.Anonymous {
			columns = append(columns, column{field.Tag.Get("json"), field.Index})
		}
	}
	return columns
}

// row reads an object that has exactly these columns, and returns how many bytes their values have. Package json would take keys in
// another case, twice or not at all.
func (d *document) row(table string, columns []column, into reflect.Value) (size int, err error) {
	open, err := d.token()
	if err != nil {
		return 0, err
	}
	if open != json.Delim('{') {
		return 0, refuse("", "must be an object")
	}
	seen := make([]bool, len(columns))
	for {
		key, err := d.token()
		if err != nil {
			return 0, err
		}
		if key == json.Delim('}') {
			break
		}
		name, _ := key.(string)
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		switch {
		case i < 0:
			return 0, refuse(short(name), "is no column of the document")
		case seen[i]:
			return 0, refuse(name, "is there twice")
		}
		seen[i] = true
		value, err := d.value()
		if err != nil {
			return 0, err
		}
		size += len(value)
		if reason := decode(value, into.FieldByIndex(columns[i].field)); reason != "" {
			return 0, refuse(name, reason)
		}
	}
	for i, c := range columns {
		if seen[i] {
			continue
		}
		added, ok := d.since[table+"."+c.name]
		if !ok || d.version >= added.version {
			return 0, refuse(c.name, "is missing")
		}
		if reason := decode(json.RawMessage(added.value), into.FieldByIndex(c.field)); reason != "" {
			return 0, refuse(c.name, reason)
		}
	}
	return size, nil
}

// decode decodes a value of any column, and returns the rule that it breaks, or "".
func decode(value json.RawMessage, into reflect.Value) string {
	if string(value) == "null" {
		if into.Kind() != reflect.Pointer {
			return "must not be null"
		}
		return ""
	}
	if reason := broken(value); reason != "" {
		return reason
	}
	wrong := "must be " + kindOf(into.Type())
	// What would take much more memory than its bytes is not decoded, or not before it is known to be short.
	switch into.Interface().(type) {
	case json.RawMessage:
		if value[0] != '{' {
			return wrong
		}
		into.SetBytes(slices.Clone(value))
		switch _, digits, greatest := measure(value); {
		case greatest > maxExponent:
			return fmt.Sprintf("must not have a number with an exponent beyond %d", maxExponent)
		case digits > maxText:
			return "must have at most 1,000,000 bytes as JSON"
		}
		return ""
	case planner.Tags:
		if commas, _, _ := measure(value); commas >= maxTags {
			return fmt.Sprintf("must be at most %d", maxTags)
		}
		var tags []*string // package json would take null for ""
		if err := json.Unmarshal(value, &tags); err != nil || slices.Contains(tags, nil) {
			return wrong
		}
	case planner.TaskIDs:
		if commas, _, _ := measure(value); commas >= maxDependencies {
			return "must be at most 100,000"
		}
	}
	if err := json.Unmarshal(value, into.Addr().Interface()); err != nil {
		return wrong
	}
	if into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	if into.Kind() == reflect.String && into.Len() > maxText {
		return "must have at most 1,000,000 bytes"
	}
	if at, ok := into.Interface().(time.Time); ok {
		at = at.UTC().Truncate(time.Microsecond)
		if year := at.Year(); year < 1 || year > 9999 {
			return "must be in the years 1 to 9999"
		}
		into.Set(reflect.ValueOf(at))
	}
	return ""
}

// measure counts the commas of a JSON value, and adds up the exponents of its numbers, each of which gets as many digits in the database.
func measure(value []byte) (commas, digits, greatest int) {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case c == ',':
			commas++
		case (c == 'e' || c == 'E') && '0' <= value[i-1] && value[i-1] <= '9': // not those of true and false
			exponent := value[i+1:]
			if end := bytes.IndexFunc(exponent, func(r rune) bool { return !strings.ContainsRune("+-0123456789", r) }); end >= 0 {
				exponent = exponent[:end]
			}
			n, err := strconv.Atoi(strings.TrimLeft(string(exponent), "+-"))
			if err != nil {
				n = math.MaxInt32
			}
			digits += n
			greatest = max(greatest, n)
			i += len(exponent)
		}
	}
	return commas, digits, greatest
}

func kindOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		if t == reflect.TypeFor[json.RawMessage]() {
			return "an object"
		}
		return "an array of " + strings.TrimPrefix(kindOf(t.Elem()), "a ") + "s"
	default:
		return "a time in RFC 3339"
	}
}

// broken returns the rule of every text that a string of a JSON value breaks, or "". Package json would take something else for it.
func broken(value []byte) string {
	if !utf8.Valid(value) {
		return text.UTF8
	}
	for {
		i := bytes.IndexByte(value, '\\')
		if i < 0 {
			return ""
		}
		if value = value[i+1:]; value[0] != 'u' {
			value = value[1:]
			continue
		}
		r := unit(value)
		value = value[5:]
		switch {
		case r == 0:
			return text.NoNUL
		case utf16.IsSurrogate(r):
			if len(value) < 6 || value[0] != '\\' || value[1] != 'u' || utf16.DecodeRune(r, unit(value[1:])) == utf8.RuneError {
				return text.UTF8
			}
			value = value[6:]
		}
	}
}

// unit is what four hexadecimal digits after a "u" stand for.
func unit(escape []byte) rune {
	n, _ := strconv.ParseUint(string(escape[1:5]), 16, 16)
	return rune(n)
}

// short is what an error repeats of a text that somebody sent.
func short(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
