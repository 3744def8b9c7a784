package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pantry-go/pantry/bench/replay"
	"github.com/pantry-go/pantry/bench/tree"
	"github.com/pantry-go/pantry/semver"
)

// catalog answers the questions of package tree from the replay registry's files, and keeps what it had to unpack. It
// is safe for concurrent use.
type catalog struct {
	replay *replay.Registry
	dir    string

	packages  sync.Map // name@version -> *tree.Package
	manifests sync.Map // name -> map[string]*tree.Manifest, as far as they were asked for
}

// Package returns one version with the list of its files.
func (c *catalog) Package(ctx context.Context, name, version string) (*tree.Package, error) {
	key := name + "@" + version
	if p, ok := c.packages.Load(key); ok {
		return p.(*tree.Package), nil
	}
	file := filepath.Join(c.dir, url.PathEscape(key))
	p := &tree.Package{}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, p)
	}
	if err != nil {
		if p, err = c.make(ctx, name, version); err != nil {
			return nil, err
		}
		if data, err = json.Marshal(p); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, err
		}
	}
	c.packages.Store(key, p)
	return p, nil
}

// make reads a version's packument and tarball.
func (c *catalog) make(ctx context.Context, name, version string) (*tree.Package, error) {
	doc, err := c.versions(ctx, name)
	if err != nil {
		return nil, err
	}
	raw, ok := doc[version]
	for v := range doc {
		if !ok && same(v, version) {
			raw, ok = doc[v], true
		}
	}
	if !ok {
		return nil, fs.ErrNotExist
	}
	p := &tree.Package{}
	var dist struct {
		Dist struct{ Tarball string }
	}
	if err := json.Unmarshal(raw, &p.Manifest); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &dist); err != nil {
		return nil, err
	}
	path, err := url.PathUnescape(strings.TrimPrefix(dist.Dist.Tarball, c.replay.Base+"/"))
	if err != nil {
		return nil, err
	}
	r, err := c.replay.Tarball(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("tarball %s: %w", path, err)
	}
	defer r.Close()
	p.Files, err = tree.ReadTarball(r)
	return p, err
}

// same reports whether two spellings mean one version, as "v1.0.0" and "1.0.0" do.
func same(a, b string) bool {
	x, errX := semver.ParseLoose(a)
	y, errY := semver.ParseLoose(b)
	return errX == nil && errY == nil && semver.Compare(x, y) == 0
}

// Manifests returns all versions of a package.
func (c *catalog) Manifests(ctx context.Context, name string) (map[string]*tree.Manifest, error) {
	if m, ok := c.manifests.Load(name); ok {
		return m.(map[string]*tree.Manifest), nil
	}
	doc, err := c.versions(ctx, name)
	if err != nil {
		return nil, err
	}
	out := map[string]*tree.Manifest{}
	for v, raw := range doc {
		m := &tree.Manifest{}
		if json.Unmarshal(raw, m) == nil { // nobody installs what is not a manifest
			out[v] = m
		}
	}
	c.manifests.Store(name, out)
	return out, nil
}

func (c *catalog) versions(ctx context.Context, name string) (map[string]json.RawMessage, error) {
	data, err := c.replay.Packument(ctx, name, true)
	if err != nil {
		return nil, fmt.Errorf("packument of %s: %w", name, err)
	}
	var doc struct{ Versions map[string]json.RawMessage }
	err = json.Unmarshal(data, &doc)
	return doc.Versions, err
}
