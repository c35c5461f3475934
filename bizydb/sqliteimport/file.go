package sqliteimport

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of a file. Test for them with [errors.Is]. A file that does not exist returns [io/fs.ErrNotExist]. Nothing was
// written.
var (
	// ErrNotSQLite means that the file is empty or not an SQLite file.
	ErrNotSQLite = errors.New("not an SQLite file")
	// ErrDamaged means that the SQLite file is corrupt.
	ErrDamaged = errors.New("damaged SQLite file")
	// ErrNotPlanner means that the SQLite file is not the planner's: it has no table tasks, or the table has other columns.
	ErrNotPlanner = errors.New("not a planner's file")
	// ErrInUse means that another program is writing to the file, or wrote to it while it was read.
	ErrInUse = errors.New("file is being written to")
)

// A file is a planner's file, open for reading in one snapshot.
type file struct {
	path      string // as given
	real      string // without symbolic links: the log is beside that
	immutable bool   // nobody had it open, and so it was not locked
	before    os.FileInfo
	db        *sql.DB
	tx        *sql.Tx
	tables    []relation // all of them, by name
}

// A relation is a table or a view.
type relation struct{ kind, name string }

func openFile(ctx context.Context, path string) (*file, error) {
	f := &file{path: path}
	if err := f.open(ctx); err != nil {
		err = f.named(err)
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *file) open(ctx context.Context) error {
	wal, err := f.readHeader()
	if err != nil {
		return err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)", "cell_size_check(1)"}}
	// A reader of a file in WAL mode makes files beside it. Where there are none nobody has it open, and it is read without
	// them and without locks; unchanged says whether that went well.
	if _, err := os.Stat(f.real + "-wal"); wal && errors.Is(err, os.ErrNotExist) {
		f.immutable = true
		query.Set("immutable", "1")
	}
	path := filepath.ToSlash(f.real)
	if !strings.HasPrefix(path, "/") { // C:/…
		path = "/" + path
	}
	uri := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}
	if f.db, err = sql.Open("sqlite", uri.String()); err != nil {
		return err
	}
	f.db.SetMaxOpenConns(1)
	// The transaction's snapshot is that of its first SELECT.
	if f.tx, err = f.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
		return err
	}
	f.tables, err = queryFile(ctx, f, func(r *relation) []any { return []any{&r.kind, &r.name} },
		`SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return err
	}
	return f.checkPages(ctx)
}

// readHeader checks the first bytes: SQLite's own errors about them say less.
// The format: https://www.sqlite.org/fileformat.html
func (f *file) readHeader() (wal bool, err error) {
	if f.real, err = filepath.Abs(f.path); err != nil {
		return false, err
	}
	if f.before, err = os.Stat(f.real); err != nil {
		return false, err
	}
	if f.real, err = filepath.EvalSymlinks(f.real); err != nil {
		return false, err
	}
	switch mode := f.before.Mode(); {
	case mode.IsDir():
		return false, fmt.Errorf("%w: a directory", ErrNotSQLite)
	case !mode.IsRegular(): // reading from it might never end
		return false, fmt.Errorf("%w: no regular file", ErrNotSQLite)
	case f.before.Size() == 0:
		return false, fmt.Errorf("%w: it is empty", ErrNotSQLite)
	}
	file, err := os.Open(f.real)
	if err != nil {
		return false, err
	}
	defer file.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(file, header); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	if !bytes.HasPrefix(header, []byte("SQLite format 3\x00")) {
		return false, ErrNotSQLite
	}
	pageSize := int64(binary.BigEndian.Uint16(header[16:]))
	if pageSize == 1 { // for which there is no room
		pageSize = 65536
	}
	if pageSize == 0 || f.before.Size()%pageSize != 0 { // which SQLite would fill with zeros
		return false, fmt.Errorf("%w: it ends within a page", ErrDamaged)
	}
	return header[19] == 2, nil
}

// checkPages finds what reading would not: rows that are lost with their page, for instance.
func (f *file) checkPages(ctx context.Context) error {
	faults, err := queryFile(ctx, f, one[string], "PRAGMA quick_check")
	if err != nil {
		return err
	}
	for _, fault := range faults {
		// Rows that break rules of a table are looked at one by one, later.
		if fault != "ok" && !strings.HasPrefix(fault, "NULL value in ") && !strings.HasPrefix(fault, "CHECK constraint failed ") {
			return fmt.Errorf("%w: %q", ErrDamaged, fault) // which can have names of tables in it
		}
	}
	return nil
}

// unchanged is an error if somebody has written to a file that could not be locked.
func (f *file) unchanged() error {
	if !f.immutable {
		return nil
	}
	now, err := os.Stat(f.real)
	if err != nil {
		return err
	}
	if _, err := os.Stat(f.real + "-wal"); err == nil || now.Size() != f.before.Size() || !now.ModTime().Equal(f.before.ModTime()) {
		return ErrInUse
	}
	return nil
}

func (f *file) close() {
	if f.tx != nil {
		_ = f.tx.Rollback() // of nothing
	}
	if f.db != nil {
		_ = f.db.Close()
	}
}

// named is the one place where an error of a file gets its name and its path.
func (f *file) named(err error) error {
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		kind := map[int]error{
			sqlite3.SQLITE_NOTADB: ErrNotSQLite, sqlite3.SQLITE_CORRUPT: ErrDamaged,
			sqlite3.SQLITE_BUSY: ErrInUse, sqlite3.SQLITE_LOCKED: ErrInUse,
		}[e.Code()&0xff]
		if kind == ErrDamaged && f.unchanged() != nil {
			kind = ErrInUse
		}
		switch {
		case kind != nil:
			err = fmt.Errorf("%w: %w", kind, err)
		case e.Code()&0xff == sqlite3.SQLITE_CANTOPEN && !f.immutable:
			err = fmt.Errorf("it has a log, which cannot be read in a folder that cannot be written to; copy both elsewhere: %w", err)
		case e.Code() == sqlite3.SQLITE_READONLY_ROLLBACK:
			err = fmt.Errorf("%w: a program broke off while it wrote; open the file once with the planner: %w", ErrInUse, err)
		}
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) { // which names it
		return err
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// A table is one of the two tables that are imported, with the columns that are known.
type table struct {
	name, kind string   // tasks, task
	quoted     string   // as the file has it, where case does not matter
	columns    []string // in this order they are read
	present    []bool
}

// table returns the table and what columns it has beside those. If it is not there its name is "".
func (f *file) table(ctx context.Context, name, kind string, columns []string) (*table, []string, error) {
	t := &table{name: name, kind: kind, columns: columns, present: make([]bool, len(columns))}
	at := slices.IndexFunc(f.tables, func(r relation) bool { return r.kind == "table" && strings.EqualFold(r.name, name) })
	if at < 0 {
		return &table{}, nil, nil
	}
	t.quoted = quoted(f.tables[at].name)
	type column struct {
		name, declared string
		key            int
	}
	all, err := queryFile(ctx, f, func(c *column) []any { return []any{&c.name, &c.declared, &c.key} },
		"SELECT name, upper(type), pk FROM pragma_table_xinfo(?)", f.tables[at].name)
	if err != nil {
		return nil, nil, err
	}
	var others []string
	var id column
	for _, c := range all {
		i := slices.IndexFunc(columns, func(known string) bool { return strings.EqualFold(known, c.name) })
		if i < 0 {
			others = append(others, c.name)
			continue
		}
		t.present[i] = true
		if columns[i] == "id" {
			id = c
		}
	}
	// Only then is it the table's own number of the row, a whole number that no other has. Of any other key there is an index.
	indexes, err := queryFile(ctx, f, one[string], "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'", f.tables[at].name)
	if err != nil {
		return nil, nil, err
	}
	if id.declared != "INTEGER" || id.key != 1 || len(indexes) > 0 {
		return nil, nil, fmt.Errorf("%w: %s.id is not an INTEGER PRIMARY KEY", ErrNotPlanner, name)
	}
	if !t.present[slices.Index(columns, "title")] {
		return nil, nil, fmt.Errorf("%w: table %s has no column title", ErrNotPlanner, name)
	}
	return t, others, nil
}

// selected is the table's columns for a SELECT, NULL for those that the file lacks. The plus makes an expression of a
// column, whose value the driver takes as it is: it would make times of texts, and fail at those that are none.
func (t *table) selected() string {
	var b strings.Builder
	for i, column := range t.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		if t.present[i] {
			b.WriteString("+t." + quoted(column))
		} else {
			b.WriteString("NULL")
		}
	}
	return b.String()
}

// read returns the rows of a SELECT of t's columns, one after the other, in a slice that is used again.
func (f *file) read(ctx context.Context, t *table, each func(values []any) error, sql string, args ...any) error {
	rows, err := f.tx.QueryContext(ctx, sql, args...)
	if err != nil {
		return f.named(err)
	}
	defer rows.Close()
	values := make([]any, len(t.columns))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return f.named(err)
		}
		if err := each(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return f.named(err)
	}
	return nil
}

// queryFile returns the rows of a SELECT, scanned into what into says.
func queryFile[T any](ctx context.Context, f *file, into func(*T) []any, sql string, args ...any) ([]T, error) {
	rows, err := f.tx.QueryContext(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func one[T any](v *T) []any { return []any{v} }

// count counts the rows of a table, or those in which a column is set, if one is given.
func (f *file) count(ctx context.Context, quotedTable, column string) (int, error) {
	sql := "SELECT count(*) FROM " + quotedTable
	if column != "" {
		sql += " AS t WHERE coalesce(t." + quoted(column) + ", '') <> ''"
	}
	counts, err := queryFile(ctx, f, one[int], sql)
	if err != nil {
		return 0, err
	}
	return counts[0], nil
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
