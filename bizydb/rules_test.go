package bizydb_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A constraint is a constraint or a unique index of the catalogue, or one that a function names in the error that it raises.
type constraint struct {
	Name, Table string
	Kind        string // check, unique, a foreign key's table, or the condition that a function raises
	Columns     []string
	Definition  string
}

const constraintsSQL = `
	SELECT c.conname, t.relname, CASE c.contype WHEN 'c' THEN 'check' WHEN 'f' THEN (SELECT relname FROM pg_class WHERE oid = c.confrelid) ELSE 'unique' END AS kind,
	  ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (c.conkey))::text[] AS columns, pg_get_constraintdef(c.oid) AS definition
	FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
	WHERE c.connamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) AND c.contype IN ('c', 'f', 'u', 'x')
	UNION ALL
	SELECT i.relname, t.relname, 'unique', ARRAY(
	    SELECT a.attname FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
	    WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid AND d.refobjid = t.oid
	  )::text[], pg_get_indexdef(i.oid)
	FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
	WHERE x.indisunique AND i.relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace)
	  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid)
	UNION
	SELECT r.said[4], r.said[2], r.said[1], ARRAY[r.said[3]], ''
	FROM pg_proc p
	CROSS JOIN LATERAL regexp_matches(p.prosrc, $$ERRCODE = '(\w+)', SCHEMA = 'public', TABLE = '(\w+)', COLUMN = '(\w+)', CONSTRAINT = '(\w+)'$$, 'g') AS r (said)
	WHERE p.pronamespace = 'bizydb'::regnamespace AND r.said[4] NOT IN (SELECT conname FROM pg_constraint)`

// noCaller has the constraints that no value of a caller can run into.
var noCaller = []string{
	"ck_imports_zone", "ck_imports_upgraded_on", "ck_imports_kind", "ck_imports_same_length", "fk_imports_user", // an import's own rows
	"ck_changes_kind", "ix_changes_user_seq", "ck_deleted_links_kind", // what triggers write
	"uq_goals_user_id_id", "uq_tasks_user_id_id", // they contain the primary key, which no query passes
}

// unreadable has the literals of the checks whose reason cannot be read out of their definition. Where one has changed, see
// whether its reason in rules.go still says what is asked.
var unreadable = map[string]string{
	"ck_goals_metrics_object":         `object`,
	"ck_goals_title_not_blank":        notBlank,
	"ck_tasks_dependencies_ids":       `^\[([1-9][0-9]{0,17}(, [1-9][0-9]{0,17})*)?\]$`,
	"ck_tasks_tags_strings":           `array strict $[*]?(@.type() != "string")`,
	"ck_tasks_due_all_day":            `UTC 00:00:00`,
	"ck_tasks_tags_count":             `$[100]`,
	"ck_tasks_tags_length":            `$[*]?(@ like_regex "^.{251}" flag "s")`,
	"ck_tasks_title_not_blank":        notBlank,
	"ck_users_email_domain":           `@[^@]*[^\u0001-\u007f][^@]*$`,
	"ck_users_email_form":             `^[^]["(),:;<>@\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`,
	"ck_users_email_nfc":              ``,
	"ck_users_email_visible":          ``,
	"ck_users_full_name_line":         `[\u0001-\u001f\u007f-\u009f\u2028\u2029]`,
	"ck_users_hashed_password_bcrypt": `^\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$`,
	"ck_users_username_form":          `^[A-Za-z0-9][A-Za-z0-9._-]*$`,
}

// notBlank is held to Unicode by a test in schema/.
const notBlank = `[^\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]`

// Every constraint that a value of a caller can run into has its rule, with its table, one of its columns, its bounds and the
// error of its kind, and there are no other rules.
func TestEveryConstraintHasItsError(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	rows, err := db.Pool().Query(t.Context(), constraintsSQL)
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := pgx.CollectRows(rows, pgx.RowToStructByPos[constraint])
	if err != nil {
		t.Fatal(err)
	}
	rules, without, pinned := bizydb.Rules(), slices.Clone(noCaller), maps.Clone(unreadable)
	if testdb.Distributed() {
		without = append(without, "fk_deleted_goals_user", "fk_deleted_tasks_user", "fk_deleted_links_user") // what triggers write
	}
	for _, c := range constraints {
		if i := slices.Index(without, c.Name); i >= 0 {
			without = slices.Delete(without, i, i+1)
			continue
		}
		r, ok := rules[c.Name]
		if !ok {
			t.Errorf("%s: rules.go has no rule: %s", c.Name, c.Definition)
			continue
		}
		delete(rules, c.Name)
		if r.Table != c.Table || !slices.Contains(c.Columns, r.Column) {
			t.Errorf("%s: rules.go says %s.%s, the catalogue %s.%v", c.Name, r.Table, r.Column, c.Table, c.Columns)
		}
		if want := kindOf(c); !errors.Is(r.Kind, want) {
			t.Errorf("%s: rules.go says %v, want %v", c.Name, r.Kind, want)
		}
		if n, checked := bizydb.CheckedLengths[c.Name]; checked && !strings.Contains(c.Definition, fmt.Sprintf("<= %d)", n)) {
			t.Errorf("%s: Register allows %d characters: %s", c.Name, n, c.Definition)
		}
		literals := strings.Join(literalsOf(c.Definition), " ")
		if want, ok := pinned[c.Name]; ok {
			if delete(pinned, c.Name); literals != want {
				t.Errorf("%s has changed: does rules.go still say what it asks? %q\n%s\nwas  %s", c.Name, r.Reason, literals, want)
			}
		} else if want := reasonOf(c); want == "" {
			t.Errorf("%s: its reason cannot be read: put its literals into unreadable, or teach reasonOf: %s", c.Name, c.Definition)
		} else if got := regexp.MustCompile(` \([^)]*\)`).ReplaceAllString(r.Reason, ""); got != want {
			t.Errorf("%s: rules.go says %q, the constraint %q: %s", c.Name, r.Reason, want, c.Definition)
		}
		if form, checked := bizydb.CheckedForms[c.Name]; checked && form != hexEscape.ReplaceAllString(literals, `\x{$1}`) {
			t.Errorf("%s: Register wants %s: %s", c.Name, form, literals)
		}
	}
	for name := range rules {
		t.Errorf("%s: rules.go has a rule, the catalogue no such constraint", name)
	}
	for _, name := range append(without, slices.Collect(maps.Keys(pinned))...) {
		t.Errorf("%s: this test knows it, the catalogue does not", name)
	}
}

