package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// A value is an SQL expression for one column of a row that is otherwise fine.
type value struct{ table, column, sql string }

var accepted = []value{
	{"goals", "title", `'x'`},
	{"goals", "title", `' x '`},
	{"goals", "title", `repeat('😀', 500)`},
	{"goals", "horizon", `'yearly'`},
	{"goals", "horizon", `'quarterly'`},
	{"goals", "horizon", `'monthly'`},
	{"goals", "horizon", `'weekly'`},
	{"goals", "horizon", `NULL`},
	{"goals", "status", `'active'`},
	{"goals", "status", `'completed'`},
	{"goals", "status", `'on_hold'`},
	{"goals", "status", `'cancelled'`},
	{"goals", "progress_percentage", `0`},
	{"goals", "progress_percentage", `33.33`},
	{"goals", "progress_percentage", `100`},
	{"goals", "target_date", `'2026-12-31 23:59:59+00'`},
	{"goals", "target_date", `'0001-01-01Z'`},
	{"goals", "target_date", `'9999-12-31 23:59:59.999999Z'`},
	{"goals", "target_date", `NULL`},
	{"goals", "description", `repeat('😀', 250000)`},
	{"goals", "metrics", `NULL`},
	{"goals", "metrics", `'null'`},
	{"goals", "metrics", `jsonb_build_object('a', repeat('x', 999991))`},
	{"goals", "metrics", `'{}'`},
	{"goals", "metrics", `'{"velocity": 2.5, "nested": {"list": [null, "x"]}}'`},

	{"tasks", "title", `repeat('😀', 500)`},
	{"tasks", "priority", `1`},
	{"tasks", "priority", `5`},
	{"tasks", "status", `'pending'`},
	{"tasks", "status", `'in_progress'`},
	{"tasks", "status", `'completed'`},
	{"tasks", "status", `'blocked'`},
	{"tasks", "category", `''`},
	{"tasks", "category", `repeat('😀', 100)`},
	{"tasks", "estimated_hours", `0`},
	{"tasks", "estimated_hours", `0.25`},
	{"tasks", "estimated_hours", `NULL`},
	{"tasks", "actual_hours", `0`},
	{"tasks", "actual_hours", `1e6`},
	{"tasks", "actual_hours", `NULL`},
	{"tasks", "due_date", `'2026-12-31 23:59:59+00'`},
	{"tasks", "due_date", `NULL`},
	{"tasks", "due_all_day, due_date", `true, '2025-11-03Z'`},
	{"tasks", "due_all_day", `true`}, // of no date
	{"tasks", "dependencies", `'[]'`},
	{"tasks", "dependencies", `NULL`},
	{"tasks", "dependencies", `'null'`},
	{"tasks", "dependencies", `'[1000001, 1000020, 1000300]'`},
	{"tasks", "dependencies", `'[1e6]'`}, // kept as 1000000
	{"tasks", "dependencies", `'[999999999999999999]'`},
	{"tasks", "tags", `'[]'`},
	{"tasks", "tags", `NULL`},
	{"tasks", "tags", `'null'`},
	{"tasks", "tags", `(SELECT jsonb_agg(repeat('😀', 250)) FROM generate_series(1, 100))`},
	{"tasks", "tags", `'["urgent", "", "ünïcode", "[1]"]'`},

	{"users", "email", `'x@y'`},
	{"users", "email", `'First.Last+tag@Sub.Example.org'`},
	{"users", "email", `'ünïcode@xn--exmple-cua.org'`},
	{"users", "email", `'o''hara!#$%&*/=?^_{|}~-@localhost'`},
	{"users", "email", `repeat('😀', 253) || '@x'`},
	{"users", "email", `E' \t\u00a0x@y\u3000\n'`}, // trimmed
	{"users", "username", `'x'`},
	{"users", "username", `'0'`},
	{"users", "username", `'Z'`},
	{"users", "username", `'x.'`},
	{"users", "username", `'x-'`},
	{"users", "username", `'x_'`},
	{"users", "username", `'0..--__9'`},
	{"users", "username", `'ABCDEFGHIJKLMNOPQRSTUVWXYZ.abcdefghijklmnopqrstuvwxyz_0123456789-'`},
	{"users", "username", `repeat('x', 100)`},
	{"users", "username", `E' \u00a0x\u3000\n'`}, // trimmed
	{"users", "full_name", `NULL`},
	{"users", "full_name", `''`}, // NULL
	{"users", "full_name", `E'\nAda\r\n'`},
	{"users", "full_name", `repeat('😀', 200)`},
	{"users", "hashed_password", `NULL`},
	{"users", "hashed_password", `'$2a$12$' || repeat('.', 53)`},
	{"users", "hashed_password", `'$2b$12$' || repeat('/', 53)`},
	{"users", "hashed_password", `'$2y$12$' || repeat('z', 53)`},
}

