package main

import (
	"bytes"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, line string
		width      int
		want       string
	}{
		{"fits", "one two three", 13, "one two three\n"},
		{"does not fit", "one two three", 12, "one two\nthree\n"},
		{"no terminal", "one two three", 0, "one two three\n"},
		{"indented", "  one two three", 10, "  one two\n  three\n"},
		{"behind a number", "  12  one two three", 13, "  12  one two\n      three\n"},
		{"a number in a sentence", "12 one two", 6, "12 one\ntwo\n"},
		{"long word", "a /home/ada/tasks.db b", 8, "a\n/home/ada/tasks.db\nb\n"},
		{"spaces", "one  two three", 8, "one  two\nthree\n"},
		{"wide characters", "東京 の店 今日", 9, "東京 の店\n今日\n"},
		{"to be typed", "\tdb.Accounts().SetPassword(ctx, 1, password)", 20, "    db.Accounts().SetPassword(ctx, 1, password)\n"},
		{"empty", "", 20, ""},
		{"blank", "\n", 20, "\n"},
	} {
		var out bytes.Buffer
		screen{&out, c.width}.printf("%s", c.line)
		if out.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, out.String(), c.want)
		}
	}
}
