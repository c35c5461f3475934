package bizydb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb/internal/executor"
	"github.com/bizy-ai/bizydb/bizydb/internal/inspected"
	"github.com/bizy-ai/bizydb/schema/rights"
	"github.com/bizy-ai/bizydb/schema/version"
)

const (
	judgeLoginSQL = `SELECT pg_catalog.set_config('bizydb.judge_login', 'on', true);`

	// Settings under which calls fail or silently behave otherwise, with the statement that resets them. If several places set one,
	// the most specific one counts.
	settingsSQL = `;
SELECT name AS setting, value, coalesce(
  (
    SELECT CASE
        WHEN setrole = 0 AND setdatabase = 0 THEN 'ALTER ROLE ALL'
        WHEN setrole = 0 THEN format('ALTER DATABASE %I', current_database())
        WHEN setdatabase = 0 THEN format('ALTER ROLE %I', session_user)
        ELSE format('ALTER ROLE %I IN DATABASE %I', session_user, current_database())
      END || ' RESET ' || name
    FROM pg_db_role_setting
    WHERE setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user)) AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND EXISTS (SELECT FROM unnest(setconfig) AS given WHERE lower(split_part(given, '=', 1) COLLATE "C") = name)
    ORDER BY setrole = 0, setdatabase = 0 LIMIT 1
  ),
  CASE
    WHEN name = 'server_encoding' THEN 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0'
    WHEN (SELECT source FROM pg_settings g WHERE lower(g.name COLLATE "C") = s.name) NOT IN ('client', 'session') THEN format('ALTER ROLE %I SET %s = %L', session_user, name, wanted)
    ELSE 'take it out of the connection string or the hook that sets it'
  END
), in_text
FROM (
  SELECT pg_has_role(to_regrole('bizydb_reporter'), 'MEMBER') AND pg_has_role(to_regrole('bizydb_user'), 'MEMBER') IS NOT TRUE
    AND pg_has_role(to_regrole('bizydb_accounts'), 'MEMBER') IS NOT TRUE
) AS login (is_for_reports), (SELECT ` + rights.IsDistributedSQL + `) AS d (is_distributed), LATERAL (VALUES
  ('server_encoding', '^UTF8$', 'UTF8', false),
  ('client_encoding', '^UTF8$', 'UTF8', false),
  ('standard_conforming_strings', '^on$', 'on', false),
  ('session_replication_role', '^(origin|local)$', 'origin', false),
  ('row_security', '^on$', 'on', false),
  ('restrict_nonsystem_relation_kind', '^(foreign-table)?$', '', false),
  ('gin_fuzzy_search_limit', '^0$', '0', false),
  ('default_transaction_isolation', CASE WHEN is_for_reports THEN '^(read committed|repeatable read)$' ELSE '^read committed$' END, 'read committed', false),
  ('default_transaction_read_only', CASE WHEN is_for_reports OR pg_is_in_recovery() THEN '' ELSE '^off$' END, 'off', false),
  ('role', '^(?!bizydb_(user|accounts|reporter)$)', 'none', false),
  ('bizydb.user_id', '^$', '', false),
  ('bizydb.keep_updated_at', '^$', '', false),
  ('bizydb.importing', '^$', '', false),
  ('bizydb.restoring', '^$', '', false),
  ('bizydb.deletes_user', '^$', '', false),
  ('datestyle', '^ISO', 'ISO', true),
  ('extra_float_digits', '^[123]$', '1', true),
  ('intervalstyle', CASE WHEN is_distributed THEN '^(?!sql_standard)' ELSE '' END, 'postgres', true),
  ('plan_cache_mode', CASE WHEN is_distributed THEN '^(?!force_generic_plan)' ELSE '' END, 'auto', true),
  ('citus.enable_local_execution', CASE WHEN is_distributed THEN '^(?!off)' ELSE '' END, 'on', true)
) AS s (name, accepted, wanted, in_text), LATERAL (SELECT coalesce(current_setting(name, true), '')) AS c (value)
WHERE value !~ accepted ORDER BY in_text`

	versionSQL = `;
SELECT bizydb.schema_version() AS version, ` + version.UnreleasedSQL + `, session_user, ` + rights.IsDistributedSQL
)

// An inspection is the result of inspect: the state of a database and of a connection to it.
type inspection struct {
	version     [][]string // a row of versionSQL, none if it failed
	settings    [][]string // rows of settingsSQL
	differences []rights.Difference
}

// check finds out whether the database and the login are fit for use, and completes db.pool with what connections have.
func (db *DB) check(ctx context.Context, o options) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("bizydb: open: %w", db.pool.Config.Classify(err))
	}
	defer conn.Release()

	// A hook of the pool can have changed the configuration.
	settings := conn.Conn().Config()
	db.pool.Traced = settings.Tracer != nil
	if db.pool.Mode = settings.DefaultQueryExecMode; db.pool.Mode == pgx.QueryExecModeSimpleProtocol {
		return fmt.Errorf("bizydb: open: %w", ErrSimpleProtocol)
	}
	if inspected.Is(ctx) {
		results, err := conn.Conn().PgConn().Exec(ctx, "SELECT "+rights.IsDistributedSQL).ReadAll()
		if err != nil {
			return fmt.Errorf("bizydb: open: %w", db.pool.Config.Classify(err))
		}
		if string(results[0].Rows[0][0]) == "t" {
			onCitus(db.pool.Config, o.constraints)
		}
		return nil
	}
	found, err := inspect(ctx, conn.Conn().PgConn(), rights.SQL)
	if found.onCitus() {
		if len(o.standbys) > 0 {
			return fmt.Errorf("bizydb: open: %w", errCitusStandbys)
		}
		onCitus(db.pool.Config, o.constraints)
		found, err = inspect(ctx, conn.Conn().PgConn(), rights.CitusSQL())
	}
	if err = found.problem(err, settings.User, db.pool.Mode, o); err == nil && o.strict {
		err = db.strictly(ctx, conn.Conn().PgConn())
	}
	if err != nil {
		return fmt.Errorf("bizydb: open: %w", err)
	}
	return nil
}

