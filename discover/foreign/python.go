package foreign

import (
	"strings"

	"github.com/pantry-go/pantry/registry"
)

// pypi is an index of Python packages. A tool is given the place of the simple API, and an adapter what
// it is below.
func pypi(name, url string, line int) found {
	f := found{name: name, typ: "adapter", adapter: "pypi", url: url, line: line}
	if base, ok := strings.CutSuffix(strings.TrimRight(url, "/"), "/simple"); ok {
		f.url = base
	} else {
		f.reason = "it has no simple API: the URL of an index that has one ends in /simple"
	}
	return f
}

// readPip reads a pip.conf: "index-url" and "extra-index-url" of any section.
func readPip(r *reader) error {
	for _, l := range parseINI(r.data) {
		if l.key != "index-url" && l.key != "extra-index-url" {
			continue
		}
		for i, value := range l.values {
			for _, u := range strings.Fields(value) {
				r.add(pypi("", u, l.lines[i]))
			}
		}
	}
	return nil
}

// readRequirements reads the options for indexes of a requirements.txt.
func readRequirements(r *reader) error {
	number := 0
	for line := range strings.Lines(string(r.data)) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || !strings.HasPrefix(words[0], "-") {
			continue
		}
		flag, value, joined := strings.Cut(words[0], "=")
		if !joined && len(words) > 1 {
			value = words[1]
		}
		switch flag {
		case "-i", "--index-url", "--pypi-url", "--extra-index-url":
			r.add(pypi("", text(value), number))
		}
	}
	return nil
}

// readUV reads a uv.toml.
func readUV(r *reader) error {
	root, err := parseTOML(r.data)
	if err == nil {
		r.uv(root)
	}
	return err
}

// readPyproject reads the part of uv in a pyproject.toml.
func readPyproject(r *reader) error {
	root, err := parseTOML(r.data)
	if err == nil {
		r.uv(root.at("tool", "uv"))
	}
	return err
}

func (r *reader) uv(root *node) {
	// Which packages uv takes from one index only is told, and not made a claim: in Pantry a claim
	// holds for the names of all ecosystems.
	pinned := map[string][]string{}
	for pkg, n := range root.at("sources").all() {
		for _, one := range append(n.list(), n) {
			if index := one.at("index").str(); index != "" {
				pinned[index] = append(pinned[index], pkg)
			}
		}
	}
	for _, n := range root.at("index").list() {
		name, u := n.at("name").str(), n.at("url")
		if u.str() == "" {
			continue
		}
		f := pypi(name, u.str(), u.line)
		if len(pinned[name]) > 0 && name != "" {
			f.notes = append(f.notes, "uv takes from it: "+strings.Join(pinned[name], ", "))
		}
		if n.at("explicit").str() == "true" {
			f.notes = append(f.notes, "uv asks it for packages that name it only")
		}
		f.auth = r.ownVariables("UV_INDEX_"+upper(name), registry.AuthBasic)
		r.add(f)
	}
	for _, in := range []*node{root, root.at("pip")} {
		for _, key := range []string{"index-url", "extra-index-url"} {
			for _, n := range in.at(key).list() {
				r.add(pypi("", n.str(), n.line))
			}
		}
	}
}

// ownVariables is the credential in the variables that a tool looks for by itself, where they are set.
func (r *reader) ownVariables(prefix, typ string) *registry.Auth {
	if r.o.Getenv == nil {
		return nil
	}
	set := func(name string) bool { v, ok := r.o.Getenv(name); return ok && v != "" }
	switch typ {
	case registry.AuthBasic:
		if set(prefix + "_PASSWORD") {
			return &registry.Auth{Type: typ, Username: variable(prefix + "_USERNAME"), Password: variable(prefix + "_PASSWORD")}
		}
	case registry.AuthCustom:
		if set(prefix + "_TOKEN") {
			return &registry.Auth{Type: typ, Name: "Authorization", Value: variable(prefix + "_TOKEN")}
		}
	}
	return nil
}