// refused has the values that each constraint is there for.
var refused = map[string][]value{
	"ck_goals_title_length": {
		{"goals", "title", `repeat('x', 501)`},
		{"goals", "title", `repeat('😀', 501)`},
	},
	"ck_goals_title_not_blank": blanks("goals", "title"),
	"ck_goals_horizon": {
		{"goals", "horizon", `'daily'`},
		{"goals", "horizon", `'Yearly'`},
		{"goals", "horizon", `''`},
	},
	"ck_goals_status": {
		{"goals", "status", `'pending'`},
		{"goals", "status", `'Active'`},
		{"goals", "status", `'active '`},
		{"goals", "status", `''`},
	},
	"ck_goals_progress_percentage": {
		{"goals", "progress_percentage", `-1`},
		{"goals", "progress_percentage", `-1e-300`},
		{"goals", "progress_percentage", `100.001`},
		{"goals", "progress_percentage", `101`},
		{"goals", "progress_percentage", `'NaN'`},
		{"goals", "progress_percentage", `'Infinity'`},
		{"goals", "progress_percentage", `'-Infinity'`},
	},
	"ck_goals_target_date":           notTimes("goals", "target_date"),
	"ck_goals_created_at":            notTimes("goals", "created_at"),
	"ck_goals_updated_at":            notTimes("goals", "updated_at"),
	"ck_goals_completed_at":          notTimes("goals", "completed_at"),
	"ck_goals_description_size":      tooLong("goals", "description"),
	"ck_goals_success_criteria_size": tooLong("goals", "success_criteria"),
	"ck_goals_metrics_size":          {{"goals", "metrics", `jsonb_build_object('a', repeat('x', 999992))`}}, // and eight for the rest
	"ck_goals_metrics_object": {
		{"goals", "metrics", `'[]'`},
		{"goals", "metrics", `'[{}]'`},
		{"goals", "metrics", `'1'`},
		{"goals", "metrics", `'"{}"'`},
		{"goals", "metrics", `'true'`},
	},
	"fk_goals_parent_goal": {
		{"goals", "parent_goal_id", `0`},
		{"goals", "parent_goal_id", `9223372036854775807`},
	},

	"ck_tasks_title_length": {
		{"tasks", "title", `repeat('x', 501)`},
		{"tasks", "title", `repeat('😀', 501)`},
	},
	"ck_tasks_title_not_blank": blanks("tasks", "title"),
	"ck_tasks_priority": {
		{"tasks", "priority", `0`},
		{"tasks", "priority", `6`},
		{"tasks", "priority", `-1`},
	},
	"ck_tasks_status": {
		{"tasks", "status", `'active'`},
		{"tasks", "status", `'Pending'`},
		{"tasks", "status", `''`},
	},
	"ck_tasks_category_length":     {{"tasks", "category", `repeat('x', 101)`}},
	"ck_tasks_estimated_hours":     notHours("estimated_hours"),
	"ck_tasks_actual_hours":        notHours("actual_hours"),
	"ck_tasks_due_date":            notTimes("tasks", "due_date"),
	"ck_tasks_created_at":          notTimes("tasks", "created_at"),
	"ck_tasks_updated_at":          notTimes("tasks", "updated_at"),
	"ck_tasks_completed_at":        notTimes("tasks", "completed_at"),
	"ck_tasks_description_size":    tooLong("tasks", "description"),
	"ck_tasks_notes_size":          tooLong("tasks", "notes"),
	"ck_tasks_blocked_reason_size": tooLong("tasks", "blocked_reason"),
	"ck_tasks_tags_count":          {{"tasks", "tags", `(SELECT jsonb_agg('x'::text) FROM generate_series(1, 101))`}},
	"ck_tasks_tags_length":         {{"tasks", "tags", `jsonb_build_array('x', repeat('😀', 251))`}, {"tasks", "tags", `jsonb_build_array(repeat(E'\n', 251))`}},
	"ck_tasks_due_all_day": {
		{"tasks", "due_all_day, due_date", `true, '2025-11-03 12:00Z'`},
		{"tasks", "due_all_day, due_date", `true, '2025-11-03 00:00+01'`}, // midnight, elsewhere
		{"tasks", "due_all_day, due_date", `true, '2025-11-03 00:00:00.000001Z'`},
	},
	"ck_tasks_dependencies_ids": {
		{"tasks", "dependencies", `'[0]'`},
		{"tasks", "dependencies", `'[-1]'`},
		{"tasks", "dependencies", `'[1.5]'`},
		{"tasks", "dependencies", `'[1.0]'`},
		{"tasks", "dependencies", `'[1e-1]'`},
		{"tasks", "dependencies", `'[1e400]'`},
		{"tasks", "dependencies", `'[9223372036854775808]'`},
		{"tasks", "dependencies", `'["1"]'`},
		{"tasks", "dependencies", `'[null]'`},
		{"tasks", "dependencies", `'[1, null]'`},
		{"tasks", "dependencies", `'[true]'`},
		{"tasks", "dependencies", `'[[1]]'`},
		{"tasks", "dependencies", `'[{}]'`},
		{"tasks", "dependencies", `'{}'`},
		{"tasks", "dependencies", `'1'`},
		{"tasks", "dependencies", `'"[1]"'`},
	},
	"ck_tasks_tags_strings": {
		{"tasks", "tags", `'[1]'`},
		{"tasks", "tags", `'["a", 1]'`},
		{"tasks", "tags", `'[null]'`},
		{"tasks", "tags", `'["a", null]'`},
		{"tasks", "tags", `'[true]'`},
		{"tasks", "tags", `'[["a"]]'`},
		{"tasks", "tags", `'[[]]'`},
		{"tasks", "tags", `'[{"a": "b"}]'`},
		{"tasks", "tags", `'{}'`},
		{"tasks", "tags", `'"a"'`},
		{"tasks", "tags", `'1'`},
	},
	"fk_tasks_parent_goal": {
		{"tasks", "parent_goal_id", `0`},
		{"tasks", "parent_goal_id", `9223372036854775807`},
	},

	"ck_users_email_length": {
		{"users", "email", `repeat('x', 254) || '@x'`},
		{"users", "email", `repeat('😀', 254) || '@x'`},
	},
	"ck_users_email_form": append(
		blanks("users", "email"),
		value{"users", "email", `'x'`},
		value{"users", "email", `'@'`},
		value{"users", "email", `'@example.org'`},
		value{"users", "email", `'someone@'`},
		value{"users", "email", `'someone.example.org'`},
		value{"users", "email", `'someone＠example.org'`}, // another character
		value{"users", "email", `'x@y@example.org'`},
		value{"users", "email", `'"x"@example.org'`},
		value{"users", "email", `'X <x@example.org>'`},
		value{"users", "email", `'x@example..org'`},
		value{"users", "email", `'x@example.org.'`},
		value{"users", "email", `'x@[127.0.0.1]'`},
		value{"users", "email", `'x@exa_mple.org'`},
	),
	"ck_users_email_domain": {
		{"users", "email", `'x@exämple.org'`},
		{"users", "email", `'x@example。org'`},
		{"users", "email", `'x@ｅxample.org'`},
		{"users", "email", `E'x@exam\u200bple.org'`},
	},
	"ck_users_email_nfc": {
		{"users", "email", `E'e\u0301mile@example.org'`},
		{"users", "email", `E'\u212b@example.org'`},
	},
	"ck_users_email_visible": {
		{"users", "email", `'x y@example.org'`},
		{"users", "email", `E'x\ty@example.org'`},
		{"users", "email", `E'x\u00a0y@example.org'`},
		{"users", "email", `E'x\u200b@example.org'`},
		{"users", "email", `E'\ufeffx@example.org'`},
		{"users", "email", `E'x\u202e@example.org'`},
		{"users", "email", `E'x\ufe0f@example.org'`},
		{"users", "email", `E'x\U000E0041@example.org'`},
	},
	"ck_users_full_name_line": {
		{"users", "full_name", `E'x\ny'`},
		{"users", "full_name", `E'x\u001by'`},
		{"users", "full_name", `E'x\u0085y'`},
		{"users", "full_name", `E'x\u2028y'`},
	},
	"ck_users_username_length":  {{"users", "username", `repeat('x', 101)`}},
	"ck_users_username_form":    append(blanks("users", "username"), notNames()...),
	"ck_users_full_name_length": {{"users", "full_name", `repeat('x', 201)`}},
	"ck_users_hashed_password_bcrypt": {
		{"users", "hashed_password", `''`},
		{"users", "hashed_password", `'correct horse battery staple'`},
		{"users", "hashed_password", `repeat('x', 60)`},
		{"users", "hashed_password", `'$2x$12$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$1$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$00$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$03$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$32$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$99$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$12$' || repeat('.', 52)`},
		{"users", "hashed_password", `'$2a$12$' || repeat('.', 54)`},
		{"users", "hashed_password", `'$2a$12$' || repeat('$', 53)`},
		{"users", "hashed_password", `'x$2a$12$' || repeat('.', 53)`},
		{"users", "hashed_password", `'$2a$12$' || repeat('.', 53) || E'\n'`},
		{"users", "hashed_password", `'$argon2id$v=19$m=65536,t=3,p=4$' || repeat('x', 66)`},
	},
	"ix_users_email": {
		{"users", "email", `'Taken@Example.org'`},
		{"users", "email", `'tAKEN@eXAMPLE.ORG'`},
		{"users", "email", `' taken@example.org '`},
	},
	"ix_users_username": {
		{"users", "username", `'Taken'`},
		{"users", "username", `'tAKEN'`},
		{"users", "username", `' taken '`},
	},
}

