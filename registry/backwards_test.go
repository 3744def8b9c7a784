package registry_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// forgetful is a registry that is behind what it said before.
type forgetful struct{ *registrytest.Memory }

func (f forgetful) Package(ctx context.Context, name string) (pantry.Package, error) {
	pantry.NoteBackwards(ctx, "latest was 2.0.0 and is 1.0.0\x1b[2J")
	return f.Memory.Package(ctx, name)
}

// A registry that goes back on what it said is named in a warning, with the package.
func TestBackwards(t *testing.T) {
	t.Parallel()
	m := registry.NewManager(registry.Options{})
	must(t, m.AddRegistry(registry.Config{Name: "acme"}, forgetful{registrytest.NewMemory("acme", registrytest.Pkg{Name: "pad", Version: "1.0.0"})}))
	_, d, err := m.Find(t.Context(), registry.Request{Name: "pad"})
	must(t, err)
	want := "registry acme has gone back on what it said of pad: latest was 2.0.0 and is 1.0.0"
	if len(d.Warnings) != 1 || !strings.HasPrefix(d.Warnings[0], want) || strings.ContainsRune(d.Warnings[0], '\x1b') {
		t.Errorf("warnings %q", d.Warnings)
	}
	if !strings.HasPrefix(d.Attempts[0].Backwards, "latest was") {
		t.Errorf("attempt %+v", d.Attempts[0])
	}
}
