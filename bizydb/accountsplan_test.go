package bizydb_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/bizydb/internal/accountsql"
)

// A sign-in looks its account up through the unique indexes, whatever the case of the login, with a custom plan and with
// a generic one, as the role that it runs as.
func TestSignInUsesIndexes(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, `
		INSERT INTO public.users (email, username, hashed_password)
		SELECT 'User' || i || '@Example.org', 'User' || i, '$2a$12$' || repeat('.', 53) FROM generate_series(1, 10000) AS i;
		ANALYZE public.users`)
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		for _, login := range []string{"user77", "USER77@EXAMPLE.ORG"} {
			var plan []string
			err := pgx.BeginFunc(t.Context(), made.Pool(), func(tx pgx.Tx) error {
				for _, sql := range []string{
					"SET LOCAL ROLE bizydb_accounts", "SET LOCAL plan_cache_mode = " + mode,
					"PREPARE sign_in (text) AS " + accountsql.FindCredentialsSQL,
				} {
					if _, err := tx.Exec(t.Context(), sql); err != nil {
						return err
					}
				}
				rows, err := tx.Query(t.Context(), "EXPLAIN EXECUTE sign_in ('"+login+"')", pgx.QueryExecModeSimpleProtocol)
				if err != nil {
					return err
				}
				plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
				if err == nil {
					_, err = tx.Exec(t.Context(), "DEALLOCATE sign_in")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(plan, "\n")
			if !strings.Contains(text, "ix_users_email") || !strings.Contains(text, "ix_users_username") || strings.Contains(text, "Seq Scan") {
				t.Errorf("%s, %s:\n%s", mode, login, text)
			}
		}
	}
}
