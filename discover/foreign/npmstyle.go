package foreign

import (
	"strings"

	"github.com/pantry-go/pantry/registry"
)

// bearer is the credential of a token at a node; nil where there is none.
func (r *reader) bearer(n *node, what string) *registry.Auth {
	if n.str() == "" {
		return nil
	}
	return &registry.Auth{Type: registry.AuthBearer, Token: r.secret(n.str(), n.line, what, false)}
}

// readYarn reads a .yarnrc.yml.
func readYarn(r *reader) error {
	root, err := parseYAML(r.data)
	if err != nil {
		return err
	}
	if n := root.at("npmRegistryServer"); n.str() != "" {
		r.add(r.yarn(found{url: text(n.str()), line: n.line}.npmDefault(), root, root))
	}
	for scope, n := range root.at("npmScopes").all() {
		scope = strings.TrimPrefix(scope, "@")
		server := n.at("npmRegistryServer")
		if server.str() == "" {
			continue
		}
		r.add(r.yarn(found{
			name: scope, typ: "npm", url: text(server.str()), claims: []string{"@" + scope + "/*"}, line: server.line,
		}, n, root))
	}
	return nil
}

// yarn finds the credential of a registry: beside its URL, or in npmRegistries.
func (r *reader) yarn(f found, beside, root *node) found {
	for _, n := range []*node{beside, r.yarnRegistry(root, f.url)} {
		if token := n.at("npmAuthToken"); token.str() != "" {
			f.auth, f.credential = r.bearer(token, "npmAuthToken"), r.place(token.line)
			return f
		}
		if ident := n.at("npmAuthIdent"); ident.str() != "" {
			user, password, _ := strings.Cut(ident.str(), ":")
			f.auth = &registry.Auth{Type: registry.AuthBasic}
			f.auth.Password = r.secret(password, ident.line, "npmAuthIdent", false)
			f.auth.Username = r.secret(user, ident.line, "npmAuthIdent", true)
			f.credential = r.place(ident.line)
			return f
		}
	}
	return f
}

// yarnRegistry is the entry of npmRegistries for a URL; its keys have a scheme or none.
func (r *reader) yarnRegistry(root *node, url string) *node {
	_, bare, _ := strings.Cut(strings.TrimSuffix(url, "/"), ":")
	for key, n := range root.at("npmRegistries").all() {
		if i := strings.Index(key, "//"); i >= 0 && strings.TrimSuffix(key[i:], "/") == bare {
			return n
		}
	}
	return nil
}

// readPnpm reads the registries of a pnpm-workspace.yaml.
func readPnpm(r *reader) error {
	root, err := parseYAML(r.data)
	if err != nil {
		return err
	}
	if n := root.at("registry"); n.str() != "" {
		r.add(found{url: text(n.str()), line: n.line}.npmDefault())
	}
	for scope, n := range root.at("registries").all() {
		switch {
		case scope == "default":
			r.add(found{url: text(n.str()), line: n.line}.npmDefault())
		case strings.HasPrefix(scope, "@"):
			r.add(found{name: scope[1:], typ: "npm", url: text(n.str()), claims: []string{scope + "/*"}, line: n.line})
		}
	}
	return nil
}

// readBun reads the registries of a bunfig.toml: a URL, or a table of url, token, username, password.
func readBun(r *reader) error {
	root, err := parseTOML(r.data)
	if err != nil {
		return err
	}
	install := root.at("install")
	if n := install.at("registry"); n != nil {
		r.add(r.bun(found{}.npmDefault(), n))
	}
	for scope, n := range install.at("scopes").all() {
		scope = strings.TrimPrefix(scope, "@")
		r.add(r.bun(found{name: scope, typ: "npm", claims: []string{"@" + scope + "/*"}}, n))
	}
	return nil
}

func (r *reader) bun(f found, n *node) found {
	f.line = n.line
	if f.url = text(n.str()); f.url != "" {
		return f
	}
	f.url = text(n.at("url").str())
	if token := n.at("token"); token.str() != "" {
		f.auth, f.credential = r.bearer(token, "token"), r.place(token.line)
	} else if password := n.at("password"); password.str() != "" {
		user := n.at("username")
		f.auth = &registry.Auth{Type: registry.AuthBasic, Password: r.secret(password.str(), password.line, "password", false)}
		f.auth.Username = r.secret(user.str(), n.line, "username", true)
		f.credential = r.place(password.line)
	}
	return f
}
