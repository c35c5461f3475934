package bizydbtest

import (
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestWithLogin(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://admin:old@db.example.org:5433/postgres?sslmode=disable",
		"postgresql://db.example.org:5433/?user=admin&password=old&sslmode=disable&dbname=postgres",
		"host=db.example.org port=5433 user=admin password=old dbname=postgres sslmode=disable",
	} {
		config, err := pgx.ParseConfig(withLogin(dsn, url.UserPassword("svc", "s3cret"), "mine"))
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
		} else if config.Host != "db.example.org" || config.Port != 5433 || config.User != "svc" || config.Password != "s3cret" || config.Database != "mine" || config.TLSConfig != nil {
			t.Errorf("%s: %s:%d as %s, %s in %s", dsn, config.Host, config.Port, config.User, config.Password, config.Database)
		}
		config, err = pgx.ParseConfig(withLogin(dsn, nil, "mine"))
		if err != nil || config.User != "admin" || config.Password != "old" || config.Database != "mine" {
			t.Errorf("%s: login not kept: %v, %+v", dsn, err, config)
		}
	}
}
