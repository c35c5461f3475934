package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/schema/rights"
)

// ErrIncomplete means that a database lacks something that the migrations made and that [Protect] cannot make.
var ErrIncomplete = errors.New("database lacks what its migrations made")

// Protect gives a migrated database the rights, policies, triggers and settings of functions that the migrations gave it, and takes
// what is more, whatever a restore or a script has done to them. It returns the statements that it ran, none if there was nothing to
// do, and runs them in one transaction. The connection must be that of the objects' owner or of a superuser; a role that is to be
// created, or that is a member of another one, needs the right to do that.
//
// It is about PUBLIC and the roles bizydb_user, bizydb_accounts and bizydb_reporter. What a service's login has too much, or lacks, is its own
// administrator's to change: bizydb.Open says what it is.
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
	results, err := tx.Conn().PgConn().Exec(ctx, rights.SQL).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, row := range results[len(results)-1].Rows {
		differences = append(differences, rights.Parse(string(row[0])))
	}
	return differences, nil
}
