package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A class is a part of the project with a share of its own in a draw.
type class string

const (
	schemaClass class = "schema"
	queryClass  class = "query"
	goClass     class = "go"
)

// A mutant is one break of one file.
type mutant struct {
	class class
	kind  string // such as "trigger"
	file  string // slash-separated, below the root
	what  string // what is done to what
	text  string // the file as it is
	edits []edit
	// object is what the break is in, such as "function bizydb.touch", so that a later migration that replaces it is
	// told.
	object string
}

// An edit replaces a part of a text.
type edit struct {
	start, end int
	text       string
}

func (m *mutant) name() string {
	start := m.edits[0].start
	start += len(m.text[start:]) - len(strings.TrimLeft(m.text[start:], ", \n"))
	line := 1 + strings.Count(m.text[:start], "\n")
	return fmt.Sprintf("%s/%s %s:%d %s", m.class, m.kind, m.file, line, m.what)
}

// apply returns the file with the break in it.
func (m *mutant) apply() string {
	edits := slices.Clone(m.edits)
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(b.start, a.start) })
	text := m.text
	for _, e := range edits {
		text = text[:e.start] + e.text + text[e.end:]
	}
	return text
}

// diff shows the lines that change, as a unified diff does, without context.
func (m *mutant) diff() string {
	var b strings.Builder
	edits := slices.Clone(m.edits)
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	for i := 0; i < len(edits); {
		start, end := lines(m.text, edits[i].start, edits[i].end)
		changed := &mutant{text: m.text[start:end]}
		for ; i < len(edits) && edits[i].start < end; i++ { // on the same lines
			_, end = lines(m.text, edits[i].start, max(end, edits[i].end))
			changed.text = m.text[start:end]
			changed.edits = append(changed.edits, edit{edits[i].start - start, edits[i].end - start, edits[i].text})
		}
		was, is := strings.SplitAfter(changed.text, "\n"), strings.SplitAfter(changed.apply(), "\n")
		at := 1 + strings.Count(m.text[:start], "\n")
		for len(was) > 0 && len(is) > 0 && was[0] == is[0] {
			was, is, at = was[1:], is[1:], at+1
		}
		for len(was) > 0 && len(is) > 0 && was[len(was)-1] == is[len(is)-1] {
			was, is = was[:len(was)-1], is[:len(is)-1]
		}
		fmt.Fprintf(&b, "@@ %s:%d @@\n", m.file, at)
		for _, line := range was {
			if line != "" {
				fmt.Fprintf(&b, "-%s\n", strings.TrimSuffix(line, "\n"))
			}
		}
		for _, line := range is {
			if line != "" {
				fmt.Fprintf(&b, "+%s\n", strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return b.String()
}

// lines widens a part of a text to whole lines.
func lines(text string, start, end int) (int, int) {
	start = strings.LastIndexByte(text[:start], '\n') + 1
	if end > start && text[end-1] == '\n' {
		return start, end
	}
	if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
		return start, end + i + 1
	}
	return start, len(text)
}

// distinct leaves one of the mutants that come to the same text, and none that changes nothing.
func distinct(mutants []*mutant) []*mutant {
	seen := map[[2]string]bool{}
	var kept []*mutant
	for _, m := range mutants {
		key := [2]string{m.file, m.apply()}
		if !seen[key] && key[1] != m.text {
			seen[key] = true
			kept = append(kept, m)
		}
	}
	return kept
}
