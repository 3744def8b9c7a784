package manifest

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tailscale/hujson"
)

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// apply makes edits that do not overlap.
func apply(data []byte, edits ...edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(out, data[at:e.start]...)
		out = append(out, e.text...)
		at = e.end
	}
	return append(out, data[at:]...)
}

// list is an object or array as its text is laid out.
type list struct {
	items    []item
	open     int // behind the bracket
	end      int // of the last item, or behind its comma
	close    int // where the closing bracket stands
	trailing bool
}

// item is one member or element. Its comma, if it has one, stands at comma.
type item struct {
	before            hujson.Extra
	start, end, comma int
	colon             hujson.Extra // between the colon and the value of a member
}

func listOf(v *hujson.Value) list {
	l := list{open: v.StartOffset + 1, close: v.EndOffset - 1}
	add := func(before hujson.Extra, start int, value *hujson.Value, colon hujson.Extra) {
		l.items = append(l.items, item{before, start, value.EndOffset, value.EndOffset + len(value.AfterExtra), colon})
		l.trailing = value.AfterExtra != nil // which holds for the last item only
	}
	switch x := v.Value.(type) {
	case *hujson.Object:
		for i := range x.Members {
			m := &x.Members[i]
			add(m.Name.BeforeExtra, m.Name.StartOffset, &m.Value, m.Value.BeforeExtra)
		}
	case *hujson.Array:
		for i := range x.Elements {
			e := &x.Elements[i]
			add(e.BeforeExtra, e.StartOffset, e, nil)
		}
	}
	l.end = l.open
	if n := len(l.items); n > 0 {
		l.end = l.items[n-1].end
		if l.trailing {
			l.end = l.items[n-1].comma + 1
		}
	}
	return l
}

// lineEnds returns where the first and the last line of extra behind a line end begin, line ends
// inside block comments not counted; -1 if there is none.
func lineEnds(extra []byte) (first, last int) {
	first, last = -1, -1
	for i := 0; i < len(extra); i++ {
		if extra[i] == '/' {
			end := skipComment(extra, i)
			if i+1 < len(extra) && extra[i+1] == '*' {
				i = end
				continue
			}
			i = end // the line end that ends a line comment
		}
		if i < len(extra) && extra[i] == '\n' {
			if first < 0 {
				first = i + 1
			}
			last = i + 1
		}
	}
	return first, last
}

func isBlank(b []byte) bool { return len(bytes.Trim(b, " \t\r\n")) == 0 }

// layout is how a file is written: what new entries look like.
type layout struct {
	eol     string
	unit    string // of indentation
	oneLine bool   // the root's members stand on the line of its brace
}

func layoutOf(data []byte, root list) layout {
	l := layout{eol: "\n", unit: "  "}
	if bytes.Contains(data, []byte("\r\n")) {
		l.eol = "\r\n"
	}
	l.oneLine = len(root.items) > 0
	for i, it := range root.items {
		if first, _ := lineEnds(it.before); first >= 0 {
			l.oneLine = false
		}
		if in, ok := it.indent(); ok && in != "" && i == 0 {
			l.unit = in
		}
	}
	return l
}

// indent is the white space in front of an item that begins its line.
func (it item) indent() (string, bool) {
	_, last := lineEnds(it.before)
	if last < 0 || !isBlank(it.before[last:]) {
		return "", false
	}
	return string(it.before[last:]), true
}

// space is the white space in front of an item that stands on a line with others.
func (l list) space() string {
	for i, it := range l.items {
		if first, _ := lineEnds(it.before); first >= 0 || !isBlank(it.before) {
			continue
		}
		if i > 0 || len(it.before) > 0 {
			return string(it.before)
		}
		if len(l.items) == 1 && len(it.colon) == 0 {
			return ""
		}
	}
	return " "
}

// colonSpace is what stands between colon and value.
func (l list) colonSpace() (string, bool) {
	for _, it := range l.items {
		if isBlank(it.colon) && !bytes.ContainsAny(it.colon, "\r\n") {
			return string(it.colon), true
		}
	}
	return " ", false
}

// insert adds text as the item before the i-th. outer is the indentation of the line on which the
// list begins.
func (l list) insert(data []byte, i int, text, outer string, lay layout) []edit {
	switch {
	case len(l.items) == 0:
		return l.insertFirst(data, text, outer, lay)
	case i < len(l.items):
		return l.insertBefore(l.items[i], text, outer, lay)
	}
	return l.insertLast(data, text, outer, lay)
}

func (l list) insertFirst(data []byte, text, outer string, lay layout) []edit {
	inside := data[l.open:l.close]
	line := outer + lay.unit + text + lay.eol
	if _, last := lineEnds(inside); last >= 0 {
		return []edit{{l.open + last, l.open + last, line}}
	}
	if isBlank(inside) {
		if lay.oneLine {
			return []edit{{l.open, l.close, text}}
		}
		return []edit{{l.open, l.close, lay.eol + line + outer}}
	}
	return []edit{{l.close, l.close, lay.eol + line + outer}}
}

// insertBefore puts a line behind the line that ends what stands before, so that a comment at its
// end stays with it, and comments above it stay with the item they are about.
func (l list) insertBefore(it item, text, outer string, lay layout) []edit {
	first, _ := lineEnds(it.before)
	if first < 0 {
		return []edit{{it.start, it.start, text + "," + l.space()}}
	}
	indent, ok := it.indent()
	if !ok {
		indent = outer + lay.unit
	}
	at := it.start - len(it.before) + first
	return []edit{{at, at, indent + text + "," + lay.eol}}
}

func (l list) insertLast(data []byte, text, outer string, lay layout) []edit {
	last := l.items[len(l.items)-1]
	comma := []edit{{last.end, last.end, ","}}
	if l.trailing {
		comma, text = nil, text+","
	}
	indent, own := last.indent()
	if first, _ := lineEnds(data[l.end:l.close]); first >= 0 {
		if !own {
			indent = outer + lay.unit
		}
		at := l.end + first
		return append(comma, edit{at, at, indent + text + lay.eol})
	}
	before := l.space()
	if own {
		before = lay.eol + indent
	}
	if l.trailing {
		return []edit{{l.end, l.end, before + text}}
	}
	return []edit{{last.end, last.end, "," + before + text}}
}

// remove takes out the i-th item, its comma, and the comment behind it on its line. All other
// comments stay.
func (l list) remove(data []byte, i int) []edit {
	it, n := l.items[i], len(l.items)
	from, to := it.end, l.close // what follows the item and its comma
	if i < n-1 {
		from, to = it.comma+1, l.items[i+1].start
	} else if l.trailing {
		from = it.comma + 1
	}
	after := data[from:to]
	begin := it.start - len(it.before)
	first, _ := lineEnds(after)
	_, last := lineEnds(it.before)
	var edits []edit
	if i == n-1 && n > 1 && !l.trailing {
		c := l.items[i-1].comma
		if isBlank(it.before) && first < 0 {
			return []edit{{c, it.end, ""}}
		}
		edits = append(edits, edit{c, c + 1, ""})
	}
	switch {
	case last >= 0 && isBlank(it.before[last:]) && first >= 0: // lines of its own
		return append(edits, edit{begin + last, from + first, ""})
	case i < n-1 && first < 0 && isBlank(after): // others follow on the line
		return append(edits, edit{it.start, to, ""})
	case last < 0 && isBlank(it.before): // others stand before it on the line
		return append(edits, edit{begin, from, ""})
	}
	return append(edits, edit{it.start, from, ""})
}
