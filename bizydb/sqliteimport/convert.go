package sqliteimport

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	unicodetext "github.com/bizy-ai/bizydb/bizydb/internal/text"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A row is one row of a file, whose values are converted. What is not taken over as it is, is found.
type row struct {
	*table
	*rules
	id      int64
	values  []any
	found   func(Finding)
	refused bool
}

// rules are what a conversion depends on beside the row.
type rules struct {
	zone         *time.Location
	now          time.Time // of the import
	upgraded     time.Time // the first day of the version that wrote tasks.created_at in the zone, as if it began in UTC
	strict       bool
	dropProjects bool
}

// Times that the file does not have, in words.
const (
	atImport   = "time of the import"
	atCreation = "created_at"
)

func (r *row) note(column string, problem Problem, old any, became string) {
	f := Finding{Table: r.name, ID: r.id, Column: column, Problem: problem, Old: text(old), New: became}
	if r.strict && problem.refuses() {
		f.New, f.Refused, r.refused = "", true, true
	}
	r.found(f)
}

func (r *row) value(column string) any {
	for i, name := range r.columns {
		if name == column {
			return r.values[i]
		}
	}
	panic("sqliteimport: no column " + column)
}

// text is a value of SQLite's, whatever its type.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// storableText returns s as PostgreSQL takes it, and whether that is something else.
func storableText(s string) (string, bool) {
	clean := strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	return clean, clean != s
}

// text is a column of text, nil where it is NULL.
func (r *row) text(column string) *string {
	v := r.value(column)
	if v == nil {
		return nil
	}
	s, changed := storableText(text(v))
	if changed {
		r.note(column, BadText, v, s)
	}
	if len(s) > maxText {
		s = cut(s, maxText)
		r.note(column, TooLong, v, s)
	}
	return &s
}

// The most that columns take, and how much of a text fits into metrics however it is escaped there.
const (
	maxText     = 1_000_000 // bytes
	maxInJSON   = maxText / 8
	maxTitle    = 500 // characters
	maxCategory = 100
	maxProject  = 200
	maxTag      = 250
	maxTags     = 100
	maxHours    = 1_000_000
)

// maxJSON is how much JSON is read.
const maxJSON = 32 << 20

func cut(s string, limit int) string { return strings.ToValidUTF8(s[:min(len(s), limit)], "") }

// limited is a column of text of at most max characters.
func (r *row) limited(column string, limit int) *string {
	s := r.text(column)
	if s != nil && utf8.RuneCountInString(*s) > limit {
		short := firstCharacters(*s, limit)
		r.note(column, TooLong, *s, short)
		return &short
	}
	return s
}

func firstCharacters(s string, n int) string { return string([]rune(beginning(s, n))[:n]) }

// title is the title and the description, which has the whole title if it is too long.
func (r *row) title() (title string, description *string) {
	description = r.text("description")
	if s := r.text("title"); s != nil {
		title = *s
	}
	switch {
	case unicodetext.Blank(title):
		short := fmt.Sprintf("Untitled %s %d", r.kind, r.id)
		r.note("title", Blank, title, short)
		return short, description
	case utf8.RuneCountInString(title) > maxTitle:
		short := shortened(title, maxTitle)
		r.note("title", TooLong, title, short)
		whole := title
		if description != nil && *description != "" {
			whole += "\n\n" + *description
		}
		if len(whole) > maxText {
			whole = cut(whole, maxText)
			r.note("description", TooLong, *description, whole)
		}
		return short, &whole
	default:
		return title, description
	}
}

// oneOf is a column that has one of a few words, or other if it has none of them.
func (r *row) oneOf(column, other string, words ...string) string {
	v := r.value(column)
	s := text(v)
	for _, word := range words {
		if s == word {
			return word
		}
	}
	if v == nil {
		if other != "" {
			r.note(column, Unset, v, other)
		}
		return other
	}
	normal := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
	for _, word := range words {
		if normal == word {
			r.note(column, Unknown, v, word)
			return word
		}
	}
	r.note(column, Unknown, v, other)
	return other
}

// number is a column with a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		v = strings.TrimSpace(v)
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && strings.Trim(v, "+-.0123456789eE") == "" // and not of Go's other forms
	default:
		return 0, false
	}
}

func (r *row) priority() int {
	const normal, highest, lowest = 3, 1, 5
	v := r.value("priority")
	f, ok := number(v)
	switch {
	case v == nil:
		r.note("priority", Unset, v, strconv.Itoa(normal))
		return normal
	case !ok || f != math.Trunc(f):
		r.note("priority", NotANumber, v, strconv.Itoa(normal))
		return normal
	case f < highest || f > lowest:
		p := int(min(max(f, highest), lowest))
		r.note("priority", OutOfRange, v, strconv.Itoa(p))
		return p
	default:
		return int(f)
	}
}

func (r *row) hours(column string) *float64 {
	v := r.value(column)
	f, ok := number(v)
	switch {
	case v == nil:
		return nil
	case !ok:
		r.note(column, NotANumber, v, "")
		return nil
	case f < 0 || f > maxHours:
		r.note(column, OutOfRange, v, "")
		return nil
	default:
		return &f
	}
}

