package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/puddle/v2"
)

// Acquire takes a connection from a pool, and says why if there is none. The caller classifies the error.
func Acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	early := ctx.Err() != nil
	conn, err := pool.Acquire(ctx)
	if err == nil {
		return conn, nil
	}
	switch stat := pool.Stat(); {
	case errors.Is(err, puddle.ErrClosedPool):
		return nil, fmt.Errorf("%w: the DB has been closed: %w", ErrUnavailable, err)
	case !ended(err) || ctx.Err() == nil: // the second: a time limit of connecting
		return nil, err
	case !early && stat.AcquiredConns() == stat.MaxConns():
		return nil, fmt.Errorf("%w: the context ended while waiting for a connection, %d of %d in use; functions of InTx, Snapshot and Batch must not use a scope: %w", ErrPoolExhausted, stat.AcquiredConns(), stat.MaxConns(), err)
	default:
		return nil, fmt.Errorf("the context ended before it was sent: %w", err)
	}
}
