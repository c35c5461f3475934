package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// A console is where the command prints: what it has done, and everything else.
type console struct{ out, err screen }

// A screen wraps what is printed on it. On anything but a terminal its width is 0, and lines are not wrapped.
type screen struct {
	io.Writer
	width int // columns
}

func newScreen(f *os.File) screen {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || os.Getenv("TERM") == "dumb" {
		return screen{Writer: f}
	}
	return screen{f, max(width, 40)}
}

// printf prints lines. A line that is too long goes on below, as far indented, and as far as behind an indented number. A line that
// begins with a tab is an example of what to type: it is indented and never wrapped.
func (s screen) printf(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		line = strings.TrimSuffix(line, "\n")
		if typed, ok := strings.CutPrefix(line, "\t"); ok {
			fmt.Fprintf(s, "    %s\n", typed)
			continue
		}
		for _, line := range wrap(line, s.width) {
			fmt.Fprintln(s, line)
		}
	}
}

// wrap breaks a line between words.
func wrap(line string, width int) []string {
	if width == 0 || uniseg.StringWidth(line) <= width {
		return []string{line}
	}
	text := strings.TrimLeft(line, " ")
	if text != line {
		text = strings.TrimLeft(text, "0123456789 ")
	}
	current := line[:len(line)-len(text)]
	indent := strings.Repeat(" ", len(current))
	var lines []string
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
			current += word
		case uniseg.StringWidth(current)+1+uniseg.StringWidth(word) <= width:
			current += " " + word
		default:
			lines = append(lines, current)
			current = indent + word
		}
	}
	return append(lines, current)
}