const (
	insertImport = "INSERT INTO bizydb.imports (zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids) VALUES (%s)"
	newImport    = "INSERT INTO bizydb.imports (zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids) VALUES ('UTC', '2025-10-11', 'goal', '{1}', '{2}', '{3}', '{a}', '{4}')" // of one goal
)

// refusedImports have no zone, a day that Go cannot print, a kind of row that there is none of, and arrays that do not belong together.
var refusedImports = map[string][]string{
	"ck_imports_zone": {
		"'', '2025-10-11', 'task', '{}', '{}', '{}', '{}', '{}'",
	},
	"ck_imports_upgraded_on": {
		"'UTC', '0001-12-31 BC', 'task', '{}', '{}', '{}', '{}', '{}'",
		"'UTC', '10000-01-01', 'task', '{}', '{}', '{}', '{}', '{}'",
		"'UTC', 'infinity', 'task', '{}', '{}', '{}', '{}', '{}'",
	},
	"ck_imports_kind": {
		"'UTC', '2025-10-11', 'user', '{}', '{}', '{}', '{}', '{}'",
		"'UTC', '2025-10-11', '', '{}', '{}', '{}', '{}', '{}'",
	},
	"ck_imports_same_length": {
		"'UTC', '2025-10-11', 'task', '{1}', '{}', '{3}', '{a}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2}', '{}', '{a}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2}', '{3}', '{}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2}', '{3}', '{a}', '{}'",
		"'UTC', '2025-10-11', 'task', '{}', '{2}', '{3}', '{a}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2,2}', '{3}', '{a}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2}', '{3,3}', '{a}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2}', '{3}', '{a,a}', '{4}'",
		"'UTC', '2025-10-11', 'task', '{1}', '{2}', '{3}', '{a}', '{4,4}'",
		"'UTC', '2025-10-11', 'task', '{}', '{}', '{}', '{}', '{4}'",
	},
}

