package adaptertest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Crates answers as a sparse index of Cargo does, with the API and the downloads of crates.io at the
// same place. What dl is in config.json can be given: "" is a URL without markers.
func Crates(dl string, pkgs ...Package) http.Handler {
	w := newWorld(pkgs)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config.json", func(rw http.ResponseWriter, r *http.Request) {
		d := base(r) + "/crates"
		if dl != "" {
			d = base(r) + dl
		}
		writeJSON(rw, "application/json", object{"dl": d, "api": base(r)})
	})
	index := func(rw http.ResponseWriter, r *http.Request) {
		last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		for name, versions := range w {
			if strings.ToLower(name) != last || r.URL.Path != indexPath(last) {
				continue
			}
			rw.Header().Set("Content-Type", "text/plain")
			for _, p := range versions {
				b, _ := json.Marshal(crateLine(p))
				_, _ = rw.Write(append(b, '\n'))
			}
			return
		}
		http.NotFound(rw, r)
	}
	mux.HandleFunc("GET /{dir}/{name}", index)
	mux.HandleFunc("GET /{dir}/{sub}/{name}", index)
	mux.HandleFunc("GET /api/v1/crates/{name}/{version}", func(rw http.ResponseWriter, r *http.Request) {
		p, ok := w.version(r.PathValue("name"), r.PathValue("version"))
		if !ok {
			rw.WriteHeader(http.StatusNotFound)
			writeJSON(rw, "application/json", object{"errors": []any{object{"detail": "not found"}}})
			return
		}
		writeJSON(rw, "application/json", object{"version": object{
			"crate": p.Name, "num": p.Version, "description": p.Description, "license": p.License, "homepage": nil,
			"repository": "https://example.com/" + p.Name, "created_at": Published(), "yanked": p.Withdrawn, "yank_message": nil,
			"crate_size": len(p.Bytes("cargo")), "published_by": object{"name": "Ada", "login": "ada"},
		}})
	})
	mux.HandleFunc("GET /api/v1/crates", func(rw http.ResponseWriter, r *http.Request) {
		found := []any{}
		for _, p := range w.search(r.URL.Query().Get("q")) {
			found = append(found, object{
				"id": p.Name, "name": p.Name, "description": p.Description, "max_version": p.Version,
				"max_stable_version": p.Version, "homepage": nil, "repository": nil, "downloads": 1,
			})
		}
		writeJSON(rw, "application/json", object{"crates": found, "meta": object{"total": len(found)}})
	})
	download := func(rw http.ResponseWriter, r *http.Request) {
		name, version := r.PathValue("name"), r.PathValue("version")
		p, ok := w.version(name, strings.TrimSuffix(version, ".crate"))
		if !ok {
			http.NotFound(rw, r)
			return
		}
		_, _ = rw.Write(p.Bytes("cargo"))
	}
	mux.HandleFunc("GET /crates/{name}/{version}/download", download)
	mux.HandleFunc("GET /files/{a}/{b}/{name}/{version}", download)
	return mux
}

func indexPath(name string) string {
	switch len(name) {
	case 1, 2:
		return "/" + string('0'+rune(len(name))) + "/" + name
	case 3:
		return "/3/" + name[:1] + "/" + name
	}
	return "/" + name[:2] + "/" + name[2:4] + "/" + name
}

func crateLine(p Package) object {
	deps := []any{}
	for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
		deps = append(deps, object{
			"name": name, "req": p.Dependencies[name], "features": []any{}, "optional": false, "default_features": true,
			"target": nil, "kind": "normal",
		})
	}
	deps = append(deps,
		object{"name": "renamed", "package": "real-name", "req": "^1", "optional": false, "kind": "build", "target": nil},
		object{"name": "extra", "req": "^9", "optional": true, "kind": "normal", "target": nil},
		object{"name": "tester", "req": "^0.3", "optional": false, "kind": "dev", "target": nil})
	return object{
		"name": p.Name, "vers": p.Version, "deps": deps, "cksum": digest(p.Bytes("cargo")), "features": object{},
		"yanked": p.Withdrawn, "links": nil, "v": 2, "rust_version": "1.70",
	}
}
