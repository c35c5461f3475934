package sqliteimport_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// Every row of a file is there afterwards, field by field, or in the report. A third of the rows have something in them that
// does not follow the rules.
func TestEveryField(t *testing.T) {
	t.Parallel()
	for _, shape := range []struct {
		name string
		ddl  []string
	}{
		{"older", []string{oldGoals, oldTasks}},
		{"newer", []string{newer(oldGoals), newer(oldTasks), otherTables}},
		{"without goals", []string{oldTasks}},
		{"columns in another order, some missing", []string{
			`CREATE TABLE tasks (tags, notes, "Title", "STATUS" TEXT, id INTEGER PRIMARY KEY AUTOINCREMENT, parent_goal_id, dependencies BLOB, created_at)`,
			`CREATE TABLE goals (id integer primary key, parent_goal_id, title, created_at, updated_at, metrics)`,
		}},
	} {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			db := testdb.Common(t)
			user := db.NewUser(t)
			f := newFixture(t, shape.ddl...)
			random := rand.New(rand.NewPCG(1, 2))
			written := map[string][]record{}
			for _, table := range []string{"goals", "tasks"} {
				present := f.columns(t, table)
				for id := int64(1); slices.Contains(present, "id") && id <= 120; id++ {
					r := randomRecord(random, table, id)
					for column := range r {
						if !slices.Contains(present, column) {
							delete(r, column)
						}
					}
					f.insert(t, table, r)
					written[table] = append(written[table], r)
				}
			}

			report := importFile(t, db, user, f.path, sqliteimport.Options{})
			stored := importedFor(t, db, user)
			if len(stored.goals) != len(written["goals"]) || len(stored.tasks) != len(written["tasks"]) {
				t.Fatalf("%d goals and %d tasks, want %d and %d", len(stored.goals), len(stored.tasks), len(written["goals"]), len(written["tasks"]))
			}
			reported := map[string]bool{}
			for _, finding := range report.Findings {
				reported[fmt.Sprint(finding.Table, finding.ID, finding.Column)] = true
			}
			comesFrom := map[string]string{"tags": "project_name", "metrics": "project_name", "description": "title", "completed_at": "status", "due_all_day": "due_date"}
			equal := 0
			for table, records := range written {
				for _, r := range records {
					want := asImported(t, table, r)
					got := fieldsOf(t, stored, table, r["id"].(int64))
					for column, value := range got {
						expected, known := want[column]
						switch {
						case !known:
							t.Fatalf("%s.%s: this test does not say what it comes from, and notInFiles not why from nothing", table, column)
						case reported[fmt.Sprint(table, r["id"], column)]:
						case table == "goals" && column == "completed_at" && reported[fmt.Sprint(table, r["id"], "updated_at")]:
						case comesFrom[column] != "" && reported[fmt.Sprint(table, r["id"], comesFrom[column])]:
						case !cmp.Equal(expected, value):
							t.Errorf("%s %v: %s is %v, want %v, which was %v", table, r["id"], column, value, expected, r[column])
						default:
							equal++
						}
					}
				}
			}
			t.Logf("%d fields are equal, %d findings", equal, len(report.Findings))
			if equal < 5*len(report.Findings) {
				t.Error("most of it is in the report")
			}
		})
	}
}

