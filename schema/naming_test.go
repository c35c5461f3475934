package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wasilibs/go-pgquery/parser"
)

// Tables with an owner, of which every statement names whose rows it means.
var ownedTables = []string{"public.goals", "public.tasks", "bizydb.imports", "bizydb.changes", "bizydb.deleted_goals", "bizydb.deleted_tasks", "bizydb.deleted_links"}

// Functions that are about all users, or the only ones that write to a table.
var ofAllUsers = []string{
	"bizydb.changed_users", "bizydb.forget_changes", "bizydb.log_changes", "bizydb.log_truncation", "bizydb.track_changes",
	"bizydb.empty_trash", "bizydb.forget_deleted", "bizydb.sweep_links",
}

// byID are the references that name no user: an id is in the trash once, whoever's it was, and where a row was last is what counts.
var byID = map[string]string{
	"function bizydb.keep_deleted_goal":  "bizydb.deleted_goals d",
	"function bizydb.keep_deleted_tasks": "bizydb.deleted_tasks d",
}

// What stands for the owner in functions that work for others: of a row at hand, or of the caller.
var ownersInFunctions = []string{"new.user_id", "old.user_id", "owner", "me", "delete_user.id"}

// Every statement of queries/ and of the functions of schema/ is confined to a user by itself, where policies do not apply:
// to a superuser, to the tables' owner, in a database that has lost its policies. And so it can be routed by user.
func TestEveryStatementNamesItsUser(t *testing.T) {
	t.Parallel()
	var found []string
	references := 0
	for _, content := range sqlFiles(t, "../queries/*/*.sql") {
		for _, stmt := range parseSQL(t, content) {
			c := newNaming(queryName.FindStringSubmatch(stmt.sql)[1], false)
			c.statement(stmt.node)
			found, references = append(found, c.found...), references+c.references
		}
	}
	functions := 0
	for _, content := range waysUp(t) {
		for _, stmt := range parseSQL(t, content) {
			if kind, _ := stmt.kind(); kind == "CreateFunctionStmt" {
				functions++
			}
			f, n := unnamed(t, stmt)
			found, references = append(found, f...), references+n
		}
	}
	slices.Sort(found)
	for _, f := range found {
		t.Error(f)
	}
	if references < 120 || functions < 30 {
		t.Errorf("found only %d references to the tables, and %d functions", references, functions)
	}
}

var queryName = regexp.MustCompile(`(?m)^-- name: (\w+)`)