// onCitus says whether schema.Distribute has sharded the database.
func (found inspection) onCitus() bool { return len(found.version) == 1 && found.version[0][3] == "t" }

var deniedRelation = regexp.MustCompile(`(?:table|view) (pg_\w+)`)

// inspect reads the state of the database in one round trip, as the login. It uses the simple protocol, which parses each statement
// after the ones before it have run, so that the login's search_path is out of use. Its settings end with the implicit transaction.
func inspect(ctx context.Context, conn *pgconn.PgConn, rightsSQL string) (found inspection, err error) {
	results, err := conn.Exec(ctx, judgeLoginSQL+rightsSQL+settingsSQL+versionSQL).ReadAll()
	for _, result := range results {
		if len(result.FieldDescriptions) == 0 || result.Err != nil {
			continue
		}
		var rows [][]string
		for _, values := range result.Rows {
			row := make([]string, len(values))
			for i, value := range values {
				row[i] = string(value)
			}
			rows = append(rows, row)
		}
		switch result.FieldDescriptions[0].Name {
		case "difference":
			for _, row := range rows {
				found.differences = append(found.differences, rights.Parse(row[0]))
			}
		case "setting":
			found.settings = rows
		case "version":
			found.version = rows
		}
	}
	return found, err
}

// problem returns an error that says what is wrong and how to repair it, or nil. err is the error of inspect.
func (found inspection) problem(err error, login string, mode pgx.QueryExecMode, o options) error {
	switch {
	case executor.HasCode(err, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedFunction):
		return fmt.Errorf("%w: run schema.Migrate or the tern command: %w", ErrNotMigrated, err)
	case err != nil && !executor.HasCode(err, pgerrcode.InsufficientPrivilege): // which is among the differences
		return newConfig(nil).Classify(err)
	}
	for _, row := range found.version {
		installed, _ := strconv.Atoi(row[0])
		switch {
		case row[1] == "t":
			return ErrSchemaUnreleased
		case installed < SchemaVersion:
			return fmt.Errorf("%w: it is at migration %d, %d is needed", ErrNotMigrated, installed, SchemaVersion)
		case installed > SchemaVersion:
			return fmt.Errorf("%w: it is at migration %d, the last one known here is %d", ErrSchemaNewer, installed, SchemaVersion)
		}
	}

	var kinds []error
	var mend []string
	var byProtect []bool // whether schema.Protect does it
	add := func(kind error, how string, protect bool) {
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		mend, byProtect = append(mend, how), append(byProtect, protect)
	}
	for _, row := range found.settings {
		if inText, name, value, how := row[3], row[0], row[1], row[2]; inText == "f" || mode == pgx.QueryExecModeExec || found.onCitus() {
			add(ErrConfig, fmt.Sprintf("%s is %q: %s", name, value, how), false)
		}
	}
	anotherLogin := !o.allowPrivilegedLogin && slices.ContainsFunc(found.differences, func(d rights.Difference) bool { return d.Why == rights.Another })
	for _, d := range found.differences {
		protect := d.Why == rights.Less || d.Why == rights.More || d.Why == rights.Public
		switch {
		case anotherLogin && (d.Why == rights.Login || d.Why == rights.Needed):
			// What this role has or lacks does not matter to another one, and an owner or a superuser needs what it has.
		case d.Why == rights.Lost:
			add(ErrNotMigrated, "it lacks "+strings.TrimPrefix(d.SQL, "-- "), protect)
		case d.Why == rights.Needed, d.Why == rights.Less && (strings.HasPrefix(d.SQL, "GRANT ") || strings.HasPrefix(d.SQL, "CREATE ROLE ")):
			add(ErrMissingGrant, d.SQL, protect)
		case (d.Why == rights.Login || d.Why == rights.Another) && o.allowPrivilegedLogin:
		case d.Why == rights.Login, d.Why == rights.Another, d.Why == rights.Public && !o.allowPrivilegedLogin:
			add(ErrPrivilegedLogin, strings.TrimPrefix(d.SQL, "-- "), protect)
		default:
			add(ErrUnprotected, d.SQL, protect)
		}
	}
	if len(mend) == 0 && err != nil { // something of the server's own that everybody may read by default
		err = fmt.Errorf("%w: %w", ErrMissingGrant, err)
		if at := deniedRelation.FindStringSubmatch(err.Error()); at != nil {
			err = fmt.Errorf("%w: GRANT SELECT ON pg_catalog.%s TO %s", err, at[1], pgx.Identifier{login}.Sanitize())
		}
		return err
	}
	if len(mend) == 0 {
		return nil
	}
	const shown = 3
	if more := len(mend) - shown; more > 0 {
		rest := fmt.Sprintf("and %d more", more)
		if !slices.Contains(byProtect[shown:], false) {
			rest += ", see schema.Protect"
		}
		mend = append(mend[:shown], rest)
	}
	err = errors.New(strings.Join(mend, "; "))
	for _, kind := range slices.Backward(kinds) {
		err = fmt.Errorf("%w: %w", kind, err)
	}
	return err
}
