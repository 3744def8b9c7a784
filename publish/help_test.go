package publish_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/pantry-go/pantry/pack"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// packed packs a package with files that hold their names.
func packed(t *testing.T, manifest string, files ...string) *pack.Package {
	t.Helper()
	dir := t.TempDir()
	for _, f := range append(files, "package.json") {
		text := f
		if f == "package.json" {
			text = manifest
		}
		if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := pack.Dir(t.Context(), dir, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// site is a registry that can misbehave.
type site struct {
	memory *registrytest.Memory
	*registrytest.Scripted
}

func (s *site) puts() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			n++
		}
	}
	return n
}

// world is a manager with registries that are served over the loopback interface.
type world struct {
	*registry.Manager
	sites map[string]*site
}

func newWorld(t *testing.T, configs ...registry.Config) *world {
	t.Helper()
	w := &world{registry.NewManager(registry.Options{}), map[string]*site{}}
	for _, c := range configs {
		s := &site{memory: registrytest.NewMemory(c.Name)}
		handler := npm.Handler(s.memory, npm.HandlerOptions{})
		if c.Type == "custom" {
			handler = custom.Handler(s.memory, custom.HandlerOptions{})
		}
		s.Scripted = registrytest.NewScripted(handler)
		server := httptest.NewServer(s.Scripted)
		t.Cleanup(server.Close)
		t.Cleanup(s.Scripted.Close)
		w.sites[c.Name] = s
		c.URL = server.URL
		c.Retries = new(int)
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	return w
}
