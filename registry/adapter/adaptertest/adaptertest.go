// Package adaptertest has servers that answer as PyPI, crates.io, RubyGems and a Go module proxy do,
// for tests of what reads them. Their answers have the members that the public documentation of each
// names, and the oddities that clients meet: names in other spellings, withdrawn versions, several
// files for a version, numbers and nulls where a text would be.
package adaptertest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Package is one version of one package.
type Package struct {
	Name, Version string
	Description   string
	License       string
	// Dependencies are constraints by name, in the ecosystem's words.
	Dependencies map[string]string
	Withdrawn    bool
	// Prerelease versions are not what a registry calls latest.
	Prerelease bool
	// Platform is that of a gem; "" is ruby.
	Platform string
}

// Published is when the servers say that every version was Published().
func Published() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) }

// world groups versions by package, in the order they were given.
type world map[string][]Package

func newWorld(pkgs []Package) world {
	w := world{}
	for _, p := range pkgs {
		w[p.Name] = append(w[p.Name], p)
	}
	return w
}

func (w world) version(name, version string) (Package, bool) {
	for _, p := range w[name] {
		if p.Version == version {
			return p, true
		}
	}
	return Package{}, false
}

// latest is the last version that is neither withdrawn nor a prerelease.
func (w world) latest(name string) Package {
	all := w[name]
	for _, p := range slices.Backward(all) {
		if !p.Withdrawn && !p.Prerelease {
			return p
		}
	}
	return all[len(all)-1]
}

// search finds packages with text in name or description.
func (w world) search(text string) []Package {
	var found []Package
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if p := w.latest(name); strings.Contains(name+" "+p.Description, text) {
			found = append(found, p)
		}
	}
	return found
}

// Bytes are the artifact of a version: of a module a zip, of the others a gzip'd tar.
func (p Package) Bytes(ecosystem string) []byte {
	var b bytes.Buffer
	content := []byte("this is " + p.Name + " " + p.Version + " " + p.Platform + "\n")
	if ecosystem == "golang" {
		z := zip.NewWriter(&b)
		f, _ := z.Create(p.Name + "@" + p.Version + "/README")
		_, _ = f.Write(content)
		_ = z.Close()
		return b.Bytes()
	}
	g := gzip.NewWriter(&b)
	t := tar.NewWriter(g)
	_ = t.WriteHeader(&tar.Header{Name: p.Name + "-" + p.Version + "/README", Mode: 0o644, Size: int64(len(content))})
	_, _ = t.Write(content)
	_ = t.Close()
	_ = g.Close()
	return b.Bytes()
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

type object = map[string]any

func writeJSON(w http.ResponseWriter, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// base is the URL a server was asked at.
func base(r *http.Request) string { return "http://" + r.Host }
