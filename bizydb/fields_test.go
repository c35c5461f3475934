package bizydb_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/planner"
	"github.com/bizy-ai/bizydb/internal/testdb"
)

// The tests here and in filters_test.go find the fields of parameters by reflection, so a new field is tested as soon as it
// exists. They fail with its name if its name and type do not say what it does.

// leapNoon is amid the times that samples has.
var leapNoon = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// samples returns values for a field. The first two differ, and neither is a default. The first is not zero either.
func samples(t testing.TB, field string, typ reflect.Type, at things) []reflect.Value {
	t.Helper()
	switch field {
	case "At":
		return valuesOf(new(leapNoon.Add(-30*time.Hour)), new(leapNoon.AddDate(0, 0, -31)))
	case "Email":
		return valuesOf("email.0@example.org", "email.1@example.org")
	case "Search", "Text":
		return valuesOf("TITLE.0", "Description.1", "NOTES.0", "SuccessCriteria.1")
	case "TimeZone":
		return valuesOf[planner.TimeZone]("Pacific/Kiritimati", "America/New_York")
	}
	switch reflect.Zero(typ).Interface().(type) {
	case bool:
		return valuesOf(true, false)
	case int:
		return valuesOf(2, 4, 1, 5)
	case float64:
		return valuesOf(12.25, 90.5, 1.75, 50)
	case string:
		return valuesOf(strings.ToLower(field)+".0", strings.ToLower(field)+".1")
	case time.Time:
		var times []time.Time
		for n := range 20 {
			times = append(times, time.Date(2024, 2, 25, 1, 0, 0, 123456000, time.UTC).Add(time.Duration(n)*11*time.Hour))
		}
		return valuesOf(times...)
	case bizydb.Password:
		return valuesOf(password, wrong)
	case planner.TaskStatus:
		return valuesOf(planner.TaskInProgress, planner.TaskBlocked, planner.TaskCompleted, planner.TaskPending)
	case planner.GoalStatus:
		return valuesOf(planner.GoalOnHold, planner.GoalCancelled, planner.GoalCompleted, planner.GoalActive)
	case planner.TaskStatuses:
		return valuesOf(planner.TaskStatuses{planner.TaskInProgress}, planner.TaskStatuses{planner.TaskBlocked, planner.TaskPending}, planner.TaskStatuses{planner.TaskCompleted})
	case planner.GoalStatuses:
		return valuesOf(planner.GoalStatuses{planner.GoalOnHold}, planner.GoalStatuses{planner.GoalCancelled, planner.GoalActive}, planner.GoalStatuses{planner.GoalCompleted})
	case planner.Horizon:
		return valuesOf(planner.Quarterly, planner.Weekly, planner.Yearly, planner.Monthly)
	case planner.GoalID:
		return valuesOf(at.goal, at.subGoal)
	case planner.TaskID:
		return valuesOf(at.task, at.waiting)
	case planner.TaskIDs:
		return valuesOf(planner.TaskIDs{at.task}, planner.TaskIDs{at.waiting})
	case planner.Tags:
		return valuesOf(planner.Tags{"a", "b"}, planner.Tags{"b", "c"}, planner.Tags{"c"})
	case planner.Metrics:
		return valuesOf(planner.Metrics{"a": 1.0}, planner.Metrics{"b": "c"})
	}
	if typ.Kind() != reflect.Pointer {
		t.Fatalf("%s is a %s, of which samples has no values", field, typ)
	}
	values := samples(t, field, typ.Elem(), at)
	for i, v := range values {
		values[i] = reflect.New(typ.Elem())
		values[i].Elem().Set(v)
	}
	return values
}

func valuesOf[T any](list ...T) []reflect.Value {
	values := make([]reflect.Value, len(list))
	for i, v := range list {
		values[i] = reflect.ValueOf(v)
	}
	return values
}

