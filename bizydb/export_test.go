package bizydb

import (
	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/planner"
)

// A Rule is what rules.go says of a constraint.
type Rule struct {
	Table, Column, Reason string
	Kind                  error
}

// Rules has the rule of each constraint.
func Rules() map[string]Rule {
	all := map[string]Rule{}
	for constraint, r := range rules {
		all[constraint] = Rule{r.table, r.column, r.reason, r.kind}
	}
	return all
}

// What Register checks before it hashes, by the constraint that says the same.
var (
	CheckedLengths = map[string]int{
		"ck_users_email_length": maxEmail, "ck_users_username_length": maxUsername, "ck_users_full_name_length": maxFullName,
	}
	CheckedForms = map[string]string{
		"ck_users_email_form": emailForm.String(), "ck_users_username_form": usernameForm.String(), "ck_users_full_name_line": fullNameLine.String(),
	}
)

// SetBcryptCost sets the cost of new hashes, below the least that Open takes too.
func SetBcryptCost(a *Accounts, cost int) { a.hasher.cost = cost }

// OnBcrypt has fn called after every run of bcrypt, in its slot.
func OnBcrypt(a *Accounts, fn func(cost int)) { a.hasher.spent = fn }

// Params has how many parameters each query has.
func Params() map[string]int {
	n := map[string]int{}
	for query, list := range params {
		n[query] = len(list)
	}
	return n
}

// Invisible tells which characters an address cannot have.
func Invisible(r rune) bool { return invisible(r) }

// Classify gives an error of the server its name.
func Classify(err error) error { return newConfig(nil).Classify(err) }

// Writers returns the functions that are known to write.
func Writers() []string { return writers }

// Refusals has, for each constraint that a value of CreateTasks can break, whether a task breaks it.
func Refusals() map[string]func(planner.CreateTaskParams) bool { return refusals }

// StopWatchingStandbys ends the probes of standbys. What users have seen and written is noted on.
func StopWatchingStandbys(db *DB) { db.standbys.Close() }

// AsksPrimary tells whether the next read of a scope goes to the primary, whatever the standbys have.
func AsksPrimary(s Scope) bool { return s.Token().position.Primary }

// CitusText is what a query is on Citus.
var CitusText = citusText

// ReplacedOnCitus says whether more than the user of a query is different there.
func ReplacedOnCitus(query string) bool { return citusCalls[query] != "" || citusTexts[query] != nil }

// WritersOnCitus are the functions that write there, and those that a caller's statement must not call.
func WritersOnCitus() (writers, refused []string) {
	c := executor.Config{Writers: Writers()}
	onCitus(&c, nil)
	return c.Writers, c.ScopeFunctions
}

// ClassifyOnCitus gives an error of a server with Citus its name, also with constraints of the service's own.
func ClassifyOnCitus(err error, own map[string]Constraint) error {
	c := newConfig(own)
	onCitus(c, own)
	return c.Classify(err)
}

// LostCommit says whether an error on Citus leaves open whether a transaction has committed.
var LostCommit = lostCommit
