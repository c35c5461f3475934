package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A meter reads the processor time of the server's processes that serve one peer. There is none where they cannot be seen.
type meter struct {
	backends []int
}

// newMeter finds the server's processes by the name that the peer's connections bear.
func newMeter(ctx context.Context, conn *pgx.Conn, application string) (*meter, error) {
	rows, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = $1", application)
	if err != nil {
		return nil, err
	}
	backends, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, err
	}
	for _, pid := range backends {
		if !isBackend(pid) {
			return nil, nil // it is on another machine
		}
	}
	if len(backends) == 0 {
		return nil, fmt.Errorf("%s has no connection", application)
	}
	return &meter{backends}, nil
}

// server is the processor time of the server's processes in µs.
func (m *meter) server() (sum float64, err error) {
	if m == nil {
		return 0, nil
	}
	for _, pid := range m.backends {
		took, err := backendTime(pid)
		if err != nil {
			return 0, err
		}
		sum += took
	}
	return sum, nil
}