// onlyWhile has the status without which the database does not keep a column.
var onlyWhile = map[string]string{
	"BlockedReason": string(planner.TaskBlocked), "BlockedInProgress": string(planner.TaskBlocked), "CompletedAt": string(planner.TaskCompleted),
}

// setStatus gives parameters the status that a column needs, and a due date that is a day if it is to be one.
func setStatus(params reflect.Value, column string) {
	if status := onlyWhile[column]; status != "" {
		params.FieldByName("Status").SetString(status)
	}
	if due := params.FieldByName("DueDate"); column == "DueAllDay" && due.IsValid() {
		due.Set(reflect.ValueOf(new(leapNoon.Truncate(24 * time.Hour))))
	} else if allDay := params.FieldByName("DueAllDay"); allDay.IsValid() {
		allDay.SetZero()
	}
}

// put sets a column of a row to the value of a parameter.
func put(row reflect.Value, column string, value reflect.Value) {
	to := row.FieldByName(column)
	switch {
	case value.Kind() == reflect.Pointer && to.Kind() != reflect.Pointer:
		value = value.Elem()
	case value.Kind() != reflect.Pointer && to.Kind() == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	to.Set(value)
}

// same compares two rows column by column, apart from ids, versions and times that the database has taken from its clock.
func same(t *testing.T, what string, want, got reflect.Value) {
	t.Helper()
	for f := range want.Type().Fields() {
		w, g := want.FieldByIndex(f.Index).Interface(), got.FieldByIndex(f.Index).Interface()
		if f.Name != "ID" && f.Name != "UpdatedAt" && f.Name != "Version" && !(isNow(w) && isNow(g)) && !cmp.Equal(w, g) {
			t.Errorf("%s: %s is %s, want %s", what, f.Name, plain(g), plain(w))
		}
	}
}

func isNow(v any) bool {
	if at, ok := v.(*time.Time); ok && at != nil {
		v = *at
	}
	at, ok := v.(time.Time)
	return ok && time.Since(at).Abs() < time.Hour
}

// plain prints a value, or the one that it points at.
func plain(v any) string {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		v = p.Elem().Interface()
	}
	return fmt.Sprint(v)
}

// storedBy is what a method returns, or the row in it, if it also says whether that has changed.
func storedBy(m reflect.Method) reflect.Type {
	row := m.Type.Out(0)
	if row.Kind() == reflect.Struct {
		if _, ok := row.FieldByName("Changed"); ok {
			return row.Field(0).Type
		}
	}
	return row
}

// storing has the methods that take a struct and return the row that they have stored.
func storing() []reflect.Method {
	var methods []reflect.Method
	for m := range readWriter.Methods() {
		switch storedBy(m) {
		case reflect.TypeFor[planner.Task](), reflect.TypeFor[planner.Goal](), reflect.TypeFor[planner.User]():
			if m.Type.NumIn() == 2 && m.Type.In(1).Kind() == reflect.Struct && !strings.HasPrefix(m.Name, "Delete") {
				methods = append(methods, m)
			}
		}
	}
	return methods
}

// CreateTask, CreateGoal and CreateTasks store every field, and nothing in another column.
func TestCreateStoresEachField(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		for _, m := range storing() {
			if !strings.HasPrefix(m.Name, "Create") {
				continue
			}
			params := m.Type.In(1)
			var tasks planner.CreateTasksParams
			var rows []reflect.Value
			for f := range params.Fields() {
				p := reflect.New(params).Elem()
				p.FieldByName("Title").SetString("title")
				setStatus(p, f.Name)
				create := func() reflect.Value {
					row, err := callWith(t.Context(), alice, m.Name, p.Interface())
					if err != nil {
						t.Fatalf("%s.%s: %v", params.Name(), f.Name, err)
					}
					return settable(row)
				}
				want := create()
				if !want.FieldByName(f.Name).IsValid() {
					t.Errorf("%s.%s: no column has this name", params.Name(), f.Name)
					continue
				}
				value := samples(t, f.Name, f.Type, at)[0]
				p.FieldByIndex(f.Index).Set(value)
				put(want, f.Name, value)
				same(t, params.Name()+"."+f.Name, want, create())
				if task, ok := p.Interface().(planner.CreateTaskParams); ok {
					tasks, rows = append(tasks, task), append(rows, want)
				}
			}
			ids, err := alice.CreateTasks(t.Context(), tasks)
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range ids {
				got, err := alice.GetTask(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				same(t, "CreateTasks", rows[i], reflect.ValueOf(got))
			}
		}
	})
}

