package main

//go:generate go tool -modfile=../go.mod sqlc generate -f own/sqlc.yaml

import (
	"fmt"
	"strings"
)

// The columns that a planner.Task has, and those that the dashboard shows of a goal.
const (
	taskColumns = `id, user_id, parent_goal_id, title, description, priority, status, category, estimated_hours, actual_hours,
  due_date, due_all_day, created_at, updated_at, version, completed_at, dependencies, notes, tags, blocked_reason, blocked_in_progress`
	goalColumns = `id, title, status, progress_percentage, target_date`

	listOrder = `priority, bizydb.due_or_never(due_date), created_at DESC, id DESC` // as an index has it
	goalOrder = `progress_percentage DESC, target_date NULLS LAST, created_at, id`
	dueOrder  = `due_date, priority, id`
)

// queries are the cases in SQL, as one writes them by hand.
type queries struct {
	get, list, stream                 string
	overdue, due, counts, goals, rate string
	create, createMany                string
	complete, rollUp                  string
	openInTree                        string
}

// handwritten returns the queries for a user whom the policies confine, or, if none do, with the user in each of them as
// the last parameter.
func handwritten(confined bool) queries {
	own := func(conditions string, param int) string {
		if !confined {
			mine := fmt.Sprintf("user_id = $%d", param)
			if conditions == "" {
				return "WHERE " + mine
			}
			return "WHERE " + conditions + " AND " + mine
		}
		if conditions == "" {
			return ""
		}
		return "WHERE " + conditions
	}
	userColumn, userValue := "", func(int) string { return "" }
	if !confined {
		userColumn, userValue = ", user_id", func(n int) string { return fmt.Sprintf(", $%d", n) }
	}
	tasks := func(where, order, limit string) string {
		return strings.Join([]string{"SELECT", taskColumns, "FROM public.tasks", where, "ORDER BY", order, "LIMIT", limit}, " ")
	}
	mine := ""
	if !confined {
		mine = " AND user_id = $2"
	}
	of := func(table string) string {
		if confined {
			return ""
		}
		return " AND " + table + ".user_id = $2"
	}
	return queries{
		openInTree: fmt.Sprintf(`
			WITH RECURSIVE tree (id, title, depth) AS (
			  SELECT g.id, g.title, 0 FROM public.goals g WHERE g.id = $1%[1]s
			  UNION ALL
			  SELECT g.id, g.title, t.depth + 1 FROM tree t JOIN public.goals g ON g.parent_goal_id = t.id%[1]s
			)
			SELECT g.id AS goal_id, g.title, g.depth, t.status, count(*)::int AS tasks, coalesce(sum(t.estimated_hours), 0)::float8 AS hours
			FROM tree g JOIN public.tasks t ON t.parent_goal_id = g.id AND t.status <> 'completed'%[2]s
			GROUP BY g.id, g.title, g.depth, t.status
			ORDER BY g.depth, g.id, t.status`, of("g"), of("t")),
		get:     "SELECT " + taskColumns + " FROM public.tasks " + own("id = $1", 2),
		list:    tasks(own("", 1), listOrder, "20"),
		stream:  tasks(own("", 2), listOrder, "$1"),
		overdue: tasks(own("status IN ('pending', 'in_progress') AND due_date < $1", 2), dueOrder, "5"),
		due:     tasks(own("due_date >= $1 AND due_date < $2", 3), dueOrder, "20"),
		counts: `SELECT status, count(*)::int, coalesce(sum(estimated_hours), 0)::float8, coalesce(sum(actual_hours), 0)::float8
			FROM public.tasks ` + own("", 1) + ` GROUP BY status`,
		goals: "SELECT " + goalColumns + " FROM public.goals " + own("status = 'active' AND progress_percentage >= 80", 1) +
			" ORDER BY " + goalOrder + " LIMIT 5",
		rate: `SELECT count(*)::int, (count(*) FILTER (WHERE status = 'completed'))::int, (count(*) FILTER (WHERE completed_at <= due_date))::int
			FROM public.tasks ` + own("due_date >= $1 AND due_date < $2", 3),
		create: "INSERT INTO public.tasks (parent_goal_id, title, priority, category, due_date, tags" + userColumn +
			") VALUES ($1, $2, $3, $4, $5, $6" + userValue(7) + ") RETURNING " + taskColumns,
		createMany: `INSERT INTO public.tasks (parent_goal_id, title, priority, category, due_date, tags)
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::jsonb[]) RETURNING id`,
		complete: "UPDATE public.tasks SET status = 'completed' " + own("id = $1", 2) + " RETURNING " + taskColumns,
		rollUp: fmt.Sprintf(`
			UPDATE public.goals SET progress_percentage = work.done,
			  status = CASE WHEN status = 'active' AND work.done = 100 THEN 'completed' ELSE status END,
			  completed_at = CASE WHEN status = 'active' AND work.done = 100 THEN now() ELSE completed_at END,
			  updated_at = now()
			FROM (
			  SELECT round(coalesce((coalesce(t.p, s.p) + coalesce(s.p, t.p)) / 2, 0)::numeric, 2)::float8
			  FROM (SELECT 100.0 * count(*) FILTER (WHERE status = 'completed') / nullif(count(*), 0) FROM public.tasks WHERE parent_goal_id = $1%[1]s) AS t (p),
			       (SELECT avg(progress_percentage) FROM public.goals WHERE parent_goal_id = $1 AND status <> 'cancelled'%[1]s) AS s (p)
			) AS work (done)
			WHERE id = $1%[1]s AND progress_percentage <> work.done
			RETURNING parent_goal_id`, mine),
	}
}
