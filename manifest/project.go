package manifest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pantry-go/pantry"
)

// Project is the manifest of a folder: package.json, pantry.json or pantry.jsonc, or one of them
// beside package.json. It is not safe for concurrent use.
type Project struct {
	pkg      *source // package.json
	pantry   *source // pantry.json or pantry.jsonc
	manifest *Manifest
}

// ReadProject reads the manifest of dir. A folder without any is a project without wishes. Both
// pantry.json and pantry.jsonc, and one name that two files want differently, are errors.
func ReadProject(dir string) (*Project, error) {
	pkg, err := openSource(filepath.Join(dir, PackageJSON), false)
	if err != nil {
		return nil, err
	}
	pantrySource, err := openSource(filepath.Join(dir, PantryJSON), true)
	if err != nil {
		return nil, err
	}
	withComments, err := openSource(filepath.Join(dir, PantryJSONC), true)
	if err != nil {
		return nil, err
	}
	if withComments.doc != nil {
		if pantrySource.doc != nil {
			return nil, fmt.Errorf("%w: both %s and %s are in %s", pantry.ErrConfig, PantryJSON, PantryJSONC, dir)
		}
		pantrySource = withComments
	}
	p := &Project{pkg: pkg, pantry: pantrySource}
	p.manifest, err = p.merged()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// merged reads the current texts as one manifest.
func (p *Project) merged() (*Manifest, error) {
	var all []*reading
	for _, s := range []*source{p.pkg, p.pantry} {
		if s.doc == nil {
			continue
		}
		r, err := s.read()
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return &Manifest{File: p.pkg.path}, nil
	}
	return merge(all...)
}

// Manifest returns what the project wishes for, with the changes made so far. It is replaced, not
// changed, by Set and Remove.
func (p *Project) Manifest() *Manifest { return p.manifest }

// Files lists the files that the project has, or will have once it is saved.
func (p *Project) Files() []string {
	var out []string
	for _, s := range []*source{p.pkg, p.pantry} {
		if s.doc != nil {
			out = append(out, s.path)
		}
	}
	return out
}

// Set makes spec what is wished for under name, and takes the name out of the other sections; only
// a peer may be a dev dependency too. The entry stays in the file in which the name is. A new one
// goes to package.json, but to pantry.json where that is the only file, or where the wish names a
// registry, which npm would not understand. On an error nothing is changed.
func (p *Project) Set(kind Kind, name, spec string) error {
	section := ""
	for _, s := range sections {
		if s.kind == kind {
			section = s.name
		}
	}
	if section == "" {
		return fmt.Errorf("%w: no kind of dependency %q", pantry.ErrConfig, string(kind))
	}
	if err := checkKey(name, true); err != nil {
		return specError(name, err)
	}
	if err := checkValue(spec); err != nil {
		return specError(name, fmt.Errorf("what is wished for: %w", err))
	}
	name, spec = installName(name, strings.TrimSpace(spec))
	here, other := p.pkg, p.pantry
	if p.belongsToPantry(name, spec) {
		here, other = other, here
	}
	if section == "peerDependencies" && here == p.pantry {
		return fmt.Errorf("%w: a peer dependency of %s can stand in %s only", pantry.ErrConfig, name, PackageJSON)
	}
	return p.atomically(func() error {
		if other.doc != nil {
			if _, err := other.do(change{name: name}); err != nil {
				return err
			}
		}
		_, err := here.do(change{section, name, spec})
		return err
	})
}

// belongsToPantry says which of the two files is to hold the entry.
func (p *Project) belongsToPantry(name, spec string) bool {
	switch {
	case namesRegistry(name, spec):
		return true
	case p.pkg.holds(name):
		return false
	case p.pantry.holds(name):
		return true
	}
	return p.pkg.doc == nil && p.pantry.doc != nil
}

// namesRegistry says whether a wish holds what only Pantry understands.
func namesRegistry(name, spec string) bool {
	if strings.Contains(name, ":") {
		return true
	}
	prefix, _, ok := cutPrefix(spec)
	return ok && !isTransport(prefix) && !isGitHost(prefix) && !strings.EqualFold(prefix, "npm") && prefix != "jsr"
}

func (s *source) holds(name string) bool {
	if s.doc == nil {
		return false
	}
	r, err := s.read()
	if err != nil {
		return false
	}
	for _, w := range r.wishes {
		if w.name == name {
			return true
		}
	}
	return false
}

// Remove takes name out of all sections of all files. It is false if the name is in none. When
// what is left cannot stand alone (an override refers to the name), [Manifest.Unsupported] of the
// new manifest says so.
func (p *Project) Remove(name string) bool {
	name, _ = installName(name, "")
	if !p.pkg.holds(name) && !p.pantry.holds(name) {
		return false
	}
	removed := false
	for _, s := range []*source{p.pkg, p.pantry} {
		if !s.holds(name) {
			continue
		}
		changed, err := s.do(change{name: name})
		removed = removed || changed && err == nil
	}
	m, err := p.merged()
	if err != nil {
		left := *p.manifest
		left.Unsupported = append([]string{fmt.Sprintf("what is left without %q: %v", name, err)}, left.Unsupported...)
		m = &left
	}
	p.manifest = m
	return removed
}

// atomically undoes what f did to the texts if it fails or leaves a manifest that cannot be read.
func (p *Project) atomically(f func() error) error {
	pkg, pantrySource := *p.pkg, *p.pantry
	err := f()
	var m *Manifest
	if err == nil {
		m, err = p.merged()
	}
	if err != nil {
		*p.pkg, *p.pantry = pkg, pantrySource
		return err
	}
	p.manifest = m
	return nil
}

// Save writes the files that changed, each whole or not at all. A file that somebody else has
// changed since it was read keeps those changes.
func (p *Project) Save() error {
	return errors.Join(p.pkg.save(), p.pantry.save())
}
