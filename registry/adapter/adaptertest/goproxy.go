package adaptertest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// GoProxy answers as a Go module proxy does. Versions that are pseudo-versions are not in its lists.
func GoProxy(pkgs ...Package) http.Handler {
	w := newWorld(pkgs)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		if module, ok := strings.CutSuffix(path, "/@latest"); ok && len(w[unescape(module)]) > 0 {
			writeJSON(rw, "application/json", moduleInfo(w.latest(unescape(module))))
			return
		}
		module, file, ok := strings.Cut(path, "/@v/")
		module = unescape(module)
		if !ok || len(w[module]) == 0 || strings.ContainsFunc(path, unicode.IsUpper) {
			missing(rw, path)
			return
		}
		if file == "list" {
			rw.Header().Set("Content-Type", "text/plain; charset=UTF-8")
			for _, p := range w[module] {
				if !strings.HasPrefix(p.Version, "v0.0.0-") {
					_, _ = fmt.Fprintln(rw, p.Version)
				}
			}
			return
		}
		dot := strings.LastIndexByte(file, '.')
		p, found := w.version(module, unescape(file[:max(dot, 0)]))
		if !found {
			missing(rw, path)
			return
		}
		switch file[dot:] {
		case ".info":
			writeJSON(rw, "application/json", moduleInfo(p))
		case ".mod":
			_, _ = rw.Write([]byte(goMod(p)))
		case ".zip":
			_, _ = rw.Write(p.Bytes("golang"))
		default:
			missing(rw, path)
		}
	})
}

func missing(rw http.ResponseWriter, path string) {
	http.Error(rw, "not found: "+path+": no matching versions", http.StatusNotFound)
}

func moduleInfo(p Package) object {
	return object{"Version": p.Version, "Time": Published(), "Origin": object{"VCS": "git", "URL": "https://example.com/origin"}}
}

func goMod(p Package) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s // a comment\n\ngo 1.21.0\n\ntoolchain go1.22.1\n\nrequire (\n", p.Name)
	for _, d := range slices.Sorted(maps.Keys(p.Dependencies)) {
		fmt.Fprintf(&b, "\t%s %s // indirect\n", d, p.Dependencies[d])
	}
	b.WriteString(")\n\nrequire example.com/single v1.0.0\n\nexclude example.com/single v1.1.0\n\n" +
		"replace (\n\texample.com/old v1.0.0 => example.com/new v1.2.0\n)\n\nretract [v1.0.0, v1.0.5] // bad\n")
	return b.String()
}

// unescape undoes the proxy protocol's escaping of capitals.
func unescape(s string) string {
	var b strings.Builder
	up := false
	for _, r := range s {
		switch {
		case r == '!':
			up = true
			continue
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}
