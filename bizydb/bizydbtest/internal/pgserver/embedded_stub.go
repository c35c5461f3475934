//go:build !bizydb_embedded

package pgserver

import (
	"context"
	"errors"
)

func startEmbedded(context.Context, Options) (*Server, error) {
	return nil, errors.New("not built yet: go.sum lacks embedded-postgres")
}
