package pgserver

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// minVersion is the oldest PostgreSQL that bizydb supports.
const minVersion = 15

// dsnTimeout bounds the first connection to a server named by the environment.
const dsnTimeout = 10 * time.Second

// startDSN uses the server named by the first of the variables that is set.
// Its errors name the variable and never show the value.
func startDSN(ctx context.Context, opts Options) (*Server, error) {
	vars := append(append([]string{}, opts.DSNVars...), EnvDSN)
	for _, name := range vars {
		dsn := opts.Getenv(name)
		if dsn == "" {
			continue
		}
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			// The parser quotes parts of the text, and in a string that it cannot
			// parse nobody knows which part is the password.
			return nil, fmt.Errorf("%s is not a PostgreSQL connection string (its text is not shown, it may hold a password)", name)
		}
		ctx, cancel := context.WithTimeout(ctx, dsnTimeout)
		defer cancel()
		version, err := probe(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		addr := cfg.Host
		if !strings.HasPrefix(addr, "/") {
			addr = net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
		}
		return &Server{dsn: dsn, how: fmt.Sprintf("%s at %s (PostgreSQL %s)", name, addr, version)}, nil
	}
	return nil, &unsetError{vars}
}

// unsetError says that the environment names no server.
type unsetError struct{ vars []string }

func (e *unsetError) Error() string {
	if len(e.vars) == 1 {
		return e.vars[0] + " is not set"
	}
	return "none of " + strings.Join(e.vars, ", ") + " is set"
}

// probe connects once and returns the server's version. It fails if the server
// is too old, cannot be written to, or does not let the role create databases
// and roles.
func probe(ctx context.Context, cfg *pgx.ConnConfig) (version string, err error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	var num int
	var standby, creates bool
	err = conn.QueryRow(ctx, `
		SELECT split_part(current_setting('server_version'), ' ', 1),
		       current_setting('server_version_num')::int,
		       pg_is_in_recovery(),
		       rolsuper OR (rolcreatedb AND rolcreaterole)
		FROM pg_roles WHERE rolname = current_user`,
	).Scan(&version, &num, &standby, &creates)
	switch {
	case err != nil:
		return "", fmt.Errorf("ask the server for its version: %w", err)
	case num/10000 < minVersion:
		return "", &unfitError{fmt.Sprintf("the server is PostgreSQL %s, %d or later is needed", version, minVersion)}
	case standby:
		return "", &unfitError{"the server is a standby and cannot be written to"}
	case !creates:
		return "", &unfitError{fmt.Sprintf("role %q may not create databases and roles (CREATEDB CREATEROLE)", cfg.User)}
	}
	return version, nil
}

// unfitError is about a server that answers and cannot be used.
type unfitError struct{ text string }

func (e *unfitError) Error() string { return e.text }