func TestUnnamedUsersAreFound(t *testing.T) {
	t.Parallel()
	const mine = "(SELECT bizydb.current_user_id())"
	missing := func(references ...string) (found []string) {
		for _, r := range references {
			found = append(found, "q: "+r+" does not name its user")
		}
		return found
	}
	bare := []string{"q: bizydb.current_user_id() is compared without SELECT"}
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"SELECT * FROM public.tasks WHERE user_id = MINE AND id = 1", nil},
		{"SELECT * FROM public.tasks t WHERE MINE = t.user_id", nil},
		{"SELECT * FROM public.tasks", missing("public.tasks")},
		{"SELECT * FROM tasks", missing("tasks")},
		{"SELECT * FROM public.users", nil},
		{"SELECT * FROM public.tasks WHERE user_id = MINE OR id = 1", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE (user_id = MINE) IS TRUE", missing("public.tasks")}, // by which no partition is chosen
		{"SELECT * FROM public.tasks WHERE (user_id = MINE) IS NOT FALSE", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE NOT user_id = MINE", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id <> MINE", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE id = MINE", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = user_id", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = 7", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = @user_id", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id() WHERE false)", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = (SELECT bizydb.current_user_id() FROM public.users)", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = (SELECT max(id) FROM public.users)", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = (SELECT public.current_user_id())", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id IN (SELECT bizydb.current_user_id())", missing("public.tasks")},
		{"SELECT * FROM public.tasks WHERE user_id = bizydb.current_user_id()", append(slices.Clone(bare), missing("public.tasks")...)},
		{"SELECT 1 FROM public.users WHERE bizydb.current_user_id() = id", bare},
		{"SELECT 1 FROM public.users WHERE id = coalesce(bizydb.current_user_id(), 0)::bigint", bare},
		{"SELECT 1 FROM public.users WHERE id IN (1, bizydb.current_user_id())", bare},
		{"SELECT 1 FROM public.users WHERE id = 1 + bizydb.current_user_id()", bare},
		{"SELECT * FROM public.tasks t JOIN public.goals g ON g.id = t.parent_goal_id WHERE t.user_id = MINE", missing("public.goals g")},
		{"SELECT * FROM public.tasks t JOIN public.goals g ON g.id = t.parent_goal_id AND g.user_id = MINE WHERE t.user_id = MINE", nil},
		{"SELECT * FROM public.tasks t JOIN public.goals g ON g.user_id = t.user_id WHERE t.user_id = MINE", nil},
		{"SELECT * FROM public.tasks t JOIN public.goals g ON g.user_id = t.user_id", missing("public.goals g", "public.tasks t")},
		{"SELECT * FROM public.tasks t, public.goals g WHERE user_id = MINE", missing("public.goals g", "public.tasks t")},
		{"SELECT * FROM public.tasks t, public.tasks o WHERE t.user_id = MINE AND t.user_id = MINE", missing("public.tasks o")},
		{"SELECT * FROM public.users u LEFT JOIN public.tasks t ON t.user_id = MINE", nil},
		{"SELECT * FROM public.tasks t LEFT JOIN public.users u ON t.user_id = MINE", missing("public.tasks t")},
		{"SELECT * FROM public.users u RIGHT JOIN public.tasks t ON t.user_id = MINE", missing("public.tasks t")},
		{"SELECT * FROM public.users u FULL JOIN public.tasks t ON t.user_id = MINE", missing("public.tasks t")},
		{"SELECT (SELECT count(*) FROM public.tasks)", missing("public.tasks")},
		{"SELECT 1 WHERE EXISTS (SELECT FROM public.tasks WHERE title = 'x')", missing("public.tasks")},
		{"SELECT * FROM (SELECT * FROM public.tasks) AS t WHERE t.user_id = MINE", missing("public.tasks")},
		{"SELECT * FROM public.goals g, LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = g.user_id) AS l WHERE g.user_id = MINE", nil},
		{"SELECT * FROM public.users g, LATERAL (SELECT * FROM public.tasks t WHERE t.user_id = g.user_id) AS l", missing("public.tasks t")},
		{"WITH w AS (SELECT * FROM public.tasks) SELECT * FROM w WHERE user_id = MINE", missing("public.tasks")},
		{"WITH tasks AS (SELECT 1) SELECT * FROM tasks", nil},
		{"WITH w AS (SELECT 7 AS user_id) SELECT * FROM w JOIN public.tasks t ON t.user_id = w.user_id", missing("public.tasks t")},
		{"WITH RECURSIVE w AS (SELECT id FROM public.goals WHERE user_id = MINE UNION SELECT g.id FROM w JOIN public.goals g ON true) SELECT 1", missing("public.goals g")},
		{"SELECT 1 UNION ALL SELECT id FROM public.tasks ORDER BY 1", missing("public.tasks")},
		{"UPDATE public.tasks SET title = 'x' WHERE id = 1", missing("public.tasks")},
		{"UPDATE public.tasks t SET title = 'x' FROM public.goals g WHERE t.user_id = MINE AND g.id = 1", missing("public.goals g")},
		{"DELETE FROM public.tasks WHERE id = 1", missing("public.tasks")},
		{"DELETE FROM public.tasks t USING public.goals g WHERE g.user_id = MINE AND t.user_id = g.user_id", nil},
		{"DELETE FROM public.users", nil},
		{"MERGE INTO public.tasks t USING public.users u ON t.user_id = MINE WHEN MATCHED THEN DELETE", []string{"q: public.tasks t is in a part that is not looked at"}},
		{"INSERT INTO public.tasks (title) VALUES ('x')", nil},
		{"INSERT INTO public.tasks (user_id, title) VALUES (7, 'x')", []string{"q: public.tasks is inserted into with a user_id"}},
		{"INSERT INTO public.tasks VALUES (1, 2)", []string{"q: public.tasks is inserted into with a user_id"}},
		{"INSERT INTO public.tasks (title) VALUES ('x') ON CONFLICT (id) DO UPDATE SET title = 'x'", []string{"q: public.tasks is inserted into ON CONFLICT"}},
		{"INSERT INTO public.tasks (title) SELECT title FROM public.tasks", missing("public.tasks")},
		{"COPY public.tasks TO STDOUT", []string{"q: public.tasks is in a part that is not looked at"}},
		{"TABLE public.tasks", missing("public.tasks")},
	} {
		q := newNaming("q", false)
		for _, stmt := range parseSQL(t, strings.ReplaceAll(c.sql, "MINE", mine)) {
			q.statement(stmt.node)
		}
		slices.Sort(q.found)
		if diff := cmp.Diff(c.want, q.found); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}

	const plpgsql = "CREATE FUNCTION f(owner bigint) RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE n record; owners bigint[]; BEGIN %s; RETURN NULL; END $$"
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE t.user_id = NEW.user_id AND t.id = 1"), nil},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE t.user_id = ANY (owners)"), missing("public.tasks t")},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE bizydb.same_user(t.user_id, owner) AND t.id = 1"), nil},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE bizydb.same_user(t.id, owner)"), missing("public.tasks t")},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE bizydb.same_user(t.user_id, t.id)"), missing("public.tasks t")},
		{fmt.Sprintf(plpgsql, "PERFORM FROM bizydb.deleted_tasks t WHERE t.id = OLD.id"), missing("bizydb.deleted_tasks t")},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t JOIN new_rows r ON t.user_id = r.user_id"), nil},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t JOIN public.users r ON t.user_id = r.id"), missing("public.tasks t")},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE t.id = NEW.id"), missing("public.tasks t")},
		{fmt.Sprintf(plpgsql, "PERFORM FROM unnest(owners) AS o (user_id) CROSS JOIN LATERAL (SELECT FROM public.tasks t WHERE bizydb.same_user(t.user_id, o.user_id) OFFSET 0) AS t"), nil},
		{fmt.Sprintf(plpgsql, "DELETE FROM public.tasks t WHERE t.user_id = owner AND t.ctid = found"), []string{"q: reads by ctid"}},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.tasks t WHERE t.user_id = NEW.id"), missing("public.tasks t")},
		{fmt.Sprintf(plpgsql, "IF EXISTS (SELECT FROM public.tasks) THEN NULL; END IF"), missing("public.tasks")},
		{fmt.Sprintf(plpgsql, "FOR n IN SELECT FROM public.tasks LOOP NULL; END LOOP"), missing("public.tasks")},
		{fmt.Sprintf(plpgsql, "owner := (SELECT count(*) FROM public.tasks)"), missing("public.tasks")},
		{fmt.Sprintf(plpgsql, "UPDATE public.tasks SET title = ''"), missing("public.tasks")},
		{fmt.Sprintf(plpgsql, "LOCK TABLE public.tasks IN SHARE MODE"), nil},
		{fmt.Sprintf(plpgsql, "EXECUTE 'SELECT'"), []string{"q: executes a text"}},
		{fmt.Sprintf(plpgsql, "PERFORM FROM public.users WHERE id = bizydb.current_user_id()"), bare},
		{"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.tasks'", missing("public.tasks")},
		{"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM public.tasks)", missing("public.tasks")},
		{"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM public.tasks; END", missing("public.tasks")},
		{"CREATE VIEW v AS SELECT * FROM public.tasks", missing("public.tasks")},
		{"CREATE POLICY p ON public.tasks USING (user_id = bizydb.current_user_id())", bare},
		{"CREATE POLICY p ON public.tasks USING (true) WITH CHECK (bizydb.current_user_id() = user_id)", bare},
		{"CREATE POLICY p ON public.tasks USING (user_id = ANY (ARRAY[bizydb.current_user_id()]))", bare},
		{"CREATE POLICY p ON public.tasks USING (user_id = (SELECT bizydb.current_user_id()))", nil},
	} {
		got, _ := unnamed(t, parseSQL(t, c.sql)[0])
		for i, f := range got {
			_, what, _ := strings.Cut(f, ": ")
			got[i] = "q: " + what
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
}

// unnamed looks into the functions, views and policies of schema/. It returns what is wrong with a statement there, and the
// number of references to the tables.
func unnamed(t testing.TB, stmt statement) (found []string, references int) {
	t.Helper()
	kind, n := stmt.kind()
	switch kind {
	case "CreateFunctionStmt":
		if slices.Contains(ofAllUsers, n.name("funcname")) {
			return nil, 0
		}
		c := newNaming("function "+n.name("funcname"), true)
		language, body := "", ""
		for _, option := range n.list("options") {
			element := option.at("DefElem")
			switch element.text("defname") {
			case "language":
				language = element.at("arg", "String").text("sval")
			case "as":
				body = element.at("arg", "List").list("items")[0].at("String").text("sval")
			}
		}
		switch {
		case language == "plpgsql":
			for _, part := range parsePLpgSQL(t, stmt.sql) {
				if part.dynamic && !slices.Contains(dynamicFunctions, c.of) {
					c.fail("executes a text")
				}
				for _, s := range parseSQL(t, part.sql) {
					c.statement(s.node)
				}
			}
		case body != "":
			for _, s := range parseSQL(t, body) {
				c.statement(s.node)
			}
		default:
			c.statement(n.at("sql_body"))
		}
		return c.found, c.references
	case "ViewStmt":
		c := newNaming("view "+n.at("view").relation(), true)
		c.statement(n.at("query"))
		return c.found, c.references
	case "CreatePolicyStmt":
		c := newNaming("policy "+n.text("policy_name"), true)
		c.walk(n.at("qual"), nil)
		c.walk(n.at("with_check"), nil)
		return c.found, c.references
	}
	return nil, 0
}

// dynamicFunctions make SQL as they run: they change tables and functions, and put rows back whose user their caller has looked at.
var dynamicFunctions = []string{"function bizydb.confine", "function bizydb.keep_deleted", "function bizydb.put_back", "function bizydb.keep_deleted_goal", "function bizydb.keep_deleted_tasks"}

var unknownArray = regexp.MustCompile(`bizydb\.\w+\[\]`)

// A part is SQL in a function in PL/pgSQL.
type part struct {
	sql     string
	dynamic bool // it is made up as the function runs
}

func parsePLpgSQL(t testing.TB, function string) (parts []part) {
	t.Helper()
	// The parser takes a type that it does not know for a record.
	text, err := parser.ParsePlPgSqlToJSON(unknownArray.ReplaceAllString(function, "bigint[]"))
	if err != nil {
		t.Fatalf("%v, in:\n%s", err, function)
	}
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(v any, dynamic bool)
	walk = func(v any, dynamic bool) {
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				walk(element, dynamic)
			}
		case map[string]any:
			for name, value := range v {
				if name != "PLpgSQL_expr" {
					walk(value, dynamic || strings.Contains(strings.ToLower(name), "dyn"))
					continue
				}
				expr := node(value.(map[string]any))
				sql := expr.text("query")
				switch expr["parseMode"] {
				case 2.0: // an expression
					sql = "SELECT " + sql
				case 3.0, 4.0, 5.0: // an assignment
					_, after, found := strings.Cut(sql, ":=")
					if !found {
						_, after, _ = strings.Cut(sql, "=")
					}
					sql = "SELECT " + after
				}
				parts = append(parts, part{sql, dynamic})
			}
		}
	}
	walk(tree, false)
	return parts
}

