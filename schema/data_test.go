package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/schema"
)

// What the tables take when they are new, in step 004: longest and shortest texts, every status, NULLs, ids, numbers and
// times at their ends, a tree whose ids are in no order, an inactive user. Percentages are as users have set them, and
// dependencies are unchecked.
var rowsAt004 = []string{
	`INSERT INTO public.users (id, email, username, hashed_password, full_name, is_active, is_verified, is_superuser, created_at, updated_at, last_login_at, email_verified_at) VALUES
	(1, 'Ada@example.org', 'ada', '$2a$12$' || repeat('.', 53), 'Ada L.', true, true, true, '2020-01-01 Z', '2020-01-02 Z', '2020-01-03 Z', '2020-01-04 Z'),
	(2, repeat('€', 253) || '@€', repeat('x', 100), '$2b$04$' || repeat('Z', 53), repeat('€', 200), true, false, false, '4713-01-01 Z BC', '294276-12-31 23:59:59.999999 Z', NULL, NULL),
	(3, 'left@example.org', 'left', '$2y$31$' || repeat('/', 53), NULL, false, true, false, '2020-01-01 Z', '2020-01-01 Z', NULL, NULL),
	(4, 'idle@example.org', 'idle', '$2a$10$' || repeat('0', 53), '', true, false, false, '2020-01-01 Z', '2020-01-01 Z', NULL, NULL)`,

	`INSERT INTO public.goals (id, user_id, parent_goal_id, title, status, progress_percentage, completed_at, created_at, updated_at) VALUES
	(1, 1, NULL, 'tasks and sub-goals', 'active', 80, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(2, 1, 1, 'to three decimals', 'active', 33.335, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(3, 1, 1, 'completed with work left', 'completed', 20, '2020-02-02 Z', '2020-01-01 Z', '2020-01-01 Z'),
	(4, 1, 1, 'cancelled', 'cancelled', 70, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(5, 1, NULL, 'on hold with all done', 'on_hold', 0, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(6, 1, NULL, 'active with all done', 'active', 10, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(8, 1, NULL, 'top of three', 'active', 0, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(7, 1, 8, 'middle of three', 'active', 100, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(9, 1, 7, 'bottom of three', 'active', 0, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(10, 1, NULL, 'at its end, not completed', 'active', 100, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(11, 1, NULL, 'just before it', 'active', 99.999, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(12, 1, NULL, 'the least', 'active', 5e-324, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(13, 1, NULL, 'completed before it was created', 'completed', 100, '1970-01-01 Z', '2020-01-01 Z', '2020-01-01 Z'),
	(0, 2, NULL, '0', 'active', '-0', NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(-5, 2, 0, '-5', 'active', 25, NULL, '2020-01-01 Z', '2020-01-01 Z'),
	(20, 3, NULL, 'of an inactive user', 'active', 0, NULL, '2020-01-01 Z', '2020-01-01 Z')`,
	`INSERT INTO public.goals (id, user_id, title, description, horizon, target_date, success_criteria, created_at, updated_at, metrics) VALUES
	(9223372036854775807, 2, repeat('€', 500), repeat('line'||chr(10), 1000), 'yearly', '294276-12-31 23:59:59.999999 Z', '', '4713-01-01 Z BC', '2020-01-01 Z',
	 '{"": null, "€": [1, 1.50, -1e-20, 123456789012345678901234567890], "nested": {"a": {"b": [true, "\"\\"]}}}')`,

	`INSERT INTO public.tasks (id, user_id, parent_goal_id, title, status, completed_at, dependencies, created_at, updated_at) VALUES
	(1, 1, 1, 'done', 'completed', '2020-03-03 Z', '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(2, 1, 1, 'after another', 'pending', NULL, '[1]', '2020-01-01 Z', '2020-01-01 Z'),
	(3, 1, 1, 'after nothing, itself, and one twice', 'in_progress', NULL, '[1, 999, 3, 2, 1]', '2020-01-01 Z', '2020-01-01 Z'),
	(4, 1, 1, 'stuck', 'blocked', NULL, '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(5, 1, 3, 'in a circle of three', 'pending', NULL, '[1, 6]', '2020-01-01 Z', '2020-01-01 Z'),
	(6, 1, NULL, 'in a circle of three', 'pending', NULL, '[7]', '2020-01-01 Z', '2020-01-01 Z'),
	(7, 1, NULL, 'in a circle of three', 'pending', NULL, '[5, 2]', '2020-01-01 Z', '2020-01-01 Z'),
	(8, 1, NULL, 'after another user''s', 'pending', NULL, '[30]', '2020-01-01 Z', '2020-01-01 Z'),
	(9, 1, NULL, 'after the greatest id', 'pending', NULL, '[999999999999999999]', '2020-01-01 Z', '2020-01-01 Z'),
	(11, 1, 4, 'under a cancelled goal', 'pending', NULL, '[10]', '2020-01-01 Z', '2020-01-01 Z'),
	(10, 1, 4, 'in a circle of two', 'completed', '1970-01-01 Z', '[11]', '2020-01-01 Z', '2020-01-01 Z'),
	(12, 1, 5, 'done', 'completed', '2020-03-03 Z', '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(13, 1, 6, 'done', 'completed', '2020-03-03 Z', '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(14, 1, 9, 'done', 'completed', '2020-03-03 Z', '[13, 12]', '2020-01-01 Z', '2020-01-01 Z'),
	(15, 1, 9, 'to do', 'pending', NULL, '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(16, 1, 9, 'to do', 'blocked', NULL, '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(20, 3, 20, 'of an inactive user', 'completed', '2020-03-03 Z', '[]', '2020-01-01 Z', '2020-01-01 Z'),
	(21, 3, 20, 'of an inactive user', 'pending', NULL, '[20, 1]', '2020-01-01 Z', '2020-01-01 Z')`,
	`INSERT INTO public.tasks (id, user_id, title, description, priority, category, estimated_hours, actual_hours, due_date, created_at, updated_at, notes, tags) VALUES
	(30, 2, repeat('€', 500), '', 1, repeat('€', 100), 0, 1.7976931348623157e308, '294276-12-31 23:59:59.999999 Z', '4713-01-01 Z BC', '2020-01-01 Z', repeat('n', 100000), '["", "€", "a", "a", "\"\\"]'),
	(0, 2, '.', NULL, 5, '', 5e-324, 0.1, '4713-01-01 Z BC', '2020-01-01 Z', '294276-12-31 23:59:59.999999 Z', '', (SELECT jsonb_agg('tag ' || n) FROM generate_series(1, 1000) AS n)),
	(-9223372036854775808, 2, '-', NULL, 3, NULL, NULL, NULL, NULL, '2020-01-01 Z', '2020-01-01 Z', NULL, '[]')`,

	`SELECT setval('public.users_id_seq', 4), setval('public.goals_id_seq', 20), setval('public.tasks_id_seq', 30)`,
}

