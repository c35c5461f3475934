package sqliteimport

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// checkUnchanged compares the values of a row that nothing was found about with what they were converted to. It reads them
// by means of its own.
func checkUnchanged(t *testing.T, in *table, values []any, zone *time.Location, found []Finding, converted any) {
	t.Helper()
	was := func(column string) any { return values[slices.Index(in.columns, column)] }
	// each compares unless something was found about one of the columns that decide.
	each := func(same func(v any) bool, is any, column string, others ...string) {
		t.Helper()
		for _, f := range found {
			if f.Column == column || slices.Contains(others, f.Column) {
				return
			}
		}
		if v := was(column); !same(v) {
			t.Errorf("%s.%s %#v has become %v, and nothing was found", in.name, column, v, jsonText(is))
		}
	}
	aText := func(is *string) func(any) bool { return func(v any) bool { return sameText(v, is) } }
	aNumber := func(is *float64, tolerance float64) func(any) bool {
		return func(v any) bool { return sameNumber(v, is, tolerance) }
	}
	aTime := func(is *time.Time, utcBefore string) func(any) bool {
		return func(v any) bool { return sameTime(v, is, zone, utcBefore) }
	}
	aReference := func(id int64, has bool) func(any) bool {
		return func(v any) bool { return has == (v != nil) && (!has || sameID(v, id)) }
	}
	const always, never = "a", ""

	project, _ := was("project_name").(string)
	if b, ok := was("project_name").([]byte); ok {
		project = string(b)
	}
	for _, f := range found {
		if f.Column == "project_name" && f.Problem != TwoProjects {
			return // which has been cleaned, and shows elsewhere
		}
	}
	hasProject := strings.TrimSpace(project) != ""
	switch v := was("project_name").(type) {
	case int64, float64:
		project, hasProject = text(v), true
	}

	if task, ok := converted.(task); ok {
		p := task.CreateTaskParams
		priority, status := float64(*p.Priority), string(p.Status)
		each(aText(&p.Title), p.Title, "title")
		each(aText(p.Description), p.Description, "description", "title")
		each(aNumber(&priority, 0), priority, "priority")
		each(aText(&status), status, "status")
		each(aText(p.Category), p.Category, "category")
		each(aNumber(p.EstimatedHours, 0), p.EstimatedHours, "estimated_hours")
		each(aNumber(p.ActualHours, 0), p.ActualHours, "actual_hours")
		due := aTime(p.DueDate, never)
		if p.DueAllDay {
			due = func(v any) bool { return sameTime(v, p.DueDate, time.UTC, never) }
		}
		each(due, p.DueDate, "due_date")
		each(aTime(p.CreatedAt, "2025-10-11"), p.CreatedAt, "created_at")
		each(aTime(p.CompletedAt, never), p.CompletedAt, "completed_at")
		each(aReference(task.goal, task.hasGoal), task.goal, "parent_goal_id")
		each(aText(p.Notes), p.Notes, "notes")
		each(func(v any) bool {
			var ids []any
			if !decodeText(v, &ids) || len(ids) != len(task.dependencies) {
				return false
			}
			for k, id := range ids {
				if !sameID(text(id), task.dependencies[k]) {
					return false
				}
			}
			return true
		}, task.dependencies, "dependencies")
		each(func(v any) bool {
			tags := []string{}
			ok := decodeText(v, &tags)
			if hasProject {
				tags = append(tags, "project:"+project)
			}
			return ok && slices.Equal(tags, p.Tags)
		}, p.Tags, "tags", "project_name")
		return
	}
	g := converted.(goal)
	status, horizon := string(g.Status), g.Horizon
	each(aText(&g.Title), g.Title, "title")
	each(aText(g.Description), g.Description, "description", "title")
	each(aText(horizon), horizon, "horizon")
	each(aTime(g.TargetDate, never), g.TargetDate, "target_date")
	each(aText(&status), status, "status")
	each(aNumber(&g.ProgressPercentage, 0.0101), g.ProgressPercentage, "progress_percentage") // rounded, but not to 100
	each(aText(g.SuccessCriteria), g.SuccessCriteria, "success_criteria")
	each(aReference(g.parent, g.hasParent), g.parent, "parent_goal_id")
	each(aTime(&g.CreatedAt, always), g.CreatedAt, "created_at")
	each(func(v any) bool { return aTime(&g.UpdatedAt, always)(v) || aTime(&g.UpdatedAt, never)(v) }, g.UpdatedAt, "updated_at")
	each(func(v any) bool {
		metrics := map[string]any{}
		ok := decodeText(v, &metrics)
		if _, taken := metrics["project"]; hasProject && !taken && metrics != nil {
			metrics["project"] = project
		}
		return ok && reflect.DeepEqual(metrics, g.Metrics)
	}, g.Metrics, "metrics")
	each(func(any) bool { return !hasProject || g.Metrics["project"] == project }, g.Metrics, "project_name", "metrics")
}

func sameText(v any, is *string) bool {
	switch v := v.(type) {
	case nil:
		return is == nil
	case string:
		return is != nil && *is == v
	case []byte:
		return is != nil && *is == string(v)
	case int64:
		return is != nil && sameID(*is, v)
	default:
		return is != nil && sameNumber(*is, new(v.(float64)), 0)
	}
}

func sameNumber(v any, is *float64, tolerance float64) bool {
	var was float64
	switch v := v.(type) {
	case nil:
		return is == nil
	case int64:
		was = float64(v)
	case float64:
		was = v
	case string:
		var err error
		if was, err = strconv.ParseFloat(strings.TrimSpace(v), 64); err != nil {
			return false
		}
	default:
		return false
	}
	return is != nil && (was == *is || math.Abs(was-*is) <= tolerance)
}

// sameID says whether v is the whole number, exactly where it is written as one.
func sameID(v any, id int64) bool {
	s := strings.TrimSpace(text(v))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n == id
	}
	return sameNumber(s, new(float64(id)), 0)
}

// decodeText decodes a column with JSON. Unset, empty and null leave what is there.
func decodeText(v, into any) bool {
	s := strings.TrimSpace(text(v))
	if s == "" || s == "null" {
		return true
	}
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	return decoder.Decode(into) == nil
}

var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?(Z|[+-]\d\d:\d\d)?$`)

// sameTime says whether a clock in the zone, or in UTC on days before utcBefore, shows at that time and at no other what v
// says; or if v has an offset a clock that has it.
func sameTime(v any, is *time.Time, zone *time.Location, utcBefore string) bool {
	if v == nil || is == nil {
		return v == nil && is == nil
	}
	s, _ := v.(string)
	m := timeForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return false
	}
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	const clock = "2006-01-02 15:04:05.000000"
	wall := m[1] + " " + ("0" + or(m[2], "00"))[len(or(m[2], "00"))-1:] + ":" + or(m[3], "00") + ":" + or(m[4], "00") + "." + (m[5] + "000000")[:6]
	switch {
	case m[6] == "Z" || m[6] == "" && m[1] < utcBefore:
		zone = time.UTC
	case m[6] != "":
		hours, _ := strconv.Atoi(m[6][1:3])
		minutes, _ := strconv.Atoi(m[6][4:])
		offset := 60 * (60*hours + minutes)
		if m[6][0] == '-' {
			offset = -offset
		}
		zone = time.FixedZone("", offset)
	}
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		if is.Add(d).In(zone).Format(clock) == wall {
			return false
		}
	}
	return is.In(zone).Format(clock) == wall
}
