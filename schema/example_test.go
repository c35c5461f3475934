package schema_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
	"github.com/bizy-ai/bizydb/internal/testdb"
	"github.com/bizy-ai/bizydb/schema"
)

// A service migrates when it starts, or in a job of its own, with the connection string of the tables' owner.
func ExampleMigrate() {
	ctx := context.Background()
	ownerDSN, drop := emptyExample(ctx)
	defer drop()

	conn, err := pgx.Connect(ctx, ownerDSN)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for range 2 { // the second time there is nothing to do
		if err := schema.Migrate(ctx, conn); err != nil {
			log.Fatal(err)
		}
	}

	var version int
	err = conn.QueryRow(ctx, "SELECT bizydb.schema_version()").Scan(&version)
	fmt.Println(version == bizydb.SchemaVersion, err)
	// Output: true <nil>
}

// A script has granted too much. Open refuses the database until Protect has restored the rights.
func ExampleProtect() {
	ctx := context.Background()
	db, drop := testdb.Example(ctx)
	defer drop()
	conn, err := pgx.Connect(ctx, db.AdminDSN)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "GRANT DELETE ON public.users TO bizydb_user"); err != nil {
		log.Fatal(err)
	}

	statements, err := schema.Protect(ctx, conn)
	if err != nil {
		log.Fatal(err)
	}
	for _, statement := range statements {
		fmt.Println(statement)
	}
	// Output: REVOKE DELETE ON public.users FROM bizydb_user
}

// emptyExample makes an empty database, and returns the connection string of its owner.
func emptyExample(ctx context.Context) (dsn string, drop func()) {
	server, err := bizydbtest.Shared()
	if err != nil {
		log.Fatal(err)
	}
	admin, err := pgx.Connect(ctx, server.DSN())
	if err != nil {
		log.Fatal(err)
	}
	name := "schema_example_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		log.Fatal(err)
	}
	return server.DSNFor(name, nil), func() {
		if _, err := admin.Exec(ctx, "DROP DATABASE "+name); err != nil {
			log.Print(err)
		}
		_ = admin.Close(ctx)
	}
}