// refusedToOwner is for constraints on columns that the two roles may not write.
var refusedToOwner = map[string]string{
	"users_pkey":            `INSERT INTO public.users (id, email, username, hashed_password) SELECT id, 'e@x', 'u', hashed_password FROM public.users`,
	"goals_pkey":            `INSERT INTO public.goals (id, user_id, title) SELECT id, user_id, 'x' FROM public.goals`,
	"tasks_pkey":            `INSERT INTO public.tasks (id, user_id, title) SELECT id, user_id, 'x' FROM public.tasks`,
	"fk_goals_user":         `INSERT INTO public.goals (user_id, title) VALUES (0, 'x')`,
	"fk_tasks_user":         `INSERT INTO public.tasks (user_id, title) VALUES (0, 'x')`,
	"imports_pkey":          `INSERT INTO bizydb.imports (id, user_id, zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids) SELECT id, user_id, zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids FROM bizydb.imports`,
	"changes_pkey":          `INSERT INTO bizydb.changes (user_id, kind, id) SELECT user_id, 'goal', id FROM public.goals, generate_series(1, 2)`,
	"timelines_pkey":        `INSERT INTO bizydb.timelines (system_identifier, timeline) SELECT 1, 1 FROM generate_series(1, 2)`,
	"ck_changes_kind":       `INSERT INTO bizydb.changes (user_id, kind, id) VALUES (1, 'user', 1)`,
	"ix_changes_user_seq":   `INSERT INTO bizydb.changes (user_id, seq, kind, id) VALUES (1, 1, 'goal', 1), (1, 1, 'task', 1)`,
	"fk_imports_user":       `INSERT INTO bizydb.imports (user_id, zone, upgraded_on, kind, old_ids, marks, contents, column_hashes, new_ids) VALUES (0, 'UTC', '2025-10-11', 'goal', '{}', '{}', '{}', '{}', '{}')`,
	"deleted_goals_pkey":    `INSERT INTO bizydb.deleted_goals SELECT d.* FROM public.goals g, jsonb_populate_record(NULL::bizydb.deleted_goals, to_jsonb(g) || '{"deleted_at": "now", "deletion": 1, "own": {}}') AS d, generate_series(1, 2)`,
	"deleted_tasks_pkey":    `INSERT INTO bizydb.deleted_tasks SELECT t.*, now(), 1, '{}' FROM public.tasks t, generate_series(1, 2)`,
	"deleted_links_pkey":    `INSERT INTO bizydb.deleted_links SELECT 1, 'goal', 1, 2, 0 FROM generate_series(1, 2)`,
	"ck_deleted_links_kind": `INSERT INTO bizydb.deleted_links VALUES (1, 'user', 1, 2, 0)`,
	// The primary key refuses first what it refuses.
	"uq_goals_user_id_id": `ALTER TABLE public.goals DROP CONSTRAINT goals_pkey; INSERT INTO public.goals (id, user_id, title) SELECT id, user_id, 'x' FROM public.goals`,
	"uq_tasks_user_id_id": `ALTER TABLE public.tasks DROP CONSTRAINT tasks_pkey; INSERT INTO public.tasks (id, user_id, title) SELECT id, user_id, 'x' FROM public.tasks`,
}