// percentage is in hundredths of a percent.
func (r *row) percentage(column string) int64 {
	v := r.value(column)
	f, ok := number(v)
	switch {
	case v == nil:
		r.note(column, Unset, v, "0")
		return 0
	case !ok:
		r.note(column, NotANumber, v, "0")
		return 0
	case f < 0:
		r.note(column, OutOfRange, v, "0")
		return 0
	case f > 100:
		r.note(column, OutOfRange, v, "100")
		return 100_00
	case f < 100:
		return min(int64(math.Round(f*100)), 99_99) // as the database does it: 100 is said when it is 100
	default:
		return 100_00
	}
}

// due is a due date, and whether it is a day: midnight UTC then, as the tables have it. The planner wrote a day as midnight.
func (r *row) due() (due *time.Time, allDay bool) {
	if s, isText := r.value("due_date").(string); isText {
		if wall, offset, ok := parseTime(s); ok && !offset && wall.Equal(wall.Truncate(24*time.Hour)) && storable(wall) {
			return &wall, true
		}
	}
	return r.time("due_date", nil, ""), false
}

// time is a column with a time, nil where it is NULL or cannot be read. What becomes of the latter is said in words.
func (r *row) time(column string, inUTC func(wall time.Time) bool, words string) *time.Time {
	v := r.value(column)
	if v == nil {
		return nil
	}
	wall, offset, ok := time.Time{}, false, false
	if s, isText := v.(string); isText {
		wall, offset, ok = parseTime(s)
	}
	t, problem := wall, Problem("")
	if ok && !offset && (inUTC == nil || !inUTC(wall)) {
		t, problem = inZone(wall, r.zone)
	}
	if !ok || !storable(t) {
		r.note(column, NotATime, v, words)
		return nil
	}
	if problem != "" {
		r.noteTime(column, problem, t)
	}
	return &t
}

// timeOr is a column with a time that cannot be NULL. It is known unless it is the other one.
func (r *row) timeOr(column string, inUTC func(wall time.Time) bool, other time.Time, words string) (t time.Time, known bool) {
	if t := r.time(column, inUTC, words); t != nil {
		return *t, true
	}
	if r.value(column) == nil {
		r.note(column, Unset, nil, words)
	}
	return other, false
}

func (r *row) noteTime(column string, problem Problem, stored time.Time) {
	r.note(column, problem, r.value(column), stored.Format(time.RFC3339Nano))
}

func always(time.Time) bool { return true }

// beforeUpgrade says whether the planner wrote a task at that time with the version that wrote its time of creation in UTC.
func (r *rules) beforeUpgrade(wall time.Time) bool { return wall.Before(r.upgraded) }

// created is when a row was created, and whether the file says so.
func (r *row) created(inUTC func(wall time.Time) bool) (t time.Time, known bool) {
	t, known = r.timeOr("created_at", inUTC, r.now, atImport)
	if t.After(r.now) {
		r.noteTime("created_at", InFuture, t)
	}
	return t, known
}

// atOnce is within what time of its creation the planner wrote the other times of a row that it has not touched since.
const atOnce = time.Second

// completed is when a completed task was completed.
func (r *row) completed(created time.Time, createdKnown bool) time.Time {
	t, known := r.timeOr("completed_at", nil, created, atCreation)
	switch {
	case !known:
	case t.After(r.now):
		r.noteTime("completed_at", InFuture, t)
	case createdKnown && t.Before(created.Add(-atOnce)):
		r.noteTime("completed_at", CompletedBeforeCreated, t)
	}
	return t
}

// updated is when a goal was last changed. The planner wrote that in UTC when it added, paused or cancelled the goal, and in the
// zone when it listed an active goal, completed it or added a task to it. A time that this makes impossible is read the other way.
//
// How many of 229 goals that the planner wrote a rule is right for:
//
//	all in UTC                                                     48
//	in UTC if untouched, else in the zone                         205
//	in UTC if untouched, on hold or cancelled, else in the zone   218
func (r *row) updated(status planner.GoalStatus, created time.Time, createdKnown bool) time.Time {
	possible := func(t time.Time) bool {
		return !t.After(r.now) && !(createdKnown && t.Before(created.Add(-atOnce)))
	}
	var reread Problem
	t, known := r.timeOr("updated_at", func(wall time.Time) bool {
		untouched := createdKnown && wall.Sub(created).Abs() <= atOnce
		inUTC := untouched || status == planner.GoalOnHold || status == planner.GoalCancelled
		local, _ := inZone(wall, r.zone)
		switch {
		case inUTC && !possible(wall) && possible(local):
			reread = ReadInZone
		case !inUTC && !possible(local) && possible(wall):
			reread = ReadInUTC
		}
		return inUTC != (reread != "")
	}, created, atCreation)
	switch {
	case reread != "":
		r.noteTime("updated_at", reread, t)
	case t.After(r.now): // later changes here would not show
		r.note("updated_at", InFuture, r.value("updated_at"), atImport)
		return r.now
	case known && !possible(t) && status == planner.GoalCompleted:
		r.noteTime("updated_at", CompletedBeforeCreated, t)
	case known && !possible(t):
		r.noteTime("updated_at", UpdatedBeforeCreated, t)
	}
	return t
}

