package bizydb

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
)

// What is different on Citus, in a database that schema.Distribute has sharded by user. Experimental: see docs/citus.md.
//
// A statement goes to the node of a user's shards if its text compares user_id with a parameter, and a setting goes there only as SET LOCAL
// in a transaction block. So each call is a block, sent at once, in which functions make the settings; and in each text the user of the
// scope, which is a sub-select elsewhere, is one more parameter.

var errCitusStandbys = fmt.Errorf("%w: standbys are not for a database on Citus", ErrConfig)

// ErrNotOnCitus means that Citus cannot do two things in one transaction, such as to register a user and to create a task of that user.
// docs/citus.md has what works instead. The transaction is aborted.
var ErrNotOnCitus = errors.New("not possible in a transaction on Citus")

// onCitus prepares a pool for a database on Citus. The pool has not been used yet. The service describes its own constraints.
func onCitus(c *executor.Config, own map[string]Constraint) {
	refused := c.Refused
	c.Refused = func(pgErr *pgconn.PgError, err error) error {
		nameAsElsewhere(pgErr, own)
		switch {
		case pgErr.Code == pgerrcode.InsufficientPrivilege && strings.HasPrefix(pgErr.Message, "new row violates row-level security policy"): // a row of another user's
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		case pgErr.Code == pgerrcode.ForeignKeyViolation && userKeys.MatchString(pgErr.ConstraintName): // of a user whom the coordinator has found
			return fmt.Errorf("%w: the user has been added or removed by a transaction that has not been committed: %w", ErrNotOnCitus, err)
		case strings.Contains(pgErr.Message, "modified in this transaction by a different user"), strings.Contains(pgErr.Message, "accessed in this transaction by a different user"):
			return fmt.Errorf("%w: it has changed the rows in another role: %w", ErrNotOnCitus, err)
		}
		return refused(pgErr, err)
	}
	c.Unanswered = lostCommit
	c.Text, c.Entry = citusText, citusEntry
	c.ScopeFunctions = []string{"enter", "visit", "visit_accounts", "note_caller", "leave", "set_time"}
	c.Writers = append(slices.Clone(c.Writers), "roll_up_there", "roll_up_all_there", "date_goals_there", "forget_own")
}

var userKeys = regexp.MustCompile(`^fk_(goals|tasks|imports|deleted_goals|deleted_tasks|deleted_links)_user$`)

// lostCommit says that Citus has sent COMMIT to the user's node and not read a good answer, which could have been lost.
func lostCommit(pgErr *pgconn.PgError) bool {
	return strings.HasPrefix(pgErr.Message, "could not commit transaction for shard")
}

// citusSQL has what the statements of entries are on Citus: those of the key, for each of the statements one.
var citusSQL = map[string][]string{
	enterScopeSQL:               {citusEnterSQL},
	enterScopeSQL + lockUserSQL: {citusEnterSQL, citusLockSQL},
	enterScopeSQL + readOnlySQL: {citusEnterSQL},
	visitScopeSQL:               {citusVisitSQL},
	visitScopeSQL + lockUserSQL: {citusVisitSQL, citusLockSQL},
	leaveScopeSQL:               {"SELECT bizydb.leave()"},
	requireUserSQL:              {}, // bizydb.enter asks

	actAsAccountsSQL: {"SELECT bizydb.set_time()", actAsAccountsSQL},
	visitAccountsSQL: {"SELECT bizydb.visit_accounts()"},
	leaveSQL:         {"SELECT bizydb.leave()"},
}

const (
	citusEnterSQL = `SELECT bizydb.enter($1)`
	citusVisitSQL = `SELECT bizydb.visit($1)`
	citusLockSQL  = `SELECT bizydb.lock_user_there($1)`
)

