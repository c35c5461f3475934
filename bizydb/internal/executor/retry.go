package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgerrcode"
)

// How often a transaction is tried that loses to others, and how long the pauses between are. Each is drawn from half to
// one and a half times its length, so that two that met do not meet again. The server needs a second to find a deadlock.
const (
	maxTries   = 10
	firstPause = 10 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// retryable says that the server has undone a transaction in favour of another one. Run again, it may succeed.
func retryable(err error) bool {
	return HasCode(err, pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected)
}

// retry runs do for as long as it loses to other transactions, with a pause before each time. err is what it met the first
// time.
func retry[T any](ctx context.Context, err error, do func() (T, error)) (T, error) {
	var result T
	first := true
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		if !first {
			result, err = do()
		}
		first = false
		if retryable(err) {
			return struct{}{}, errAgain // and not err, which backoff would look into
		}
		return struct{}{}, nil
	}, backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0), backoff.WithBackOff(pauses()))
	if retryable(err) && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", err, ctx.Err())
	}
	return result, err
}

// pauses are those between the tries of one transaction.
func pauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: firstPause, MaxInterval: maxPause, Multiplier: 2, RandomizationFactor: 0.5}
}

var errAgain = errors.New("again")
