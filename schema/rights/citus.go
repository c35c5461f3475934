package rights

import (
	_ "embed"
	"strings"
	"sync"
)

// CitusList is citus.txt: how the list of rights.sql is different once schema.Distribute has run. A line begins with "- " if it is not in the
// list there, and with "+ " if it is there only.
//
//go:embed citus.txt
var CitusList string

// IsDistributedSQL is an SQL expression: whether schema.Distribute has run. A login that may not use the schema can ask, too.
const IsDistributedSQL = `EXISTS (
  SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname OPERATOR(pg_catalog.=) 'bizydb' AND p.proname OPERATOR(pg_catalog.=) 'set_time'
)`

// CitusSQL is [SQL] for a database that schema.Distribute has sharded. Roles may log in there: nodes connect to each other as them.
var CitusSQL = sync.OnceValue(func() string {
	before, rest, _ := strings.Cut(SQL, "$list$\n")
	list, after, _ := strings.Cut(rest, "$list$")
	for line := range strings.Lines(CitusList) {
		if gone, ok := strings.CutPrefix(line, "- "); ok {
			list = strings.Replace("\n"+list, "\n"+gone, "\n", 1)[1:]
		} else {
			list += strings.TrimPrefix(line, "+ ")
		}
	}
	after = strings.Replace(after, ", ('LOGIN', rolcanlogin AND why = 'more')", "", 1)
	return before + "$list$\n" + list + "$list$" + after
})