func citusEntry(e executor.Entry) executor.Entry {
	original := e
	for _, statements := range []*[]executor.Statement{&e.Enter, &e.EnterToWrite, &e.EnterToRead, &e.Leave} {
		if *statements == nil {
			continue
		}
		out := []executor.Statement{}
		for _, stmt := range *statements {
			texts, found := citusSQL[stmt.SQL]
			if !found {
				out = append(out, stmt)
			}
			for _, sql := range texts {
				sent := executor.Statement{SQL: sql}
				if strings.Contains(sql, "$1") {
					sent.Args = stmt.Args
					e.Key = stmt.Args[0]
				}
				out = append(out, sent)
			}
		}
		*statements = out
	}
	e.Begin = "BEGIN"
	switch { // other nodes are told by BEGIN only that nothing is to be written
	case readsOnly(original.EnterToRead):
		e.BeginToRead = "BEGIN READ ONLY"
	case readsOnly(original.Enter):
		e.Begin = "BEGIN READ ONLY"
	}
	return e
}

func readsOnly(statements []executor.Statement) bool {
	return slices.ContainsFunc(statements, func(s executor.Statement) bool { return strings.HasSuffix(s.SQL, readOnlySQL) })
}

// currentUser is the scope's user in a text.
var currentUser = []string{"(", "select", "bizydb", ".", "current_user_id", "(", ")", ")"}

// citusTexts replaces parts of queries, by their names. A function with the owner's rights runs on the user's node, by a row that the query
// names or as a distributed function: there one session has the user's lock.
var citusTexts = map[string]*strings.Replacer{
	"DateGoals": strings.NewReplacer("bizydb.date_imported_goals(", "bizydb.date_goals_there("+mine+", "),
	"restoreGoal": strings.NewReplacer(
		"bizydb.restore_goal($1, ", "bizydb.deleted_goals k CROSS JOIN LATERAL bizydb.restore_goal(k.id, ",
		"goal_now(r.id) AS goals", "goal_now(r.id) AS goals WHERE k.user_id = "+mine+" AND k.id = $1"),
	"restoreTask": strings.NewReplacer(
		"bizydb.restore_task($1)", "bizydb.deleted_tasks k CROSS JOIN LATERAL bizydb.restore_task(k.id)",
		"task_now(r.id) AS tasks", "task_now(r.id) AS tasks WHERE k.user_id = "+mine+" AND k.id = $1"),

	"ChangeEmail": citusProfiles, "MarkEmailVerified": citusProfiles, "SetActive": citusProfiles, "SetSuperuser": citusProfiles,
	"UpdateMe": citusProfiles, "UpdateProfile": citusProfiles,
}

// mine is the scope's user in citusTexts and citusCalls.
const mine = "$user"

// citusProfiles changes accounts in the table, since the view of them cannot be updated.
var citusProfiles = strings.NewReplacer("UPDATE bizydb.profiles SET", "UPDATE public.users SET")

// citusCalls are queries that are a call of a function on the user's node.
var citusCalls = map[string]string{
	"ForgetDeleted": "SELECT f.goals, f.tasks FROM bizydb.forget_own($1) AS f", // one statement does not change two tables
	"RollUp":        "SELECT c.goal_id, c.title, c.old_percentage, c.new_percentage FROM bizydb.roll_up_there(" + mine + ", $1) AS c",
	"RollUpAll":     "SELECT c.goal_id, c.title, c.old_percentage, c.new_percentage FROM bizydb.roll_up_all_there(" + mine + ") AS c",
}

func citusText(query, sql string) (sent string, keyed bool) {
	me := fmt.Sprintf("$%d::bigint", executor.Parameters(sql)+1)
	call, isCall := citusCalls[query]
	texts, isReplaced := citusTexts[query]
	switch {
	case isCall:
		first, _, _ := strings.Cut(sql, "\n")
		sql = first + "\n" + call
	case isReplaced:
		sql = texts.Replace(sql)
	}
	if isCall || isReplaced {
		keyed = strings.Contains(sql, mine)
		sql = strings.ReplaceAll(sql, mine, me)
	}
	sent, more := executor.Replace(sql, currentUser, func(before []string, after string) string {
		if isExpression(before, after) {
			return me
		}
		return "(SELECT " + me + " AS current_user_id)"
	})
	return sent, keyed || more
}

