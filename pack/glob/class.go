package glob

import (
	"slices"
	"strings"
	"unicode"
)

// class is a set of characters, [a-z].
type class struct {
	negated bool
	ranges  [][2]rune
	named   []func(rune) bool
}

func (c *class) has(r rune) bool { return (c.in(r) || c.in(unicode.ToUpper(r))) != c.negated }

func (c *class) in(r rune) bool {
	for _, b := range c.ranges {
		if b[0] <= r && r <= b[1] {
			return true
		}
	}
	return slices.ContainsFunc(c.named, func(in func(rune) bool) bool { return in(r) })
}

// named are the classes of POSIX.
func named(name string) func(rune) bool {
	switch name {
	case "alnum":
		return func(r rune) bool { return unicode.In(r, unicode.L, unicode.Nl, unicode.Nd) }
	case "alpha":
		return func(r rune) bool { return unicode.In(r, unicode.L, unicode.Nl) }
	case "ascii":
		return func(r rune) bool { return r <= unicode.MaxASCII }
	case "blank":
		return func(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) }
	case "cntrl":
		return unicode.IsControl
	case "digit":
		return func(r rune) bool { return unicode.Is(unicode.Nd, r) }
	case "graph":
		return func(r rune) bool { return !unicode.In(r, unicode.Z, unicode.C) }
	case "lower":
		return unicode.IsLower
	case "print":
		return func(r rune) bool { return !unicode.Is(unicode.C, r) }
	case "punct":
		return func(r rune) bool { return unicode.Is(unicode.P, r) }
	case "space":
		return func(r rune) bool { return unicode.Is(unicode.Z, r) || strings.ContainsRune("\t\r\n\v\f", r) }
	case "upper":
		return unicode.IsUpper
	case "word":
		return func(r rune) bool { return unicode.In(r, unicode.L, unicode.Nl, unicode.Nd, unicode.Pc) }
	case "xdigit":
		return func(r rune) bool { return unicode.Is(unicode.ASCII_Hex_Digit, r) }
	}
	return nil
}

// parseClass reads a class at the beginning of text. n is how many characters it has, 0 for none; the
// class is nil if nothing can be in it, which spoils the whole segment.
func parseClass(text []rune) (c *class, n int) {
	c = &class{}
	i := 1
	if i < len(text) && (text[i] == '!' || text[i] == '^') {
		c.negated = true
		i++
	}
	for first := true; i < len(text); first = false {
		r := text[i]
		if r == ']' && !first {
			if len(c.ranges) == 0 && len(c.named) == 0 {
				return nil, i + 1
			}
			return c, i + 1
		}
		if r == '[' && i+1 < len(text) && text[i+1] == ':' {
			rest := string(text[i+2:])
			if name, _, ok := strings.Cut(rest, ":]"); ok && named(name) != nil {
				c.named = append(c.named, named(name))
				i += len([]rune(name)) + 4
				continue
			}
		}
		if r == '\\' && i+1 < len(text) {
			i++
			r = text[i]
		}
		i++
		// a-z, unless the minus is the last one.
		if i+1 < len(text) && text[i] == '-' && text[i+1] != ']' {
			end := text[i+1]
			i += 2
			if end == '\\' && i < len(text) {
				end = text[i]
				i++
			}
			if end >= r {
				c.ranges = append(c.ranges, [2]rune{r, end})
			}
			continue
		}
		c.ranges = append(c.ranges, [2]rune{r, r})
	}
	return nil, 0
}
