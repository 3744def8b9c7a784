package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// tree is a node_modules by path.
type tree map[string]place

// place is what stands at a path.
type place struct {
	pkg  string   // name@version
	link bool     // a link to a place of the same package above
	deps []string // the names under which it needs others, peers too
}

// npmLock is what is read of a package-lock.json.
type npmLock struct {
	Packages map[string]npmPackage `json:"packages"`
}

type npmPackage struct {
	Name                 string            `json:"name"`
	Version              string            `json:"version"`
	Link                 bool              `json:"link"`
	Resolved             string            `json:"resolved"`
	InBundle             bool              `json:"inBundle"`
	Bundle               []string          `json:"bundleDependencies"`
	Dependencies         map[string]string `json:"dependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
	PeerDependencies     map[string]string `json:"peerDependencies"`
}

// npmTree reads a package-lock.json. What is inside the files of a package ("inBundle") is counted
// and left out: Pantry takes such files as they are.
func npmTree(data []byte) (t tree, bundled int, err error) {
	var l npmLock
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, 0, fmt.Errorf("package-lock.json: %w", err)
	}
	t = tree{}
	for path, p := range l.Packages {
		if path == "" {
			continue
		}
		if p.InBundle {
			bundled++
			continue
		}
		if p.Link {
			target := l.Packages[p.Resolved]
			p.Name, p.Version = target.Name, target.Version
		}
		if p.Name == "" {
			p.Name = lastName(path)
		}
		t[path] = place{pkg: p.Name + "@" + p.Version, link: p.Link, deps: p.needs()}
	}
	return t, bundled, nil
}

func (p npmPackage) needs() []string {
	var names []string
	for _, deps := range []map[string]string{p.PeerDependencies, p.Dependencies, p.OptionalDependencies} {
		for name := range deps {
			if !slices.Contains(p.Bundle, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func lastName(path string) string {
	const folder = "node_modules/"
	return path[strings.LastIndex(path, folder)+len(folder):]
}

// pantryTree lays a pantry.lock out, for all platforms.
func pantryTree(l *lockfile.Lock) (tree, error) {
	laid, err := link.Hoist(l, link.HoistOptions{})
	if err != nil {
		return nil, err
	}
	t := tree{}
	for _, pl := range laid.Placements {
		p := l.Packages[pl.ID]
		t[pl.Path] = place{pkg: p.Name + "@" + p.Version, link: pl.Link != ""}
	}
	return t, nil
}

// find looks a name up as Node.js does from the package at path.
func (t tree) find(path, name string) (place, bool) {
	for {
		if p, ok := t[path+"/node_modules/"+name]; ok {
			return p, true
		}
		at := strings.LastIndex(path, "/node_modules/")
		if at < 0 {
			p, ok := t["node_modules/"+name]
			return p, ok
		}
		path = path[:at]
	}
}

// graph says what packages get: package -> name of a dependency -> the packages that its copies get.
type graph map[string]map[string]map[string]bool

func (g graph) add(pkg, name, to string) {
	if g[pkg] == nil {
		g[pkg] = map[string]map[string]bool{}
	}
	if name == "" {
		return
	}
	if g[pkg][name] == nil {
		g[pkg][name] = map[string]bool{}
	}
	g[pkg][name][to] = true
}

// graph reads the graph off a tree.
func (t tree) graph() graph {
	g := graph{}
	for path, p := range t {
		if p.link {
			continue
		}
		g.add(p.pkg, "", "")
		for _, name := range p.deps {
			if to, ok := t.find(path, name); ok {
				g.add(p.pkg, name, to.pkg)
			}
		}
	}
	return g
}

// kinds says of what kind a dependency is: by package and name.
type kinds map[[2]string]lockfile.Dependency

// lockGraph reads the graph off a lockfile, which is what the isolated layout links.
func lockGraph(l *lockfile.Lock) (graph, kinds) {
	g, k := graph{}, kinds{}
	for _, p := range l.Packages {
		pkg := p.Name + "@" + p.Version
		g.add(pkg, "", "")
		for name, d := range p.Dependencies {
			k[[2]string{pkg, name}] = d
			if to := l.Packages[d.ID]; to != nil {
				g.add(pkg, name, to.Name+"@"+to.Version)
			}
		}
	}
	return g, k
}