// settable copies a row into a variable.
func settable(row any) reflect.Value {
	v := reflect.New(reflect.TypeOf(row)).Elem()
	v.Set(reflect.ValueOf(row))
	return v
}

// Every method that changes a row changes the column of each field that is set, and no other. A field that is not set leaves
// it as it is, and Clear… makes it NULL.
func TestUpdateChangesEachField(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *bizydb.DB, _ *bizydbtest.Proxy, made *bizydbtest.Database) {
		alice := db.As(made.NewUser(t))
		at := plantAll(t, alice)
		creates := map[reflect.Type]reflect.Method{}
		for _, m := range storing() {
			if strings.HasPrefix(m.Name, "Create") {
				creates[storedBy(m)] = m
			}
		}
		for _, m := range storing() {
			if strings.HasPrefix(m.Name, "Create") {
				continue
			}
			c := changer{params: m.Type.In(1), change: func(params any) (any, error) {
				answer, err := callWith(t.Context(), alice, m.Name, params)
				if storedBy(m) != m.Type.Out(0) {
					answer = reflect.ValueOf(answer).Field(0).Interface()
				}
				return answer, err
			}}
			c.newRow = func(column string) (any, error) {
				create, ok := creates[storedBy(m)]
				if !ok { // users are made otherwise
					return c.change(filled(t, c.params, column, at).Interface())
				}
				return callWith(t.Context(), alice, create.Name, filled(t, create.Type.In(1), column, at).Interface())
			}
			c.test(t, at)
		}
	})
}

// filled returns parameters in which every field but Clear… is set, no two to the same value if there are enough of its type,
// and every bool to true.
// The status is one in which the column is kept.
func filled(t testing.TB, params reflect.Type, column string, at things) reflect.Value {
	t.Helper()
	p := reflect.New(params).Elem()
	used := map[reflect.Type]int{}
	for f := range params.Fields() {
		if !strings.HasPrefix(f.Name, "Clear") && f.Name != "NoPassword" {
			values := samples(t, f.Name, f.Type, at)
			p.FieldByIndex(f.Index).Set(values[used[f.Type]%len(values)])
			if f.Type.Kind() != reflect.Bool {
				used[f.Type]++
			}
		}
	}
	setStatus(p, column)
	return p
}

// A changer is a method that changes a row.
type changer struct {
	params reflect.Type
	change func(params any) (any, error)
	newRow func(column string) (any, error) // with something in every column that one can have together with it
}

// otherwise has the column of a field with another name, or the test of a field that has none.
var otherwise = map[string]string{
	"AddDependenciesParams.Dependencies":    "TestAddAndRemove",
	"AddTagsParams.Tags":                    "TestAddAndRemove",
	"RemoveDependenciesParams.Dependencies": "TestAddAndRemove",
	"RemoveTagsParams.Tags":                 "TestAddAndRemove",
	"BlockTaskParams.Reason":                "BlockedReason",
	"MergeGoalMetricsParams.Metrics":        "TestGoalMetrics",
	"RescheduleTaskParams.DueAllDay":        "TestAllDayTasks",
	"RemoveGoalMetricParams.Key":            "TestGoalMetrics",
	"SetGoalMetricParams.Key":               "TestGoalMetrics",
	"SetGoalMetricParams.Value":             "TestGoalMetrics",
}

// toNone are the parameters in which a zero value means none, and not "as it is".
var toNone = []string{
	"MoveTaskParams", "BlockTaskParams", "MoveGoalParams", "RescheduleTaskParams", "RetagTaskParams", "SetTaskDependenciesParams",
}

