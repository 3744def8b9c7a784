package adaptertest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// PyPI answers as an index with the simple API in JSON (PEP 691, 700), the JSON API and files. Each
// version has its sources, and a wheel for every platform but for versions of the name "sources-only".
func PyPI(pkgs ...Package) http.Handler {
	w := newWorld(pkgs)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/{name}/", func(rw http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if len(w[name]) == 0 {
			http.Error(rw, "404 Not Found", http.StatusNotFound)
			return
		}
		const simple = "application/vnd.pypi.simple.v1+json"
		if !strings.Contains(r.Header.Get("Accept"), simple) {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(rw, "<!DOCTYPE html><title>Links for %s</title>", name)
			return
		}
		doc := object{"meta": object{"api-version": "1.1", "_last-serial": 1}, "name": name}
		versions, files := []any{}, []any{}
		for _, p := range w[name] {
			versions = append(versions, p.Version)
			for _, f := range pythonFiles(p) {
				files = append(files, f.simple(r, p))
			}
		}
		doc["versions"], doc["files"] = versions, files
		writeJSON(rw, simple, doc)
	})
	mux.HandleFunc("GET /pypi/{name}/{version}/json", func(rw http.ResponseWriter, r *http.Request) {
		p, ok := w.version(r.PathValue("name"), r.PathValue("version"))
		if !ok {
			rw.WriteHeader(http.StatusNotFound)
			writeJSON(rw, "application/json", object{"message": "Not Found"})
			return
		}
		requires := []any{}
		for _, d := range slices.Sorted(maps.Keys(p.Dependencies)) {
			requires = append(requires, d+p.Dependencies[d])
		}
		requires = append(requires, `PySocks!=1.5.7,>=1.5.6; extra == "socks"`)
		info := object{
			"name": strings.ToUpper(p.Name[:1]) + p.Name[1:], "version": p.Version, "summary": p.Description,
			"home_page": "", "author": nil, "author_email": "Ada <ada@example.com>", "license": p.License, "license_expression": nil,
			"keywords": "http, web", "requires_dist": requires, "requires_python": ">=3.8",
			"project_urls": object{"Homepage": "https://" + p.Name + ".example.com", "Source": "https://example.com/" + p.Name},
			"yanked":       p.Withdrawn, "yanked_reason": nil, "classifiers": []any{"License :: OSI Approved :: Apache Software License"},
		}
		if p.Withdrawn {
			info["yanked_reason"] = "broken"
		}
		urls := []any{}
		for _, f := range pythonFiles(p) {
			urls = append(urls, object{"filename": f.name, "digests": object{"sha256": digest(f.data)}, "size": len(f.data), "packagetype": "sdist"})
		}
		writeJSON(rw, "application/json", object{"info": info, "last_serial": 1, "urls": urls, "vulnerabilities": []any{}})
	})
	mux.HandleFunc("GET /packages/{file}", func(rw http.ResponseWriter, r *http.Request) {
		for _, versions := range w {
			for _, p := range versions {
				for _, f := range pythonFiles(p) {
					if f.name == r.PathValue("file") {
						_, _ = rw.Write(f.data)
						return
					}
				}
			}
		}
		http.NotFound(rw, r)
	})
	return mux
}

type pythonFile struct {
	name string
	data []byte
}

// pythonFiles are the sources, which come first in an index, a wheel for one platform and one for all.
func pythonFiles(p Package) []pythonFile {
	stem := strings.ReplaceAll(p.Name, "-", "_") + "-" + p.Version
	data := p.Bytes("pypi")
	files := []pythonFile{{stem + ".tar.gz", data}}
	if p.Name != "sources-only" {
		for _, tag := range []string{"cp312-cp312-manylinux_2_17_x86_64", "py3-none-any"} {
			files = append(files, pythonFile{stem + "-" + tag + ".whl", append(data[:len(data):len(data)], tag...)})
		}
	}
	return files
}

func (f pythonFile) simple(r *http.Request, p Package) object {
	var yanked any = false
	if p.Withdrawn {
		yanked = "broken"
	}
	return object{
		"filename": f.name, "url": base(r) + "/packages/" + f.name, "hashes": object{"sha256": digest(f.data)},
		"requires-python": ">=3.8", "size": len(f.data), "upload-time": Published().Format("2006-01-02T15:04:05.000000Z"),
		"yanked": yanked, "core-metadata": false,
	}
}
