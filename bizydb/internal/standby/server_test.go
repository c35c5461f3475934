package standby

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A probe that hangs has 2 seconds while reads of the standby may run. If it ends since the DB is closed, they go on.
func TestProbeThatHangs(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig("host=127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan time.Duration)
	config.BeforeConnect = func(ctx context.Context, _ *pgx.ConnConfig) error {
		at, _ := ctx.Deadline()
		left <- time.Until(at)
		<-ctx.Done()
		return ctx.Err()
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s, i := &Server{pool: pool, memory: newMemory(1)}, newIncarnation()
	defer i.end()
	s.last.Store(i)
	s.up.Store(i)
	s.suspect(i, errNotStandby)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.watch(ctx)
	}()
	if limit := <-left; limit > probeTimeout {
		t.Errorf("the probe has %v", limit)
	}
	stop()
	<-ended
	if i.Err() != nil {
		t.Error("reads that ran were ended")
	}
}
