package archive

import (
	"bytes"
	"runtime"
	"strings"
	"unicode/utf8"
)

// clean checks the path of an entry and returns what is left of it without its first segment, or
// without as many as an artifact is to be stripped of: "" when that is nothing.
func (t *walker) clean(name []byte) (string, error) {
	var out []byte
	var reason string
	if t.art == nil {
		out, reason = cleanPath(t.names.path[:0], name)
	} else {
		out, reason = cleanWhole(t.names.path[:0], name)
	}
	t.names.path = out
	depth := 0
	if reason == "" {
		depth = countSegments(out)
	}
	switch {
	case reason != "":
		return "", refused(string(name), "%s", reason)
	case len(out) > t.lim.Path:
		return "", refused(string(name), "its path is longer than %d bytes", t.lim.Path)
	case depth > t.lim.Depth:
		return "", refused(string(name), "its path is deeper than %d folders", t.lim.Depth)
	}
	if t.art != nil {
		out = strip(out, t.art.opts.Strip)
	}
	return t.names.keep(out), nil
}

const (
	windows = runtime.GOOS == "windows"
	// foldsCase says that the usual file systems take names for one that differ only in case.
	foldsCase = windows || runtime.GOOS == "darwin" || runtime.GOOS == "ios"
)

func countSegments(p []byte) int {
	n := 1
	for _, c := range p {
		if c == '/' {
			n++
		}
	}
	return n
}

// cleanPath appends to out what is left of name without its first segment, and without segments
// that say nothing ("", "."). The reason says why the path is refused; "" means it is not.
func cleanPath(out, name []byte) (path []byte, reason string) {
	if len(name) == 0 {
		return out, "it has no path"
	}
	if name[0] == '/' {
		return out, "its path is absolute"
	}
	if reason := badBytes(name); reason != "" {
		return out, reason
	}
	for i := 0; len(name) > 0; i++ {
		seg := name
		for j, c := range name {
			if c == '/' {
				seg = name[:j]
				break
			}
		}
		name = name[min(len(seg)+1, len(name)):]
		if reason := badSegment(seg, windows); reason != "" {
			return out, reason
		}
		switch {
		case i == 0: // the root folder, whatever its name
		case i == 1 && len(seg) == 0 && len(name) > 0:
			return out, "its path is absolute behind the root folder"
		case len(seg) == 0, len(seg) == 1 && seg[0] == '.':
		default:
			if len(out) > 0 {
				out = append(out, '/')
			}
			out = append(out, seg...)
		}
	}
	return out, ""
}

// cleanWhole appends name to out without segments that say nothing. A path that begins with "./"
// is the same as one that doesn't.
func cleanWhole(out, name []byte) (path []byte, reason string) {
	if len(name) == 0 {
		return out, "it has no path"
	}
	if name[0] == '/' {
		return out, "its path is absolute"
	}
	if reason := badBytes(name); reason != "" {
		return out, reason
	}
	for seg := range bytes.SplitSeq(name, []byte{'/'}) {
		if reason := badSegment(seg, windows); reason != "" {
			return out, reason
		}
		if len(seg) == 0 || len(seg) == 1 && seg[0] == '.' {
			continue
		}
		if len(out) > 0 {
			out = append(out, '/')
		}
		out = append(out, seg...)
	}
	return out, ""
}

// strip drops the first n segments of a clean path.
func strip(path []byte, n int) []byte {
	for ; n > 0; n-- {
		i := bytes.IndexByte(path, '/')
		if i < 0 {
			return nil
		}
		path = path[i+1:]
	}
	return path
}

func badBytes(name []byte) string {
	ascii := true
	for _, c := range name {
		switch {
		case c < ' ' || c == 0x7f:
			return "a control character in its path"
		case c == '\\':
			return "a backslash in its path"
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if ascii {
		return ""
	}
	if !utf8.Valid(name) {
		return "its path is not UTF-8"
	}
	for _, r := range string(name) {
		if r >= 0x80 && r < 0xa0 {
			return "a control character in its path"
		}
	}
	return ""
}

// badSegment checks one segment; a drive letter is refused everywhere, so that an archive means
// the same on every system, and what else Windows reads as something other than a name, there.
func badSegment(seg []byte, windows bool) string {
	switch {
	case len(seg) == 2 && seg[0] == '.' && seg[1] == '.':
		return `".." in its path`
	case len(seg) > maxSegment:
		return "a name longer than 255 bytes in its path"
	case len(seg) >= 2 && seg[1] == ':' && (seg[0]|0x20 >= 'a' && seg[0]|0x20 <= 'z'):
		return "a drive letter in its path"
	case windows && len(seg) > 0:
		return badOnWindows(string(seg))
	}
	return ""
}

func badOnWindows(seg string) string {
	if strings.ContainsAny(seg, `<>:"|?*`) {
		return "a character in its path that Windows reserves"
	}
	if last := seg[len(seg)-1]; seg != "." && (last == '.' || last == ' ') {
		return "a name in its path that ends in a dot or blank, which Windows drops"
	}
	base, _, _ := strings.Cut(strings.ToUpper(seg), ".")
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return "a name in its path that Windows reserves"
	}
	if len(base) == 4 && (base[:3] == "COM" || base[:3] == "LPT") && base[3] >= '0' && base[3] <= '9' {
		return "a name in its path that Windows reserves"
	}
	return ""
}
