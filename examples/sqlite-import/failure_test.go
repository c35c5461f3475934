package main

import (
	osexec "os/exec"
	"testing"
)

// A file's name in a command that is shown means that file, whatever is in it.
func TestForShell(t *testing.T) {
	sh, err := osexec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		"tasks.db":               "tasks.db",
		"/home/ada/tasks.db":     "/home/ada/tasks.db",
		"my tasks.db":            "'my tasks.db'",
		"Ada's tasks.db":         `'Ada'\''s tasks.db'`,
		"$HOME/`id`;*.db":        "'$HOME/`id`;*.db'",
		"~/tasks.db":             "'~/tasks.db'",
		`"\.db`:                  `'"\.db'`,
		"two\nlines.db":          "'two\nlines.db'",
		"Überblick/東京.db":        "'Überblick/東京.db'",
		"-tasks.db":              "./-tasks.db",
		"- tasks.db":             "'./- tasks.db'",
		"#1.db":                  "'#1.db'",
		"a=b,c:d@e%f+g-h_1.2.db": "a=b,c:d@e%f+g-h_1.2.db",
	} {
		got := forShell(path)
		if got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
		taken, err := osexec.CommandContext(t.Context(), sh, "-c", "printf %s "+got).Output()
		if path[0] == '-' {
			path = "./" + path
		}
		if err != nil || string(taken) != path {
			t.Errorf("%s: a shell takes %q for it (error %v), want %q", got, taken, err, path)
		}
	}
}
