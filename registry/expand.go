package registry

import (
	"errors"
	"strings"

	"github.com/pantry-go/pantry"
)

// expander replaces ${VAR} and ${VAR:-default} in the strings of one entry and collects every
// mistake, so that all are told at once.
type expander struct {
	registry string
	source   string // of the entry
	getenv   func(string) (string, bool)
	errs     []error
}

func (x *expander) fail(source, field, problem, hint string) {
	if source == "" {
		source = x.source
	}
	x.errs = append(x.errs, &ConfigError{
		Source: source, Registry: x.registry, Field: field, Problem: problem, Next: hint,
	})
}

func (x *expander) err() error { return errors.Join(x.errs...) }

// text expands a string that is no secret.
func (x *expander) text(s, field string) string {
	out, _ := x.expand(s, "", field)
	return out
}

// value expands a value that may be a secret, and says where it comes from: its place and the
// names of the variables in it.
func (x *expander) value(v Value, field string) (s, source string) {
	s = v.Raw.Reveal()
	var vars []string
	if !v.Literal {
		s, vars = x.expand(s, v.Source, field)
	}
	source = v.Source
	if source == "" {
		source = strings.TrimSpace(x.source + " registry " + quote(x.registry) + " " + field)
	}
	if len(vars) > 0 {
		source += " (${" + strings.Join(vars, "}, ${") + "})"
	}
	return s, source
}

// header expands a value that is sent as, or within, a header.
func (x *expander) header(v Value, field string) (pantry.Secret, string) {
	before := len(x.errs)
	s, source := x.value(v, field)
	switch {
	case len(x.errs) > before:
		return pantry.Secret{}, source
	case s == "" && hasVariable(v.Raw.Reveal()):
		x.fail(v.Source, field, "its variable is set to nothing: "+source, "")
	case s == "":
		x.fail(v.Source, field, "the value is empty", "")
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		x.fail(v.Source, field, "the value holds a line break or another control character", "")
	}
	return pantry.NewSecret(s), source
}

// expand returns the string and the names of the variables in it. As in a shell, a default also
// stands for a variable that is set to nothing.
func (x *expander) expand(s, source, field string) (out string, vars []string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		b.WriteString(before)
		if !found {
			return b.String(), vars
		}
		expr, after, closed := strings.Cut(rest, "}")
		name, def, hasDef := strings.Cut(expr, ":-")
		switch {
		case !closed:
			x.fail(source, field, "${ without }", "")
			return "", vars
		case !isVariable(name):
			x.fail(source, field, "${…} holds no name of a variable", "write ${NAME} or ${NAME:-default}")
			return "", vars
		}
		vars = append(vars, name)
		val, set := x.getenv(name)
		if !set {
			val = ""
		}
		switch {
		case hasDef && val == "":
			val = def
		case !set:
			x.fail(source, field, "variable "+name+" is not set",
				"set "+name+", or give a default: ${"+name+":-…}")
		}
		b.WriteString(val)
		s = after
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		switch {
		case r == '_', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z':
		case i > 0 && r >= '0' && r <= '9':
		default:
			return false
		}
	}
	return name != ""
}

func hasVariable(s string) bool { return strings.Contains(s, "${") }