// randomRecord is a row as the planner writes it, or now and then as people do.
func randomRecord(random *rand.Rand, table string, id int64) record {
	pick := func(values ...any) any { return values[random.IntN(len(values))] }
	// odd is one of the good values, or rarely one of the bad.
	odd := func(good []any, bad ...any) any {
		if random.IntN(40) == 0 {
			return pick(bad...)
		}
		return pick(good...)
	}
	within := func(first time.Month, days int64, layout string) any {
		return time.Date(2025, first, 1, 0, 0, 0, random.IntN(1e6)*1000, time.UTC).Add(time.Duration(random.Int64N(days*24*3600)) * time.Second).Format(layout)
	}
	stamp := func(layout string) any { return within(time.January, 365, layout) }
	layouts := []string{"2006-01-02 15:04:05.000000", "2006-01-02 15:04:05", "2006-01-02T15:04:05.000000", "2006-01-02"}
	moment := func(first time.Month, days int64, bad ...any) any {
		return odd([]any{within(first, days, layouts[0]), within(first, days, layouts[random.IntN(len(layouts))])}, bad...)
	}
	created := moment(time.May, 180, nil, "yesterday", 12.5)
	later := func(bad string) any { return odd([]any{moment(time.November, 60, nil, bad)}, created) }
	r := record{
		"id":              id,
		"title":           odd([]any{fmt.Sprintf("Number %d", id), "naïve 🙂 'quoted' \"twice\" \\ back\tand\nforth", strings.Repeat("x", 500)}, "", long, " \n"),
		"description":     odd([]any{nil, "", "Some\nlines.", strings.Repeat("ä", 3000)}, "nul\x00"),
		"created_at":      created,
		"project_name":    odd([]any{nil, nil, "shop", "a b: c"}, "nul\x00"),
		"repository_path": pick(nil, "/src"),
	}
	if parent := random.Int64N(id); parent > 0 && random.IntN(4) > 0 {
		r["parent_goal_id"] = odd([]any{parent}, 9999, "none")
	}
	if table == "goals" {
		for column, value := range (record{
			"horizon":             odd([]any{nil, "yearly", "quarterly", "monthly", "weekly"}, "daily", ""),
			"target_date":         odd([]any{nil, stamp("2006-01-02"), stamp("2006-01-02 00:00:00.000000")}, "soon"),
			"status":              odd([]any{"active", "active", "completed", "on_hold", "cancelled"}, nil, "weird"),
			"progress_percentage": odd([]any{0.0, 12.5, 100.0, 33.33}, nil, -1, 101.0, "most"),
			"success_criteria":    odd([]any{nil, "It is open."}, []byte("\xff")),
			"updated_at":          later("today"),
			"metrics":             odd([]any{nil, "{}", `{"sales": 12.5, "by": {"Ada": [1, null, "x"]}}`}, "[1]", "{", `"x"`),
		}) {
			r[column] = value
		}
		return r
	}
	var dependencies []any
	for range random.IntN(3) {
		if on := random.Int64N(id); on > 0 && (len(dependencies) == 0 || dependencies[0] != on) {
			dependencies = append(dependencies, on)
		}
	}
	list, _ := json.Marshal(dependencies)
	status := odd([]any{"pending", "in_progress", "completed", "blocked"}, nil, "weird")
	for column, value := range (record{
		"priority":        odd([]any{1, 2, 3, 4, 5}, nil, 0, 9, "high", 2.5),
		"status":          status,
		"category":        odd([]any{nil, "", "marketing", strings.Repeat("ü", 100)}, strings.Repeat("ü", 101)),
		"estimated_hours": odd([]any{nil, 0.0, 2.25, 3}, -1.0, "two"),
		"actual_hours":    odd([]any{nil, 0.5}, -0.5),
		"due_date":        odd([]any{nil, stamp("2006-01-02"), stamp("2006-01-02 00:00:00.000000"), stamp("2006-01-02 15:04:05")}, "2025-02-30", 7),
		"dependencies":    odd([]any{nil, string(list), string(list)}, "[9999]", "1, 2", "{}", fmt.Sprintf("[%d]", id)),
		"notes":           odd([]any{nil, "", "See there."}, "nul\x00"),
		"tags":            odd([]any{nil, "[]", `["a", "b c", "ü"]`, `["a"]`}, `"a"`, "[1]", "a,b", `{"a": 1}`),
	}) {
		r[column] = value
	}
	if status == "completed" {
		r["completed_at"] = later("done")
	} else if random.IntN(40) == 0 {
		r["completed_at"] = stamp(layouts[0])
	}
	return r
}