// A naming looks for references to the tables that do not name their user.
type naming struct {
	of         string
	inFunction bool
	owned      []string // the tables whose references are looked at
	found      []string
	references int
	looked     map[string]int // references by name, against what is in a tree at all
}

func newNaming(of string, inFunction bool) *naming {
	return &naming{of: of, inFunction: inFunction, owned: ownedTables, looked: map[string]int{}}
}

func (c *naming) fail(format string, args ...any) {
	c.found = append(c.found, c.of+": "+fmt.Sprintf(format, args...))
}

// A level is a query within a query: what it reads from, by alias, and whether that is confined.
type level struct {
	outer    *level
	ctes     map[string]bool
	confined map[string]bool // by alias; of other tables only those that stand for an owner's rows
}

func (l *level) isCTE(name string) bool { return l != nil && (l.ctes[name] || l.outer.isCTE(name)) }

func (l *level) isConfined(alias string) bool {
	if l == nil {
		return false
	}
	if confined, ok := l.confined[alias]; ok {
		return confined
	}
	return l.outer.isConfined(alias)
}

// statement looks at a whole statement, and fails for a reference that walk did not come by.
func (c *naming) statement(tree node) {
	if kind, _ := tree.kind(); kind == "LockStmt" {
		return
	}
	before := maps.Clone(c.looked)
	c.walk(tree, nil)
	there := map[string]int{}
	count(map[string]any(tree), c.owned, there)
	for name, n := range there {
		if n != c.looked[name]-before[name] {
			c.fail("%s is in a part that is not looked at", name)
		}
	}
}

