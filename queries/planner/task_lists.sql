-- allTasks is ListTasks without a filter.
-- name: allTasks :many
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
ORDER BY priority, bizydb.due_or_never(due_date), created_at DESC, id DESC
LIMIT (SELECT /* out of the planner's sight: a limit in sight is planned for, each time */ nullif(sqlc.arg('limit')::bizydb.count, 0));

-- countTasks is the query behind CountTasks. AnyTag and AllTags are ignored unless Tagged is set. Dated leaves out
-- tasks without a due date.
-- name: countTasks :one
SELECT count(*)::int AS total
FROM public.tasks t
WHERE t.user_id = (SELECT bizydb.current_user_id())
  AND (sqlc.arg('skip_under_closed')::bool IS NOT NULL OR (SELECT bizydb.plan_for_any_values()))
  AND (t.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.task_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
  AND (t.category = sqlc.narg('category') OR sqlc.narg('category') IS NULL)
  AND (t.priority = sqlc.narg('priority')::bizydb.count OR sqlc.narg('priority') IS NULL)
  AND (t.parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
  AND (NOT @unassigned::bool OR t.parent_goal_id IS NULL)
  AND (NOT @tagged::bool OR t.id IN (SELECT unnest((SELECT bizydb.tagged_tasks(sqlc.narg('any_tag')::bizydb.tags, sqlc.narg('all_tags')::bizydb.tags)))))
  AND (sqlc.narg('due_from')::timestamptz IS NULL
         OR t.due_date >= sqlc.narg('due_from') - interval '2 days' AND t.due_date >= CASE WHEN t.due_all_day THEN sqlc.narg('due_from_day')::timestamptz ELSE sqlc.narg('due_from') END)
  AND (sqlc.narg('due_before')::timestamptz IS NULL
         OR t.due_date < sqlc.narg('due_before') + interval '2 days' AND t.due_date < CASE WHEN t.due_all_day THEN sqlc.narg('due_before_day')::timestamptz ELSE sqlc.narg('due_before') END)
  AND (NOT @ready::bool OR t.status IN ('pending', 'in_progress') AND NOT bizydb.is_waiting(t.dependencies))
  AND (NOT @skip_under_closed::bool OR t.parent_goal_id IS NULL OR t.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
  AND (@search::text = '' OR strpos(bizydb.fold(t.title), (SELECT bizydb.fold(@search))) > 0
         OR strpos(bizydb.fold(t.description), (SELECT bizydb.fold(@search))) > 0 OR strpos(bizydb.fold(t.notes), (SELECT bizydb.fold(@search))) > 0)
  AND (NOT @dated::bool OR t.due_date IS NOT NULL);

-- filteredTasks is ListTasks with a filter. With a category it also reads tasks that do not match.
-- name: filteredTasks :many
SELECT tasks.* FROM (
  SELECT t.id, t.priority, bizydb.due_or_never(t.due_date) AS due_date, t.created_at FROM public.tasks t
  WHERE t.user_id = (SELECT bizydb.current_user_id())
    AND (t.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.task_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
    AND (t.category IS NOT DISTINCT FROM sqlc.narg('category') OR sqlc.narg('category') IS NULL)
    AND (t.parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
    AND (sqlc.arg('limit')::bizydb.count IS NOT NULL OR (SELECT bizydb.plan_for_any_values()))
  ORDER BY priority, due_date, created_at DESC, id DESC
  LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0)
) AS page
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = page.id OFFSET 0) AS tasks -- by key, however many are expected
ORDER BY page.priority, page.due_date, page.created_at DESC, page.id DESC;

-- keysetTaggedTasks is keysetTasks for tasks that have at least one of the tags in AnyTag, unless AnyTag is empty, and
-- every tag in AllTags. It reads all tasks that have these tags.
-- name: keysetTaggedTasks :many
WITH matching AS MATERIALIZED (
  SELECT t.id, t.priority, bizydb.due_or_never(t.due_date) AS due_date, t.created_at
  FROM unnest(bizydb.tagged_tasks(sqlc.narg('any_tag')::bizydb.tags, sqlc.narg('all_tags')::bizydb.tags)) AS tagged (id)
  CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = tagged.id OFFSET 0) AS t -- by key, however many are expected
  WHERE (t.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.task_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
    AND (t.category = sqlc.narg('category')::text OR sqlc.narg('category') IS NULL)
    AND (t.priority = sqlc.narg('priority')::bizydb.count OR sqlc.narg('priority') IS NULL)
    AND (t.parent_goal_id = sqlc.narg('parent_goal_id')::bigint OR sqlc.narg('parent_goal_id') IS NULL)
    AND (NOT @unassigned::bool OR t.parent_goal_id IS NULL)
    AND (sqlc.narg('due_from')::timestamptz IS NULL
         OR t.due_date >= sqlc.narg('due_from') - interval '2 days' AND t.due_date >= CASE WHEN t.due_all_day THEN sqlc.narg('due_from_day')::timestamptz ELSE sqlc.narg('due_from') END)
    AND (sqlc.narg('due_before')::timestamptz IS NULL
         OR t.due_date < sqlc.narg('due_before') + interval '2 days' AND t.due_date < CASE WHEN t.due_all_day THEN sqlc.narg('due_before_day')::timestamptz ELSE sqlc.narg('due_before') END)
    AND (NOT @ready::bool OR t.status IN ('pending', 'in_progress') AND NOT bizydb.is_waiting(t.dependencies))
    AND (NOT @skip_under_closed::bool OR t.parent_goal_id IS NULL OR t.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
    AND (@search::text = '' OR strpos(bizydb.fold(t.title), (SELECT bizydb.fold(@search))) > 0
         OR strpos(bizydb.fold(t.description), (SELECT bizydb.fold(@search))) > 0 OR strpos(bizydb.fold(t.notes), (SELECT bizydb.fold(@search))) > 0)
)
SELECT sqlc.embed(tasks), (SELECT count(*) FROM matching)::int AS total_count
FROM matching m
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = m.id OFFSET 0) AS tasks -- by key, however many are expected
CROSS JOIN LATERAL (SELECT CASE WHEN @back::bool THEN -1 ELSE 1 END) AS way (sign)
CROSS JOIN (SELECT @from_priority::int, bizydb.due_or_never(sqlc.narg('from_due_date')::timestamptz), @from_created_at::timestamptz, @from_id::bigint)
  AS place (priority, due_date, created_at, id)
WHERE CASE
  WHEN (m.priority, m.due_date) = (place.priority, place.due_date) THEN ((m.created_at, m.id) < (place.created_at, place.id)) <> @back
    AND (m.created_at, m.id) <> (place.created_at, place.id)
  ELSE ((m.priority, m.due_date) > (place.priority, place.due_date)) <> @back
END
ORDER BY sign * m.priority, sign * extract(epoch FROM m.due_date), -sign * extract(epoch FROM m.created_at), -sign * m.id
LIMIT @max::int;

-- keysetTasks is the query behind PageTasks. It returns at most Max tasks that match every filter that is set, in list
-- order, beginning after the position given by FromPriority, FromDueDate (nil for none), FromCreatedAt and FromID. With
-- Back it returns the tasks before the position. The tasks nearest to the position come first. TotalCount is the number
-- of all tasks that match, or 0 without WithTotal.
-- name: keysetTasks :many
WITH matching AS NOT MATERIALIZED (
  SELECT t.id, t.priority, bizydb.due_or_never(t.due_date) AS due_date, t.created_at FROM public.tasks t
  -- IS NOT DISTINCT FROM, because = would find all that match by another index and then sort them. Statuses have one in order.
  WHERE t.user_id = (SELECT bizydb.current_user_id())
    AND (@max::int IS NOT NULL OR (SELECT bizydb.plan_for_any_values()))
    AND (t.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.task_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
    AND (t.category IS NOT DISTINCT FROM sqlc.narg('category') OR sqlc.narg('category') IS NULL)
    AND (t.priority = sqlc.narg('priority')::bizydb.count OR sqlc.narg('priority') IS NULL)
    AND (t.parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
    AND (NOT @unassigned::bool OR t.parent_goal_id IS NULL)
    AND (sqlc.narg('due_from')::timestamptz IS NULL
         OR t.due_date >= sqlc.narg('due_from') - interval '2 days' AND t.due_date >= CASE WHEN t.due_all_day THEN sqlc.narg('due_from_day')::timestamptz ELSE sqlc.narg('due_from') END)
    AND (sqlc.narg('due_before')::timestamptz IS NULL
         OR t.due_date < sqlc.narg('due_before') + interval '2 days' AND t.due_date < CASE WHEN t.due_all_day THEN sqlc.narg('due_before_day')::timestamptz ELSE sqlc.narg('due_before') END)
    AND (NOT @ready::bool OR t.status IN ('pending', 'in_progress') AND NOT bizydb.is_waiting(t.dependencies))
    AND (NOT @skip_under_closed::bool OR t.parent_goal_id IS NULL OR t.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
    AND (@search::text = '' OR strpos(bizydb.fold(t.title), (SELECT bizydb.fold(@search))) > 0
         OR strpos(bizydb.fold(t.description), (SELECT bizydb.fold(@search))) > 0 OR strpos(bizydb.fold(t.notes), (SELECT bizydb.fold(@search))) > 0)
), page AS (
  -- After the place: what is level with it in priority and date, then all that is beyond. Before it, the same in reverse.
  (SELECT * FROM matching
   WHERE NOT @back::bool AND priority = @from_priority::int AND due_date = bizydb.due_or_never(sqlc.narg('from_due_date')::timestamptz)
     AND (created_at, id) < (@from_created_at::timestamptz, @from_id::bigint)
   ORDER BY priority, due_date, created_at DESC, id DESC LIMIT @max::int)
  UNION ALL
  (SELECT * FROM matching
   WHERE NOT @back::bool AND (priority, due_date) > (@from_priority::int, bizydb.due_or_never(sqlc.narg('from_due_date')::timestamptz))
   ORDER BY priority, due_date, created_at DESC, id DESC LIMIT @max::int)
  UNION ALL
  (SELECT * FROM matching
   WHERE @back::bool AND priority = @from_priority::int AND due_date = bizydb.due_or_never(sqlc.narg('from_due_date')::timestamptz)
     AND (created_at, id) > (@from_created_at::timestamptz, @from_id::bigint)
   ORDER BY priority DESC, due_date DESC, created_at, id LIMIT @max::int)
  UNION ALL
  (SELECT * FROM matching
   WHERE @back::bool AND (priority, due_date) < (@from_priority::int, bizydb.due_or_never(sqlc.narg('from_due_date')::timestamptz))
   ORDER BY priority DESC, due_date DESC, created_at, id LIMIT @max::int)
)
SELECT sqlc.embed(tasks), (CASE WHEN @with_total::bool THEN (SELECT count(*) FROM matching) ELSE 0 END)::int AS total_count
FROM page p
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = p.id OFFSET 0) AS tasks -- by key, however many are expected
CROSS JOIN LATERAL (SELECT CASE WHEN @back::bool THEN -1 ELSE 1 END) AS way (sign)
ORDER BY sign * p.priority, sign * extract(epoch FROM p.due_date), -sign * extract(epoch FROM p.created_at), -sign * p.id
LIMIT @max::int;

-- keysetTasksByDueDate is keysetTasks in the order of due date, priority and id, without the tasks that have no due
-- date. AnyTag and AllTags are ignored unless Tagged is set.
-- name: keysetTasksByDueDate :many
WITH matching AS NOT MATERIALIZED (
  SELECT t.id, t.due_date, t.priority FROM public.tasks t
  WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.due_date IS NOT NULL
    AND (@max::int IS NOT NULL OR (SELECT bizydb.plan_for_any_values()))
    AND (t.status = ANY (string_to_array(sqlc.narg('statuses')::bizydb.task_statuses, ',')) OR sqlc.narg('statuses') IS NULL)
    AND (t.category IS NOT DISTINCT FROM sqlc.narg('category') OR sqlc.narg('category') IS NULL)
    AND (t.priority = sqlc.narg('priority')::bizydb.count OR sqlc.narg('priority') IS NULL)
    AND (t.parent_goal_id = sqlc.narg('parent_goal_id') OR sqlc.narg('parent_goal_id') IS NULL)
    AND (NOT @unassigned::bool OR t.parent_goal_id IS NULL)
    AND (NOT @tagged::bool OR t.id IN (SELECT unnest((SELECT bizydb.tagged_tasks(sqlc.narg('any_tag')::bizydb.tags, sqlc.narg('all_tags')::bizydb.tags)))))
    AND (sqlc.narg('due_from')::timestamptz IS NULL
         OR t.due_date >= sqlc.narg('due_from') - interval '2 days' AND t.due_date >= CASE WHEN t.due_all_day THEN sqlc.narg('due_from_day')::timestamptz ELSE sqlc.narg('due_from') END)
    AND (sqlc.narg('due_before')::timestamptz IS NULL
         OR t.due_date < sqlc.narg('due_before') + interval '2 days' AND t.due_date < CASE WHEN t.due_all_day THEN sqlc.narg('due_before_day')::timestamptz ELSE sqlc.narg('due_before') END)
    AND (NOT @ready::bool OR t.status IN ('pending', 'in_progress') AND NOT bizydb.is_waiting(t.dependencies))
    AND (NOT @skip_under_closed::bool OR t.parent_goal_id IS NULL OR t.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
    AND (@search::text = '' OR strpos(bizydb.fold(t.title), (SELECT bizydb.fold(@search))) > 0
         OR strpos(bizydb.fold(t.description), (SELECT bizydb.fold(@search))) > 0 OR strpos(bizydb.fold(t.notes), (SELECT bizydb.fold(@search))) > 0)
), page AS (
  (SELECT * FROM matching WHERE NOT @back::bool AND (due_date, priority, id) > (@from_due_date::timestamptz, @from_priority::int, @from_id::bigint)
   ORDER BY due_date, priority, id LIMIT @max::int)
  UNION ALL
  (SELECT * FROM matching WHERE @back::bool AND (due_date, priority, id) < (@from_due_date::timestamptz, @from_priority::int, @from_id::bigint)
   ORDER BY due_date DESC, priority DESC, id DESC LIMIT @max::int)
)
SELECT sqlc.embed(tasks), (CASE WHEN @with_total::bool THEN (SELECT count(*) FROM matching) ELSE 0 END)::int AS total_count
FROM page p
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = p.id OFFSET 0) AS tasks -- by key, however many are expected
CROSS JOIN LATERAL (SELECT CASE WHEN @back::bool THEN -1 ELSE 1 END) AS way (sign)
ORDER BY sign * extract(epoch FROM p.due_date), sign * p.priority, sign * p.id
LIMIT @max::int;

-- OpenTasks returns the tasks that are pending, in progress or blocked, in list order. SkipUnderClosed leaves out tasks
-- under a completed or cancelled goal, at any depth.
-- name: OpenTasks :many
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND status IN ('pending', 'in_progress', 'blocked')
  AND (NOT @skip_under_closed::bool OR parent_goal_id IS NULL OR parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
ORDER BY priority, bizydb.due_or_never(due_date), created_at DESC, id DESC
LIMIT (SELECT nullif(sqlc.arg('limit')::bizydb.count, 0));

-- OverdueTasks returns the pending and in-progress tasks that were due before At, ordered by due date, priority and id.
-- WithBlocked adds blocked tasks. An all-day task is overdue when its day is over in TimeZone. SkipUnderClosed leaves
-- out tasks under a completed or cancelled goal, at any depth.
-- name: OverdueTasks :many
WITH asked (at, today) AS (
  SELECT coalesce(sqlc.narg('at')::timestamptz, now()), bizydb.due_on(bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone::bizydb.time_zone))
)
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND status IN ('pending', 'in_progress', 'blocked') AND (@with_blocked::bool OR status <> 'blocked')
  AND due_date < (SELECT at FROM asked) -- as every all-day task of an earlier day is, too
  AND (NOT due_all_day OR due_date < (SELECT today FROM asked))
  AND (NOT @skip_under_closed::bool OR parent_goal_id IS NULL OR parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
ORDER BY due_date, priority, id
LIMIT (SELECT nullif(sqlc.arg('limit')::bizydb.count, 0));

-- SearchTasks returns the tasks that have Text in their title, description or notes, in list order. Case and Unicode
-- normal form do not matter, in any locale of the database: texts are compared in normal form C with full case folding.
-- So É matches é, composed or decomposed, and does not match e; ß matches SS; Σ matches σ and ς; i does not match ı.
-- There are no wildcards: % and _ match themselves. An empty Text matches all tasks. The query reads all tasks of the
-- user.
-- name: SearchTasks :many
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND (strpos(bizydb.fold(title), (SELECT bizydb.fold(@text::text))) > 0 OR strpos(bizydb.fold(description), (SELECT bizydb.fold(@text))) > 0
       OR strpos(bizydb.fold(notes), (SELECT bizydb.fold(@text))) > 0)
ORDER BY priority, bizydb.due_or_never(due_date), created_at DESC, id DESC
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- TaggedTasks returns the tasks that have at least one of the tags in AnyTag, unless AnyTag is empty, and every tag in
-- AllTags, in list order. If both are empty it returns an empty slice. Tags are case-sensitive.
-- name: TaggedTasks :many
SELECT tasks.* FROM unnest(bizydb.tagged_tasks(sqlc.narg('any_tag')::bizydb.tags, sqlc.narg('all_tags')::bizydb.tags)) AS tagged (id)
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = tagged.id OFFSET 0) AS tasks -- by key, however many are expected
ORDER BY priority, bizydb.due_or_never(due_date), created_at DESC, tasks.id DESC
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- TasksByPriority returns the tasks of one priority, from 1 (highest) to 5 (lowest), in list order.
-- name: TasksByPriority :many
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND priority = @priority::bizydb.count
ORDER BY priority, bizydb.due_or_never(due_date), created_at DESC, id DESC
LIMIT (SELECT nullif(sqlc.arg('limit')::bizydb.count, 0));

-- TasksCompleted returns the tasks completed at or after From and before Before, the latest first. Tasks completed at
-- the same time are ordered by id, the highest first.
-- name: TasksCompleted :many
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id()) AND completed_at >= sqlc.arg('from')::timestamptz AND completed_at < sqlc.arg('before')::timestamptz
ORDER BY completed_at DESC, id DESC
LIMIT (SELECT nullif(sqlc.arg('limit')::bizydb.count, 0));

-- TasksDue returns the tasks due at or after From and before Before, completed ones included, ordered by due date,
-- priority and id. An all-day task is due when its day begins in TimeZone.
-- name: TasksDue :many
WITH span (from_time, before_time, from_day, before_day) AS (
  SELECT sqlc.arg('from')::timestamptz, sqlc.arg('before')::timestamptz,
    bizydb.due_on(bizydb.first_day(sqlc.arg('from'), @time_zone::bizydb.time_zone)), bizydb.due_on(bizydb.first_day(sqlc.arg('before'), @time_zone))
)
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND due_date >= sqlc.arg('from')::timestamptz - interval '1 day' AND due_date < sqlc.arg('before')::timestamptz + interval '1 day'
  AND CASE WHEN due_all_day THEN due_date >= (SELECT from_day FROM span) AND due_date < (SELECT before_day FROM span)
    ELSE due_date >= (SELECT from_time FROM span) AND due_date < (SELECT before_time FROM span) END
  AND (sqlc.arg('limit')::bizydb.count IS NOT NULL OR (SELECT bizydb.plan_for_any_values()))
ORDER BY due_date, priority, id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- TasksDueToday returns the tasks that are not completed and are due on the day of At in TimeZone, also before At,
-- ordered by due date, priority and id. WithUndated adds the tasks without a due date, at the end. SkipUnderClosed
-- leaves out tasks under a completed or cancelled goal, at any depth.
-- name: TasksDueToday :many
WITH span (from_time, before_time, from_day, before_day) AS (
  SELECT bizydb.day_start(day, @time_zone::bizydb.time_zone), bizydb.day_start(day + 1, @time_zone), bizydb.due_on(day), bizydb.due_on(day + 1)
  FROM (SELECT bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone)) AS today (day)
)
SELECT tasks.* FROM (
  SELECT t.id FROM public.tasks t
  WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.status IN ('pending', 'in_progress', 'blocked')
    AND t.due_date >= (SELECT least(from_time, from_day) FROM span) AND t.due_date < (SELECT greatest(before_time, before_day) FROM span)
    AND CASE WHEN t.due_all_day THEN t.due_date = (SELECT from_day FROM span)
      ELSE t.due_date >= (SELECT from_time FROM span) AND t.due_date < (SELECT before_time FROM span) END
    AND (NOT @skip_under_closed::bool OR t.parent_goal_id IS NULL OR t.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
  UNION ALL
  SELECT t.id FROM public.tasks t
  WHERE t.user_id = (SELECT bizydb.current_user_id()) AND @with_undated::bool AND t.due_date IS NULL AND t.status IN ('pending', 'in_progress', 'blocked')
    AND (NOT @skip_under_closed::bool OR t.parent_goal_id IS NULL OR t.parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
) AS due
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = due.id OFFSET 0) AS tasks -- by key, however many are expected
ORDER BY tasks.due_date NULLS LAST, tasks.priority, tasks.id
LIMIT nullif(sqlc.arg('limit')::bizydb.count, 0);

-- TasksWithoutGoal returns the tasks that are not completed and are under no goal, in list order.
-- name: TasksWithoutGoal :many
SELECT tasks.* FROM (
  SELECT t.id, t.priority, bizydb.due_or_never(t.due_date) AS due_date, t.created_at FROM public.tasks t
  WHERE t.user_id = (SELECT bizydb.current_user_id()) AND t.parent_goal_id IS NULL AND t.status IN ('pending', 'in_progress', 'blocked')
  ORDER BY priority, due_date, created_at DESC, id DESC
  LIMIT (SELECT nullif(sqlc.arg('limit')::bizydb.count, 0))
) AS page
CROSS JOIN LATERAL (SELECT * FROM public.tasks one WHERE one.user_id = (SELECT bizydb.current_user_id()) AND one.id = page.id OFFSET 0) AS tasks -- by key, however many are expected
ORDER BY page.priority, page.due_date, page.created_at DESC, page.id DESC;

-- UpcomingTasks returns the tasks that are not completed and are due from At until the end of the day that is Days days
-- later in TimeZone, ordered by due date, priority and id. All-day tasks due on the day of At are included. With Days 0
-- the list ends with the day of At. With Days below 0 it returns an empty slice. Days is capped at 36525, a hundred
-- years. SkipUnderClosed leaves out tasks under a completed or cancelled goal, at any depth.
-- name: UpcomingTasks :many
WITH span (from_time, before_time, from_day, before_day) AS (
  SELECT coalesce(sqlc.narg('at')::timestamptz, now()), bizydb.day_start(day + days + 1, @time_zone::bizydb.time_zone), bizydb.due_on(day), bizydb.due_on(day + days + 1)
  FROM (SELECT bizydb.local_day(sqlc.narg('at')::timestamptz, @time_zone), greatest(-1, least(sqlc.arg('days')::bizydb.count, 36525))::int) AS today (day, days)
)
SELECT * FROM public.tasks
WHERE user_id = (SELECT bizydb.current_user_id())
  AND status IN ('pending', 'in_progress', 'blocked')
  AND due_date >= (SELECT least(from_time, from_day) FROM span) AND due_date < (SELECT greatest(before_time, before_day) FROM span)
  AND CASE WHEN due_all_day THEN due_date >= (SELECT from_day FROM span) AND due_date < (SELECT before_day FROM span)
    ELSE due_date >= (SELECT from_time FROM span) AND due_date < (SELECT before_time FROM span) END
  AND (NOT @skip_under_closed::bool OR parent_goal_id IS NULL OR parent_goal_id NOT IN (SELECT unnest((SELECT bizydb.closed_goals()))))
ORDER BY due_date, priority, id
LIMIT (SELECT nullif(sqlc.arg('limit')::bizydb.count, 0));