// hexEscape is how the server writes a character that Go writes as \x{1f}.
var hexEscape = regexp.MustCompile(`\\u0*([0-9a-f]+)`)

// kindOf is the error that a constraint stands for.
func kindOf(c constraint) error {
	nameOrColumn := c.Columns[0]
	switch c.Kind {
	case "check":
		return bizydb.ErrInvalid
	case "check_violation":
		nameOrColumn = c.Name
	case "users":
		return bizydb.ErrNoUser
	case "goals", "foreign_key_violation":
		return bizydb.ErrUnknownReference
	}
	return map[string]error{
		"unique email": bizydb.ErrEmailTaken, "unique username": bizydb.ErrUsernameTaken,
		"check_violation ck_goals_no_cycle": bizydb.ErrGoalCycle, "check_violation ck_tasks_no_dependency_cycle": bizydb.ErrDependencyCycle,
		"check_violation ck_goals_depth": bizydb.ErrInvalid, "check_violation ck_goals_version": bizydb.ErrVersionConflict, "check_violation ck_tasks_version": bizydb.ErrVersionConflict,
	}[c.Kind+" "+nameOrColumn]
}

var (
	lengthCheck = regexp.MustCompile(`^CHECK \(\(char_length\(\w+\) <= (\d+)\)\)$`)
	rangeCheck  = regexp.MustCompile(`^CHECK \(\(\(\w+ >= \(?(\d+)\)?(?:::double precision)?\) AND \(\w+ <= \(?(\d+)\)?(?:::double precision)?\)\)\)$`)
	sizeCheck   = regexp.MustCompile(`^CHECK \(\(octet_length\(\(?\w+\)?(::text)?\) <= (\d+)\)\)$`)
	listCheck   = regexp.MustCompile(`^CHECK \(\(\(?\w+\)?(?:::text)? = ANY `)
	timeCheck   = regexp.MustCompile(`^CHECK \(\(\(\w+ >= '0001-01-01 00:00:00\+00'::timestamp with time zone\) AND \(\w+ <= '9999-12-31 23:59:59.999999\+00'::timestamp with time zone\)\)\)$`)
)

// reasonOf says in words what a constraint asks, as far as its definition has a form that is known here.
func reasonOf(c constraint) string {
	if m := lengthCheck.FindStringSubmatch(c.Definition); m != nil {
		return "must have at most " + m[1] + " characters"
	}
	if m := rangeCheck.FindStringSubmatch(c.Definition); m != nil {
		return "must be from " + m[1] + " to " + grouped(m[2])
	}
	if m := sizeCheck.FindStringSubmatch(c.Definition); m != nil {
		return "must have at most " + grouped(m[2]) + " bytes" + map[string]string{"::text": " as JSON"}[m[1]]
	}
	if c.Kind == "check_violation" {
		return map[string]string{
			"ck_goals_no_cycle": "must not be the goal itself or one below it", "ck_goals_depth": "must not make more than 100 levels of goals",
			"ck_tasks_no_dependency_cycle": "must not be the task itself or one that depends on it",
			"ck_goals_version":             "must be the current one", "ck_tasks_version": "must be the current one",
		}[c.Name]
	}
	values := literalsOf(c.Definition)
	switch last := len(values) - 1; {
	case listCheck.MatchString(c.Definition) && last > 0:
		return "must be " + strings.Join(values[:last], ", ") + " or " + values[last]
	case timeCheck.MatchString(c.Definition):
		return "must be in the years 1 to 9999"
	}
	return map[string]string{
		"unique": "is taken", "users": "must be an existing user", "goals": "must be an existing goal", "foreign_key_violation": "must be existing tasks",
	}[c.Kind]
}

// grouped writes a million with commas.
func grouped(digits string) string { return strings.Replace(digits, "1000000", "1,000,000", 1) }

// literalsOf returns the text literals of a definition.
func literalsOf(definition string) []string {
	var literals []string
	for _, m := range regexp.MustCompile(`'((?:[^']|'')*)'`).FindAllStringSubmatch(definition, -1) {
		literals = append(literals, strings.ReplaceAll(m[1], "''", "'"))
	}
	return literals
}

// SchemaVersion is what Open insists on, and the migrations have to lead there.
func TestSchemaVersionIsTheLastMigration(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t) // which would not open otherwise
	if got, err := queryAll[int](t, db.Pool(), "SELECT bizydb.schema_version()"); err != nil || got[0] != bizydb.SchemaVersion {
		t.Errorf("%v, %v, want %d", got, err, bizydb.SchemaVersion)
	}
}
