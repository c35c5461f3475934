package bizydb

// RuleColumns has the column that each constraint's error names.
func RuleColumns() map[string]string {
	columns := map[string]string{}
	for constraint, r := range rules {
		columns[constraint] = r.table + "." + r.column
	}
	return columns
}

// SetBcryptCost sets the cost of new hashes, below the least that Open takes too.
func SetBcryptCost(a *Accounts, cost int) { a.hasher.cost = cost }

// OnBcrypt has fn called after every run of bcrypt, in its slot.
func OnBcrypt(a *Accounts, fn func(cost int)) { a.hasher.spent = fn }