// What only a later step has room for, put in when that has been reached.
var rowsAt = map[int]string{
	10: `UPDATE public.tasks SET blocked_reason = 'a reason' WHERE id = 4`,
	14: `INSERT INTO bizydb.imports (id, user_id, imported_at, kind, old_ids, marks, contents, new_ids) VALUES (1, 1, '2020-01-01 Z', 'goal', '{7}', '{-1}', '{9223372036854775807}', '{2}')`,
}

// What steps are there to change in rows that they find; all else stays.
var rewrites = map[int]contents{
	// Every goal with work is counted, and every percentage that does not follow from the rest is put right. An active goal
	// with all of it done is completed.
	8: {
		"goals 1":  recounted("45.84", "4", "1", "2", "13334"), // the mean of 25 and of the mean of 33.34 and 100
		"goals 2":  {"progress_percentage": "33.34", "roll_up_count": "1", "updated_at": justNow},
		"goals 3":  recounted("100", "1", "0", "0", "0"),
		"goals 4":  recounted("50", "2", "1", "0", "0"),
		"goals 5":  recounted("100", "1", "1", "0", "0"),
		"goals 6":  with(recounted("100", "1", "1", "0", "0"), "status", `"completed"`, "completed_at", justNow),
		"goals 7":  recounted("33.33", "0", "0", "1", "3333"),
		"goals 8":  recounted("33.33", "0", "0", "1", "3333"),
		"goals 9":  recounted("33.33", "3", "1", "0", "0"),
		"goals 11": {"progress_percentage": "99.99", "roll_up_count": "1", "updated_at": justNow},
		"goals 12": {"progress_percentage": "0", "roll_up_count": "1", "updated_at": justNow},
		"goals 0":  recounted("25", "0", "0", "1", "2500"),
		"goals 20": recounted("50", "2", "1", "0", "0"),
	},
	// Ids of nothing, of others' tasks and of the task itself go, and of a circle the lowest id lets go.
	11: {
		"tasks 3":  {"dependencies": "[1, 2, 1]", "updated_at": justNow},
		"tasks 5":  {"dependencies": "[1]", "updated_at": justNow},
		"tasks 8":  {"dependencies": "[]", "updated_at": justNow},
		"tasks 9":  {"dependencies": "[]", "updated_at": justNow},
		"tasks 10": {"dependencies": "[]", "updated_at": justNow},
		"tasks 21": {"dependencies": "[20]", "updated_at": justNow},
	},
}