// test changes one field at a time.
func (c changer) test(t *testing.T, at things) {
	for f := range c.params.Fields() {
		name := c.params.Name() + "." + f.Name
		column, clears := strings.CutPrefix(f.Name, "Clear")
		if other := otherwise[name]; other != "" {
			column = other
		}
		if f.Name == "ID" || f.Name == "IfVersion" || strings.HasPrefix(column, "Test") { // TestIfVersion
			continue
		}
		t.Run(name, func(t *testing.T) {
			row, err := c.newRow(column)
			if err != nil {
				t.Fatal(err)
			}
			if was := reflect.ValueOf(row).FieldByName(column); !was.IsValid() {
				t.Fatal("no column has this name, and otherwise does not say what the field is for")
			} else if was.IsZero() {
				t.Fatal("the row has nothing in this column to begin with")
			}
			want := c.call(t, row, nil) // with what the method does whatever it is given
			c.checkZero(t, column, row, want)
			if clears {
				c.checkClear(t, f, column, row, want, at)
			} else {
				c.checkSet(t, f, column, row, want, at)
			}
		})
	}
}

// call changes some fields of a row.
func (c changer) call(t *testing.T, row any, fields map[string]reflect.Value) reflect.Value {
	t.Helper()
	p := reflect.New(c.params).Elem()
	if id := p.FieldByName("ID"); id.IsValid() {
		id.Set(reflect.ValueOf(row).FieldByName("ID"))
	}
	for field, value := range fields {
		p.FieldByName(field).Set(value)
	}
	got, err := c.change(p.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return settable(got)
}

// checkZero looks at what has become of a row when no field was set.
func (c changer) checkZero(t *testing.T, column string, row any, got reflect.Value) {
	t.Helper()
	was, now := reflect.ValueOf(row).FieldByName(column).Interface(), got.FieldByName(column)
	switch {
	case slices.Contains(toNone, c.params.Name()):
		if !now.IsZero() && (now.Kind() != reflect.Slice || now.Len() > 0) {
			t.Errorf("left zero: %s is %s, want none", column, plain(now.Interface()))
		}
	case c.isUpdate():
		same(t, "no field set", reflect.ValueOf(row), got)
	case !cmp.Equal(was, now.Interface()):
		t.Errorf("left zero: %s is %s, want %s", column, plain(now.Interface()), plain(was))
	}
}

func (c changer) checkClear(t *testing.T, f reflect.StructField, column string, row any, want reflect.Value, at things) {
	t.Helper()
	want.FieldByName(column).SetZero()
	set := map[string]reflect.Value{f.Name: reflect.ValueOf(true)}
	same(t, "true", want, c.call(t, row, set))
	beside, _ := c.params.FieldByName(column)
	set[column] = samples(t, column, beside.Type, at)[0]
	same(t, "true beside a value", want, c.call(t, row, set))
}

func (c changer) checkSet(t *testing.T, f reflect.StructField, column string, row any, want reflect.Value, at things) {
	t.Helper()
	values := samples(t, f.Name, f.Type, at)[:2] // one of which is another than before
	switch f.Type.Kind() {
	case reflect.Slice:
		values = append(values, reflect.MakeSlice(f.Type, 0, 0))
	case reflect.Map:
		values = append(values, reflect.MakeMap(f.Type))
	}
	for _, value := range values {
		before := want.FieldByName(column).Interface()
		put(want, column, value)
		if value.Interface() == planner.TaskBlocked {
			want.FieldByName("BlockedInProgress").SetBool(before == planner.TaskInProgress)
		}
		same(t, plain(value.Interface()), want, c.call(t, row, map[string]reflect.Value{f.Name: value}))
	}
	_, clearable := c.params.FieldByName("Clear" + f.Name)
	if c.isUpdate() && want.FieldByName(column).Kind() == reflect.Pointer && !clearable {
		t.Errorf("the column can be NULL, and there is no Clear%s", f.Name)
	}
}

func (c changer) isUpdate() bool { return strings.HasPrefix(c.params.Name(), "Update") }

// withoutField are the columns for which no parameters have a field, and why not.
var withoutField = map[string]string{
	"INSERT goals.id":                   "the database numbers rows",
	"INSERT goals.user_id":              "it is the scope's",
	"INSERT goals.updated_at":           "it is when the row was created",
	"INSERT goals.version":              "it begins at 1",
	"INSERT goals.task_count":           "the database counts",
	"INSERT goals.completed_task_count": "the database counts",
	"INSERT goals.sub_goal_count":       "the database counts",
	"INSERT goals.sub_goal_progress":    "the database counts",
	"INSERT goals.roll_up_count":        "the database counts",
	"UPDATE goals.id":                   "it stays",
	"UPDATE goals.user_id":              "it stays",
	"UPDATE goals.created_at":           "it stays",
	"UPDATE goals.updated_at":           "it is when the row was changed",
	"UPDATE goals.version":              "IfVersion",
	"UPDATE goals.completed_at":         "it follows status",
	"UPDATE goals.task_count":           "the database counts",
	"UPDATE goals.completed_task_count": "the database counts",
	"UPDATE goals.sub_goal_count":       "the database counts",
	"UPDATE goals.sub_goal_progress":    "the database counts",
	"UPDATE goals.roll_up_count":        "the database counts",

	"INSERT tasks.id":                  "the database numbers rows",
	"INSERT tasks.user_id":             "it is the scope's",
	"INSERT tasks.updated_at":          "it is when the row was created",
	"INSERT tasks.version":             "it begins at 1",
	"UPDATE tasks.id":                  "it stays",
	"UPDATE tasks.user_id":             "it stays",
	"UPDATE tasks.created_at":          "it stays",
	"UPDATE tasks.updated_at":          "it is when the row was changed",
	"UPDATE tasks.version":             "IfVersion",
	"UPDATE tasks.completed_at":        "it follows status",
	"UPDATE tasks.blocked_in_progress": "it follows status",

	"INSERT profiles.id":                  "the database numbers rows",
	"INSERT profiles.is_active":           "Deactivate",
	"INSERT profiles.is_verified":         "MarkEmailVerified",
	"INSERT profiles.is_superuser":        "SetSuperuser",
	"INSERT profiles.created_at":          "it is when the row was created",
	"INSERT profiles.updated_at":          "it is when the row was created",
	"INSERT profiles.last_login_at":       "Authenticate",
	"INSERT profiles.email_verified_at":   "MarkEmailVerified",
	"INSERT profiles.password_changed_at": "SetPassword",
	"UPDATE profiles.password_changed_at": "SetPassword",
	"UPDATE profiles.id":                  "it stays",
	"UPDATE profiles.email":               "ChangeEmail",
	"UPDATE profiles.is_active":           "Deactivate",
	"UPDATE profiles.is_verified":         "MarkEmailVerified",
	"UPDATE profiles.is_superuser":        "SetSuperuser",
	"UPDATE profiles.created_at":          "it stays",
	"UPDATE profiles.updated_at":          "it is when the row was changed",
	"UPDATE profiles.last_login_at":       "Authenticate",
	"UPDATE profiles.email_verified_at":   "MarkEmailVerified",
}

var wordEnd = regexp.MustCompile(`([a-z])([A-Z])`)

func snakeCase(name string) string { return strings.ToLower(wordEnd.ReplaceAllString(name, "${1}_$2")) }

// Every column can be read, created and updated, unless there is a reason against it.
func TestEveryColumnHasItsFields(t *testing.T) {
	t.Parallel()
	db := testdb.Common(t)
	stale := maps.Clone(withoutField)
	names := func(typ reflect.Type) []string {
		var names []string
		for f := range typ.Fields() {
			names = append(names, snakeCase(f.Name))
		}
		return names
	}
	for _, c := range []struct {
		right, table, role string
		row, params        reflect.Type
	}{
		{"INSERT", "public.goals", "bizydb_user", reflect.TypeFor[planner.Goal](), reflect.TypeFor[planner.CreateGoalParams]()},
		{"UPDATE", "public.goals", "bizydb_user", reflect.TypeFor[planner.Goal](), reflect.TypeFor[planner.UpdateGoalParams]()},
		{"INSERT", "public.tasks", "bizydb_user", reflect.TypeFor[planner.Task](), reflect.TypeFor[planner.CreateTaskParams]()},
		{"UPDATE", "public.tasks", "bizydb_user", reflect.TypeFor[planner.Task](), reflect.TypeFor[planner.UpdateTaskParams]()},
		{"INSERT", "bizydb.profiles", "", reflect.TypeFor[bizydb.User](), reflect.TypeFor[bizydb.RegisterParams]()}, // into the table below
		{"UPDATE", "bizydb.profiles", "bizydb_user", reflect.TypeFor[bizydb.User](), reflect.TypeFor[planner.UpdateMeParams]()},
		{"UPDATE", "bizydb.profiles", "bizydb_accounts", reflect.TypeFor[bizydb.User](), reflect.TypeFor[bizydb.UpdateProfileParams]()},
	} {
		columns, err := queryAll[string](t, db.Pool(), `
			SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, c.table)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(columns, names(c.row)); diff != "" {
			t.Errorf("%s (-columns +fields of %s):\n%s", c.table, c.row, diff)
		}
		fields := names(c.params)
		_, table, _ := strings.Cut(c.table, ".")
		for _, column := range columns {
			name := table + "." + column
			why := withoutField[c.right+" "+name]
			delete(stale, c.right+" "+name)
			if !slices.Contains(fields, column) || column == "id" { // which says what to update
				if why == "" {
					t.Errorf("%s: %s has no field for it, and withoutField does not say why", name, c.params)
				}
				continue
			}
			if why != "" {
				t.Errorf("%s: %s has a field for it, and withoutField says why not: %s", name, c.params, why)
			}
			if c.role == "" {
				continue
			}
			if may, err := queryAll[bool](t, db.Pool(), "SELECT has_column_privilege($1, $2, $3, $4)", c.role, c.table, column, c.right); err != nil || !may[0] {
				t.Errorf("%s: %s has a field for it, and %s has no right to %s it: %v", name, c.params, c.role, c.right, err)
			}
		}
	}
	for name := range stale {
		t.Errorf("withoutField has %s, which is no column", name)
	}
}

// What an account is made and changed with is stored as well.
func TestAccountsStoreEachField(t *testing.T) {
	t.Parallel()
	accounts := openCheap(t, bizydbtest.New(t))
	params := filled(t, reflect.TypeFor[bizydb.RegisterParams](), "", things{})
	user, err := accounts.Register(t.Context(), params.Interface().(bizydb.RegisterParams))
	if err != nil {
		t.Fatal(err)
	}
	want := settable(user)
	for f := range params.Type().Fields() {
		if want.FieldByName(f.Name).IsValid() {
			put(want, f.Name, params.FieldByIndex(f.Index))
		} else if f.Type != reflect.TypeFor[bizydb.Password]() && f.Name != "NoPassword" {
			t.Errorf("RegisterParams.%s: no column has this name", f.Name)
		}
	}
	same(t, "Register", want, reflect.ValueOf(user))
	if _, err := accounts.Authenticate(t.Context(), user.Username, password); err != nil {
		t.Error(err)
	}

	c := changer{params: reflect.TypeFor[bizydb.UpdateProfileParams](), change: func(params any) (any, error) {
		return accounts.UpdateProfile(t.Context(), user.ID, params.(bizydb.UpdateProfileParams))
	}}
	c.newRow = func(column string) (any, error) { return c.change(filled(t, c.params, column, things{}).Interface()) }
	c.test(t, things{})
}
