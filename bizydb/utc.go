package bizydb

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// inUTC returns a pool configuration whose connections decode times in UTC. pgx gives them in the machine's zone.
func inUTC(config *pgxpool.Config) *pgxpool.Config {
	config = config.Copy()
	afterConnect := config.AfterConnect
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerUTC(conn.TypeMap())
		if afterConnect != nil {
			return afterConnect(ctx, conn)
		}
		return nil
	}
	return config
}

// registerUTC changes the codecs of timestamptz, and of the arrays, ranges and multiranges of it.
func registerUTC(m *pgtype.Map) {
	register := func(name string, oid uint32, codec pgtype.Codec) *pgtype.Type {
		t := &pgtype.Type{Name: name, OID: oid, Codec: codec}
		m.RegisterType(t)
		return t
	}
	withArray := func(name string, oid, arrayOID uint32, codec pgtype.Codec) *pgtype.Type {
		t := register(name, oid, codec)
		register("_"+name, arrayOID, &pgtype.ArrayCodec{ElementType: t})
		return t
	}
	timestamptz := withArray("timestamptz", pgtype.TimestamptzOID, pgtype.TimestamptzArrayOID, &pgtype.TimestamptzCodec{ScanLocation: time.UTC})
	ranges := withArray("tstzrange", pgtype.TstzrangeOID, pgtype.TstzrangeArrayOID, &pgtype.RangeCodec{ElementType: timestamptz})
	withArray("tstzmultirange", pgtype.TstzmultirangeOID, pgtype.TstzmultirangeArrayOID, &pgtype.MultirangeCodec{ElementType: ranges})
}
