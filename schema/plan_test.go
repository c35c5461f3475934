package schema_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// The questions that the design document's composite indexes are for touch one user's part of an index and nothing
// else, asked as a scope asks them: without the user's id.
func TestScopedPlans(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	for range 50 {
		db.NewUser(t)
	}
	user := db.NewUser(t)
	admin := owner(t, db)
	exec(t, admin, `INSERT INTO public.goals (user_id, title, horizon, status, target_date)
		SELECT id, 'goal', (ARRAY['yearly', 'quarterly', 'monthly', 'weekly'])[n % 4 + 1], (ARRAY['active', 'completed', 'on_hold'])[n % 3 + 1], now() + n * interval '1 day'
		FROM public.users, generate_series(1, 80) AS n ORDER BY md5(id || ' ' || n)`) // not sorted by what an index is on
	exec(t, admin, `UPDATE public.goals SET parent_goal_id = top
		FROM (SELECT user_id AS owner, min(id) AS top FROM public.goals GROUP BY user_id) AS tops
		WHERE user_id = owner AND id > top AND id % 4 = 0`)
	exec(t, admin, `INSERT INTO public.tasks (user_id, parent_goal_id, title, category, status, due_date)
		SELECT user_id, id, 'task', 'category ' || id % 7, (ARRAY['pending', 'completed'])[id % 2 + 1], target_date FROM public.goals`)
	exec(t, admin, "ANALYZE public.users, public.goals, public.tasks")

	tx := enter(t, db, user, "")
	scan := regexp.MustCompile(`(Seq|Index|Index Only|Bitmap Index) Scan .*`)
	for _, c := range []struct{ sql, index string }{
		{"SELECT * FROM public.tasks WHERE status != 'completed'", `(ix|uq)_tasks_user_\w+`},
		{"SELECT * FROM public.tasks WHERE status = 'completed'", "ix_tasks_user_status"},
		{"SELECT * FROM public.tasks WHERE due_date < now() + interval '3 days'", "ix_tasks_user_due_date"},
		{"SELECT * FROM public.tasks WHERE category = 'category 3'", "ix_tasks_user_category"},
		{"SELECT * FROM public.tasks WHERE parent_goal_id = 17 AND status = 'pending'", `ix_tasks_(goal_status|parent_goal_id|user_goal_status)`},
		{"SELECT * FROM public.tasks WHERE parent_goal_id = 17", `ix_tasks_(goal_status|parent_goal_id|user_goal_status)`},
		{"SELECT * FROM public.tasks WHERE id = 17", "uq_tasks_user_id_id"},
		{"SELECT * FROM public.goals WHERE status = 'on_hold'", "ix_goals_user_status"},
		{"SELECT * FROM public.goals WHERE horizon = 'quarterly'", "ix_goals_user_horizon"},
		{"SELECT * FROM public.goals WHERE target_date < now() + interval '3 days'", "ix_goals_user_target_date"},
		{"SELECT * FROM public.goals WHERE parent_goal_id = 17", `ix_goals_(parent_goal_id|user_parent_goal_id)`},
		{"SELECT * FROM public.goals WHERE id = 17", "uq_goals_user_id_id"},
	} {
		plan := strings.Join(all[string](t, tx, "EXPLAIN (COSTS OFF) "+c.sql), "\n")
		var scans []string
		for _, s := range scan.FindAllString(plan, -1) {
			if !strings.Contains(s, "users") { // whether the user is active
				scans = append(scans, s)
			}
		}
		if len(scans) != 1 || !regexp.MustCompile(`(using|on) `+c.index+`\b`).MatchString(scans[0]) {
			t.Errorf("%s: scans %q, want one of %s\n%s", c.sql, scans, c.index, plan)
		}
	}
}
