package userdata

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bizy-ai/bizydb/bizydb"
	"github.com/bizy-ai/bizydb/bizydb/internal/importsql"
)

// A column that a later version of the document has added is optional in earlier ones, and has its default there.
func TestAddedColumn(t *testing.T) {
	t.Parallel()
	type row struct {
		ID    int64   `json:"id"`
		Size  int     `json:"size"`
		Notes *string `json:"notes"`
	}
	since := map[string]addition{"tasks.size": {3, "7"}, "tasks.notes": {2, "null"}}
	for _, c := range []struct {
		version  int
		row      string
		wantSize int
		wantErr  string
	}{
		{1, `{"id": 1}`, 7, ""},
		{1, `{"id": 1, "size": 8}`, 8, ""},
		{2, `{"id": 1, "notes": null}`, 7, ""},
		{2, `{"id": 1}`, 0, "notes is missing"},
		{3, `{"id": 1, "notes": null}`, 0, "size is missing"},
		{1, `{"size": 8}`, 0, "id is missing"},
	} {
		d := newDocument(strings.NewReader(c.row))
		d.version, d.since = c.version, since
		var got row
		_, err := d.row("tasks", columnsOf(reflect.TypeFor[row]()), reflect.ValueOf(&got).Elem())
		if err == nil && c.wantErr != "" || err != nil && err.Error() != c.wantErr || err == nil && got.Size != c.wantSize {
			t.Errorf("version %d, %s: %+v, %v", c.version, c.row, got, err)
		}
	}
}

// What is in since is a column, of a version that there is, with a default that the column takes.
func TestSince(t *testing.T) {
	t.Parallel()
	types := map[string]reflect.Type{"goals": reflect.TypeFor[goalRow](), "tasks": reflect.TypeFor[importsql.ExportTasksRow](), "profile": reflect.TypeFor[bizydb.User]()}
	for name, added := range since {
		table, of, _ := strings.Cut(name, ".")
		i := -1
		if types[table] != nil {
			i = slices.IndexFunc(columnsOf(types[table]), func(c column) bool { return c.name == of })
		}
		if i < 0 || added.version < 2 || added.version > version {
			t.Errorf("%s: %+v", name, added)
			continue
		}
		if reason := decode([]byte(added.value), reflect.New(types[table]).Elem().FieldByIndex(columnsOf(types[table])[i].field)); reason != "" {
			t.Errorf("the default of %s %s", name, reason)
		}
	}
}
