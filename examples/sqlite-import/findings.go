package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/bizy-ai/bizydb/bizydb/sqliteimport"
)

// printKinds prints the findings of each kind, with their examples.
func printKinds(to screen, kinds []sqliteimport.Kind) {
	if len(kinds) == 0 {
		return
	}
	digits := 0
	for _, k := range kinds {
		digits = max(digits, len(strconv.Itoa(k.Count)))
	}
	to.printf("Findings:\n")
	for _, k := range kinds {
		to.printf("  %*d  %s\n", digits, k.Count, k)
		for _, example := range k.Examples {
			to.printf("%*s%s\n", digits+6, "", became(example))
		}
		if more := k.Count - len(k.Examples); more > 0 {
			to.printf("%*s… and %d more\n", digits+6, "", more)
		}
	}
	to.printf("\n")
}

// moreThanPrinted says whether there are findings that printKinds leaves out.
func moreThanPrinted(kinds []sqliteimport.Kind) bool {
	return slices.ContainsFunc(kinds, func(k sqliteimport.Kind) bool { return k.Count > len(k.Examples) })
}

// became says what became of a value. What a person has written is quoted: it can be anything.
func became(f sqliteimport.Finding) string {
	s := fmt.Sprintf("%s %d", strings.TrimSuffix(f.Table, "s"), f.ID)
	if f.Old != "" {
		s += ": " + quoted(f.Old)
	}
	switch isTime := strings.HasSuffix(f.Column, "_at") || strings.HasSuffix(f.Column, "_date"); {
	case f.Refused:
		return s + ", left out"
	case isTime && f.New != "": // or words for one
		return s + " → " + f.New
	case f.New != "":
		return s + " → " + quoted(f.New)
	case f.Old != "" && f.Column != "":
		return s + ", dropped"
	default:
		return s
	}
}

// quoted is a value in quotes, or its beginning.
func quoted(s string) string {
	const most = 60 // characters
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most-1])) + "…"
	}
	return strconv.Quote(s)
}

// plain is a name as it can be shown: quoted if it has something in it that a terminal would obey.
func plain(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}
