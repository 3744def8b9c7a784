package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// tree is a node_modules by path.
type tree map[string]place

// place is what stands at a path.
type place struct {
	pkg  string            // name@version
	link bool              // a link to a place of the same package above
	deps map[string]string // dependencies, optional ones and peers: name -> "", "optional" or "peer"
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
	Dependencies         map[string]string `json:"dependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
	PeerDependencies     map[string]string `json:"peerDependencies"`
	PeerDependenciesMeta map[string]struct {
		Optional bool `json:"optional"`
	} `json:"peerDependenciesMeta"`
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

func (p npmPackage) needs() map[string]string {
	deps := map[string]string{}
	for name := range p.PeerDependencies {
		deps[name] = "peer"
	}
	for name := range p.Dependencies {
		deps[name] = ""
	}
	for name := range p.OptionalDependencies {
		deps[name] = "optional"
	}
	return deps
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
		deps := map[string]string{}
		for name, d := range p.Dependencies {
			switch {
			case d.Peer:
				deps[name] = "peer"
			case d.Optional:
				deps[name] = "optional"
			default:
				deps[name] = ""
			}
		}
		t[pl.Path] = place{pkg: p.Name + "@" + p.Version, link: pl.Link != "", deps: deps}
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

// graph says what each package's dependencies are: package -> the different sets of dependencies that
// its copies see, as "name=package" joined by spaces.
type graph map[string]map[string]map[string]string

func (g graph) add(pkg string, deps map[string]string) {
	if g[pkg] == nil {
		g[pkg] = map[string]map[string]string{}
	}
	g[pkg][fmt.Sprint(deps)] = deps
}

// graph reads the graph off a tree.
func (t tree) graph() graph {
	g := graph{}
	for path, p := range t {
		if p.link {
			continue
		}
		deps := map[string]string{}
		for name := range p.deps {
			if to, ok := t.find(path, name); ok {
				deps[name] = to.pkg
			}
		}
		g.add(p.pkg, deps)
	}
	return g
}

// lockGraph reads the graph off a lockfile: that is what the isolated layout links.
func lockGraph(l *lockfile.Lock) graph {
	g := graph{}
	for _, p := range l.Packages {
		deps := map[string]string{}
		for name, d := range p.Dependencies {
			if to := l.Packages[d.ID]; to != nil {
				deps[name] = to.Name + "@" + to.Version
			}
		}
		g.add(p.Name+"@"+p.Version, deps)
	}
	return g
}

func (g graph) packages() map[string]bool {
	set := map[string]bool{}
	for pkg := range maps.Keys(g) {
		set[pkg] = true
	}
	return set
}