// asImported is what becomes of a row that follows the rules, by column. References are ids of the file.
func asImported(t *testing.T, table string, r record) map[string]any {
	moment := func(column string, zone *time.Location) any {
		s, ok := r[column].(string)
		if !ok {
			return (*time.Time)(nil)
		}
		for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"} {
			if at, err := time.ParseInLocation(layout, s, zone); err == nil {
				return new(at.UTC())
			}
		}
		return s
	}
	textOrNil := func(column string) any {
		if s, ok := r[column].(string); ok {
			return &s
		}
		return (*string)(nil)
	}
	reference := func(column string) any {
		id, _ := r[column].(int64)
		return id
	}
	berlin := zone(t, "Europe/Berlin")
	want := map[string]any{
		"title": r["title"], "description": textOrNil("description"), "parent_goal_id": reference("parent_goal_id"),
		"status": r["status"],
	}
	if table == "goals" {
		metrics := planner.Metrics{}
		if s, ok := r["metrics"].(string); ok {
			_ = json.Unmarshal([]byte(s), &metrics)
		}
		if project, ok := r["project_name"].(string); ok && metrics != nil {
			metrics["project"] = project
		}
		want["horizon"], want["target_date"] = textOrNil("horizon"), moment("target_date", berlin)
		want["progress_percentage"], want["success_criteria"] = r["progress_percentage"], textOrNil("success_criteria")
		want["created_at"], want["updated_at"], want["metrics"] = moment("created_at", time.UTC), moment("updated_at", berlin), metrics
		if r["updated_at"] == r["created_at"] || r["status"] == "on_hold" || r["status"] == "cancelled" {
			want["updated_at"] = moment("updated_at", time.UTC)
		}
		want["completed_at"] = (*time.Time)(nil)
		if r["status"] == "completed" {
			want["completed_at"] = want["updated_at"]
		}
		return want
	}
	tags, dependencies := planner.Tags{}, []int64{}
	if s, ok := r["tags"].(string); ok {
		_ = json.Unmarshal([]byte(s), &tags)
	}
	if project, ok := r["project_name"].(string); ok {
		tags = append(tags, "project:"+project)
	}
	if s, ok := r["dependencies"].(string); ok && s != "null" {
		_ = json.Unmarshal([]byte(s), &dependencies)
	}
	hours := func(column string) any {
		switch h := r[column].(type) {
		case float64:
			return &h
		case int:
			return new(float64(h))
		default:
			return (*float64)(nil)
		}
	}
	createdZone := time.UTC
	if s, ok := r["created_at"].(string); ok && s >= "2025-10-11" {
		createdZone = berlin
	}
	want["priority"], want["category"], want["notes"] = r["priority"], textOrNil("category"), textOrNil("notes")
	want["estimated_hours"], want["actual_hours"] = hours("estimated_hours"), hours("actual_hours")
	want["due_date"], want["created_at"], want["completed_at"] = moment("due_date", berlin), moment("created_at", createdZone), moment("completed_at", berlin)
	want["due_all_day"] = false
	if due, ok := r["due_date"].(string); ok && atMidnight.MatchString(due) {
		want["due_date"], want["due_all_day"] = moment("due_date", time.UTC), true
	}
	want["dependencies"], want["tags"] = dependencies, tags
	return want
}

// notInFiles are the columns that an import does not set, and why.
var notInFiles = map[string]string{
	"goals.id":                   "the database numbers rows",
	"goals.user_id":              "it is the scope's",
	"goals.task_count":           "the database counts",
	"goals.completed_task_count": "the database counts",
	"goals.sub_goal_count":       "the database counts",
	"goals.sub_goal_progress":    "the database counts",
	"goals.roll_up_count":        "the database counts",
	"goals.version":              "the database counts",

	"tasks.id":                  "the database numbers rows",
	"tasks.user_id":             "it is the scope's",
	"tasks.updated_at":          "files do not have it",
	"tasks.version":             "the database counts",
	"tasks.blocked_reason":      "files do not have it",
	"tasks.blocked_in_progress": "files do not have it",
}

// fieldsOf is what was imported, by column. References are ids of the file.
func fieldsOf(t *testing.T, stored imported, table string, id int64) map[string]any {
	t.Helper()
	row := stored.row(table, id)
	if row.IsZero() {
		t.Errorf("row %d of %s is not there", id, table)
	}
	fields := map[string]any{}
	for f, value := range row.Fields() {
		column := snakeCase(f.Name)
		if notInFiles[table+"."+column] != "" {
			continue
		}
		switch v := value.Interface().(type) {
		case *planner.GoalID:
			fields[column] = int64(0)
			if v != nil {
				fields[column] = stored.oldGoals()[*v]
			}
		case planner.TaskIDs:
			fields[column] = append([]int64{}, stored.dependencies()[id]...)
		case planner.GoalStatus:
			fields[column] = string(v)
		case planner.TaskStatus:
			fields[column] = string(v)
		case *planner.Horizon:
			fields[column] = (*string)(v)
		case time.Time:
			fields[column] = &v
		default:
			fields[column] = v
		}
	}
	return fields
}

func (p imported) row(table string, id int64) reflect.Value {
	if table == "goals" {
		return reflect.ValueOf(p.goals[id])
	}
	return reflect.ValueOf(p.tasks[id])
}

var wordEnd = regexp.MustCompile(`([a-z])([A-Z])`)

func snakeCase(name string) string { return strings.ToLower(wordEnd.ReplaceAllString(name, "${1}_$2")) }
