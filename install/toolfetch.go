package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/fetch"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

// startTool fetches a tool's artifact for this platform.
func (f *fetches) startTool(p *lockfile.Package) *fetching {
	b, ok := p.Tool.Build(f.run.toolPlatform())
	if !ok {
		return failedFetch(noBuild(p, f.run.toolPlatform()))
	}
	return f.once(p, func(ctx context.Context) (fetch.Result, error) {
		return f.fetcher.FetchTool(ctx, fetch.ToolRequest{
			Registry: p.Registry,
			Artifact: pantry.Artifact{Name: p.Name, Version: p.Version, Integrity: b.Integrity},
			File:     b.File, Strip: b.Strip, Executable: b.Executable,
		})
	})
}

// noBuild tells for which platforms there is one.
func noBuild(p *lockfile.Package, pl pantry.Platform) error {
	var have []string
	for _, b := range p.Tool.Builds {
		have = append(have, b.Platform.String())
	}
	slices.Sort(have)
	ref := pantry.Ref{Registry: p.Registry, Name: p.Name, Version: p.Version}
	err := fmt.Errorf("there is no build for %s: %w", pl, pantry.ErrPolicy)
	return pantry.WithHint(&pantry.Error{Op: "install", Ref: ref, Err: err}, "there are builds for %s", strings.Join(have, ", "))
}

// locate asks a registry where the bytes of an artifact are.
func (f *fetches) locate(ctx context.Context, e *registry.Entry, a pantry.Artifact) (string, error) {
	m, _, err := f.run.Registries.Lookup(ctx, registry.Request{Name: a.Name, Version: a.Version, Registry: e.Name(), NPMStyle: e.NPMStyle()})
	if err != nil {
		return "", err
	}
	if m.Tool == nil {
		return m.Artifact.URL, nil
	}
	for _, b := range m.Tool.Builds {
		if slices.Equal(lockable(b.Artifact.Integrity), a.Integrity) && b.Artifact.URL != "" {
			return b.Artifact.URL, nil
		}
	}
	ref := pantry.Ref{Registry: e.Name(), Name: a.Name, Version: a.Version}
	return "", &pantry.Error{Op: "download", Ref: ref, Err: fmt.Errorf("the registry has no artifact with the locked digest %s any more: %w", a.Integrity, pantry.ErrIntegrity)}
}
