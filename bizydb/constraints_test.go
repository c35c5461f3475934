package bizydb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/bizydbtest"
)

// Constraints of a service's own give errors of the same kinds as bizydb's, by name where the service names them.
func TestOwnConstraints(t *testing.T) {
	t.Parallel()
	made := bizydbtest.New(t)
	asOwner(t, made, `
		CREATE TABLE public.notes (
		  id bigint PRIMARY KEY, body text NOT NULL CONSTRAINT ck_notes_body CHECK (body <> '') CONSTRAINT ck_notes_short CHECK (length(body) < 5),
		  slug text CONSTRAINT uq_notes_slug UNIQUE, code text CONSTRAINT uq_notes_code UNIQUE,
		  under bigint CONSTRAINT fk_notes_under REFERENCES public.notes, CONSTRAINT xc_notes EXCLUDE (id WITH =, body WITH =)
		);
		CREATE TABLE public.marks (note bigint REFERENCES public.notes, kept bigint REFERENCES public.notes ON DELETE RESTRICT);
		GRANT SELECT, INSERT, UPDATE, DELETE ON public.notes, public.marks TO bizydb_user`)
	taken := errors.New("the service's own")
	config := parseConfig(t, made.DSN)
	db, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithConstraints(map[string]bizydb.Constraint{
		"ck_notes_body":  {Table: "notes", Column: "body", Reason: "must not be empty"},
		"fk_notes_under": {Table: "notes", Column: "under", Reason: "must be a note"},
	}), bizydb.WithConstraints(map[string]bizydb.Constraint{
		"uq_notes_slug": {Table: "notes", Column: "slug", Reason: "is taken", Err: taken},
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	own := db.As(made.NewUser(t)).DBTX()
	const insert = "INSERT INTO public.notes (id, body, slug, code, under) VALUES ($1, $2, $3, $4, $5)"
	if _, err := own.Exec(t.Context(), insert, 1, "one", "a", "c", nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args  []any
		kinds []error
		field *bizydb.FieldError // but for its error
	}{
		"check, named":      {[]any{2, "", nil, nil, nil}, []error{bizydb.ErrInvalid}, &bizydb.FieldError{Table: "notes", Column: "body", Reason: "must not be empty"}},
		"check":             {[]any{2, "too long", nil, nil, nil}, []error{bizydb.ErrInvalid}, nil},
		"not null":          {[]any{2, nil, nil, nil, nil}, []error{bizydb.ErrInvalid}, &bizydb.FieldError{Table: "notes", Column: "body", Reason: "must not be NULL"}},
		"unique, named":     {[]any{2, "two", "a", nil, nil}, []error{bizydb.ErrConflict, taken}, &bizydb.FieldError{Table: "notes", Column: "slug", Reason: "is taken"}},
		"unique":            {[]any{2, "two", nil, "c", nil}, []error{bizydb.ErrConflict}, nil},
		"foreign key,named": {[]any{2, "two", nil, nil, 7}, []error{bizydb.ErrUnknownReference}, &bizydb.FieldError{Table: "notes", Column: "under", Reason: "must be a note"}},
	} {
		_, err := own.Exec(t.Context(), insert, c.args...)
		for _, kind := range c.kinds {
			if !errors.Is(err, kind) {
				t.Errorf("%s: %v, want %v", name, err, kind)
			}
		}
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			t.Errorf("%s: the server's error is not there", name)
		}
		var field *bizydb.FieldError
		if errors.As(err, &field) {
			field.Err = nil
		}
		if diff := cmp.Diff(c.field, field); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, column := range []string{"note", "kept"} { // PostgreSQL 18 has another SQLSTATE for RESTRICT
		if _, err := own.Exec(t.Context(), "WITH gone AS (DELETE FROM public.marks) INSERT INTO public.marks ("+column+") VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		if _, err := own.Exec(t.Context(), "DELETE FROM public.notes WHERE id = 1"); !errors.Is(err, bizydb.ErrUnknownReference) || errors.Is(err, bizydb.ErrConflict) {
			t.Errorf("deleted though %s references it: %v", column, err)
		}
	}

	if _, err := bizydb.OpenConfig(t.Context(), config, bizydb.WithConstraints(map[string]bizydb.Constraint{"ck_tasks_priority": {}})); !errors.Is(err, bizydb.ErrConfig) || !strings.Contains(err.Error(), "ck_tasks_priority") {
		t.Errorf("a name of bizydb's: %v, want ErrConfig", err)
	}
}
