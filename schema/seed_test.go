package schema_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// column is what the design document asks of a column, in PostgreSQL's words: "String" is text with a CHECK on its
// length, "DateTime, UTC" timestamptz, "JSON" jsonb, "Integer" bigint where it is an id.
type column struct {
	Type     string
	NotNull  bool
	Default  string
	Identity bool
}

var seedColumns = map[string]column{
	"users.id":                {Type: "bigint", NotNull: true, Identity: true},
	"users.email":             {Type: "text", NotNull: true},
	"users.username":          {Type: "text", NotNull: true},
	"users.hashed_password":   {Type: "text"},
	"users.full_name":         {Type: "text"},
	"users.is_active":         {Type: "boolean", NotNull: true, Default: "true"},
	"users.is_verified":       {Type: "boolean", NotNull: true, Default: "false"},
	"users.is_superuser":      {Type: "boolean", NotNull: true, Default: "false"},
	"users.created_at":        {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"users.updated_at":        {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"users.last_login_at":     {Type: "timestamp with time zone"},
	"users.email_verified_at": {Type: "timestamp with time zone"},

	"tasks.id":              {Type: "bigint", NotNull: true, Identity: true},
	"tasks.user_id":         {Type: "bigint", NotNull: true, Default: "bizydb.current_user_id()"},
	"tasks.parent_goal_id":  {Type: "bigint"},
	"tasks.title":           {Type: "text", NotNull: true},
	"tasks.description":     {Type: "text"},
	"tasks.priority":        {Type: "integer", NotNull: true, Default: "3"},
	"tasks.status":          {Type: "text", NotNull: true, Default: "'pending'::text"},
	"tasks.category":        {Type: "text"},
	"tasks.estimated_hours": {Type: "double precision"},
	"tasks.actual_hours":    {Type: "double precision"},
	"tasks.due_date":        {Type: "timestamp with time zone"},
	"tasks.created_at":      {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"tasks.updated_at":      {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"tasks.completed_at":    {Type: "timestamp with time zone"},
	"tasks.dependencies":    {Type: "jsonb", NotNull: true, Default: "'[]'::jsonb"},
	"tasks.notes":           {Type: "text"},
	"tasks.tags":            {Type: "jsonb", NotNull: true, Default: "'[]'::jsonb"},

	"goals.id":                  {Type: "bigint", NotNull: true, Identity: true},
	"goals.user_id":             {Type: "bigint", NotNull: true, Default: "bizydb.current_user_id()"},
	"goals.parent_goal_id":      {Type: "bigint"},
	"goals.title":               {Type: "text", NotNull: true},
	"goals.description":         {Type: "text"},
	"goals.horizon":             {Type: "text"},
	"goals.target_date":         {Type: "timestamp with time zone"},
	"goals.status":              {Type: "text", NotNull: true, Default: "'active'::text"},
	"goals.progress_percentage": {Type: "double precision", NotNull: true, Default: "0"},
	"goals.success_criteria":    {Type: "text"},
	"goals.created_at":          {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"goals.updated_at":          {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"goals.completed_at":        {Type: "timestamp with time zone"},
	"goals.metrics":             {Type: "jsonb", NotNull: true, Default: "'{}'::jsonb"},

	// Not in the document: what makes sessions void, why a task is blocked and what it was before, that it is due on a day, what the percentage is made of, and what was imported.
	"users.password_changed_at":   {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"tasks.blocked_reason":        {Type: "text"},
	"tasks.blocked_in_progress":   {Type: "boolean", NotNull: true, Default: "false"},
	"tasks.due_all_day":           {Type: "boolean", NotNull: true, Default: "false"},
	"goals.task_count":            {Type: "integer", NotNull: true, Default: "0"},
	"goals.completed_task_count":  {Type: "integer", NotNull: true, Default: "0"},
	"goals.sub_goal_count":        {Type: "integer", NotNull: true, Default: "0"},
	"goals.version":               {Type: "bigint", NotNull: true, Default: "1"},
	"tasks.version":               {Type: "bigint", NotNull: true, Default: "1"},
	"goals.sub_goal_progress":     {Type: "bigint", NotNull: true, Default: "0"},
	"goals.roll_up_count":         {Type: "bigint", NotNull: true, Default: "0"},
	"changes.user_id":             {Type: "bigint", NotNull: true},
	"changes.seq":                 {Type: "bigint", NotNull: true, Default: "nextval('bizydb.change_seq'::regclass)"},
	"changes.xid":                 {Type: "xid8", NotNull: true, Default: "pg_current_xact_id()"},
	"changes.kind":                {Type: "text", NotNull: true},
	"changes.id":                  {Type: "bigint", NotNull: true},
	"timelines.system_identifier": {Type: "bigint", NotNull: true},
	"timelines.timeline":          {Type: "integer", NotNull: true},

	"imports.id":            {Type: "bigint", NotNull: true, Identity: true},
	"imports.user_id":       {Type: "bigint", NotNull: true, Default: "bizydb.current_user_id()"},
	"imports.imported_at":   {Type: "timestamp with time zone", NotNull: true, Default: "now()"},
	"imports.zone":          {Type: "text", NotNull: true},
	"imports.upgraded_on":   {Type: "date", NotNull: true},
	"imports.kind":          {Type: "text", NotNull: true},
	"imports.old_ids":       {Type: "bigint[]", NotNull: true},
	"imports.marks":         {Type: "bigint[]", NotNull: true},
	"imports.contents":      {Type: "bigint[]", NotNull: true},
	"imports.column_hashes": {Type: "bytea[]", NotNull: true},
	"imports.new_ids":       {Type: "bigint[]", NotNull: true},
}

// notInTrash says why a column of goals or tasks is not kept of a deleted row.
var notInTrash = map[string]string{
	"goals.completed_task_count": "a restored goal starts without work, and counts what comes under it",
	"goals.sub_goal_progress":    "as completed_task_count",
	"goals.roll_up_count":        "it tells the writes of one statement apart",
}

// Those of deleted rows are the same, without defaults, and then what a restore needs. Whoever adds a column to goals or tasks adds it
// there, to the function that keeps deleted rows, and sees by TestRestoreOfEveryColumn that it comes back; or says in notInTrash why not.
func init() {
	for name, c := range maps.Clone(seedColumns) {
		table, column, _ := strings.Cut(name, ".")
		if (table == "goals" || table == "tasks") && notInTrash[name] == "" {
			c.Default, c.Identity = "", false
			seedColumns["deleted_"+table+"."+column] = c
		}
	}
	for _, table := range []string{"deleted_goals", "deleted_tasks"} {
		seedColumns[table+".deleted_at"] = column{Type: "timestamp with time zone", NotNull: true, Default: "now()"}
		seedColumns[table+".deletion"] = column{Type: "bigint", NotNull: true, Default: "((pg_current_xact_id())::text)::bigint"}
		seedColumns[table+".own"] = column{Type: "jsonb", NotNull: true}
	}
	for _, name := range []string{"user_id", "lower", "upper", "place"} {
		seedColumns["deleted_links."+name] = column{Type: "bigint", NotNull: true}
	}
	seedColumns["deleted_links.kind"] = column{Type: "text", NotNull: true}
}

func TestSeedColumns(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	got := map[string]column{}
	for _, name := range all[string](t, conn, `
		SELECT table_name || '.' || column_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
		WHERE table_schema IN ('public', 'bizydb') AND table_type = 'BASE TABLE' AND table_name <> 'bizydb_schema_version'`) {
		var c column
		if err := conn.QueryRow(t.Context(), `
			SELECT CASE data_type WHEN 'ARRAY' THEN udt_name::regtype::text ELSE data_type END, is_nullable = 'NO', coalesce(column_default, ''),
			  is_identity = 'YES' AND identity_generation = 'BY DEFAULT'
			FROM information_schema.columns WHERE table_schema IN ('public', 'bizydb') AND table_name || '.' || column_name = $1`, name,
		).Scan(&c.Type, &c.NotNull, &c.Default, &c.Identity); err != nil {
			t.Fatal(err)
		}
		got[name] = c
	}
	if diff := cmp.Diff(seedColumns, got); diff != "" {
		t.Errorf("columns (-document +database):\n%s", diff)
	}
}

// The document's lengths count characters, whatever their bytes.
func TestSeedLengths(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	db.NewUser(t)
	conn := owner(t, db)
	exec(t, conn, "INSERT INTO public.goals (user_id, title) SELECT id, 'goal' FROM public.users")
	exec(t, conn, "INSERT INTO public.tasks (user_id, title) SELECT id, 'task' FROM public.users")
	for _, c := range []struct {
		table, column string
		limit         int
		text          string // of $1 characters, where any length up to the limit will do
	}{
		{"users", "email", 255, "repeat('€', $1 - 2) || '@x'"},
		{"users", "username", 100, "repeat('x', $1)"}, // has no character of several bytes
		{"users", "hashed_password", 255, ""},
		{"users", "full_name", 200, "repeat('€', $1)"},
		{"tasks", "title", 500, "repeat('€', $1)"},
		{"tasks", "status", 50, ""},
		{"tasks", "category", 100, "repeat('€', $1)"},
		{"goals", "title", 500, "repeat('€', $1)"},
		{"goals", "horizon", 50, ""},
		{"goals", "status", 50, ""},
	} {
		if c.text == "" {
			update := fmt.Sprintf("UPDATE public.%s SET %s = repeat('€', $1)", c.table, c.column)
			if _, err := conn.Exec(t.Context(), update, c.limit+1); err == nil || pgError(t, err).Code != "23514" {
				t.Errorf("%s.%s: %d characters: %v, want a check violation", c.table, c.column, c.limit+1, err)
			}
			continue
		}
		update := fmt.Sprintf("UPDATE public.%s SET %s = %s", c.table, c.column, c.text)
		if n := exec(t, conn, update, c.limit); n != 1 {
			t.Errorf("%s.%s: updated %d rows with the longest text", c.table, c.column, n)
		}
		if n := one[int](t, conn, fmt.Sprintf("SELECT char_length(%s) FROM public.%s", c.column, c.table)); n != c.limit {
			t.Errorf("%s.%s: the longest text has %d characters, want %d", c.table, c.column, n, c.limit)
		}
		constraint := fmt.Sprintf("ck_%s_%s_length", c.table, c.column)
		if _, err := conn.Exec(t.Context(), update, c.limit+1); err == nil || pgError(t, err).ConstraintName != constraint {
			t.Errorf("%s.%s: %d characters: %v, want %s", c.table, c.column, c.limit+1, err, constraint)
		}
	}
}

func TestSeedIndexes(t *testing.T) {
	t.Parallel()
	conn := owner(t, testdb.Common(t))
	const (
		index  = "CREATE INDEX %s ON public.%s USING btree (%s)"
		unique = "CREATE UNIQUE INDEX %s ON public.%s USING btree (%s)"
	)
	for _, c := range []struct{ form, name, table, columns string }{
		{unique, "users_pkey", "users", "id"},
		{unique, "ix_users_email", "users", "bizydb.fold(email)"},
		{unique, "ix_users_username", "users", "bizydb.fold(username)"},

		{unique, "tasks_pkey", "tasks", "id"},
		{index, "ix_tasks_user_id", "tasks", "user_id, created_at"},
		{index, "ix_tasks_parent_goal_id", "tasks", "parent_goal_id"},
		{index, "ix_tasks_category", "tasks", "category"},
		{index, "ix_tasks_due_date", "tasks", "due_date"},
		{index, "ix_tasks_created_at", "tasks", "created_at"},
		{index, "ix_tasks_user_status", "tasks", "user_id, status"},
		{index, "ix_tasks_user_due_date", "tasks", "user_id, due_date"},
		{index, "ix_tasks_user_category", "tasks", "user_id, category"},
		{index, "ix_tasks_goal_status", "tasks", "parent_goal_id, status"},

		{unique, "goals_pkey", "goals", "id"},
		{index, "ix_goals_user_id", "goals", "user_id) INCLUDE (id"},
		{index, "ix_goals_parent_goal_id", "goals", "parent_goal_id"},
		{index, "ix_goals_horizon", "goals", "horizon"},
		{index, "ix_goals_target_date", "goals", "target_date"},
		{index, "ix_goals_created_at", "goals", "created_at"},
		{index, "ix_goals_user_status", "goals", "user_id, status) INCLUDE (id"},
		{index, "ix_goals_user_horizon", "goals", "user_id, horizon) INCLUDE (id"},
		{index, "ix_goals_user_target_date", "goals", "user_id, target_date) INCLUDE (id"},
	} {
		want := fmt.Sprintf(c.form, c.name, c.table, c.columns)
		got := one[*string](t, conn, "SELECT pg_get_indexdef(to_regclass($1))", "public."+c.name)
		if got == nil || *got != want {
			t.Errorf("%s: %s", c.name, cmp.Diff(&want, got))
		}
	}
}

// A goal leaves its tasks and sub-goals behind; a user takes everything along.
func TestSeedDeleteRules(t *testing.T) {
	t.Parallel()
	db := bizydbtest.New(t)
	user, other := db.NewUser(t), db.NewUser(t)
	keep := enter(t, db, other, "")
	newGoal(t, keep, nil)
	exec(t, keep, "INSERT INTO public.tasks (title) VALUES ('task')")
	exec(t, keep, newImport)
	commit(t, keep)

	tx := enter(t, db, user, "")
	exec(t, tx, newImport)
	top := newGoal(t, tx, nil)
	middle := newGoal(t, tx, &top)
	below := newGoal(t, tx, &middle)
	exec(t, tx, "INSERT INTO public.tasks (title, parent_goal_id) VALUES ('under the top', $1), ('under the middle', $2)", top, middle)
	if n := exec(t, tx, "DELETE FROM public.goals WHERE id = $1", middle); n != 1 {
		t.Fatalf("deleted %d goals", n)
	}
	if diff := cmp.Diff([]int64{top, below}, all[int64](t, tx, "SELECT id FROM public.goals WHERE parent_goal_id IS NULL ORDER BY id")); diff != "" {
		t.Errorf("roots (-want +got):\n%s", diff)
	}
	want := []string{fmt.Sprint("under the top: ", top), "under the middle: none"}
	if diff := cmp.Diff(want, all[string](t, tx, "SELECT title || ': ' || coalesce(parent_goal_id::text, 'none') FROM public.tasks ORDER BY id")); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	commit(t, tx)

	conn := owner(t, db)
	if n := exec(t, conn, "DELETE FROM public.users WHERE id = $1", user); n != 1 {
		t.Fatalf("deleted %d users", n)
	}
	for _, table := range []string{"public.goals", "public.tasks", "bizydb.imports"} {
		if diff := cmp.Diff([]int64{int64(other)}, all[int64](t, conn, "SELECT user_id FROM "+table)); diff != "" {
			t.Errorf("owners of %s (-want +got):\n%s", table, diff)
		}
	}
}
