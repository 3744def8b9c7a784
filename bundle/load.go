package bundle

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/fetch"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// Loaded tells what [Bundle.Load] did.
type Loaded struct {
	Loaded  int `json:"loaded"`
	Present int `json:"present"` // that the store had
	LeftOut int `json:"leftOut"` // for other platforms
}

// Load brings into a store what a machine of the given platforms (in Node's words, and in Go's for
// tools) needs of the bundle, so that an install of its lockfile needs no network. Everything is
// verified on the way, as if it came from its registry.
func (b *Bundle) Load(ctx context.Context, s *store.Store, node lockfile.Platform, tools pantry.Platform) (*Loaded, error) {
	f := fetch.New(fetch.Options{Store: s, Open: func(ctx context.Context, registry string, a pantry.Artifact) (io.ReadCloser, error) {
		r, ok := b.readers[registry]
		if !ok {
			return nil, fmt.Errorf("the bundle has nothing of registry %q: %w", registry, pantry.ErrNotFound)
		}
		return r.Open(ctx, a)
	}})
	defer f.Wait()
	var loaded, present, left atomic.Int64
	var g errgroup.Group
	g.SetLimit(loads)
	all := versionsOf(b.Lock)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		p := all[id]
		a := pantry.Artifact{Name: p.Name, Version: p.Version, Integrity: p.Integrity}
		var get func() (fetch.Result, error)
		if p.Tool == nil {
			get = func() (fetch.Result, error) { return f.Fetch(ctx, fetch.Request{Registry: p.Registry, Artifact: a}) }
		} else if build, ok := p.Tool.Build(tools); ok {
			a.Integrity = build.Integrity
			get = func() (fetch.Result, error) {
				return f.FetchTool(ctx, fetch.ToolRequest{
					Registry: p.Registry, Artifact: a, File: build.File, Strip: build.Strip, Executable: build.Executable,
				})
			}
		}
		if get == nil || p.Tool == nil && !p.Supports(node) || !needed(b.Index.Platforms, p) {
			left.Add(1)
			continue
		}
		g.Go(func() error {
			res, err := get()
			switch {
			case err != nil:
			case res.FromStore:
				present.Add(1)
			default:
				loaded.Add(1)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return &Loaded{Loaded: int(loaded.Load()), Present: int(present.Load()), LeftOut: int(left.Load())}, nil
}

// loads is how many packages are unpacked at once: enough for the processors of most machines, and
// few enough for their memory.
const loads = 8
