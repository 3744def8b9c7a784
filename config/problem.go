package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/pantry-go/pantry"
)

// maxProblems bounds the mistakes that are collected from one file: enough for any file a person
// wrote, and a bound for one that nobody did.
const maxProblems = 100

// Problem is one mistake or remark, with its place.
type Problem struct {
	// File is the file as messages show it; "" for a variable or a flag.
	File string `json:"file,omitempty"`
	// Line and Column count from 1, Column in characters; 0 means the file as a whole.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message says what is wrong and what was expected. It never holds a secret.
	Message string `json:"message"`
}

// Error is "file:line:column: message".
func (p Problem) Error() string {
	switch {
	case p.File == "":
		return p.Message
	case p.Line == 0:
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Unwrap makes a Problem match [pantry.ErrConfig].
func (p Problem) Unwrap() error { return pantry.ErrConfig }

// Problems is every mistake of a configuration, in the order of files and lines. It matches
// [pantry.ErrConfig].
type Problems []Problem

// Error lists the mistakes, one a line.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d mistakes in the configuration", len(p))
	for _, one := range p {
		b.WriteString("\n  ")
		b.WriteString(one.Error())
	}
	return b.String()
}

// Unwrap makes Problems match [pantry.ErrConfig].
func (p Problems) Unwrap() error { return pantry.ErrConfig }

// Hint names the command that checks a file.
func (p Problems) Hint() string {
	for _, one := range p {
		if strings.HasSuffix(one.File, ".json") || strings.HasSuffix(one.File, ".jsonc") {
			return "pantry config validate " + one.File + " checks the file, pantry config schema prints what it may hold"
		}
	}
	return ""
}

// origin is where a value was given.
type origin struct {
	level        level
	file         string
	line, column int
	name         string // of a variable or flag, where there is no file
	path         string // what messages call the value: "registries[0].url"
}

// level is the rank of a layer; a higher one wins.
type level int

const (
	levelBuiltIn level = iota
	levelUser
	levelUserNpmrc
	levelProjectNpmrc
	levelNpmEnv
	levelProject
	levelEnv
	levelFlag
)

// byProject says that the value came with the project rather than from its user.
func (o origin) byProject() bool { return o.level == levelProject || o.level == levelProjectNpmrc }

// byUser says that the value came from a file of the user's own.
func (o origin) byUser() bool { return o.level == levelUser || o.level == levelUserNpmrc }

func (o origin) String() string {
	if o.file == "" {
		return o.name
	}
	return fmt.Sprintf("%s:%d:%d", o.file, o.line, o.column)
}

// say is a Problem at the origin that begins with the value's path, where the place alone does not
// tell it.
func (o origin) say(format string, args ...any) Problem {
	m := fmt.Sprintf(format, args...)
	if o.file != "" && o.path != "" {
		m = o.path + ": " + m
	}
	return o.problem("%s", m)
}

// problem is a Problem at the origin.
func (o origin) problem(format string, args ...any) Problem {
	m := printable(fmt.Sprintf(format, args...))
	if o.file == "" {
		return Problem{Message: o.name + ": " + m}
	}
	return Problem{o.file, o.line, o.column, m}
}

// printable is s without characters that control a terminal or change the direction of text: a
// file may come from anybody.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// quoted is s for a message: cut at a length that keeps messages readable, control characters
// escaped.
func quoted(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		return strconv.Quote(string(r[:longest]) + "…")
	}
	return strconv.Quote(s)
}