// reference is a column with an id of the file, false where it is NULL or none.
func (r *row) reference(column string) (id int64, ok bool) {
	v := r.value(column)
	if v == nil {
		return 0, false
	}
	if id, ok = wholeNumber(v); !ok {
		r.note(column, Missing, v, "")
	}
	return id, ok
}

func wholeNumber(v any) (int64, bool) {
	if id, ok := v.(int64); ok {
		return id, true
	}
	s := strings.TrimSpace(text(v))
	if id, err := strconv.ParseInt(s, 10, 64); err == nil {
		return id, true
	}
	f, ok := number(s)
	return int64(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// json is a column with JSON. Unset, empty and null are nil and ok.
func (r *row) json(column string) (v any, ok bool) {
	raw := text(r.value(column))
	switch strings.TrimSpace(raw) {
	case "":
		return nil, true
	case "[]": // as nearly all of them are
		return []any{}, true
	}
	v, err := decodeJSON(raw)
	if err != nil || len(raw) > maxJSON {
		return nil, false
	}
	v, changed := storableJSON(v)
	replaced := func(s string) bool {
		return strings.Contains(strings.ToLower(s), "\\ufffd") || strings.Contains(s, "\uFFFD")
	}
	// Only an escape can stand for half a character.
	if changed || !utf8.ValidString(raw) || strings.Contains(raw, "\\u") && !replaced(raw) && replaced(jsonText(v)) {
		r.note(column, BadText, raw, jsonText(v))
	}
	return v, true
}

// array is a column with a JSON array.
func (r *row) array(column string) []any {
	v, ok := r.json(column)
	switch v := v.(type) {
	case []any:
		return v
	case nil:
		if !ok {
			r.note(column, NotJSON, r.value(column), "[]")
		}
		return nil
	case string:
		r.note(column, OtherJSON, r.value(column), jsonText([]any{v}))
		return []any{v}
	default:
		r.note(column, OtherJSON, r.value(column), "[]")
		return nil
	}
}

// tags are the tags of a task and its project.
func (r *row) tags() []string {
	values := r.array("tags")
	tags := make([]string, 0, len(values)+1)
	all := true
	for _, v := range values {
		switch v := v.(type) {
		case string:
			tags = append(tags, v)
			continue
		case nil:
		default:
			tags = append(tags, jsonText(v))
		}
		all = false
	}
	if !all {
		r.note("tags", OtherJSON, r.value("tags"), jsonText(tags))
	}
	room := maxTags
	project := r.project()
	if project != "" {
		room--
	}
	long := len(tags) > room
	tags = tags[:min(len(tags), room)]
	for i, tag := range tags {
		if utf8.RuneCountInString(tag) > maxTag {
			tags[i], long = firstCharacters(tag, maxTag), true
		}
	}
	if long {
		r.note("tags", TooLong, r.value("tags"), jsonText(tags))
	}
	if project != "" {
		tags = append(tags, "project:"+project)
	}
	return tags
}

func (r *row) project() string {
	if r.dropProjects {
		return ""
	}
	project := r.limited("project_name", maxProject)
	if project == nil || strings.TrimSpace(*project) == "" {
		return ""
	}
	return *project
}

// metrics are those of a goal and its project.
func (r *row) metrics() map[string]any {
	raw := r.value("metrics")
	v, ok := r.json("metrics")
	metrics, isObject := v.(map[string]any)
	switch {
	case !ok:
		metrics = asText(raw)
		r.note("metrics", NotJSON, raw, jsonText(metrics))
	case v == nil:
		metrics = map[string]any{}
	case !isObject:
		metrics = map[string]any{"imported": v}
		r.note("metrics", OtherJSON, raw, jsonText(metrics))
	}
	if sizeInJSON(metrics) > maxText-2*8*maxProject { // with room for the project
		metrics = asText(raw)
		r.note("metrics", TooLong, raw, jsonText(metrics))
	}
	if project := r.project(); project != "" {
		if other, taken := metrics["project"]; !taken {
			metrics["project"] = project
		} else if other != project {
			r.note("project_name", TwoProjects, project, "")
		}
	}
	return metrics
}

// asText is what becomes of metrics that cannot be stored as they are.
func asText(raw any) map[string]any {
	kept, _ := storableText(text(raw))
	return map[string]any{"imported": cut(kept, maxInJSON)}
}

// dependencies are the ids of the file that a task waits for, each once.
func (r *row) dependencies() []int64 {
	values := r.array("dependencies")
	if len(values) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(values))
	seen := make(map[int64]bool, len(values))
	for _, v := range values {
		var id int64
		ok := false
		switch v.(type) {
		case bool, nil, []any, map[string]any:
		default:
			id, ok = wholeNumber(fmt.Sprint(v))
		}
		switch {
		case !ok:
			r.note("dependencies", OtherJSON, jsonText(v), "")
		case seen[id]:
			r.note("dependencies", Duplicate, id, "")
		default:
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
