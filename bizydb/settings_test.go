package bizydb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// refusedSettings are those that Open refuses: TestOpenSaysWhatMends, TestOpenRefuses.
var refusedSettings = []string{
	"client_encoding", "default_transaction_isolation", "default_transaction_read_only", "gin_fuzzy_search_limit", "restrict_nonsystem_relation_kind", "row_security", "session_replication_role", "standard_conforming_strings",
}

// Whatever else a role or a database can set, calls answer the same, in each exec mode. All settings take their other values
// at the same time.
func TestSettingsThatDoNotMatter(t *testing.T) {
	t.Parallel()
	notThroughAPooler(t)
	made := bizydbtest.New(t)
	config := parseConfig(t, made.DSN)
	login := config.ConnConfig.User
	conn, err := pgx.Connect(t.Context(), made.AdminDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	user := made.NewUser(t)
	at := plantAll(t, made.As(user))

	type setting struct {
		Name   string
		Values []string
	}
	rows, _ := conn.Query(t.Context(), `
		SELECT name, array_remove(CASE vartype WHEN 'bool' THEN ARRAY['on', 'off'] WHEN 'enum' THEN enumvals END, setting)
		FROM pg_settings
		WHERE context IN ('user', 'superuser') AND vartype IN ('bool', 'enum') AND name !~ '^(log|debug_print|trace|transaction)_|_stats$|^(exit_on_error|client_min_messages)$'
		UNION ALL
		SELECT * FROM (VALUES
		  ('TimeZone', ARRAY['America/St_Johns', 'Africa/Monrovia']), ('DateStyle', ARRAY['SQL, DMY', 'German']), ('extra_float_digits', ARRAY['3', '1']),
		  ('search_path', ARRAY['', '"$user", pg_catalog']), ('default_text_search_config', ARRAY['simple', 'turkish']), ('lc_messages', ARRAY['C', 'POSIX']),
		  ('jit_above_cost', ARRAY['0']), ('plpgsql.extra_errors', ARRAY['all'])
		) AS s
		ORDER BY 1`)
	settings, err := pgx.CollectRows(rows, pgx.RowToStructByPos[setting])
	if err != nil {
		t.Fatal(err)
	}
	want := answers(t, made.DB, user, at)
	for round := range 4 {
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER ROLE %s RESET ALL", login)); err != nil {
			t.Fatal(err)
		}
		var set []string
		for _, s := range settings {
			if len(s.Values) == 0 || slices.Contains(refusedSettings, s.Name) || len(s.Values) <= round && round > 0 {
				continue
			}
			value := s.Values[round]
			if s.Name != "search_path" {
				value = "'" + value + "'"
			} else if value == "" {
				value = "''"
			}
			if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER ROLE %s SET %s = %s", login, s.Name, value)); err != nil {
				t.Errorf("%s = %s: %v", s.Name, value, err)
				continue
			}
			set = append(set, s.Name+" = "+value)
		}
		t.Logf("%d: %s", round, strings.Join(set, ", "))
		for _, mode := range execModes(t) {
			db, err := bizydb.OpenConfig(t.Context(), func() *pgxpool.Config {
				c := config.Copy()
				c.ConnConfig.DefaultQueryExecMode = mode
				if mode == pgx.QueryExecModeExec { // which needs these two
					c.ConnConfig.RuntimeParams["datestyle"], c.ConnConfig.RuntimeParams["extra_float_digits"] = "ISO", "1"
				}
				return c
			}())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, answers(t, db, user, at)); diff != "" {
				t.Errorf("%v (-usual +these):\n%s", mode, diff)
			}
			db.Close()
		}
	}
}

// answers are what every method returns, as JSON, without times and new ids. Nothing stays.
func answers(t *testing.T, db *bizydb.DB, user bizydb.UserID, at things) map[string]string {
	t.Helper()
	answers := map[string]string{}
	enough := errors.New("enough")
	times := regexp.MustCompile(`"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"`)
	ids := regexp.MustCompile(`^(\{"id":|\[)[0-9,]+`)
	for name := range calls {
		err := db.As(user).InTx(t.Context(), func(tx *bizydb.Tx) error {
			got, err := call(t.Context(), tx, name, at)
			if err != nil {
				return err
			}
			text, err := json.Marshal(got)
			if err != nil {
				return err
			}
			answers[name] = times.ReplaceAllString(string(text), "T")
			if strings.HasPrefix(name, "Create") {
				answers[name] = ids.ReplaceAllString(answers[name], "$1")
			}
			return enough
		})
		if !errors.Is(err, enough) {
			answers[name] = fmt.Sprint(err)
		}
	}
	return answers
}