// isExpression says whether a sub-select between these words and signs is compared, an argument of a function or a value of VALUES. Citus
// finds the node by a parameter that is compared, and takes no sub-select for a value. Elsewhere a sub-select stays one: after ANY or FROM
// there may be nothing else, and in a list of results it names the column.
func isExpression(before []string, after string) bool {
	at := func(i int) string {
		if i = len(before) - i; i < 0 {
			return ""
		}
		return before[i]
	}
	switch last := at(1); {
	case slices.Contains(beforeSelect, last):
		return false
	case isComparison(last):
		return at(2) != ")" // of a row
	case isComparison(after):
		return true
	case after != "," && after != ")":
		return false
	case last == "(":
		return isWord(at(2)) && !slices.Contains(beforeSelect, at(2))
	case last == ",":
		for _, word := range slices.Backward(before) {
			if slices.Contains(clauses, word) {
				return word == "values"
			}
		}
	}
	return false
}

var (
	// beforeSelect are words after which a sub-select, also in more parentheses, is no expression.
	beforeSelect = []string{"all", "any", "array", "as", "except", "exists", "from", "in", "intersect", "join", "lateral", "materialized", "some", "union"}
	clauses      = []string{"from", "group", "having", "on", "order", "returning", "select", "set", "values", "where"}
)

func isComparison(sign string) bool { return sign == "=" || sign == "<" || sign == ">" }

func isWord(text string) bool {
	return text != "" && (text[0] >= 'a' && text[0] <= 'z' || text[0] == '_' || text[0] == '"')
}

// nameAsElsewhere gives an error the names that it has without Citus. Errors of another node have only a message and a hint, and names in
// errors of the user's own node end in the number of the shard: all those of tables, and those of constraints except for checks that are older
// than the shards. A name that is described is left as it is.
func nameAsElsewhere(pgErr *pgconn.PgError, own map[string]Constraint) {
	if pgErr.Code == pgerrcode.InvalidParameterValue && pgErr.Routine == routineOfOtherNodes && strings.HasPrefix(pgErr.Message, `time zone "`) {
		pgErr.Routine = zoneRoutines[0]
	}
	if !strings.HasPrefix(pgErr.Code, "23") {
		return
	}
	if pgErr.TableName == "" && pgErr.ConstraintName == "" {
		named := map[string]*string{"table": &pgErr.TableName, "column": &pgErr.ColumnName, "constraint": &pgErr.ConstraintName}
		for _, pattern := range violations {
			m := pattern.FindStringSubmatch(pgErr.Message)
			for i := 1; i < len(m); i++ {
				*named[pattern.SubexpNames()[i]] = m[i]
			}
		}
		if m := hintedConstraint.FindStringSubmatch(pgErr.Hint); m != nil {
			pgErr.ConstraintName = m[1]
		}
	}
	if _, described := own[pgErr.ConstraintName]; described {
		return
	}
	number := shardNumber.FindString(pgErr.TableName)
	if pgErr.TableName == "" {
		number = shardNumber.FindString(pgErr.ConstraintName)
	}
	pgErr.TableName = strings.TrimSuffix(pgErr.TableName, number)
	pgErr.ConstraintName = strings.TrimSuffix(pgErr.ConstraintName, number)
}

const routineOfOtherNodes = "ReportResultError"

// violations are the server's messages about constraints, with what they name.
var violations = []*regexp.Regexp{
	regexp.MustCompile(`^null value in column "(?P<column>.+)" of relation "(?P<table>.+)" violates not-null constraint$`),
	regexp.MustCompile(`^(?:new row for relation|insert or update on table) "(?P<table>.+)" violates (?:check|foreign key) constraint "(?P<constraint>.+)"$`),
	regexp.MustCompile(`^update or delete on table ".+" violates (?:RESTRICT setting of )?foreign key constraint "(?P<constraint>.+)" on table "(?P<table>.+)"$`),
	regexp.MustCompile(`^(?:duplicate|conflicting) key value violates (?:unique|exclusion) constraint "(?P<constraint>.+)"$`),
	regexp.MustCompile(`^value for domain .+ violates check constraint "(?P<constraint>.+)"$`),
}

var (
	hintedConstraint = regexp.MustCompile(`^constraint "(\w+)"$`) // of schema/
	shardNumber      = regexp.MustCompile(`_[0-9]{6,}$`)          // numbers begin with 102008
)
