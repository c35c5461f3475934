-- Gives bizydb's tables, functions and roles the rights that the migrations gave them, and takes what is more. Run it as their
-- owner, after a restore or a script that changed rights: psql -X -f rights.sql. It fails, and changes nothing, if something is
-- left, which it lists. schema.Protect does the same, and Open refuses a database in which this has something to do.
--
-- The query gives what is to be run, one statement a row, with a word why: "lost" is not to be mended by a statement; "less" is
-- missing, as "needed" is to the login; "another" says that a service has to log in as another role; the others are more than there
-- should be, for bizydb's roles ("more"), for PUBLIC, or for the login.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL quote_all_identifiers = off;
WITH expected (line) AS (
  SELECT line FROM string_to_table($list$
-- column bizydb.changes.id
-- column bizydb.changes.kind
-- column bizydb.changes.seq
-- column bizydb.changes.user_id
-- column bizydb.changes.xid
-- column bizydb.deleted_goals.completed_at
-- column bizydb.deleted_goals.created_at
-- column bizydb.deleted_goals.deleted_at
-- column bizydb.deleted_goals.deletion
-- column bizydb.deleted_goals.description
-- column bizydb.deleted_goals.horizon
-- column bizydb.deleted_goals.id
-- column bizydb.deleted_goals.metrics
-- column bizydb.deleted_goals.own
-- column bizydb.deleted_goals.parent_goal_id
-- column bizydb.deleted_goals.progress_percentage
-- column bizydb.deleted_goals.status
-- column bizydb.deleted_goals.sub_goal_count
-- column bizydb.deleted_goals.success_criteria
-- column bizydb.deleted_goals.target_date
-- column bizydb.deleted_goals.task_count
-- column bizydb.deleted_goals.title
-- column bizydb.deleted_goals.updated_at
-- column bizydb.deleted_goals.user_id
-- column bizydb.deleted_goals.version
-- column bizydb.deleted_links.kind
-- column bizydb.deleted_links.lower
-- column bizydb.deleted_links.place
-- column bizydb.deleted_links.upper
-- column bizydb.deleted_links.user_id
-- column bizydb.deleted_tasks.actual_hours
-- column bizydb.deleted_tasks.blocked_in_progress
-- column bizydb.deleted_tasks.blocked_reason
-- column bizydb.deleted_tasks.category
-- column bizydb.deleted_tasks.completed_at
-- column bizydb.deleted_tasks.created_at
-- column bizydb.deleted_tasks.deleted_at
-- column bizydb.deleted_tasks.deletion
-- column bizydb.deleted_tasks.dependencies
-- column bizydb.deleted_tasks.description
-- column bizydb.deleted_tasks.due_all_day
-- column bizydb.deleted_tasks.due_date
-- column bizydb.deleted_tasks.estimated_hours
-- column bizydb.deleted_tasks.id
-- column bizydb.deleted_tasks.notes
-- column bizydb.deleted_tasks.own
-- column bizydb.deleted_tasks.parent_goal_id
-- column bizydb.deleted_tasks.priority
-- column bizydb.deleted_tasks.status
-- column bizydb.deleted_tasks.tags
-- column bizydb.deleted_tasks.title
-- column bizydb.deleted_tasks.updated_at
-- column bizydb.deleted_tasks.user_id
-- column bizydb.deleted_tasks.version
-- column bizydb.imports.column_hashes
-- column bizydb.imports.contents
-- column bizydb.imports.id
-- column bizydb.imports.imported_at
-- column bizydb.imports.kind
-- column bizydb.imports.marks
-- column bizydb.imports.new_ids
-- column bizydb.imports.old_ids
-- column bizydb.imports.upgraded_on
-- column bizydb.imports.user_id
-- column bizydb.imports.zone
-- column bizydb.profiles.created_at
-- column bizydb.profiles.email
-- column bizydb.profiles.email_verified_at
-- column bizydb.profiles.full_name
-- column bizydb.profiles.id
-- column bizydb.profiles.is_active
-- column bizydb.profiles.is_superuser
-- column bizydb.profiles.is_verified
-- column bizydb.profiles.last_login_at
-- column bizydb.profiles.password_changed_at
-- column bizydb.profiles.updated_at
-- column bizydb.profiles.username
-- column bizydb.timelines.system_identifier
-- column bizydb.timelines.timeline
-- column public.goals.completed_at
-- column public.goals.completed_task_count
-- column public.goals.created_at
-- column public.goals.description
-- column public.goals.horizon
-- column public.goals.id
-- column public.goals.metrics
-- column public.goals.parent_goal_id
-- column public.goals.progress_percentage
-- column public.goals.roll_up_count
-- column public.goals.status
-- column public.goals.sub_goal_count
-- column public.goals.sub_goal_progress
-- column public.goals.success_criteria
-- column public.goals.target_date
-- column public.goals.task_count
-- column public.goals.title
-- column public.goals.updated_at
-- column public.goals.user_id
-- column public.goals.version
-- column public.tasks.actual_hours
-- column public.tasks.blocked_in_progress
-- column public.tasks.blocked_reason
-- column public.tasks.category
-- column public.tasks.completed_at
-- column public.tasks.created_at
-- column public.tasks.dependencies
-- column public.tasks.description
-- column public.tasks.due_all_day
-- column public.tasks.due_date
-- column public.tasks.estimated_hours
-- column public.tasks.id
-- column public.tasks.notes
-- column public.tasks.parent_goal_id
-- column public.tasks.priority
-- column public.tasks.status
-- column public.tasks.tags
-- column public.tasks.title
-- column public.tasks.updated_at
-- column public.tasks.user_id
-- column public.tasks.version
-- column public.users.created_at
-- column public.users.email
-- column public.users.email_verified_at
-- column public.users.full_name
-- column public.users.hashed_password
-- column public.users.id
-- column public.users.is_active
-- column public.users.is_superuser
-- column public.users.is_verified
-- column public.users.last_login_at
-- column public.users.password_changed_at
-- column public.users.updated_at
-- column public.users.username
-- constraint bizydb.changes.changes_pkey
-- constraint bizydb.changes.ck_changes_kind
-- constraint bizydb.deleted_goals.deleted_goals_pkey
-- constraint bizydb.deleted_links.ck_deleted_links_kind
-- constraint bizydb.deleted_links.deleted_links_pkey
-- constraint bizydb.deleted_tasks.deleted_tasks_pkey
-- constraint bizydb.imports.ck_imports_kind
-- constraint bizydb.imports.ck_imports_same_length
-- constraint bizydb.imports.ck_imports_upgraded_on
-- constraint bizydb.imports.ck_imports_zone
-- constraint bizydb.imports.fk_imports_user
-- constraint bizydb.imports.imports_pkey
-- constraint bizydb.timelines.timelines_pkey
-- constraint public.goals.ck_goals_completed_at
-- constraint public.goals.ck_goals_created_at
-- constraint public.goals.ck_goals_description_size
-- constraint public.goals.ck_goals_horizon
-- constraint public.goals.ck_goals_metrics_object
-- constraint public.goals.ck_goals_metrics_size
-- constraint public.goals.ck_goals_progress_percentage
-- constraint public.goals.ck_goals_status
-- constraint public.goals.ck_goals_success_criteria_size
-- constraint public.goals.ck_goals_target_date
-- constraint public.goals.ck_goals_title_length
-- constraint public.goals.ck_goals_title_not_blank
-- constraint public.goals.ck_goals_updated_at
-- constraint public.goals.fk_goals_parent_goal
-- constraint public.goals.fk_goals_user
-- constraint public.goals.goals_pkey
-- constraint public.goals.uq_goals_user_id_id
-- constraint public.tasks.ck_tasks_actual_hours
-- constraint public.tasks.ck_tasks_blocked_reason_size
-- constraint public.tasks.ck_tasks_category_length
-- constraint public.tasks.ck_tasks_completed_at
-- constraint public.tasks.ck_tasks_created_at
-- constraint public.tasks.ck_tasks_dependencies_ids
-- constraint public.tasks.ck_tasks_description_size
-- constraint public.tasks.ck_tasks_due_all_day
-- constraint public.tasks.ck_tasks_due_date
-- constraint public.tasks.ck_tasks_estimated_hours
-- constraint public.tasks.ck_tasks_notes_size
-- constraint public.tasks.ck_tasks_priority
-- constraint public.tasks.ck_tasks_status
-- constraint public.tasks.ck_tasks_tags_count
-- constraint public.tasks.ck_tasks_tags_length
-- constraint public.tasks.ck_tasks_tags_strings
-- constraint public.tasks.ck_tasks_title_length
-- constraint public.tasks.ck_tasks_title_not_blank
-- constraint public.tasks.ck_tasks_updated_at
-- constraint public.tasks.fk_tasks_parent_goal
-- constraint public.tasks.fk_tasks_user
-- constraint public.tasks.tasks_pkey
-- constraint public.tasks.uq_tasks_user_id_id
-- constraint public.users.ck_users_email_domain
-- constraint public.users.ck_users_email_form
-- constraint public.users.ck_users_email_length
-- constraint public.users.ck_users_email_nfc
-- constraint public.users.ck_users_email_visible
-- constraint public.users.ck_users_full_name_length
-- constraint public.users.ck_users_full_name_line
-- constraint public.users.ck_users_hashed_password_bcrypt
-- constraint public.users.ck_users_username_form
-- constraint public.users.ck_users_username_length
-- constraint public.users.users_pkey
-- default bizydb.changes.seq
-- default bizydb.changes.xid
-- default bizydb.deleted_goals.deleted_at
-- default bizydb.deleted_goals.deletion
-- default bizydb.deleted_tasks.deleted_at
-- default bizydb.deleted_tasks.deletion
-- default bizydb.imports.imported_at
-- default bizydb.imports.user_id
-- default public.goals.completed_task_count
-- default public.goals.created_at
-- default public.goals.metrics
-- default public.goals.progress_percentage
-- default public.goals.roll_up_count
-- default public.goals.status
-- default public.goals.sub_goal_count
-- default public.goals.sub_goal_progress
-- default public.goals.task_count
-- default public.goals.updated_at
-- default public.goals.user_id
-- default public.goals.version
-- default public.tasks.blocked_in_progress
-- default public.tasks.created_at
-- default public.tasks.dependencies
-- default public.tasks.due_all_day
-- default public.tasks.priority
-- default public.tasks.status
-- default public.tasks.tags
-- default public.tasks.updated_at
-- default public.tasks.user_id
-- default public.tasks.version
-- default public.users.created_at
-- default public.users.is_active
-- default public.users.is_superuser
-- default public.users.is_verified
-- default public.users.password_changed_at
-- default public.users.updated_at
-- function bizydb.add_work(bizydb.work[],bigint[],bigint[])
-- function bizydb.by_dependencies(bigint[],bizydb.link[])
-- function bizydb.changed_users(bigint,bigint,bigint,integer)
-- function bizydb.changes_after(bigint,integer,bigint)
-- function bizydb.changes_since()
-- function bizydb.check_dependencies()
-- function bizydb.check_parent_goal()
-- function bizydb.clean_user()
-- function bizydb.closed_goals()
-- function bizydb.confine(regclass,name)
-- function bizydb.current_user_id()
-- function bizydb.date_imported_goals(bigint[],timestamp with time zone[])
-- function bizydb.date_password()
-- function bizydb.day_after(date,bigint,double precision)
-- function bizydb.day_start(date,text)
-- function bizydb.delete_user(bigint)
-- function bizydb.dependent_tasks(bigint)
-- function bizydb.derive_goal()
-- function bizydb.derive_task()
-- function bizydb.derive_user()
-- function bizydb.due_day(timestamp with time zone,boolean,text)
-- function bizydb.due_on(date)
-- function bizydb.due_or_never(timestamp with time zone)
-- function bizydb.empty_trash()
-- function bizydb.first_day(timestamp with time zone,text)
-- function bizydb.fold(text)
-- function bizydb.forget_changes()
-- function bizydb.forget_deleted(timestamp with time zone,integer)
-- function bizydb.forget_dependencies()
-- function bizydb.forget_links()
-- function bizydb.forget_user()
-- function bizydb.generated_columns(oid)
-- function bizydb.goal_defaults()
-- function bizydb.goal_now(bigint)
-- function bizydb.is_waiting(jsonb)
-- function bizydb.keep_deleted(boolean)
-- function bizydb.keep_deleted_goal()
-- function bizydb.keep_deleted_tasks()
-- function bizydb.keeps_deleted()
-- function bizydb.link_again(bigint,bizydb.link[])
-- function bizydb.local_day(timestamp with time zone,text)
-- function bizydb.lock_user(bigint)
-- function bizydb.log_changes()
-- function bizydb.log_truncation()
-- function bizydb.missing_links(bigint,bizydb.link[])
-- function bizydb.monday(date)
-- function bizydb.needed_tasks(jsonb,bigint)
-- function bizydb.no_such_user()
-- function bizydb.not_fresh()
-- function bizydb.note_timeline()
-- function bizydb.own_values(regclass,text)
-- function bizydb.plan_for_any_values()
-- function bizydb.put_back(text,bigint,bigint[],jsonb,jsonb)
-- function bizydb.recount(bigint,bigint[],integer[])
-- function bizydb.refuse_goal_version(bigint,bigint,bigint)
-- function bizydb.refuse_task_version(bigint,bigint,bigint)
-- function bizydb.require_fresh(bigint,integer,pg_lsn,xid8,xid8)
-- function bizydb.require_replayed(timestamp with time zone,pg_lsn)
-- function bizydb.require_user()
-- function bizydb.restore(bigint,bigint[],bigint[])
-- function bizydb.restore_goal(bigint,boolean)
-- function bizydb.restore_task(bigint)
-- function bizydb.restoring(text,bigint)
-- function bizydb.roll_up(bigint)
-- function bizydb.roll_up_all()
-- function bizydb.roll_up_every_user()
-- function bizydb.roll_up_goals()
-- function bizydb.roll_up_tasks()
-- function bizydb.roll_up_user(bigint)
-- function bizydb.same_user(bigint,bigint)
-- function bizydb.schema_version()
-- function bizydb.see_all_changes()
-- function bizydb.sweep_links()
-- function bizydb.tagged_tasks(jsonb,jsonb)
-- function bizydb.task_defaults()
-- function bizydb.task_now(bigint)
-- function bizydb.to_hundredths(double precision)
-- function bizydb.track_changes(boolean)
-- function bizydb.trim_space(text)
-- function bizydb.use_settings(jsonb)
-- function bizydb.visible(text)
-- function bizydb.work_done(bigint,bigint,bigint,bigint)
-- identity bizydb.imports.id
-- identity public.goals.id
-- identity public.tasks.id
-- identity public.users.id
-- index bizydb.ix_changes_user_seq
-- index public.ix_users_email
-- index public.ix_users_username
-- not null bizydb.changes.id
-- not null bizydb.changes.kind
-- not null bizydb.changes.seq
-- not null bizydb.changes.user_id
-- not null bizydb.changes.xid
-- not null bizydb.deleted_goals.created_at
-- not null bizydb.deleted_goals.deleted_at
-- not null bizydb.deleted_goals.deletion
-- not null bizydb.deleted_goals.id
-- not null bizydb.deleted_goals.metrics
-- not null bizydb.deleted_goals.own
-- not null bizydb.deleted_goals.progress_percentage
-- not null bizydb.deleted_goals.status
-- not null bizydb.deleted_goals.sub_goal_count
-- not null bizydb.deleted_goals.task_count
-- not null bizydb.deleted_goals.title
-- not null bizydb.deleted_goals.updated_at
-- not null bizydb.deleted_goals.user_id
-- not null bizydb.deleted_goals.version
-- not null bizydb.deleted_links.kind
-- not null bizydb.deleted_links.lower
-- not null bizydb.deleted_links.place
-- not null bizydb.deleted_links.upper
-- not null bizydb.deleted_links.user_id
-- not null bizydb.deleted_tasks.blocked_in_progress
-- not null bizydb.deleted_tasks.created_at
-- not null bizydb.deleted_tasks.deleted_at
-- not null bizydb.deleted_tasks.deletion
-- not null bizydb.deleted_tasks.dependencies
-- not null bizydb.deleted_tasks.due_all_day
-- not null bizydb.deleted_tasks.id
-- not null bizydb.deleted_tasks.own
-- not null bizydb.deleted_tasks.priority
-- not null bizydb.deleted_tasks.status
-- not null bizydb.deleted_tasks.tags
-- not null bizydb.deleted_tasks.title
-- not null bizydb.deleted_tasks.updated_at
-- not null bizydb.deleted_tasks.user_id
-- not null bizydb.deleted_tasks.version
-- not null bizydb.imports.column_hashes
-- not null bizydb.imports.contents
-- not null bizydb.imports.id
-- not null bizydb.imports.imported_at
-- not null bizydb.imports.kind
-- not null bizydb.imports.marks
-- not null bizydb.imports.new_ids
-- not null bizydb.imports.old_ids
-- not null bizydb.imports.upgraded_on
-- not null bizydb.imports.user_id
-- not null bizydb.imports.zone
-- not null bizydb.timelines.system_identifier
-- not null bizydb.timelines.timeline
-- not null public.goals.completed_task_count
-- not null public.goals.created_at
-- not null public.goals.id
-- not null public.goals.metrics
-- not null public.goals.progress_percentage
-- not null public.goals.roll_up_count
-- not null public.goals.status
-- not null public.goals.sub_goal_count
-- not null public.goals.sub_goal_progress
-- not null public.goals.task_count
-- not null public.goals.title
-- not null public.goals.updated_at
-- not null public.goals.user_id
-- not null public.goals.version
-- not null public.tasks.blocked_in_progress
-- not null public.tasks.created_at
-- not null public.tasks.dependencies
-- not null public.tasks.due_all_day
-- not null public.tasks.id
-- not null public.tasks.priority
-- not null public.tasks.status
-- not null public.tasks.tags
-- not null public.tasks.title
-- not null public.tasks.updated_at
-- not null public.tasks.user_id
-- not null public.tasks.version
-- not null public.users.created_at
-- not null public.users.email
-- not null public.users.id
-- not null public.users.is_active
-- not null public.users.is_superuser
-- not null public.users.is_verified
-- not null public.users.password_changed_at
-- not null public.users.updated_at
-- not null public.users.username
-- relation bizydb.change_seq
-- relation bizydb.changes
-- relation bizydb.deleted_goals
-- relation bizydb.deleted_links
-- relation bizydb.deleted_tasks
-- relation bizydb.imports
-- relation bizydb.imports_id_seq
-- relation bizydb.profiles
-- relation bizydb.timelines
-- relation public.goals
-- relation public.goals_id_seq
-- relation public.tasks
-- relation public.tasks_id_seq
-- relation public.users
-- relation public.users_id_seq
ALTER FUNCTION bizydb.add_work(bizydb.work[],bigint[],bigint[]) SET plan_cache_mode TO 'force_generic_plan'
ALTER FUNCTION bizydb.add_work(bizydb.work[],bigint[],bigint[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.by_dependencies(bigint[],bizydb.link[]) SET plan_cache_mode TO 'force_custom_plan'
ALTER FUNCTION bizydb.by_dependencies(bigint[],bizydb.link[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.changed_users(bigint,bigint,bigint,integer) SET enable_sort TO 'off'
ALTER FUNCTION bizydb.changed_users(bigint,bigint,bigint,integer) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.changes_after(bigint,integer,bigint) SET TimeZone TO 'UTC'
ALTER FUNCTION bizydb.changes_after(bigint,integer,bigint) SET enable_sort TO 'off'
ALTER FUNCTION bizydb.changes_after(bigint,integer,bigint) SET extra_float_digits TO '1'
ALTER FUNCTION bizydb.changes_after(bigint,integer,bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.changes_since() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.check_dependencies() SECURITY DEFINER
ALTER FUNCTION bizydb.check_dependencies() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.check_dependencies() SET jit TO 'off'
ALTER FUNCTION bizydb.check_dependencies() SET plan_cache_mode TO 'force_generic_plan'
ALTER FUNCTION bizydb.check_dependencies() SET row_security TO 'off'
ALTER FUNCTION bizydb.check_dependencies() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.check_parent_goal() SECURITY DEFINER
ALTER FUNCTION bizydb.check_parent_goal() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.check_parent_goal() SET row_security TO 'off'
ALTER FUNCTION bizydb.check_parent_goal() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.clean_user() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.closed_goals() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.confine(regclass,name) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.date_imported_goals(bigint[],timestamp with time zone[]) SECURITY DEFINER
ALTER FUNCTION bizydb.date_imported_goals(bigint[],timestamp with time zone[]) SET row_security TO 'off'
ALTER FUNCTION bizydb.date_imported_goals(bigint[],timestamp with time zone[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.date_password() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.delete_user(bigint) SECURITY DEFINER
ALTER FUNCTION bizydb.delete_user(bigint) SET row_security TO 'off'
ALTER FUNCTION bizydb.delete_user(bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.dependent_tasks(bigint) SECURITY DEFINER
ALTER FUNCTION bizydb.dependent_tasks(bigint) SET row_security TO 'off'
ALTER FUNCTION bizydb.dependent_tasks(bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.derive_goal() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.derive_task() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.derive_user() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.empty_trash() SECURITY DEFINER
ALTER FUNCTION bizydb.empty_trash() SET row_security TO 'off'
ALTER FUNCTION bizydb.empty_trash() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.forget_changes() SECURITY DEFINER
ALTER FUNCTION bizydb.forget_changes() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.forget_changes() SET row_security TO 'off'
ALTER FUNCTION bizydb.forget_changes() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.forget_deleted(timestamp with time zone,integer) SECURITY DEFINER
ALTER FUNCTION bizydb.forget_deleted(timestamp with time zone,integer) SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.forget_deleted(timestamp with time zone,integer) SET row_security TO 'off'
ALTER FUNCTION bizydb.forget_deleted(timestamp with time zone,integer) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.forget_dependencies() SECURITY DEFINER
ALTER FUNCTION bizydb.forget_dependencies() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.forget_dependencies() SET jit TO 'off'
ALTER FUNCTION bizydb.forget_dependencies() SET row_security TO 'off'
ALTER FUNCTION bizydb.forget_dependencies() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.forget_links() SECURITY DEFINER
ALTER FUNCTION bizydb.forget_links() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.forget_links() SET jit TO 'off'
ALTER FUNCTION bizydb.forget_links() SET row_security TO 'off'
ALTER FUNCTION bizydb.forget_links() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.forget_user() SECURITY DEFINER
ALTER FUNCTION bizydb.forget_user() SET row_security TO 'off'
ALTER FUNCTION bizydb.forget_user() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.goal_defaults() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.is_waiting(jsonb) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.keep_deleted(boolean) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.keep_deleted_goal() SECURITY DEFINER
ALTER FUNCTION bizydb.keep_deleted_goal() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.keep_deleted_goal() SET plan_cache_mode TO 'force_generic_plan'
ALTER FUNCTION bizydb.keep_deleted_goal() SET row_security TO 'off'
ALTER FUNCTION bizydb.keep_deleted_goal() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.keep_deleted_tasks() SECURITY DEFINER
ALTER FUNCTION bizydb.keep_deleted_tasks() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.keep_deleted_tasks() SET jit TO 'off'
ALTER FUNCTION bizydb.keep_deleted_tasks() SET row_security TO 'off'
ALTER FUNCTION bizydb.keep_deleted_tasks() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.link_again(bigint,bizydb.link[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.log_changes() SECURITY DEFINER
ALTER FUNCTION bizydb.log_changes() SET plan_cache_mode TO 'force_generic_plan'
ALTER FUNCTION bizydb.log_changes() SET row_security TO 'off'
ALTER FUNCTION bizydb.log_changes() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.log_truncation() SECURITY DEFINER
ALTER FUNCTION bizydb.log_truncation() SET row_security TO 'off'
ALTER FUNCTION bizydb.log_truncation() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.missing_links(bigint,bizydb.link[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.needed_tasks(jsonb,bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.needed_tasks(jsonb,bigint) SET work_mem TO '64kB'
ALTER FUNCTION bizydb.no_such_user() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.not_fresh() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.note_timeline() SECURITY DEFINER
ALTER FUNCTION bizydb.note_timeline() SET row_security TO 'off'
ALTER FUNCTION bizydb.note_timeline() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.own_values(regclass,text) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.plan_for_any_values() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.put_back(text,bigint,bigint[],jsonb,jsonb) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.recount(bigint,bigint[],integer[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.refuse_goal_version(bigint,bigint,bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.refuse_task_version(bigint,bigint,bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.restore(bigint,bigint[],bigint[]) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.restore_goal(bigint,boolean) SECURITY DEFINER
ALTER FUNCTION bizydb.restore_goal(bigint,boolean) SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.restore_goal(bigint,boolean) SET jit TO 'off'
ALTER FUNCTION bizydb.restore_goal(bigint,boolean) SET row_security TO 'off'
ALTER FUNCTION bizydb.restore_goal(bigint,boolean) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.restore_task(bigint) SECURITY DEFINER
ALTER FUNCTION bizydb.restore_task(bigint) SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.restore_task(bigint) SET jit TO 'off'
ALTER FUNCTION bizydb.restore_task(bigint) SET row_security TO 'off'
ALTER FUNCTION bizydb.restore_task(bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.restoring(text,bigint) SECURITY DEFINER
ALTER FUNCTION bizydb.restoring(text,bigint) SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.restoring(text,bigint) SET row_security TO 'off'
ALTER FUNCTION bizydb.restoring(text,bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.roll_up(bigint) SECURITY DEFINER
ALTER FUNCTION bizydb.roll_up(bigint) SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.roll_up(bigint) SET row_security TO 'off'
ALTER FUNCTION bizydb.roll_up(bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.roll_up_all() SECURITY DEFINER
ALTER FUNCTION bizydb.roll_up_all() SET enable_seqscan TO 'off'
ALTER FUNCTION bizydb.roll_up_all() SET row_security TO 'off'
ALTER FUNCTION bizydb.roll_up_all() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.roll_up_every_user() SECURITY DEFINER
ALTER FUNCTION bizydb.roll_up_every_user() SET row_security TO 'off'
ALTER FUNCTION bizydb.roll_up_every_user() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.roll_up_goals() SECURITY DEFINER
ALTER FUNCTION bizydb.roll_up_goals() SET row_security TO 'off'
ALTER FUNCTION bizydb.roll_up_goals() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.roll_up_tasks() SECURITY DEFINER
ALTER FUNCTION bizydb.roll_up_tasks() SET row_security TO 'off'
ALTER FUNCTION bizydb.roll_up_tasks() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.roll_up_user(bigint) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.see_all_changes() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.sweep_links() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.tagged_tasks(jsonb,jsonb) SECURITY DEFINER
ALTER FUNCTION bizydb.tagged_tasks(jsonb,jsonb) SET jit TO 'off'
ALTER FUNCTION bizydb.tagged_tasks(jsonb,jsonb) SET row_security TO 'off'
ALTER FUNCTION bizydb.tagged_tasks(jsonb,jsonb) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.task_defaults() SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.track_changes(boolean) SET row_security TO 'off'
ALTER FUNCTION bizydb.track_changes(boolean) SET search_path TO pg_catalog, pg_temp
ALTER FUNCTION bizydb.use_settings(jsonb) SET search_path TO pg_catalog, pg_temp
ALTER TABLE bizydb.changes ENABLE ROW LEVEL SECURITY
ALTER TABLE bizydb.deleted_goals ENABLE ROW LEVEL SECURITY
ALTER TABLE bizydb.deleted_links ENABLE ROW LEVEL SECURITY
ALTER TABLE bizydb.deleted_tasks ENABLE ROW LEVEL SECURITY
ALTER TABLE bizydb.imports ENABLE ROW LEVEL SECURITY
ALTER TABLE public.goals ENABLE ROW LEVEL SECURITY
ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY
ALTER VIEW bizydb.profiles SET (security_invoker = true)
CREATE OR REPLACE TRIGGER deleted_goals_forget_links AFTER DELETE ON bizydb.deleted_goals REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links()
CREATE OR REPLACE TRIGGER deleted_goals_forget_links_truncate AFTER TRUNCATE ON bizydb.deleted_goals FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links()
CREATE OR REPLACE TRIGGER deleted_tasks_forget_links AFTER DELETE ON bizydb.deleted_tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links()
CREATE OR REPLACE TRIGGER deleted_tasks_forget_links_truncate AFTER TRUNCATE ON bizydb.deleted_tasks FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_links()
CREATE OR REPLACE TRIGGER goals_check_parent AFTER INSERT OR UPDATE OF user_id, id, parent_goal_id ON public.goals FOR EACH ROW WHEN ((new.parent_goal_id IS NOT NULL)) EXECUTE FUNCTION bizydb.check_parent_goal()
CREATE OR REPLACE TRIGGER goals_defaults BEFORE INSERT ON public.goals FOR EACH ROW EXECUTE FUNCTION bizydb.goal_defaults()
CREATE OR REPLACE TRIGGER goals_deleted BEFORE DELETE ON public.goals FOR EACH ROW EXECUTE FUNCTION bizydb.keep_deleted_goal()
CREATE OR REPLACE TRIGGER goals_derive BEFORE INSERT OR UPDATE ON public.goals FOR EACH ROW EXECUTE FUNCTION bizydb.derive_goal()
CREATE OR REPLACE TRIGGER goals_forget_truncate AFTER TRUNCATE ON public.goals FOR EACH STATEMENT EXECUTE FUNCTION bizydb.empty_trash()
CREATE OR REPLACE TRIGGER goals_log_delete AFTER DELETE ON public.goals REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('goal')
CREATE OR REPLACE TRIGGER goals_log_insert AFTER INSERT ON public.goals REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('goal')
CREATE OR REPLACE TRIGGER goals_log_truncate AFTER TRUNCATE ON public.goals FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_truncation('goal')
CREATE OR REPLACE TRIGGER goals_log_update AFTER UPDATE ON public.goals REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('goal')
CREATE OR REPLACE TRIGGER goals_roll_up_delete AFTER DELETE ON public.goals REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_goals()
CREATE OR REPLACE TRIGGER goals_roll_up_insert AFTER INSERT ON public.goals REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_goals()
CREATE OR REPLACE TRIGGER goals_roll_up_update AFTER UPDATE ON public.goals REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_goals()
CREATE OR REPLACE TRIGGER tasks_check_dependencies_insert AFTER INSERT ON public.tasks FOR EACH ROW WHEN ((new.dependencies <> '[]'::jsonb)) EXECUTE FUNCTION bizydb.check_dependencies()
CREATE OR REPLACE TRIGGER tasks_check_dependencies_update AFTER UPDATE OF id, user_id, dependencies ON public.tasks FOR EACH ROW WHEN (((NOT (new.dependencies <@ old.dependencies)) OR (old.id <> new.id) OR (old.user_id <> new.user_id))) EXECUTE FUNCTION bizydb.check_dependencies()
CREATE OR REPLACE TRIGGER tasks_defaults BEFORE INSERT ON public.tasks FOR EACH ROW EXECUTE FUNCTION bizydb.task_defaults()
CREATE OR REPLACE TRIGGER tasks_deleted AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.keep_deleted_tasks()
CREATE OR REPLACE TRIGGER tasks_derive BEFORE INSERT OR UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION bizydb.derive_task()
CREATE OR REPLACE TRIGGER tasks_forget_dependencies AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_dependencies()
CREATE OR REPLACE TRIGGER tasks_forget_truncate AFTER TRUNCATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION bizydb.empty_trash()
CREATE OR REPLACE TRIGGER tasks_log_delete AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('task')
CREATE OR REPLACE TRIGGER tasks_log_insert AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('task')
CREATE OR REPLACE TRIGGER tasks_log_truncate AFTER TRUNCATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_truncation('task')
CREATE OR REPLACE TRIGGER tasks_log_update AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.log_changes('task')
CREATE OR REPLACE TRIGGER tasks_roll_up_delete AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks()
CREATE OR REPLACE TRIGGER tasks_roll_up_insert AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks()
CREATE OR REPLACE TRIGGER tasks_roll_up_truncate AFTER TRUNCATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_every_user()
CREATE OR REPLACE TRIGGER tasks_roll_up_update AFTER UPDATE ON public.tasks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.roll_up_tasks()
CREATE OR REPLACE TRIGGER users_clean BEFORE INSERT OR UPDATE OF email, username, full_name ON public.users FOR EACH ROW EXECUTE FUNCTION bizydb.clean_user()
CREATE OR REPLACE TRIGGER users_derive BEFORE UPDATE OF email, username, full_name, is_active, is_verified, is_superuser, email_verified_at, updated_at ON public.users FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION bizydb.derive_user()
CREATE OR REPLACE TRIGGER users_forget AFTER DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION bizydb.forget_user()
CREATE OR REPLACE TRIGGER users_forget_all_changes AFTER TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_changes()
CREATE OR REPLACE TRIGGER users_forget_changes AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION bizydb.forget_changes()
CREATE OR REPLACE TRIGGER users_forget_id AFTER UPDATE OF id ON public.users FOR EACH ROW WHEN ((old.id <> new.id)) EXECUTE FUNCTION bizydb.forget_user()
CREATE OR REPLACE TRIGGER users_password BEFORE UPDATE OF hashed_password ON public.users FOR EACH ROW WHEN (((old.hashed_password IS DISTINCT FROM new.hashed_password) OR (new.password_changed_at IS NULL))) EXECUTE FUNCTION bizydb.date_password()
CREATE POLICY changes_owner ON bizydb.changes AS PERMISSIVE FOR SELECT TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY changes_reporter ON bizydb.changes AS PERMISSIVE FOR SELECT TO bizydb_reporter USING (true)
CREATE POLICY deleted_goals_owner ON bizydb.deleted_goals AS PERMISSIVE FOR ALL TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY deleted_links_owner ON bizydb.deleted_links AS PERMISSIVE FOR ALL TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY deleted_tasks_owner ON bizydb.deleted_tasks AS PERMISSIVE FOR ALL TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY goals_owner ON public.goals AS PERMISSIVE FOR ALL TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY goals_reporter ON public.goals AS PERMISSIVE FOR SELECT TO bizydb_reporter USING (true)
CREATE POLICY imports_owner ON bizydb.imports AS PERMISSIVE FOR ALL TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY tasks_owner ON public.tasks AS PERMISSIVE FOR ALL TO bizydb_user USING ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id))) WITH CHECK ((user_id = ( SELECT bizydb.current_user_id() AS current_user_id)))
CREATE POLICY tasks_reporter ON public.tasks AS PERMISSIVE FOR SELECT TO bizydb_reporter USING (true)
CREATE POLICY users_accounts ON public.users AS PERMISSIVE FOR ALL TO bizydb_accounts USING (true) WITH CHECK (true)
CREATE POLICY users_reporter ON public.users AS PERMISSIVE FOR SELECT TO bizydb_reporter USING (true)
CREATE POLICY users_self ON public.users AS PERMISSIVE FOR ALL TO bizydb_user USING (((id = ( SELECT bizydb.current_user_id() AS current_user_id)) AND is_active)) WITH CHECK (((id = ( SELECT bizydb.current_user_id() AS current_user_id)) AND is_active))
CREATE ROLE bizydb_accounts NOLOGIN
CREATE ROLE bizydb_reporter NOLOGIN
CREATE ROLE bizydb_user NOLOGIN
GRANT DELETE ON bizydb.deleted_goals TO bizydb_user
GRANT DELETE ON bizydb.deleted_tasks TO bizydb_user
GRANT DELETE ON public.goals TO bizydb_user
GRANT DELETE ON public.tasks TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.changed_users(bigint,bigint,bigint,integer) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.changes_after(bigint,integer,bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.changes_since() TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.changes_since() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.closed_goals() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.current_user_id() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.date_imported_goals(bigint[],timestamp with time zone[]) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.day_after(date,bigint,double precision) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.day_start(date,text) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.day_start(date,text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.delete_user(bigint) TO bizydb_accounts
GRANT EXECUTE ON FUNCTION bizydb.dependent_tasks(bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.due_day(timestamp with time zone,boolean,text) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.due_day(timestamp with time zone,boolean,text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.due_on(date) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.due_on(date) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.due_or_never(timestamp with time zone) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.due_or_never(timestamp with time zone) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.first_day(timestamp with time zone,text) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.first_day(timestamp with time zone,text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.fold(text) TO bizydb_accounts
GRANT EXECUTE ON FUNCTION bizydb.fold(text) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.fold(text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.forget_deleted(timestamp with time zone,integer) TO bizydb_accounts
GRANT EXECUTE ON FUNCTION bizydb.generated_columns(oid) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.goal_now(bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.is_waiting(jsonb) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.local_day(timestamp with time zone,text) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.local_day(timestamp with time zone,text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.lock_user(bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.monday(date) TO bizydb_reporter
GRANT EXECUTE ON FUNCTION bizydb.monday(date) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.no_such_user() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.not_fresh() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.note_timeline() TO bizydb_accounts
GRANT EXECUTE ON FUNCTION bizydb.plan_for_any_values() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.refuse_goal_version(bigint,bigint,bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.refuse_task_version(bigint,bigint,bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.require_fresh(bigint,integer,pg_lsn,xid8,xid8) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.require_replayed(timestamp with time zone,pg_lsn) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.require_user() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.restore_goal(bigint,boolean) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.restore_task(bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.restoring(text,bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.roll_up(bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.roll_up_all() TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.schema_version() TO PUBLIC
GRANT EXECUTE ON FUNCTION bizydb.tagged_tasks(jsonb,jsonb) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.task_now(bigint) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.to_hundredths(double precision) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.trim_space(text) TO bizydb_accounts
GRANT EXECUTE ON FUNCTION bizydb.trim_space(text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.visible(text) TO bizydb_accounts
GRANT EXECUTE ON FUNCTION bizydb.visible(text) TO bizydb_user
GRANT EXECUTE ON FUNCTION bizydb.work_done(bigint,bigint,bigint,bigint) TO bizydb_user
GRANT INSERT (actual_hours) ON public.tasks TO bizydb_user
GRANT INSERT (blocked_in_progress) ON public.tasks TO bizydb_user
GRANT INSERT (blocked_reason) ON public.tasks TO bizydb_user
GRANT INSERT (category) ON public.tasks TO bizydb_user
GRANT INSERT (column_hashes) ON bizydb.imports TO bizydb_user
GRANT INSERT (completed_at) ON public.goals TO bizydb_user
GRANT INSERT (completed_at) ON public.tasks TO bizydb_user
GRANT INSERT (contents) ON bizydb.imports TO bizydb_user
GRANT INSERT (created_at) ON public.goals TO bizydb_user
GRANT INSERT (created_at) ON public.tasks TO bizydb_user
GRANT INSERT (dependencies) ON public.tasks TO bizydb_user
GRANT INSERT (description) ON public.goals TO bizydb_user
GRANT INSERT (description) ON public.tasks TO bizydb_user
GRANT INSERT (due_all_day) ON public.tasks TO bizydb_user
GRANT INSERT (due_date) ON public.tasks TO bizydb_user
GRANT INSERT (estimated_hours) ON public.tasks TO bizydb_user
GRANT INSERT (horizon) ON public.goals TO bizydb_user
GRANT INSERT (kind) ON bizydb.imports TO bizydb_user
GRANT INSERT (marks) ON bizydb.imports TO bizydb_user
GRANT INSERT (metrics) ON public.goals TO bizydb_user
GRANT INSERT (new_ids) ON bizydb.imports TO bizydb_user
GRANT INSERT (notes) ON public.tasks TO bizydb_user
GRANT INSERT (old_ids) ON bizydb.imports TO bizydb_user
GRANT INSERT (parent_goal_id) ON public.goals TO bizydb_user
GRANT INSERT (parent_goal_id) ON public.tasks TO bizydb_user
GRANT INSERT (priority) ON public.tasks TO bizydb_user
GRANT INSERT (progress_percentage) ON public.goals TO bizydb_user
GRANT INSERT (status) ON public.goals TO bizydb_user
GRANT INSERT (status) ON public.tasks TO bizydb_user
GRANT INSERT (success_criteria) ON public.goals TO bizydb_user
GRANT INSERT (tags) ON public.tasks TO bizydb_user
GRANT INSERT (target_date) ON public.goals TO bizydb_user
GRANT INSERT (title) ON public.goals TO bizydb_user
GRANT INSERT (title) ON public.tasks TO bizydb_user
GRANT INSERT (updated_at) ON public.goals TO bizydb_user
GRANT INSERT (updated_at) ON public.tasks TO bizydb_user
GRANT INSERT (upgraded_on) ON bizydb.imports TO bizydb_user
GRANT INSERT (zone) ON bizydb.imports TO bizydb_user
GRANT INSERT ON public.users TO bizydb_accounts
GRANT SELECT (created_at) ON public.users TO bizydb_reporter
GRANT SELECT (created_at) ON public.users TO bizydb_user
GRANT SELECT (email) ON public.users TO bizydb_reporter
GRANT SELECT (email) ON public.users TO bizydb_user
GRANT SELECT (email_verified_at) ON public.users TO bizydb_reporter
GRANT SELECT (email_verified_at) ON public.users TO bizydb_user
GRANT SELECT (full_name) ON public.users TO bizydb_reporter
GRANT SELECT (full_name) ON public.users TO bizydb_user
GRANT SELECT (id) ON bizydb.changes TO bizydb_user
GRANT SELECT (id) ON public.users TO bizydb_reporter
GRANT SELECT (id) ON public.users TO bizydb_user
GRANT SELECT (is_active) ON public.users TO bizydb_reporter
GRANT SELECT (is_active) ON public.users TO bizydb_user
GRANT SELECT (is_superuser) ON public.users TO bizydb_reporter
GRANT SELECT (is_superuser) ON public.users TO bizydb_user
GRANT SELECT (is_verified) ON public.users TO bizydb_reporter
GRANT SELECT (is_verified) ON public.users TO bizydb_user
GRANT SELECT (kind) ON bizydb.changes TO bizydb_user
GRANT SELECT (last_login_at) ON public.users TO bizydb_reporter
GRANT SELECT (last_login_at) ON public.users TO bizydb_user
GRANT SELECT (password_changed_at) ON public.users TO bizydb_reporter
GRANT SELECT (password_changed_at) ON public.users TO bizydb_user
GRANT SELECT (seq) ON bizydb.changes TO bizydb_user
GRANT SELECT (updated_at) ON public.users TO bizydb_reporter
GRANT SELECT (updated_at) ON public.users TO bizydb_user
GRANT SELECT (user_id) ON bizydb.changes TO bizydb_reporter
GRANT SELECT (user_id) ON bizydb.changes TO bizydb_user
GRANT SELECT (username) ON public.users TO bizydb_reporter
GRANT SELECT (username) ON public.users TO bizydb_user
GRANT SELECT (xid) ON bizydb.changes TO bizydb_reporter
GRANT SELECT ON bizydb.deleted_goals TO bizydb_user
GRANT SELECT ON bizydb.deleted_tasks TO bizydb_user
GRANT SELECT ON bizydb.imports TO bizydb_user
GRANT SELECT ON bizydb.profiles TO bizydb_accounts
GRANT SELECT ON bizydb.profiles TO bizydb_reporter
GRANT SELECT ON bizydb.profiles TO bizydb_user
GRANT SELECT ON bizydb.timelines TO bizydb_user
GRANT SELECT ON public.goals TO bizydb_reporter
GRANT SELECT ON public.goals TO bizydb_user
GRANT SELECT ON public.tasks TO bizydb_reporter
GRANT SELECT ON public.tasks TO bizydb_user
GRANT SELECT ON public.users TO bizydb_accounts
GRANT UPDATE (actual_hours) ON public.tasks TO bizydb_user
GRANT UPDATE (blocked_reason) ON public.tasks TO bizydb_user
GRANT UPDATE (category) ON public.tasks TO bizydb_user
GRANT UPDATE (completed_at) ON public.goals TO bizydb_user
GRANT UPDATE (completed_at) ON public.tasks TO bizydb_user
GRANT UPDATE (dependencies) ON public.tasks TO bizydb_user
GRANT UPDATE (description) ON public.goals TO bizydb_user
GRANT UPDATE (description) ON public.tasks TO bizydb_user
GRANT UPDATE (due_all_day) ON public.tasks TO bizydb_user
GRANT UPDATE (due_date) ON public.tasks TO bizydb_user
GRANT UPDATE (estimated_hours) ON public.tasks TO bizydb_user
GRANT UPDATE (full_name) ON bizydb.profiles TO bizydb_user
GRANT UPDATE (full_name) ON public.users TO bizydb_user
GRANT UPDATE (horizon) ON public.goals TO bizydb_user
GRANT UPDATE (metrics) ON public.goals TO bizydb_user
GRANT UPDATE (notes) ON public.tasks TO bizydb_user
GRANT UPDATE (parent_goal_id) ON public.goals TO bizydb_user
GRANT UPDATE (parent_goal_id) ON public.tasks TO bizydb_user
GRANT UPDATE (priority) ON public.tasks TO bizydb_user
GRANT UPDATE (progress_percentage) ON public.goals TO bizydb_user
GRANT UPDATE (status) ON public.goals TO bizydb_user
GRANT UPDATE (status) ON public.tasks TO bizydb_user
GRANT UPDATE (success_criteria) ON public.goals TO bizydb_user
GRANT UPDATE (tags) ON public.tasks TO bizydb_user
GRANT UPDATE (target_date) ON public.goals TO bizydb_user
GRANT UPDATE (title) ON public.goals TO bizydb_user
GRANT UPDATE (title) ON public.tasks TO bizydb_user
GRANT UPDATE (username) ON bizydb.profiles TO bizydb_user
GRANT UPDATE (username) ON public.users TO bizydb_user
GRANT UPDATE (version) ON public.goals TO bizydb_user
GRANT UPDATE (version) ON public.tasks TO bizydb_user
GRANT UPDATE ON bizydb.profiles TO bizydb_accounts
GRANT UPDATE ON public.users TO bizydb_accounts
GRANT USAGE ON SCHEMA bizydb TO bizydb_accounts
GRANT USAGE ON SCHEMA bizydb TO bizydb_reporter
GRANT USAGE ON SCHEMA bizydb TO bizydb_user
GRANT USAGE ON SCHEMA public TO bizydb_accounts
GRANT USAGE ON SCHEMA public TO bizydb_reporter
GRANT USAGE ON SCHEMA public TO bizydb_user
$list$, chr(10)) AS line WHERE line <> ''
), server (number) AS (
  SELECT current_setting('server_version_num')::integer
),

-- bizydb's objects.
main (oid) AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relname IN ('users', 'goals', 'tasks')
), relation AS (
  SELECT oid, oid::regclass::text AS name, relkind AS kind, relowner AS owner, relacl AS acl, relrowsecurity, relforcerowsecurity, reloptions
  FROM pg_class
  WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND (
    relnamespace = to_regnamespace('bizydb') OR oid IN (SELECT oid FROM main) OR oid IN (
      SELECT objid FROM pg_depend JOIN main ON refobjid = main.oid JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
      WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND attname !~ '^x_' -- a service's own
    ))
), routine AS (
  SELECT oid, CASE prokind WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END || oid::regprocedure AS name, proowner AS owner,
    coalesce(proacl, acldefault('f', proowner)) AS acl, prosecdef, proconfig
  FROM pg_proc WHERE pronamespace = to_regnamespace('bizydb')
), object (name, owner, acl) AS ( -- named as after GRANT … ON
  SELECT CASE kind WHEN 'S' THEN 'SEQUENCE ' ELSE '' END || name, owner, acl FROM relation
  UNION ALL
  SELECT name, owner, acl FROM routine
  UNION ALL
  SELECT 'SCHEMA bizydb', nspowner, nspacl FROM pg_namespace WHERE nspname = 'bizydb'
  UNION ALL
  -- Not those of tables, and arrays, which have no rights of their own.
  SELECT 'TYPE ' || t.oid::regtype, typowner, coalesce(typacl, acldefault('T', typowner)) FROM pg_type t
  WHERE typnamespace = to_regnamespace('bizydb') AND typelem = 0 AND (typrelid = 0 OR EXISTS (SELECT FROM pg_class WHERE pg_class.oid = typrelid AND relkind = 'c'))
), held AS (
  SELECT o.name AS object, o.owner, privilege_type AS privilege, grantee, grantor, is_grantable FROM object o, aclexplode(acl)
  UNION ALL
  SELECT r.name, r.owner, format('%s (%I)', privilege_type, attname), grantee, grantor, is_grantable
  FROM relation r JOIN pg_attribute ON attrelid = r.oid AND attacl IS NOT NULL, aclexplode(attacl)
),

-- Who counts: bizydb's roles, and the login that Open asks for, with all that they can become.
role AS (
  SELECT oid, quote_ident(rolname) AS name FROM pg_roles WHERE rolname IN ('bizydb_user', 'bizydb_accounts', 'bizydb_reporter')
), login AS (
  SELECT oid, quote_ident(rolname) AS name, rolname = session_user AS of_session, rolname = current_user AS is_current FROM pg_roles
  WHERE current_setting('bizydb.judge_login', true) = 'on' AND rolname IN (session_user, current_user) AND oid NOT IN (SELECT oid FROM role)
), start AS (
  SELECT s.oid, s.name, s.why, r.rolsuper, r.rolbypassrls, r.rolreplication, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolinherit
  FROM (SELECT oid, name, 'more' FROM role UNION ALL SELECT oid, name, 'login' FROM login) AS s (oid, name, why) JOIN pg_roles r USING (oid)
), subject (oid, name, why) AS (
  SELECT 0::oid, 'PUBLIC', 'PUBLIC'
  UNION ALL
  SELECT r.oid, quote_ident(r.rolname), CASE WHEN bool_or(s.why = 'more') THEN 'more' ELSE 'login' END
  FROM start s JOIN pg_roles r ON r.oid = s.oid OR NOT s.rolsuper AND pg_has_role(s.oid, r.oid, 'MEMBER')
  GROUP BY r.oid, r.rolname
), possessor (oid, what) AS ( -- the owner of a schema can drop what is in it
  SELECT owner, 'bizydb''s objects' FROM object
  UNION
  SELECT nspowner, 'schema public' FROM pg_namespace WHERE nspname = 'public'
  UNION
  SELECT datdba, 'the database, and so schema public' FROM pg_database, pg_namespace
  WHERE datname = current_database() AND nspname = 'public' AND nspowner = 'pg_database_owner'::regrole
), powerful (oid) AS ( -- who looks past row security, or can become somebody who does
  SELECT r.oid FROM pg_roles r, server
  WHERE rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole AND server.number < 160000 OR oid IN (SELECT oid FROM possessor)
     OR rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_maintain', 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
), membership AS (
  SELECT s.oid, s.name, s.why, m.roleid, m.roleid::regrole::text AS role, CASE WHEN server.number >= 160000 THEN ' GRANTED BY ' || m.grantor::regrole ELSE '' END AS granted_by,
    coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, s.rolinherit) AND NOT s.rolsuper AS inherits
  FROM start s JOIN pg_auth_members m ON m.member = s.oid, server
),

-- All triggers that track changes are there, or none of them: see bizydb.track_changes().
tracking (line) AS (
  SELECT line FROM expected WHERE line ~ 'EXECUTE FUNCTION bizydb[.](log_changes|log_truncation|forget_changes)[(]'
), trigger AS (
  SELECT g.oid, tgname AS name, r.name AS relation, replace(pg_get_triggerdef(g.oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER') AS line, tgenabled AS enabled,
    f.name ~ '^FUNCTION bizydb[.](log_changes|log_truncation|forget_changes)[(]' AS tracks
  FROM relation r JOIN pg_trigger g ON tgrelid = r.oid JOIN routine f ON f.oid = tgfoid WHERE NOT tgisinternal
),

-- What there is, as the statement that makes it, and the one that takes it away, NULL where there can be more of the kind.
live (line, undo, why) AS (
  SELECT format('GRANT %s ON %s TO %s', privilege, object, s.name),
    CASE WHEN grantor = owner THEN format('REVOKE %s ON %s FROM %s', privilege, object, s.name)
      ELSE format('REVOKE GRANT OPTION FOR %s ON %s FROM %s CASCADE', privilege, object, grantor::regrole) END, s.why
  FROM held JOIN subject s ON s.oid = grantee
  -- A schema's USAGE gives nothing by itself.
  WHERE grantee <> owner AND (object <> 'SCHEMA bizydb' OR privilege <> 'USAGE' OR grantee IN (SELECT oid FROM role))
  UNION ALL
  SELECT format('GRANT %s ON %s TO %s WITH GRANT OPTION', privilege, object, s.name), format('REVOKE GRANT OPTION FOR %s ON %s FROM %s CASCADE', privilege, object, s.name), s.why
  FROM held JOIN subject s ON s.oid = grantee WHERE grantee <> owner AND is_grantable AND object <> 'SCHEMA bizydb'
  UNION ALL
  SELECT format('GRANT USAGE ON SCHEMA public TO %s', name), NULL, NULL FROM role, pg_namespace n
  WHERE nspname = 'public' AND has_schema_privilege(role.oid, n.oid, 'USAGE') AND ( -- as a member of PUBLIC, where it is not this role's to grant
    NOT pg_has_role(nspowner, 'USAGE') OR EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = role.oid AND privilege_type = 'USAGE'))

  UNION ALL
  SELECT format('CREATE ROLE %s NOLOGIN', name), NULL, NULL FROM role
  UNION ALL
  SELECT NULL, format('ALTER ROLE %s NO%s', s.name, attribute), why
  FROM start s, server, LATERAL (VALUES
    ('SUPERUSER', rolsuper), ('BYPASSRLS', rolbypassrls), ('REPLICATION', rolreplication),
    ('CREATEROLE', rolcreaterole AND (why = 'more' OR server.number < 160000)), ('CREATEDB', rolcreatedb AND why = 'more'), ('LOGIN', rolcanlogin AND why = 'more')
  ) AS a (attribute, given) WHERE given AND NOT (why = 'login' AND rolsuper)
  UNION ALL
  SELECT NULL, format('-- log in as another role than %s, which %s: a service has a login of its own, see docs/guide.md', name, CASE WHEN rolsuper THEN 'is a superuser' ELSE 'owns ' || what END), 'another'
  FROM start LEFT JOIN (SELECT oid, min(what) FROM possessor GROUP BY oid) AS p (oid, what) USING (oid) WHERE why = 'login' AND (rolsuper OR what IS NOT NULL)
  UNION ALL
  SELECT NULL, format('REVOKE %s FROM %s', role, name) || granted_by, why FROM membership m
  WHERE NOT (why = 'login' AND roleid IN (SELECT oid FROM role)) AND (
    EXISTS (SELECT FROM powerful p WHERE pg_has_role(m.roleid, p.oid, 'MEMBER'))
    OR why = 'more' AND (m.name = 'bizydb_reporter' OR EXISTS (SELECT FROM role r WHERE r.oid <> m.oid AND pg_has_role(m.roleid, r.oid, 'MEMBER'))))
  UNION ALL
  SELECT DISTINCT NULL, CASE WHEN server.number >= 160000 THEN format('GRANT %s TO %s WITH INHERIT FALSE', role, name) || granted_by ELSE format('ALTER ROLE %s NOINHERIT', name) END, 'login'
  FROM membership m, server
  WHERE why = 'login' AND inherits AND EXISTS (SELECT FROM role r WHERE pg_has_role(m.roleid, r.oid, 'USAGE'))

  UNION ALL
  SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name), NULL, NULL FROM relation WHERE relrowsecurity
  UNION ALL -- under which a definer function fails, unless its owner looks past row security anyway
  SELECT NULL, format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', name), 'more' FROM relation
  WHERE relforcerowsecurity AND EXISTS (SELECT FROM routine f JOIN pg_roles o ON o.oid = f.owner WHERE prosecdef AND NOT (rolsuper OR rolbypassrls))
  UNION ALL
  SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', polname, r.name, CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, roles.names)
    || coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '') || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', ''),
    format('DROP POLICY %I ON %s', polname, r.name), roles.why
  FROM relation r JOIN pg_policy ON polrelid = r.oid
  CROSS JOIN LATERAL (
    SELECT string_agg(CASE p.oid WHEN 0 THEN 'PUBLIC' ELSE p.oid::regrole::text END, ', ' ORDER BY p.oid::regrole::text COLLATE "C"), CASE WHEN bool_and(s.why = 'login') THEN 'login' ELSE 'more' END, count(s.oid)
    FROM unnest(polroles) AS p (oid) LEFT JOIN subject s USING (oid)
  ) AS roles (names, why, counted)
  WHERE roles.counted > 0
  UNION ALL
  SELECT format('ALTER VIEW %s SET (security_invoker = true)', name), NULL, NULL FROM relation, pg_options_to_table(reloptions)
  WHERE kind = 'v' AND option_name = 'security_invoker' AND option_value::boolean

  UNION ALL
  SELECT format('ALTER %s SECURITY DEFINER', name), format('ALTER %s SECURITY INVOKER', name), 'more' FROM routine WHERE prosecdef
  UNION ALL
  SELECT format('ALTER %s SET %s TO %s', name, setting, CASE WHEN setting <> 'search_path' THEN quote_literal(value) WHEN value = '""' THEN '''''' ELSE value END), format('ALTER %s RESET %s', name, setting), 'more'
  FROM routine, unnest(proconfig) AS given, LATERAL (SELECT split_part(given, '=', 1), substr(given, strpos(given, '=') + 1)) AS s (setting, value)
  UNION ALL -- a definer function has to reach the tables
  SELECT DISTINCT NULL, CASE WHEN pg_has_role(f.owner, u.owner, 'USAGE') THEN format('ALTER TABLE %s OWNER TO %s', t.name, f.owner::regrole) ELSE format('ALTER %s OWNER TO %s', f.name, u.owner::regrole) END, 'more'
  FROM routine f JOIN relation t ON t.kind IN ('r', 'p') JOIN relation u ON u.name = 'public.users' WHERE prosecdef AND NOT pg_has_role(f.owner, t.owner, 'USAGE')

  UNION ALL -- a service can have triggers of its own, which are not looked at
  SELECT line, CASE WHEN NOT tracks THEN format('DROP TRIGGER %I ON %s', name, relation) END, 'more' FROM trigger
  UNION ALL
  SELECT NULL, format('ALTER TABLE %s ENABLE TRIGGER %I', r.name, tgname), 'more'
  FROM relation r JOIN pg_trigger g ON tgrelid = r.oid WHERE tgenabled <> 'O' AND (tgisinternal OR tgfoid IN (SELECT oid FROM routine))
    AND g.oid NOT IN (SELECT oid FROM trigger WHERE tracks)

  UNION ALL -- which is run instead of what was asked for, or with it
  SELECT NULL, format('DROP RULE %I ON %s', rulename, r.name), 'more' FROM relation r JOIN pg_rewrite ON ev_class = r.oid WHERE ev_type <> '1'

  UNION ALL
  SELECT format('-- relation %s', name), NULL, NULL FROM relation
  UNION ALL -- by their names alone: versions word them differently, and those of a service's own are not looked at
  SELECT format('-- constraint %s.%I', name, conname), NULL, NULL FROM relation r JOIN pg_constraint ON conrelid = r.oid WHERE convalidated AND contype <> 'n'
  UNION ALL
  SELECT '-- index ' || indexrelid::regclass, NULL, NULL FROM relation r JOIN pg_index ON indrelid = r.oid
  WHERE indisunique AND indisvalid AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
  UNION ALL
  SELECT format('-- %s %s.%I', what, name, attname), NULL, NULL FROM relation r JOIN pg_attribute ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped,
    LATERAL (VALUES ('default', atthasdef), ('identity', attidentity <> ''), ('not null', attnotnull)) AS v (what, given)
  WHERE kind <> 'S' AND given
  UNION ALL
  SELECT format('-- column %s.%I', name, attname), NULL, NULL FROM relation r JOIN pg_attribute ON attrelid = r.oid WHERE kind <> 'S' AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT '-- ' || lower(split_part(name, ' ', 1) COLLATE "C") || substr(name, strpos(name, ' ')), NULL, NULL FROM routine
),

-- What differs.
wanted (line) AS (
  SELECT line FROM expected WHERE line NOT IN (SELECT line FROM tracking)
  UNION -- a service's own columns can be written
  SELECT format('GRANT %s ON %s TO bizydb_user', privilege, object) FROM held JOIN role ON role.oid = grantee AND role.name = 'bizydb_user'
  WHERE object IN ('public.goals', 'public.tasks') AND privilege ~ '^(INSERT|UPDATE) [(]"?x_'
), missing (line) AS (
  SELECT line FROM wanted WHERE line NOT IN (SELECT line FROM live WHERE line IS NOT NULL)
), taken (login, wanted, given) AS ( -- what the login can act as
  SELECT login.name, wanted, coalesce(pg_has_role(login.oid, role.oid, CASE WHEN server.number >= 160000 THEN 'SET' ELSE 'MEMBER' END), false)
  FROM login, server, unnest(ARRAY['bizydb_user', 'bizydb_accounts', 'bizydb_reporter']) AS wanted LEFT JOIN role ON role.name = wanted WHERE of_session
), surplus AS (
  SELECT undo, min(why) AS why FROM live WHERE undo IS NOT NULL AND (line IS NULL OR line NOT IN (SELECT line FROM wanted)) GROUP BY undo
)
SELECT statement || ' -- ' || why AS difference FROM (
  SELECT 1, line, 'lost' FROM missing WHERE line LIKE '-- %'
  UNION ALL
  SELECT 2, undo, why FROM surplus
  UNION ALL
  SELECT CASE WHEN line LIKE 'CREATE ROLE %' THEN 3 ELSE 4 END, line, 'less' FROM missing WHERE line NOT LIKE '-- %'
  UNION ALL -- taken with a right on all of the table
  SELECT 4, line, 'less' FROM wanted
  WHERE line NOT IN (SELECT line FROM missing) AND regexp_replace(line, E'^GRANT ([A-Z]+) [(].*[)] ON (.*) TO (.*)$', E'REVOKE \\1 ON \\2 FROM \\3') IN (SELECT undo FROM surplus)
  UNION ALL -- what has changed meanwhile is not known, so tracking begins anew
  SELECT 4, 'SELECT bizydb.track_changes(false), bizydb.track_changes()', 'less' WHERE EXISTS (SELECT FROM trigger WHERE tracks)
    AND ARRAY(SELECT line FROM tracking ORDER BY 1) <> ARRAY(SELECT CASE WHEN enabled = 'O' THEN line ELSE '' END FROM trigger WHERE tracks ORDER BY 1)
  UNION ALL
  SELECT 5, format('GRANT USAGE ON SCHEMA %s TO %s', schema, name), 'needed' FROM login, unnest(ARRAY['public', 'bizydb']) AS schema
  WHERE is_current AND NOT has_schema_privilege(login.oid, to_regnamespace(schema)::oid, 'USAGE')
  UNION ALL -- but for a login that is for reports alone
  SELECT 5, format(CASE WHEN bool_or(given) THEN '%1$s%2$s' ELSE '%1$s%2$s -- or, for reports alone, GRANT bizydb_reporter TO %3$s%2$s' END,
    format('GRANT %s TO %s', string_agg(wanted, ', ' ORDER BY wanted DESC) FILTER (WHERE NOT given AND wanted <> 'bizydb_reporter'), login),
    CASE WHEN server.number >= 160000 THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END, login), 'needed'
  FROM taken, server GROUP BY login, server.number
  HAVING count(*) FILTER (WHERE given AND wanted <> 'bizydb_reporter') = 1 OR NOT bool_or(given)
) AS d (turn, statement, why)
WHERE why = 'lost' OR NOT EXISTS (SELECT FROM missing WHERE line LIKE '-- %')
ORDER BY turn, statement COLLATE "C"
\gexec
-- The same query again: what is lost, and what the server only warns that it has not granted or revoked.
\g
SELECT :ROW_COUNT > 0 AS something_left
\gset
\if :something_left
DO $$ BEGIN RAISE EXCEPTION 'what is listed above is lost, or not this role''s to change; nothing has been changed'; END $$;
\endif
COMMIT;
