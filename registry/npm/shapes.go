package npm

import (
	"net/url"
	"strings"
)

// describe names the kind of a value for an error.
func (v value) describe() string {
	switch v.kind() {
	case 0:
		return "absent"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// line is a text as one printable line; "" for anything else.
func line(v value) string {
	s, _ := v.text()
	return clean(s)
}

// first is the first element of an array, and any other value itself.
func first(v value) value {
	if v.kind() != '[' {
		return v
	}
	var head value
	_ = v.array(func(e value) error {
		if head == nil {
			head = e
		}
		return nil
	})
	return head
}

// texts reads an object of texts. Members of other kinds, and those that cannot be printed, are
// left out; nil for other values.
func texts(v value) map[string]string {
	var out map[string]string
	_ = v.object(func(key, val value) error {
		k, ok := key.text()
		s, isText := val.text()
		if ok && isText && printable(k) && printable(s) {
			if out == nil {
				out = make(map[string]string)
			}
			out[k] = s
		}
		return nil
	})
	return out
}

// list reads an array of texts, or one text, without those that are empty or cannot be printed.
func list(v value) []string {
	if s, ok := v.text(); ok && s != "" && printable(s) {
		return []string{s}
	}
	var out []string
	_ = v.array(func(e value) error {
		if s, ok := e.text(); ok && s != "" && printable(s) {
			out = append(out, s)
		}
		return nil
	})
	return out
}

// keywords reads an array, or one text that separates them by commas or white space.
func keywords(v value) []string {
	words := list(v)
	if v.kind() == '"' {
		words = strings.FieldsFunc(line(v), func(r rune) bool { return r == ',' || r == ' ' })
	}
	out := words[:0]
	for _, w := range words {
		if w = clean(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// license reads an SPDX text, {type, url}, {name}, or an array of these, of which any may be
// chosen.
func license(v value) string {
	switch v.kind() {
	case '"':
		return line(v)
	case '{':
		for _, name := range []string{"type", "name", "license", "url"} {
			if s := line(v.member(name)); s != "" {
				return s
			}
		}
	case '[':
		var all []string
		_ = v.array(func(e value) error {
			if s := license(e); s != "" && e.kind() != '[' {
				all = append(all, s)
			}
			return nil
		})
		if len(all) > 1 {
			return "(" + strings.Join(all, " OR ") + ")"
		}
		return strings.Join(all, "")
	}
	return ""
}

// person reads "Name <mail> (url)" or {name, email}.
func person(v value) string {
	v = first(v)
	if v.kind() != '{' {
		return line(v)
	}
	name, mail := line(v.member("name")), line(v.member("email"))
	if mail != "" {
		name = strings.TrimSpace(name + " <" + mail + ">")
	}
	return name
}

// hosts are the code hosts that have a short form; the one without a name is the default.
var hosts = map[string]string{
	"":          "https://github.com/",
	"github":    "https://github.com/",
	"gitlab":    "https://gitlab.com/",
	"bitbucket": "https://bitbucket.org/",
	"gist":      "https://gist.github.com/",
}

// repositoryURL reads a URL, a short form such as "owner/name" or "gitlab:owner/name", {url}, or
// an array of these, and returns an address a browser can open where it can be made out. An
// unknown form stays as it is.
func repositoryURL(v value) string {
	v = first(v)
	if v.kind() == '{' {
		v = v.member("url")
	}
	s := line(v)
	if s == "" {
		return ""
	}
	if kind, rest, ok := strings.Cut(s, ":"); ok && hosts[kind] != "" && kind != "" {
		return hosts[kind] + rest
	}
	if owner, name, ok := strings.Cut(s, "/"); ok && word(owner) && word(strings.ReplaceAll(name, ".", "")) {
		return hosts[""] + s
	}
	return browsable(s)
}

// word says that s is made of what accounts of code hosts are made of.
func word(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r != '-' && r != '_' && !alphanumeric(r) })
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// browsable turns the addresses that git takes into those that browsers take.
func browsable(s string) string {
	plain := strings.TrimPrefix(s, "git+")
	// git@host:owner/name is not a URL, but ssh://git@host/owner/name is.
	if at, rest, ok := strings.Cut(plain, "@"); ok && !strings.Contains(plain, "://") && at == "git" {
		plain = "ssh://git@" + strings.Replace(rest, ":", "/", 1)
	}
	u, err := url.Parse(plain)
	if err != nil || u.Host == "" {
		return s
	}
	switch u.Scheme {
	case "git", "ssh":
		u.Scheme = "https"
		u.Host = u.Hostname()
	case "http", "https":
	default:
		return s
	}
	u.User = nil
	return u.String()
}
