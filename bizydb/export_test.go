package bizydb

// RuleColumns has the column that each constraint's error names.
func RuleColumns() map[string]string {
	columns := map[string]string{}
	for constraint, r := range rules {
		columns[constraint] = r.table + "." + r.column
	}
	return columns
}
