package glob

import (
	"fmt"
	"strconv"
	"strings"
)

// expand makes all texts that the braces of one stand for, as bash does.
func expand(text string) ([]string, error) {
	if !strings.Contains(text, "{") {
		return []string{text}, nil
	}
	e := expander{}
	if strings.HasPrefix(text, "{}") {
		text = `\{\}` + text[2:]
	}
	out := e.expand(text, true)
	if e.full {
		return nil, fmt.Errorf("%w: its braces make more than %d patterns", ErrTooLarge, maxExpanded)
	}
	return out, nil
}

type expander struct {
	bytes, depth int
	full         bool // a bound was met; what came out is of no use
}

func (e *expander) expand(text string, top bool) []string {
	e.depth++
	defer func() { e.depth-- }()
	if e.depth > maxBraces || e.full {
		e.full = true
		return nil
	}
	all := []string{""}
	dropEmpty, first := false, true
	for {
		open, end, ok := pair(text)
		if !ok {
			return e.product(all, []string{text}, dropEmpty)
		}
		before, body, after := text[:open], text[open+1:end], text[end+1:]
		if strings.HasSuffix(before, "$") { // ${a,b} is a variable's
			all, text, first = e.product(all, []string{text[:end+1]}, false), after, false
			continue
		}
		values, sequence := e.sequence(body)
		list := split(body, ',')
		nested := !sequence && len(list) == 1
		if nested && !strings.Contains(body, ",") {
			return e.product(all, []string{text}, dropEmpty)
		}
		if first {
			dropEmpty, first = top && !sequence, false
		}
		if !sequence {
			for _, one := range list {
				values = append(values, e.expand(one, false)...)
			}
		}
		for i, v := range values {
			if nested { // {{a,b}} is {a} and {b}
				v = "{" + v + "}"
			}
			values[i] = before + v
		}
		all, text = e.product(all, values, false), after
		if e.full {
			return nil
		}
	}
}

// product puts each of values behind each of all.
func (e *expander) product(all, values []string, dropEmpty bool) []string {
	if len(all)*len(values) > maxExpanded {
		e.full = true
		return nil
	}
	var out []string
	for _, a := range all {
		for _, v := range values {
			if e.bytes += len(a) + len(v); e.bytes > maxExpandedBytes {
				e.full = true
				return nil
			}
			if a+v != "" || !dropEmpty {
				out = append(out, a+v)
			}
		}
	}
	return out
}

// pair finds the first pair of braces that belong together. Of an open brace that is never closed the
// pairs within count.
func pair(text string) (open, end int, ok bool) {
	var opened []int
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '{':
			opened = append(opened, i)
		case '}':
			if len(opened) == 0 {
				continue
			}
			at := opened[len(opened)-1]
			opened = opened[:len(opened)-1]
			if len(opened) == 0 {
				return at, i, true
			}
			if !ok || at < open {
				open, end, ok = at, i, true
			}
		}
	}
	return open, end, ok
}

// split splits at separators that stand in no braces.
func split(text string, separator byte) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == separator && depth == 0:
			out = append(out, text[from:i])
			from = i + 1
		}
	}
	return append(out, text[from:])
}

// sequence makes the texts of 1..5, 01..10, a..e or 1..9..2.
func (e *expander) sequence(body string) (values []string, ok bool) {
	ends := strings.Split(body, "..")
	if len(ends) != 2 && len(ends) != 3 {
		return nil, false
	}
	step := 1
	if len(ends) == 3 {
		n, err := strconv.Atoi(ends[2])
		if err != nil {
			return nil, false
		}
		step = max(n, -n, 1)
	}
	from, err := strconv.Atoi(ends[0])
	to, err2 := strconv.Atoi(ends[1])
	letters := false
	if err != nil && err2 != nil && letter(ends[0]) && letter(ends[1]) {
		from, to, letters = int(ends[0][0]), int(ends[1][0]), true
	} else if err != nil || err2 != nil || strings.ContainsRune(body, '+') {
		return nil, false
	}
	count := (max(from, to) - min(from, to)) / step
	if count < 0 || count >= maxExpanded {
		e.full = true
		return nil, true
	}
	if to < from {
		step = -step
	}
	width := 0
	if padded(ends[0]) || padded(ends[1]) {
		width = max(len(ends[0]), len(ends[1]))
	}
	for i := range count + 1 {
		n := from + i*step
		switch {
		case letters && n == '\\':
			values = append(values, "")
		case letters:
			values = append(values, string(rune(n)))
		default:
			values = append(values, fmt.Sprintf("%0*d", width, n))
		}
	}
	return values, true
}

func letter(s string) bool {
	return len(s) == 1 && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z'
}

// padded says that a number has zeros in front.
func padded(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return len(s) > 1 && s[0] == '0'
}