func recounted(percentage, tasks, completed, subGoals, progress string) map[string]string {
	return map[string]string{
		"progress_percentage": percentage, "task_count": tasks, "completed_task_count": completed, "sub_goal_count": subGoals, "sub_goal_progress": progress,
		"roll_up_count": "1", "updated_at": justNow,
	}
}

func with(row map[string]string, columns ...string) map[string]string {
	for i := 0; i < len(columns); i += 2 {
		row[columns[i]] = columns[i+1]
	}
	return row
}

// Each step, up, down and up again, leaves alone what is in the tables, but for what it is there to change. That, and what
// is in columns and tables that a step adds, is all that a way down to the first tables and up again costs.
func TestStepsKeepTheRows(t *testing.T) {
	t.Parallel()
	admin := cluster(t)
	login := newLogin(t, admin, "NOSUPERUSER CREATEROLE")
	config := as(newDatabase(t, admin, login), login)
	config.RuntimeParams["timezone"] = "UTC"
	conn := connect(t, config)
	m := newMigrator(t, conn, schema.VersionTable)
	at := func(n int) contents {
		t.Helper()
		migrateTo(t, m, n)
		if n >= 8 {
			if wrong := all[string](t, conn, "SELECT c::text FROM public.users u, bizydb.roll_up_plan(u.id) AS c"); len(wrong) > 0 {
				t.Errorf("at %d, counted anew, these goals differ: %q", n, wrong)
			}
		}
		return readContents(t, conn)
	}
	same := func(what string, n int, want, got contents) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %d (-want +got):\n%s", what, n, diff)
		}
	}

	migrateTo(t, m, 4)
	for _, sql := range rowsAt004 {
		exec(t, conn, sql)
	}
	now := readContents(t, conn)
	columns := map[int]map[string]bool{4: now.columns()}
	for n := 5; n <= latest(t); n++ {
		above := at(n)
		same("up to", n, now.changed(rewrites[n]), above.only(columns[n-1]))
		same("down to", n-1, above.only(columns[n-1]), at(n-1))
		same("up again to", n, above, at(n))
		if sql, ok := rowsAt[n]; ok {
			exec(t, conn, sql)
		}
		now = readContents(t, conn)
		columns[n] = now.columns()
	}

	exec(t, conn, "UPDATE public.goals SET status = 'active' WHERE id = 6") // all of it is done, and it stays open
	now = readContents(t, conn)
	for n := latest(t) - 1; n >= 4; n-- {
		same("on the way down, at", n, now.only(columns[n]), at(n))
	}
	want := now.changed(contents{
		// Counted for the first time again, so with nothing to round, and what is open with all done is completed.
		"goals 6": {"status": `"completed"`, "completed_at": justNow, "updated_at": justNow},
		"goals 2": {"roll_up_count": "0"}, "goals 11": {"roll_up_count": "0"}, "goals 12": {"roll_up_count": "0"},
		"tasks 4": {"blocked_reason": "null"},
	})
	delete(want, "bizydb.imports 1")
	same("on the way up again, at", latest(t), want, at(latest(t)))
}
