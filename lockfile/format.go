package lockfile

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

const header = "# pantry.lock, version "

// Format writes the canonical text: the same Lock always gives the same bytes.
func (l *Lock) Format() []byte {
	b := make([]byte, 0, 256+512*len(l.Packages))
	b = append(b, header...)
	b = strconv.AppendInt(b, Version, 10)
	b = append(b, ". Made by \"pantry install\"; do not edit by hand.\n"...)
	for _, sel := range sorted(l.Overrides) {
		b = line(b, "override", sel, l.Overrides[sel])
	}
	for _, dir := range sorted(l.Projects) {
		b = formatProject(b, dir, l.Projects[dir])
	}
	for _, id := range sorted(l.Packages) {
		b = formatPackage(b, id, l.Packages[id])
	}
	return b
}

func formatProject(b []byte, dir string, p *Project) []byte {
	b = line(b, "project", dir)
	if p == nil {
		return b
	}
	names := sorted(p.Dependencies)
	slices.SortStableFunc(names, func(x, y string) int {
		return cmp.Compare(kindRank(p.Dependencies[x].Kind), kindRank(p.Dependencies[y].Kind))
	})
	for _, name := range names {
		w := p.Dependencies[name]
		b = line(b, "  "+string(w.Kind), name, w.Spec, string(w.ID))
	}
	return b
}

func kindRank(k Kind) int { return slices.Index([]Kind{Prod, Optional, Dev, Peer}, k) }

func formatPackage(b []byte, id ID, p *Package) []byte {
	b = line(b, "package", string(id))
	if p == nil {
		return b
	}
	b = formatIdentity(b, id, p)
	b = text(b, "  deprecated", p.Deprecated)
	if p.Dev {
		b = line(b, "  only", "dev")
	}
	if p.Optional {
		b = line(b, "  only", "optional")
	}
	if p.Nested > 0 {
		b = line(b, "  nested", strconv.Itoa(p.Nested))
	}
	if p.HasInstallScript {
		b = line(b, "  install-script")
	}
	b = pairs(b, "  engine", p.Engines)
	b = list(b, "  os", p.OS)
	b = list(b, "  cpu", p.CPU)
	b = list(b, "  libc", p.Libc)
	b = pairs(b, "  bin", p.Bin)
	for _, name := range p.Bundled {
		b = line(b, "  bundled", name)
	}
	b = formatTool(b, p.Tool)
	return formatEdges(b, p.Dependencies)
}

func formatIdentity(b []byte, id ID, p *Package) []byte {
	if r, n, v, ok := id.split(); !ok || r != p.Registry || n != p.Name || v != p.Version {
		b = line(b, "  registry", p.Registry)
		b = line(b, "  name", p.Name)
		b = line(b, "  version", p.Version)
	}
	if len(p.Integrity) > 0 {
		b = append(b, "  integrity"...)
		for _, d := range p.Integrity {
			b = field(b, d.String())
		}
		b = append(b, '\n')
	}
	b = text(b, "  url", p.URL)
	return text(b, "  unconfirmed", p.Unconfirmed)
}

func formatEdges(b []byte, deps map[string]Dependency) []byte {
	names := sorted(deps)
	if len(names) == 0 {
		return b
	}
	for word, kind := range edges {
		for _, name := range names {
			if d := deps[name]; d.Optional == kind.optional && d.Peer == kind.peer {
				b = append(b, "  "...)
				b = line(b, edges[word].word, name, d.Spec, string(d.ID))
			}
		}
	}
	return b
}

// edges are the keywords of dependencies, in the order they are written.
var edges = [...]struct {
	word           string
	optional, peer bool
}{
	{"dep", false, false},
	{"optional", true, false},
	{"peer", false, true},
	{"optional-peer", true, true},
}

func text(b []byte, word, value string) []byte {
	if value == "" {
		return b
	}
	return line(b, word, value)
}

func list(b []byte, word string, values []string) []byte {
	if len(values) == 0 {
		return b
	}
	return line(b, word, values...)
}

func pairs(b []byte, word string, m map[string]string) []byte {
	for _, k := range sorted(m) {
		b = line(b, word, k, m[k])
	}
	return b
}

func line(b []byte, word string, fields ...string) []byte {
	b = append(b, word...)
	for _, f := range fields {
		b = field(b, f)
	}
	return append(b, '\n')
}

func field(b []byte, s string) []byte {
	b = append(b, ' ')
	if isPlain(s) {
		return append(b, s...)
	}
	return quote(b, s)
}

// isPlain says whether s can stand without quotes.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c == '"' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			for _, r := range s[i:] {
				if r == utf8.RuneError || !unicode.IsPrint(r) {
					return false
				}
			}
		}
	}
	return s != ""
}

// quote appends s as a JSON string in ASCII where a character cannot be seen, so that nothing
// hides in a diff.
func quote(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	unit := func(b []byte, u rune) []byte {
		return append(b, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			r -= 0x10000
			b = unit(unit(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			b = unit(b, r)
		}
	}
	return append(b, '"')
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
