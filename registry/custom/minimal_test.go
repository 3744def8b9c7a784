package custom_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// exampleServer is the least that the documentation asks of a server: it knows every package,
// has no tags and gives versions newest first. checksum is what it says of each tarball. With
// shadowed, its route for one version catches the list of versions too.
func exampleServer(checksum string, shadowed bool) http.Handler {
	write := func(w http.ResponseWriter, doc any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(doc)
	}
	version := func(r *http.Request, v string) map[string]string {
		name := r.PathValue("name")
		return map[string]string{
			"name": name, "version": v, "description": "A custom package", "checksum": checksum,
			"tarballUrl": fmt.Sprintf("http://%s/packages/%s/%s/tarball", r.Host, name, v),
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /packages/{name}", func(w http.ResponseWriter, r *http.Request) { write(w, version(r, "1.1.0")) })
	mux.HandleFunc("GET /packages/{name}/{version}", func(w http.ResponseWriter, r *http.Request) { write(w, version(r, r.PathValue("version"))) })
	if !shadowed {
		mux.HandleFunc("GET /packages/{name}/versions", func(w http.ResponseWriter, r *http.Request) {
			write(w, map[string]any{"versions": []string{"1.1.0", "1.0.0"}})
		})
	}
	mux.HandleFunc("GET /packages/{name}/{version}/tarball", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(exampleTarball)
	})
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		write(w, map[string]any{"results": []map[string]string{
			{"name": "package1", "version": "1.0.0", "description": "First result for " + r.FormValue("q")},
			{"name": "package2", "version": "2.0.0", "description": "Second result"},
		}})
	})
	mux.HandleFunc("POST /packages", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		write(w, map[string]bool{"success": true})
	})
	return mux
}

var exampleTarball = registrytest.Tarball(registrytest.Pkg{Name: "my-package", Version: "1.0.0"})

func TestExampleServer(t *testing.T) {
	t.Parallel()
	sum := "sha256:" + integrity.Sum(integrity.SHA256, exampleTarball).Hex()
	r, url := connect(t, exampleServer(sum, false))
	ctx := t.Context()

	m, err := r.Metadata(ctx, "my-package", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "my-package" || m.Version != "1.0.0" || m.Description != "A custom package" || m.Registry != "acme" ||
		m.Artifact.URL != url+"/packages/my-package/1.0.0/tarball" {
		t.Errorf("metadata = %+v", m)
	}
	body, err := r.Open(ctx, m.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(integrity.NewReader(body, m.Artifact.Integrity)); err != nil || len(got) != len(exampleTarball) {
		t.Errorf("tarball: %d bytes, %v", len(got), err)
	}
	for _, latest := range []string{"", "latest"} {
		if m, err := r.Metadata(ctx, "my-package", latest); err != nil || m.Version != "1.1.0" {
			t.Errorf("Metadata(%q) = %v, %v; want 1.1.0", latest, m, err)
		}
	}
	p, err := r.Package(ctx, "my-package")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Versions(); !slices.Equal(got, []string{"1.0.0", "1.1.0"}) || p.Tags()["latest"] != "1.1.0" {
		t.Errorf("versions = %q, tags = %v", got, p.Tags())
	}
	if m, err := p.Metadata("1.0.0"); err != nil || m.Version != "1.0.0" {
		t.Errorf("Package.Metadata = %v, %v", m, err)
	}
	found, err := r.Search(ctx, pantry.Query{Text: "a & b"})
	if err != nil || len(found) != 2 || found[0].Description != "First result for a & b" || found[1].Version != "2.0.0" {
		t.Errorf("search = %+v, %v", found, err)
	}
	if err := r.Publish(ctx, publication("my-package", "1.0.0")); err != nil {
		t.Errorf("publish: %v", err)
	}
	if err := r.Ping(ctx); err != nil {
		t.Errorf("ping, which the server does not have: %v", err)
	}
	if err := r.SetTag(ctx, "my-package", "beta", "1.0.0"); err == nil {
		t.Error("a server without tags took one")
	}
}

// TestExampleServerShadowed: the list of versions cannot be read, but what is known can.
func TestExampleServerShadowed(t *testing.T) {
	t.Parallel()
	r, _ := connect(t, exampleServer(goodChecksum, true))
	p, err := r.Package(t.Context(), "my-package")
	if err != nil || !slices.Equal(p.Versions(), []string{"1.1.0"}) {
		t.Errorf("package = %v, %v; want the version that is known", p, err)
	}
}

func TestExampleServerPlaceholder(t *testing.T) {
	t.Parallel()
	for _, checksum := range []string{"sha256:abc123...", "", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha512-short"} {
		server := exampleServer(checksum, false)
		r, _ := connect(t, server)
		_, err := r.Metadata(t.Context(), "my-package", "1.0.0")
		if !errors.Is(err, pantry.ErrPolicy) {
			t.Fatalf("checksum %q: %v; want it to match %q", checksum, err, pantry.ErrPolicy)
		}
		if checksum != "" && !errors.Is(err, integrity.ErrMalformed) {
			t.Errorf("checksum %q: %v; want it to match %q", checksum, err, integrity.ErrMalformed)
		}
		for _, part := range []string{"my-package@1.0.0", `"acme"`, checksum} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("checksum %q: the message lacks %q: %v", checksum, part, err)
			}
		}
		if hint := pantry.Hint(err); !strings.Contains(hint, "allowMissingChecksum") || !strings.Contains(hint, "acme") {
			t.Errorf("checksum %q: the hint is %q", checksum, hint)
		}
		// What can be said without the checksum is said.
		p, err := r.Package(t.Context(), "my-package")
		if err != nil || len(p.Versions()) != 2 {
			t.Errorf("checksum %q: Package = %v, %v", checksum, p, err)
		} else if _, err := p.Metadata("1.1.0"); !errors.Is(err, pantry.ErrPolicy) {
			t.Errorf("checksum %q: Package.Metadata: %v", checksum, err)
		}

		allowed, _ := connect(t, server, unverified)
		m, err := allowed.Metadata(t.Context(), "my-package", "1.0.0")
		if err != nil || len(m.Artifact.Integrity) != 0 {
			t.Errorf("checksum %q, allowed: %v, %v; want no integrity", checksum, m, err)
		}
	}
}