// notTimes has what JSON cannot carry.
func notTimes(table, column string) []value {
	var values []value
	for _, at := range []string{"'infinity'", "'-infinity'", "'0001-12-31 23:59:59.999999Z BC'", "'10000-01-01Z'", "'9999-12-31 23:00-02'"} {
		value := value{table, column, at}
		if column == "completed_at" {
			value.column, value.sql = "status, completed_at", "'completed', "+at
		}
		values = append(values, value)
	}
	return values
}

// tooLong has texts of more than 1,000,000 bytes.
func tooLong(table, column string) []value {
	values := []value{{table, column, `repeat('x', 1000001)`}, {table, column, `repeat('😀', 250001)`}}
	if column == "blocked_reason" {
		for i := range values {
			values[i].column, values[i].sql = "status, "+column, "'blocked', "+values[i].sql
		}
	}
	return values
}

func notHours(column string) []value {
	return []value{
		{"tasks", column, `1000000.001`},
		{"tasks", column, `1e308`},
		{"tasks", column, `-1`},
		{"tasks", column, `-1e-300`},
		{"tasks", column, `'NaN'`},
		{"tasks", column, `'Infinity'`},
		{"tasks", column, `'-Infinity'`},
	}
}

// blanks has nothing, and every character that Go and Unicode call white space: whether a text is blank must not depend
// on the server's locale.
func blanks(table, column string) []value {
	values := []value{{table, column, `''`}, {table, column, `repeat(' ', 3)`}, {table, column, `E' \t\n\f\r '`}}
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if unicode.IsSpace(r) {
			values = append(values, value{table, column, fmt.Sprintf("chr(%d)", r)})
		}
	}
	return values
}