// count counts references to the tables.
func count(v any, owned []string, there map[string]int) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			count(element, owned, there)
		}
	case map[string]any:
		if r := node(v); r.text("relname") != "" && slices.Contains(owned, r.relation()) {
			there[reference(r)]++
		}
		for _, value := range v {
			count(value, owned, there)
		}
	}
}

// reference is how a table is written, with its alias.
func reference(r node) string {
	return strings.TrimSpace(strings.TrimPrefix(r.relation(), ".") + " " + r.at("alias").text("aliasname"))
}

// walk looks for queries in a tree, and for comparisons with a bare call.
func (c *naming) walk(v any, outer *level) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			c.walk(element, outer)
		}
	case node:
		c.walk(map[string]any(v), outer)
	case map[string]any:
		for name, value := range v {
			inner, isNode := value.(map[string]any)
			switch {
			case !isNode:
				c.walk(value, outer)
			case name == "SelectStmt", name == "larg" && inner["targetList"] != nil, name == "rarg" && inner["targetList"] != nil,
				name == "larg" && inner["op"] != nil, name == "rarg" && inner["op"] != nil:
				c.query(inner, outer, "fromClause")
			case name == "UpdateStmt":
				c.query(inner, outer, "fromClause")
			case name == "DeleteStmt":
				c.query(inner, outer, "usingClause")
			case name == "InsertStmt":
				c.insert(inner, outer)
			default:
				if name == "ColumnRef" && strings.HasSuffix("."+columnName(node{name: value}), ".ctid") { // TestQueriesTouchOnePartition does not see such reads
					c.fail("reads by ctid")
				}
				if name == "A_Expr" && (calls(inner["lexpr"]) || calls(inner["rexpr"])) {
					c.fail("bizydb.current_user_id() is compared without SELECT")
				}
				c.walk(value, outer)
			}
		}
	}
}

