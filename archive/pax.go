package archive

import (
	"bytes"
	"math"
)

// extended is what extended headers say about the entry that follows.
type extended struct {
	isPAX, isGNU     bool // such a header was there
	name, link       string
	size             int64
	hasName, hasSize bool
	hasLink          bool
}

// apply puts what the extended headers said into h.
func (x *extended) apply(h *header) {
	if x.hasName {
		h.name = []byte(x.name)
	}
	if x.hasSize {
		h.size = x.size
	}
	if x.hasLink {
		h.link = []byte(x.link)
	}
}

// gnuName takes the content of a GNU long name entry.
func (x *extended) gnuName(b []byte) error {
	if x.isGNU || x.hasName {
		return corrupt("", "two extended headers name one entry")
	}
	x.isGNU, x.hasName, x.name = true, true, string(cString(b))
	if x.name == "" {
		return corrupt("", "an extended header with an empty name")
	}
	return nil
}

// gnuLink takes the content of a GNU long link entry.
func (x *extended) gnuLink(b []byte) error {
	if x.hasLink {
		return corrupt("", "two extended headers say where one link leads")
	}
	x.hasLink, x.link = true, string(cString(b))
	return nil
}

// pax takes the content of a PAX header. Of the keys that POSIX defines only path, linkpath and
// size matter here; a repeated or empty one, which readers understand differently, is an error.
func (x *extended) pax(b []byte) error {
	if x.isPAX {
		return corrupt("", "two extended headers for one entry")
	}
	x.isPAX = true
	return records(b, func(key, value []byte) error {
		switch string(key) {
		case "path":
			if x.hasName || len(value) == 0 || bytes.IndexByte(value, 0) >= 0 {
				return corrupt("", "an extended header with an ambiguous path")
			}
			x.hasName, x.name = true, string(value)
		case "linkpath":
			if x.hasLink || len(value) == 0 || bytes.IndexByte(value, 0) >= 0 {
				return corrupt("", "an extended header with an ambiguous link")
			}
			x.hasLink, x.link = true, string(value)
		case "size":
			n, ok := decimal(value)
			if x.hasSize || !ok {
				return corrupt("", "an extended header with an ambiguous size")
			}
			x.hasSize, x.size = true, n
		}
		return notSparse(key)
	})
}

// globalPAX takes the content of a global PAX header, as git archive writes it with the commit
// in a comment. Some readers apply its path and size to every entry, some don't: both are refused.
func globalPAX(b []byte) error {
	return records(b, func(key, _ []byte) error {
		switch string(key) {
		case "path", "size", "linkpath":
			return refused("", "a global extended header that sets %q", key)
		}
		return notSparse(key)
	})
}

func notSparse(key []byte) error {
	if bytes.HasPrefix(key, []byte("GNU.sparse.")) {
		return refused("", "it is a sparse file")
	}
	return nil
}

// records splits PAX records: "LENGTH KEY=VALUE\n", where LENGTH counts the whole record.
func records(b []byte, each func(key, value []byte) error) error {
	const shortest = int64(len(" k=\n"))
	for len(b) > 0 {
		sp := bytes.IndexByte(b[:min(len(b), 20)], ' ')
		if sp < 0 {
			return malformedPAX()
		}
		n, ok := decimal(b[:sp])
		if !ok || n > int64(len(b)) || n < int64(sp)+shortest || b[n-1] != '\n' {
			return malformedPAX()
		}
		key, value, ok := bytes.Cut(b[sp+1:n-1], []byte{'='})
		if !ok || len(key) == 0 || bytes.IndexByte(key, 0) >= 0 {
			return malformedPAX()
		}
		if err := each(key, value); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func malformedPAX() error { return corrupt("", "malformed extended header") }

// decimal reads digits and nothing else.
func decimal(b []byte) (int64, bool) {
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(b) > 0
}
