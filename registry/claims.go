package registry

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
)

// checkClaims returns the mistakes that entries make together: a name that two of them claim at
// one priority, and patterns that are never reached. entries are in their order; mode is that of
// entries without one.
func checkClaims(entries []*Entry, mode Fallback) []error {
	var errs []error
	for i, e := range entries {
		errs = append(errs, redundant(e)...)
		for _, later := range entries[i+1:] {
			errs = append(errs, clash(e, later, mode)...)
		}
	}
	return errs
}

// redundant finds patterns that another one of the same entry makes useless.
func redundant(e *Entry) []error {
	var errs []error
	said := -1
	for _, pair := range e.claims.pairs(e.claims) {
		i, j := pair[0], pair[1]
		q, p := e.claims.patterns[i], e.claims.patterns[j]
		// Of two equal patterns the second is the useless one.
		if i == j || j == said || !q.covers(p) || (p.covers(q) && j < i) {
			continue
		}
		errs = append(errs, claimError(e, j, fmt.Sprintf("pattern %q is never reached: %q of the same registry covers it", p.raw, q.raw)))
		said = j
	}
	return errs
}

// clash finds what claims of a do to claims of b, which is not asked before a.
func clash(a, b *Entry, mode Fallback) []error {
	var errs []error
	for _, pair := range a.claims.pairs(b.claims) {
		p, q := a.claims.patterns[pair[0]], b.claims.patterns[pair[1]]
		switch {
		case a.Priority() == b.Priority() && p.overlaps(q):
			errs = append(errs, claimError(b, pair[1], fmt.Sprintf(
				"pattern %q claims names that registry %q claims too (%q), and both have priority %d", q.raw, a.Name(), p.raw, a.Priority())))
		case a.mode(mode) == Never && p.covers(q):
			errs = append(errs, claimError(b, pair[1], fmt.Sprintf(
				"pattern %q is never reached: registry %q claims %q before it and its fallback is never", q.raw, a.Name(), p.raw)))
		}
	}
	return errs
}

func claimError(e *Entry, i int, problem string) error {
	return &ConfigError{
		Source: e.config.Source, Registry: e.Name(), Field: fmt.Sprintf("packages[%d]", i), Problem: problem,
		Next: "a name belongs to one registry: change the patterns, or the priorities",
	}
}

// parseClaims reads the patterns of an entry. They are needed to know whom to ask, so variables in
// them are expanded at once.
func parseClaims(c Config, getenv func(string) (string, bool)) ([]pattern, []error) {
	x := &expander{registry: c.Name, source: c.Source, getenv: getenv}
	var out []pattern
	for i, raw := range c.Packages {
		field := fmt.Sprintf("packages[%d]", i)
		before := len(x.errs)
		s := x.text(raw, field)
		if len(x.errs) > before {
			continue
		}
		p, err := parsePattern(s)
		if err != nil {
			x.fail("", field, printable(err.Error()), "")
			continue
		}
		out = append(out, p)
	}
	return out, x.errs
}

// claimers returns the entries that claim name, disabled ones too, and the first one's pattern.
func (s *state) claimers(name string) (claimers []*Entry, pattern string) {
	for _, e := range s.entries {
		if p, ok := e.Claims(name); ok {
			if claimers == nil {
				pattern = p
			}
			claimers = append(claimers, e)
		}
	}
	return claimers, pattern
}

// mayHear returns why name must not be spoken to e, or nil.
func (s *state) mayHear(e *Entry, name string) error {
	claimers, pattern := s.claimers(name)
	if len(claimers) == 0 || slices.ContainsFunc(claimers, func(c *Entry) bool { return c.Name() == e.Name() }) {
		return nil
	}
	return &refusal{
		kind: pantry.ErrPolicy,
		msg: fmt.Sprintf("%s belongs to registry %s (pattern %s), so registry %s is not asked for it",
			quote(name), quoteAll(names(claimers)), quote(pattern), quote(e.Name())),
		hint: fmt.Sprintf("ask registry %s, or change its \"packages\"", claimers[0].Name()),
	}
}

func names(entries []*Entry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

func enabled(entries []*Entry) []*Entry {
	var out []*Entry
	for _, e := range entries {
		if e.Enabled() {
			out = append(out, e)
		}
	}
	return out
}

// maxPackageName bounds a package's name. npm's longest valid name has 214 characters; old names
// and names of other types may be longer.
const maxPackageName = 512

// checkPackageName refuses what is no package's name at any registry, before it is put into a URL
// or matched with a claim that its spelling might slip past.
func checkPackageName(name string) error {
	bad := ""
	switch {
	case name == "":
		bad = "a package needs a name"
	case len(name) > maxPackageName:
		bad = fmt.Sprintf("a package's name has at most %d bytes", maxPackageName)
	case !validSegments(name):
		bad = quote(name) + " is not the name of a package"
	}
	if bad == "" {
		return nil
	}
	return pantry.WithHint(fmt.Errorf("%w: %s", pantry.ErrConfig, bad), "a name is written like lodash or @scope/name")
}

// validSegments refuses empty and dot segments, and characters that no registry's names hold and
// that mean something in a URL or a package spec.
func validSegments(name string) bool {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
		if 'a' <= r && r <= 'z' || '-' <= r && r <= '9' { // of which most names are made
			return false
		}
		return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`\%?#:"`, r)
	}) {
		return false
	}
	if strings.LastIndexByte(name, '@') > 0 || (name[0] == '@' && !strings.Contains(name, "/")) {
		return false
	}
	for s := range strings.SplitSeq(name, "/") {
		if s == "" || s == "." || s == ".." || s == "@" {
			return false
		}
	}
	return true
}
