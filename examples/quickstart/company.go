package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/bizy-ai/bizydb/bizydb/planner"
)

//go:embed company.json
var builtIn []byte

// A company is what a file holds: its goals and tasks.
type company struct {
	name string // of the file

	Goals []goal `json:"goals"`
	Tasks []task `json:"tasks"` // those under no goal
}

type goal struct {
	Title           string             `json:"title"`
	Description     *string            `json:"description"`
	Horizon         *planner.Horizon   `json:"horizon"`
	Target          *date              `json:"target"`
	Status          planner.GoalStatus `json:"status"`
	Progress        *float64           `json:"progress"`
	SuccessCriteria *string            `json:"success_criteria"`
	Metrics         planner.Metrics    `json:"metrics"`

	Goals []goal `json:"goals"`
	Tasks []task `json:"tasks"`
}

type task struct {
	Title          string             `json:"title"`
	Description    *string            `json:"description"`
	Priority       *int               `json:"priority"`
	Status         planner.TaskStatus `json:"status"`
	Category       *string            `json:"category"`
	EstimatedHours *float64           `json:"estimated_hours"`
	ActualHours    *float64           `json:"actual_hours"`
	Due            *date              `json:"due"`
	Notes          *string            `json:"notes"`
	Tags           planner.Tags       `json:"tags"`
}

// readCompany checks the form of a file, or of company.json for "". The values are checked by the database, as they are loaded.
func readCompany(file string) (*company, error) {
	c, text := &company{name: "company.json"}, builtIn
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("read the goals and tasks: %w", err)
		}
		c.name = file
	}
	if err := c.parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	if len(c.Goals) == 0 {
		return nil, fmt.Errorf("%s: at least one goal is needed, in \"goals\"", c.name)
	}
	return c, nil
}

func (c *company) parse(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(c)
	if err == nil && !errors.Is(decoder.Decode(&struct{}{}), io.EOF) {
		err = errors.New("more than one JSON value")
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return fmt.Errorf("not JSON: line %d: %w", line, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: the end is missing")
	}
	return plain(err)
}

// UnmarshalJSON is there to name the goal in errors.
func (g *goal) UnmarshalJSON(text []byte) error {
	type fields goal
	err := unmarshalStrictly(text, (*fields)(g))
	return inEntry("goal", g.Title, err)
}

// UnmarshalJSON is there to name the task in errors.
func (t *task) UnmarshalJSON(text []byte) error {
	type fields task
	err := unmarshalStrictly(text, (*fields)(t))
	return inEntry("task", t.Title, err)
}

func unmarshalStrictly(text []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return plain(decoder.Decode(to))
}

// plain is err without Go's names for things.
func plain(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return fmt.Errorf("field %q cannot be a JSON %s", wrongType.Field, wrongType.Value)
	default:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
}

func inEntry(kind, title string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %.60q: %w", kind, title, err)
}

// A date is a day, at five in the afternoon.
type date time.Time

// UnmarshalJSON takes a number of days from today or a day like "2027-03-31".
func (d *date) UnmarshalJSON(text []byte) error {
	var days int
	if json.Unmarshal(text, &days) == nil {
		*d = date(inDays(days))
		return nil
	}
	day, err := time.Parse(`"`+time.DateOnly+`"`, string(text))
	if err != nil {
		return fmt.Errorf("date %s is neither a number of days from today nor a day like \"2027-03-31\"", text)
	}
	*d = date(day.Add(17 * time.Hour))
	return nil
}

func inDays(days int) time.Time {
	return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, days).Add(17 * time.Hour)
}