func (c *naming) insert(n node, outer *level) {
	table := n.at("relation")
	if slices.Contains(c.owned, table.relation()) {
		c.looked[reference(table)]++
		c.references++
		if c.inFunction && strings.HasPrefix(table.relation(), "bizydb.deleted_") { // which is filled by functions alone
			c.walk(map[string]any(n), outer)
			return
		}
		names := n.list("cols")
		if len(names) == 0 || slices.ContainsFunc(names, func(column node) bool { return column.at("ResTarget").text("name") == "user_id" }) {
			c.fail("%s is inserted into with a user_id", reference(table))
		}
		if n["onConflictClause"] != nil {
			c.fail("%s is inserted into ON CONFLICT", reference(table))
		}
	}
	c.walk(map[string]any(n), outer)
}

// query looks at one level, and then at those within it.
func (c *naming) query(n node, outer *level, from string) {
	l := &level{outer: outer, ctes: map[string]bool{}, confined: map[string]bool{}}
	for _, cte := range n.at("withClause").list("ctes") {
		l.ctes[cte.at("CommonTableExpr").text("ctename")] = true
	}
	terms := conjuncts(n.at("whereClause"))
	var owned []ownedTable
	items := 0
	add := func(r node, on []node) {
		items++
		alias := r.at("alias").text("aliasname")
		if alias == "" {
			alias = r.text("relname")
		}
		qualified := r.text("schemaname") != ""
		switch {
		case slices.Contains(c.owned, r.relation()),
			!qualified && !l.isCTE(r.text("relname")) && slices.ContainsFunc(c.owned, func(name string) bool { return strings.HasSuffix(name, "."+r.text("relname")) }):
			if qualified {
				c.looked[reference(r)]++
			}
			c.references++
			owned = append(owned, ownedTable{reference(r), alias, on})
			l.confined[alias] = false
		default: // of rows at hand in a function: of a trigger, or what was collected of such
			l.confined[alias] = c.inFunction && !qualified
		}
	}
	if relation := n.at("relation"); relation != nil {
		add(relation, nil)
	}
	var item func(f node, on []node)
	item = func(f node, on []node) {
		switch kind, inner := f.kind(); kind {
		case "RangeVar":
			add(inner, on)
		case "JoinExpr":
			terms := conjuncts(inner.at("quals"))
			left, right := slices.Clone(on), slices.Clone(on)
			if kind := inner.text("jointype"); kind == "JOIN_INNER" || kind == "JOIN_RIGHT" {
				left = append(left, terms...)
			}
			if kind := inner.text("jointype"); kind == "JOIN_INNER" || kind == "JOIN_LEFT" {
				right = append(right, terms...)
			}
			item(inner.at("larg"), left)
			item(inner.at("rarg"), right)
		default:
			items++
			l.confined[inner.at("alias").text("aliasname")] = c.inFunction
		}
	}
	for _, f := range n.list(from) {
		item(f, nil)
	}
	// Again, as long as one is confined through another.
	for again := true; again; {
		again = false
		for _, o := range owned {
			if !l.confined[o.alias] && slices.ContainsFunc(slices.Concat(terms, o.on), func(term node) bool { return c.names(term, o.alias, items == 1, l) }) {
				l.confined[o.alias], again = true, true
			}
		}
	}
	for _, o := range owned {
		if !l.confined[o.alias] && byID[c.of] != o.reference {
			c.fail("%s does not name its user", o.reference)
		}
	}
	for field, value := range n {
		if field == "larg" || field == "rarg" { // of UNION
			value = map[string]any{"SelectStmt": value}
		}
		c.walk(value, l)
	}
}

