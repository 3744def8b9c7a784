package foreign

import (
	"strings"

	"github.com/pantry-go/pantry/registry"
)

// readCargo reads the registries and replaced sources of cargo's config.toml, and the tokens of its
// credentials.toml.
func readCargo(r *reader) error {
	root, err := parseTOML(r.data)
	if err != nil {
		return err
	}
	if token := root.at("registry", "token"); token.str() != "" {
		r.secret(token.str(), token.line, "registry.token", false)
	}
	for name, n := range root.at("registries").all() {
		token := n.at("token")
		index := n.at("index")
		var auth *registry.Auth
		line := n.line
		if token.str() != "" {
			auth = &registry.Auth{Type: registry.AuthCustom, Name: "Authorization", Value: r.secret(token.str(), token.line, "registries."+name+".token", false)}
			line = token.line
		} else {
			auth = r.ownVariables("CARGO_REGISTRIES_"+upper(name), registry.AuthCustom)
		}
		if index.str() != "" {
			f := crates(name, index.str(), index.line)
			f.auth, f.credential = auth, r.place(line)
			r.add(f)
		}
	}
	for name, n := range root.at("source").all() {
		if u := n.at("registry"); u.str() != "" {
			r.add(crates(name, u.str(), u.line))
		}
	}
	return nil
}

// crates is a registry of cargo. Only sparse indexes can be asked over HTTP; others are repositories
// of git.
func crates(name, index string, line int) found {
	f := found{name: name, typ: "adapter", adapter: "crates", line: line}
	sparse, ok := strings.CutPrefix(index, "sparse+")
	f.url = sparse
	if !ok {
		f.reason = "its index is a git repository, and only sparse indexes can be read"
	}
	return f
}
