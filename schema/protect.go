package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema/rights"
)

// ErrIncomplete means that the database lacks an object of the migrations that [Protect] cannot create.
var ErrIncomplete = errors.New("database lacks what its migrations made")

// Protect restores the rights, policies, triggers and settings of functions that the migrations gave a database, whatever a
// restore or a script has changed. It removes additional rights and policies of PUBLIC and bizydb's roles, additional settings
// of functions, and additional triggers that call bizydb's functions. A service's own triggers and columns stay. It runs in
// one transaction and returns the statements that it ran: none if nothing differed. conn must be connected as the owner of the
// objects or as a superuser. If Protect has to create a role, or to revoke a role's membership in another role, this
// connection also needs the right to do so.
//
// Protect changes PUBLIC and the roles bizydb_user, bizydb_accounts and bizydb_reporter. Protect does not change the rights of a
// service's login: bizydb.Open says which rights the login lacks, and which it should not have.
//
// psql does the same with rights.sql in the folder schema/rights.
func Protect(ctx context.Context, conn *pgx.Conn) (ran []string, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		differences, err := compare(ctx, tx)
		if err != nil {
			return err
		}
		for _, d := range differences {
			if d.Why == rights.Lost {
				return fmt.Errorf("%w: %s", ErrIncomplete, d.SQL)
			}
			if _, err := tx.Exec(ctx, d.SQL, pgx.QueryExecModeExec); err != nil {
				return fmt.Errorf("%s: %w", d.SQL, err)
			}
			ran = append(ran, d.SQL)
		}
		// Where the server only warns that it has not granted anything, something is left.
		if differences, err = compare(ctx, tx); err == nil && len(differences) > 0 {
			err = fmt.Errorf("%q has no right to: %s", conn.Config().User, differences[0].SQL)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("schema: protect: %w", err)
	}
	return ran, nil
}

func compare(ctx context.Context, tx pgx.Tx) (differences []rights.Difference, err error) {
	sql := rights.SQL
	if distributed, err := isDistributed(ctx, tx.Conn()); err != nil {
		return nil, err
	} else if distributed {
		sql = rights.CitusSQL()
	}
	results, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, row := range results[len(results)-1].Rows {
		differences = append(differences, rights.Parse(string(row[0])))
	}
	return differences, nil
}
