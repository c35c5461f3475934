package bizydb_test

import (
	"maps"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page names every module that a program compiles in with bizydb, its licence, and the packages that import it.
func TestModulesAreListed(t *testing.T) {
	t.Parallel()
	type module struct{ licence, importedBy string }
	want := map[string]module{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\S+\\.\\S+/\\S+)` \\| (\\S+) \\| (.+) \\|$").FindAllStringSubmatch(pages(t)["docs/versions.md"], -1) {
		want[row[1]] = module{licence: row[2], importedBy: row[3]}
	}

	got := map[string]module{}
	for _, from := range []struct {
		name     string
		packages []string
	}{
		{"`bizydb`", []string{"../bizydb", "../bizydb/planner", "../bizydb/userdata"}},
		{"`schema`", []string{"../schema"}},
		{"`sqliteimport`", []string{"../bizydb/sqliteimport"}},
	} {
		const format = "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}"
		list := osexec.Command("go", append([]string{"list", "-deps", "-f", format}, from.packages...)...)
		list.Env = append(list.Environ(), "GOOS=linux", "GOARCH=amd64")
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			path, dir, found := strings.Cut(strings.TrimSpace(line), "\t")
			if !found {
				continue
			}
			m, listed := got[path]
			switch {
			case !listed:
				m = module{licence: licenceIn(t, dir), importedBy: from.name}
			case m.importedBy != "`bizydb`" && !strings.HasSuffix(m.importedBy, from.name): // what bizydb imports, all do
				m.importedBy += ", " + from.name
			}
			got[path] = m
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(module{})); diff != "" {
		t.Errorf("docs/versions.md (-page +modules):\n%s", diff)
	}
}

// licenceIn returns the SPDX name of the licence of a module.
func licenceIn(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "LICENSE*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no licence, %v", dir, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(b)), " ")
	for _, licence := range []struct{ name, says string }{
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
		{"Apache-2.0", "Apache License Version 2.0"},
		{"MIT", "Permission is hereby granted, free of charge"},
		{"BSD-3-Clause", "Redistribution and use in source and binary forms"},
	} {
		if strings.Contains(text, licence.says) {
			return licence.name
		}
	}
	return "unknown"
}

// The functions that the pages tell services to call are those that the page promises to keep.
func TestPromisedFunctions(t *testing.T) {
	t.Parallel()
	all := pages(t)
	row := regexp.MustCompile(`(?m)^\| functions \|.*$`).FindString(all["docs/versions.md"])
	promised := map[string]bool{}
	for _, name := range regexp.MustCompile("`bizydb\\.(\\w+)`").FindAllStringSubmatch(row, -1) {
		promised[name[1]] = true
	}
	called := map[string]bool{}
	for page, text := range all {
		if page == "docs/development.md" || page == "docs/performance.md" || page == "SECURITY.md" || page == "docs/schema.md" {
			continue // about bizydb itself
		}
		if page == "docs/citus.md" {
			continue // experimental
		}
		for _, name := range regexp.MustCompile(`\bbizydb\.([a-z_]+)\(`).FindAllStringSubmatch(text, -1) {
			called[name[1]] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(promised)), slices.Sorted(maps.Keys(called))); diff != "" {
		t.Errorf("docs/versions.md (-promised +called by a page):\n%s", diff)
	}
}