type ownedTable struct {
	reference, alias string
	on               []node // conditions of joins that hold for each of its rows
}

// conjuncts are the terms that all hold.
func conjuncts(n node) []node {
	switch kind, inner := n.kind(); {
	case kind == "BoolExpr" && inner.text("boolop") == "AND_EXPR":
		var terms []node
		for _, arg := range inner.list("args") {
			terms = append(terms, conjuncts(arg)...)
		}
		return terms
	case n == nil:
		return nil
	default:
		return []node{n}
	}
}

// names says whether a term is: the user_id of alias = an owner.
func (c *naming) names(term node, alias string, alone bool, l *level) bool {
	if call := term.at("FuncCall"); call.name("funcname") == "bizydb.same_user" {
		args := call.list("args")
		return columnName(args[0]) == alias+".user_id" && c.isOwner(args[1], alias, l)
	}
	expr := term.at("A_Expr")
	if expr.name("name") != "=" {
		return false
	}
	left, right := expr.at("lexpr"), expr.at("rexpr")
	isColumn := func(n node) bool {
		name := columnName(n)
		return name == alias+".user_id" || alone && name == "user_id"
	}
	return expr.text("kind") == "AEXPR_OP" && (isColumn(left) && c.isOwner(right, alias, l) || isColumn(right) && c.isOwner(left, alias, l))
}

func (c *naming) isOwner(n node, alias string, l *level) bool {
	if isCurrentUser(n) {
		return true
	}
	name := columnName(n)
	if c.inFunction && slices.Contains(ownersInFunctions, name) {
		return true
	}
	of, is, _ := strings.Cut(name, ".")
	return is == "user_id" && of != alias && l.isConfined(of)
}

// columnName is the name of a column or variable, as it is written.
func columnName(n node) string {
	return n.at("ColumnRef").name("fields")
}

// calls says whether an expression calls current_user_id itself, and not in a query within it.
func calls(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, calls)
	case map[string]any:
		if isCall(v) {
			return true
		}
		for name, value := range v {
			if name != "SubLink" && name != "A_Expr" && calls(value) { // walk comes by those
				return true
			}
		}
	}
	return false
}

func isCall(n node) bool {
	call := n.at("FuncCall")
	return call != nil && call.name("funcname") == "bizydb.current_user_id"
}

// isCurrentUser says whether an expression is just (SELECT bizydb.current_user_id()).
func isCurrentUser(n node) bool {
	link := n.at("SubLink")
	query := link.at("subselect", "SelectStmt")
	targets := query.list("targetList")
	if link.text("subLinkType") != "EXPR_SUBLINK" || len(targets) != 1 || !isCall(targets[0].at("ResTarget", "val")) {
		return false
	}
	for field := range query {
		if !slices.Contains([]string{"targetList", "limitOption", "op"}, field) {
			return false
		}
	}
	return true
}
