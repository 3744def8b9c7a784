package adaptertest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// RubyGems answers as the API and the files of rubygems.org do.
func RubyGems(pkgs ...Package) http.Handler {
	w := newWorld(pkgs)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/versions/{file}", func(rw http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutSuffix(r.PathValue("file"), ".json")
		if !ok || len(w[name]) == 0 {
			http.Error(rw, "This rubygem could not be found.", http.StatusNotFound)
			return
		}
		all := []any{}
		for _, p := range slices.Backward(w[name]) { // the newest first
			if p.Withdrawn {
				continue
			}
			all = append(all, object{
				"authors": "Ada", "built_at": Published(), "created_at": Published(), "description": "long", "downloads_count": 3,
				"metadata": object{"homepage_uri": "https://" + name + ".example.com"}, "number": p.Version, "summary": p.Description,
				"platform": platform(p), "rubygems_version": ">= 0", "ruby_version": ">= 2.7", "prerelease": p.Prerelease,
				"licenses": licenses(p), "requirements": []any{}, "sha": digest(p.Bytes("gem")), "spec_sha": "x",
			})
		}
		writeJSON(rw, "application/json", all)
	})
	mux.HandleFunc("GET /api/v2/rubygems/{name}/versions/{file}", func(rw http.ResponseWriter, r *http.Request) {
		version, _ := strings.CutSuffix(r.PathValue("file"), ".json")
		for _, p := range w[r.PathValue("name")] {
			if p.Version != version || platform(p) != r.URL.Query().Get("platform") || p.Withdrawn {
				continue
			}
			runtime := []any{}
			for _, d := range slices.Sorted(maps.Keys(p.Dependencies)) {
				runtime = append(runtime, object{"name": d, "requirements": p.Dependencies[d]})
			}
			writeJSON(rw, "application/json", object{
				"name": p.Name, "version": p.Version, "platform": platform(p), "info": "long", "licenses": licenses(p),
				"sha": digest(p.Bytes("gem")), "yanked": false, "gem_uri": base(r) + "/gems/" + gemFile(p),
				"homepage_uri": nil, "source_code_uri": "https://example.com/" + p.Name,
				"dependencies": object{"runtime": runtime, "development": []any{object{"name": "rspec", "requirements": "~> 3.0"}}},
			})
			return
		}
		http.Error(rw, "This version could not be found.", http.StatusNotFound)
	})
	mux.HandleFunc("GET /api/v1/search.json", func(rw http.ResponseWriter, r *http.Request) {
		const page = 2 // gems a page; rubygems.org has 30
		all := w.search(r.URL.Query().Get("query"))
		for n := r.URL.Query().Get("page"); n > "1"; n = string(n[0] - 1) {
			all = all[min(page, len(all)):]
		}
		found := []any{}
		for _, p := range all[:min(page, len(all))] {
			found = append(found, object{"name": p.Name, "version": p.Version, "info": p.Description, "licenses": nil, "homepage_uri": nil})
		}
		writeJSON(rw, "application/json", found)
	})
	mux.HandleFunc("GET /gems/{file}", func(rw http.ResponseWriter, r *http.Request) {
		for _, versions := range w {
			for _, p := range versions {
				if gemFile(p) == r.PathValue("file") {
					_, _ = rw.Write(p.Bytes("gem"))
					return
				}
			}
		}
		http.NotFound(rw, r)
	})
	return mux
}

func platform(p Package) string {
	if p.Platform == "" {
		return "ruby"
	}
	return p.Platform
}

func licenses(p Package) any {
	if p.License == "" {
		return nil
	}
	return []any{p.License}
}

func gemFile(p Package) string {
	if p.Platform != "" {
		return p.Name + "-" + p.Version + "-" + p.Platform + ".gem"
	}
	return p.Name + "-" + p.Version + ".gem"
}
