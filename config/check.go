package config

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/pantry-go/pantry"
)

// maxClaims bounds the patterns of a file: every two of them are compared.
const maxClaims = 2000

// check reports what the types alone cannot say about one file. What entries mean, alone and
// together, is package registry's to judge: see [loader.judge].
func (d *document) check() {
	names := map[string]int{}
	claims := 0
	for i, e := range d.file.Registries {
		path := "registries[" + strconv.Itoa(i) + "]"
		if claims += len(e.Packages); claims > maxClaims && len(e.Packages) > 0 {
			d.mistake(path+".packages", "expected at most %d patterns in all", maxClaims)
			d.file.Registries[i].Packages = nil
		}
		d.checkProxy(path+".proxy", e.Proxy)
		for name, v := range e.Headers {
			d.checkHeaderValue(path+".headers."+name, v)
		}
		if e.Auth != nil {
			for key, v := range map[string]pantry.Secret{
				"token": e.Auth.Token, "username": e.Auth.Username, "password": e.Auth.Password, "value": e.Auth.Value,
			} {
				d.checkHeaderValue(path+".auth."+key, v)
			}
		}
		at, given := d.offsets[path+".name"]
		switch {
		case !given || d.bad[path+".name"]:
			continue
		case e.Name == "":
			d.mistake(path+".name", "expected a name")
			continue
		}
		if firstAt, taken := names[strings.ToLower(e.Name)]; taken {
			d.mistake(path+".name", "the name %s is taken already, in line %d", quoted(e.Name), d.at(firstAt).line)
			continue
		}
		names[strings.ToLower(e.Name)] = at
	}
	if v := d.tree.Find("/registries"); v != nil {
		d.checkReferences(v, "registries")
	}
}

// mistake reports a problem of the value at a path.
func (d *document) mistake(path, format string, args ...any) {
	d.bad[path] = true
	d.problem(d.offsets[path], path+": "+format, args...)
}

// checkReferences checks the variables in every string below v.
func (d *document) checkReferences(v *hujson.Value, path string) {
	switch t := v.Value.(type) {
	case *hujson.Object:
		for i := range t.Members {
			m := &t.Members[i]
			d.checkReferences(&m.Value, path+"."+m.Name.Value.(hujson.Literal).String())
		}
	case *hujson.Array:
		for i := range t.Elements {
			d.checkReferences(&t.Elements[i], path+"["+strconv.Itoa(i)+"]")
		}
	case hujson.Literal:
		if m := badReference(t.String()); m != "" && t.Kind() == '"' && !d.bad[path] {
			d.bad[path] = true
			d.problem(v.StartOffset, "%s: %s", path, m)
		}
	}
}

// badReference says what is wrong with the variables in s; "" also when there are none.
func badReference(s string) string {
	for {
		_, rest, found := strings.Cut(s, "${")
		if !found {
			return ""
		}
		expr, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "${ without }"
		}
		if name, _, _ := strings.Cut(expr, ":-"); !isVariable(name) {
			return "expected ${NAME} or ${NAME:-default}"
		}
		s = after
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		if !(r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return name != ""
}

func hasVariable(s string) bool { return strings.Contains(s, "${") }

func (d *document) checkHeaderValue(path string, v pantry.Secret) {
	if strings.ContainsFunc(v.Reveal(), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		d.mistake(path, "a line break or control character can't stand here")
	}
}

// checkProxy wants a URL of a proxy. It is not told in the message: it may hold a password.
func (d *document) checkProxy(path, raw string) {
	if raw == "" || hasVariable(raw) {
		return
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		d.mistake(path, "expected a URL that begins with http://, https:// or socks5://")
	}
}

// literalSecrets lists the paths of the secrets that are written in the file itself rather than
// as a variable.
func (d *document) literalSecrets() []string {
	var paths []string
	for i := range d.file.Registries {
		e := &d.file.Registries[i]
		path := "registries[" + strconv.Itoa(i) + "]"
		if e.Auth != nil {
			a := reflect.ValueOf(e.Auth).Elem()
			for _, f := range fieldsOf(a.Type()) {
				if s, ok := a.FieldByIndex(f.index).Interface().(pantry.Secret); ok && f.key != "username" && isLiteral(s) {
					paths = append(paths, path+".auth."+f.key)
				}
			}
		}
		if u, err := url.Parse(e.Proxy); err == nil && u.User != nil && !hasVariable(e.Proxy) {
			if _, has := u.User.Password(); has {
				paths = append(paths, path+".proxy")
			}
		}
	}
	return paths
}

func isLiteral(s pantry.Secret) bool { return !s.IsZero() && !hasVariable(s.Reveal()) }