// A title of nothing but white space, control and default-ignorable characters is blank, and no other one is.
func TestBlankTitles(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	var want []int32
	for r := rune(1); r <= unicode.MaxRune; r++ {
		ignorable := unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
			!unicode.Is(unicode.Prepended_Concatenation_Mark, r) && (r < 0xfff9 || r > 0xfffb) && (r < 0x13430 || r > 0x13440) // as Unicode defines it
		if ignorable || unicode.Is(unicode.White_Space, r) || unicode.IsControl(r) {
			want = append(want, r)
		}
	}
	for _, table := range []string{"goals", "tasks"} {
		check := one[string](t, conn, "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = $1", "ck_"+table+"_title_not_blank")
		got := all[int32](t, conn, `SELECT r FROM (
			SELECT r, chr(r) || chr(r) AS title FROM generate_series(1, 1114111) AS r WHERE r NOT BETWEEN 55296 AND 57343
		) AS c WHERE NOT (`+check+`) ORDER BY r`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-Unicode +database):\n%s", table, diff)
		}
	}
}

// notNames has user names with every character of ASCII and every white space that is not allowed in them, or not in the
// first place, and others that look or sort like the allowed ones. What is allowed must not depend on the locale either.
func notNames() []value {
	names := []string{
		"chr(46)", "chr(95)", "chr(45)", "'.x'", "'_x'", "'-x'", "'...'",
		"'someone@example.org'", "'@'", "'@x'", "'x@'",
		`E'x\ny'`, `E'x\n@'`,
		"'ü'", "'xü'", "'üx'", "repeat('é', 100)", "repeat('😀', 100)",
		"'ｘ'", "'xｘ'", // full width
		"'ı'", "'xİ'", "'xſ'", "'x' || chr(8490)", // letters whose other case is in ASCII
		"'x٣'", "'x²'", // digits
		"'x' || chr(769)", "'x' || chr(8203)", "'x' || chr(65279)", // a combining accent, a space of no width, a byte order mark
	}
	for r := rune(1); r <= unicode.MaxRune; r++ {
		ascii := r <= unicode.MaxASCII && !('0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || strings.ContainsRune("._-", r))
		if ascii || unicode.IsSpace(r) {
			names = append(names, fmt.Sprintf("'x' || chr(%d) || 'x'", r))
			if !unicode.IsSpace(r) { // which is trimmed
				names = append(names, fmt.Sprintf("chr(%d) || 'x'", r), fmt.Sprintf("'x' || chr(%d)", r))
			}
		}
	}
	var values []value
	for _, name := range names {
		values = append(values, value{"users", "username", name})
	}
	return values
}

// statements write v in each way that there is: into a new row and into one that is there.
func (v value) statements() []string {
	columns, values := []string{v.column}, []string{v.sql}
	required := map[string]string{"title": `'x'`}
	if v.table == "users" {
		required = map[string]string{"email": `'e@x'`, "username": `'u'`, "hashed_password": `'$2a$12$' || repeat('.', 53)`}
	}
	for column, value := range required {
		if column != v.column {
			columns, values = append(columns, column), append(values, value)
		}
	}
	insert := fmt.Sprintf("INSERT INTO public.%s (%s) VALUES (%s)", v.table, strings.Join(columns, ", "), strings.Join(values, ", "))
	if v.column == "created_at" || v.column == "updated_at" {
		return []string{insert} // the roles cannot change them
	}
	return []string{
		insert,
		fmt.Sprintf("UPDATE public.%s SET (%s) = ROW (%s) WHERE id = (SELECT min(id) FROM public.%[1]s)", v.table, v.column, v.sql),
	}
}

// enterTables returns a transaction for each table, as the role that writes to it, with a row to update.
func enterTables(t *testing.T, db *bizydbtest.Database) map[string]pgx.Tx {
	t.Helper()
	id := db.NewUser(t)
	exec(t, owner(t, db), `INSERT INTO public.tasks (id, user_id, title)
		SELECT task, $1, 'to depend on' FROM unnest(ARRAY[1000001, 1000020, 1000300, 1000000, 999999999999999999]) AS task`, id)
	user := enter(t, db, id, "")
	exec(t, user, "INSERT INTO public.goals (title) VALUES ('goal')")
	exec(t, user, "INSERT INTO public.tasks (title) VALUES ('task')")
	accounts := enterAccounts(t, db)
	exec(t, accounts, `INSERT INTO public.users (email, username, hashed_password) SELECT email, name, '$2a$12$' || repeat('.', 53)
		FROM (VALUES ('taken@example.org', 'taken'), ('other@example.org', 'other')) AS v (email, name)`)
	return map[string]pgx.Tx{"goals": user, "tasks": user, "users": accounts}
}

func TestAcceptedValues(t *testing.T) {
	t.Parallel()
	tables := enterTables(t, bizydbtest.New(t))
	for _, v := range accepted {
		for _, sql := range v.statements() {
			if err := attempt(t, tables[v.table], sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
}

func TestRefusedValues(t *testing.T) {
	t.Parallel()
	tables := enterTables(t, bizydbtest.New(t))
	for constraint, values := range refused {
		for _, v := range values {
			for _, sql := range v.statements() {
				switch err := attempt(t, tables[v.table], sql); {
				case err == nil:
					t.Errorf("%s: accepted, want %s", sql, constraint)
				case err.ConstraintName != constraint || err.TableName != v.table || err.SchemaName != "public":
					t.Errorf("%s: %v (constraint %q of %s.%s), want %s", sql, err, err.ConstraintName, err.SchemaName, err.TableName, constraint)
				}
			}
		}
	}
}

func TestRefusedImports(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	tx := enter(t, db, db.NewUser(t), "")
	for _, values := range []string{"'UTC', '2025-10-11', 'goal', '{}', '{}', '{}', '{}', '{}'", "'UTC', '2025-10-11', 'task', '{1,-1}', '{2,2}', '{3,3}', '{a,a}', '{4,5}'"} {
		if err := attempt(t, tx, fmt.Sprintf(insertImport, values)); err != nil {
			t.Errorf("%s: %v", values, err)
		}
	}
	for constraint, rows := range refusedImports {
		for _, values := range rows {
			if err := attempt(t, tx, fmt.Sprintf(insertImport, values)); err == nil || err.ConstraintName != constraint {
				t.Errorf("%s: %v, want %s", values, err, constraint)
			}
		}
	}
}

func TestRefusedToOwner(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	tx := enter(t, db, db.NewUser(t), "")
	exec(t, tx, "INSERT INTO public.goals (title) VALUES ('goal')")
	exec(t, tx, "INSERT INTO public.tasks (title) VALUES ('task')")
	exec(t, tx, newImport)
	commit(t, tx)

	asOwner, err := owner(t, db).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for constraint, sql := range refusedToOwner {
		if err := attempt(t, asOwner, sql); err == nil || err.ConstraintName != constraint {
			t.Errorf("%s: %v, want %s", sql, err, constraint)
		}
	}
}

// Every constraint and unique index has a value that it refuses, so that a new one needs a case here.
func TestEveryConstraintHasACase(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	names := all[string](t, conn, `
		SELECT conname::text FROM pg_constraint
		WHERE connamespace IN ('public'::regnamespace, 'bizydb'::regnamespace) AND conrelid <> 0 AND contype IN ('c', 'f', 'p', 'u', 'x')
		UNION
		SELECT relname::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
		WHERE indisunique AND relnamespace IN ('public'::regnamespace, 'bizydb'::regnamespace)
		ORDER BY 1`)
	var tested []string
	for name := range refused {
		tested = append(tested, name)
	}
	for name := range refusedImports {
		tested = append(tested, name)
	}
	for name := range refusedToOwner {
		tested = append(tested, name)
	}
	slices.Sort(tested)
	if diff := cmp.Diff(names, slices.Compact(tested)); diff != "" {
		t.Errorf("constraints (-in the database +tested):\n%s", diff)
	}
}

// Required values have no constraint with a name.
func TestRefusedNulls(t *testing.T) {
	t.Parallel()
	tables := enterTables(t, bizydbtest.New(t))
	for _, v := range []value{
		{"goals", "title", "NULL"},
		{"tasks", "title", "NULL"},
		{"users", "email", "NULL"},
		{"users", "username", "NULL"},
	} {
		for _, sql := range v.statements() {
			if err := attempt(t, tables[v.table], sql); err == nil || err.Code != "23502" || err.ColumnName != v.column {
				t.Errorf("%s: %v, want a violation of not null", sql, err)
			}
		}
	}
}
