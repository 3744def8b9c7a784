package foreign

import (
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

// npmPlace is what an .npmrc says of one host and path: "//host/path/".
type npmPlace struct {
	prefix string
	auth   *registry.Auth
	line   int
	base64 bool // the credential is written in base64, which pantry.json has no place for
}

// readNpmrc reads an .npmrc: "registry=", "@scope:registry=", and the credentials of hosts and paths.
func readNpmrc(r *reader) error {
	var places []npmPlace
	place := func(prefix string, line int) *npmPlace {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
		for i := range places {
			if places[i].prefix == prefix {
				return &places[i]
			}
		}
		places = append(places, npmPlace{prefix: prefix, line: line})
		return &places[len(places)-1]
	}
	var all []found
	for _, l := range config.NpmrcLines(r.data) {
		switch i := strings.LastIndexByte(l.Key, ':'); {
		case l.Key == "registry":
			all = append(all, found{url: text(l.Value), line: l.Line}.npmDefault())
		case strings.HasPrefix(l.Key, "@") && strings.HasSuffix(l.Key, ":registry"):
			scope := strings.TrimSuffix(l.Key, ":registry")
			if len(scope) == 1 || strings.Contains(scope, "/") {
				continue // no name has such a scope
			}
			all = append(all, found{name: scope[1:], typ: "npm", url: text(l.Value), claims: []string{scope + "/*"}, line: l.Line})
		case strings.HasPrefix(l.Key, "//") && i > 1:
			p := place(l.Key[:i], l.Line)
			p.set(r, l.Key[i+1:], l.Value, l.Line, l.Key)
		case l.Key == "_authToken" || l.Key == "_auth" || l.Key == "_password":
			r.secret(l.Value, l.Line, l.Key, false) // bound to no registry: npm does not send it
		}
	}
	for _, f := range all {
		_, bare, _ := strings.Cut(strings.TrimSuffix(f.url, "/")+"/", ":")
		best := npmPlace{}
		for _, p := range places {
			if strings.HasPrefix(bare, p.prefix) && len(p.prefix) > len(best.prefix) {
				best = p
			}
		}
		if best.auth != nil {
			f.auth, f.credential = best.auth, r.place(best.line)
			if best.base64 {
				f.credential += " (in base64)"
			}
			if r.o.Kept {
				f.auth, f.credential = nil, f.credential+", which pantry reads"
			}
		}
		r.add(f)
	}
	return nil
}

func (p *npmPlace) set(r *reader, key, value string, line int, what string) {
	auth := func(typ string) *registry.Auth {
		if p.auth == nil || p.auth.Type != typ {
			p.auth = &registry.Auth{Type: typ}
		}
		return p.auth
	}
	switch key {
	case "_authToken":
		auth(registry.AuthBearer).Token = r.secret(value, line, what, false)
	case "_auth":
		r.secret(value, line, what, false)
		p.base64 = true
		a := auth(registry.AuthBasic)
		a.Username, a.Password = registry.Value{Raw: pantry.NewSecret(plain)}, registry.Value{Raw: pantry.NewSecret(plain)}
	case "username":
		auth(registry.AuthBasic).Username = r.secret(value, line, what, true)
	case "_password":
		r.secret(value, line, what, false)
		p.base64 = true
		auth(registry.AuthBasic).Password = registry.Value{Raw: pantry.NewSecret(plain)}
	}
}
