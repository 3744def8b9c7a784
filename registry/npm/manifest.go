package npm

import (
	"fmt"
	"path"
	"slices"
)

// decodeManifest reads one version in any of the shapes that registries hold. What an install
// does not depend on is left out where its shape is unknown; what it does depend on is an error.
func decodeManifest(v value) (*manifest, error) {
	if v.kind() != '{' {
		return nil, fmt.Errorf("the version's description is %s, not an object", v.describe())
	}
	m := &manifest{}
	d := manifestDecoder{m: m}
	err := v.object(func(key, val value) error {
		name, ok := key.text()
		if !ok {
			return errSyntax
		}
		return d.member(name, val)
	})
	if err != nil {
		return nil, err
	}
	d.finish()
	return m, nil
}

// manifestDecoder holds what has to wait until all members were seen.
type manifestDecoder struct {
	m        *manifest
	bundled  value // bundleDependencies or bundledDependencies
	bin      value
	license  string // from the spellings that yield to "license"
	scripted bool
}

func (d *manifestDecoder) member(name string, v value) (err error) {
	m := d.m
	switch name {
	case "name":
		m.Name, _ = v.text()
	case "version":
		m.Version, _ = v.text()
	case "dependencies":
		m.Dependencies, err = dependencies(name, v)
	case "optionalDependencies":
		m.OptionalDependencies, err = dependencies(name, v)
	case "peerDependencies":
		m.PeerDependencies, err = dependencies(name, v)
	case "devDependencies":
		m.DevDependencies = texts(v)
	case "peerDependenciesMeta":
		m.PeerMeta = peerMetas(v)
	case "bundleDependencies", "bundledDependencies":
		d.bundled = v
	case "bin":
		d.bin = v
	case "engines":
		m.Engines = texts(v)
	case "os":
		m.OS = list(v)
	case "cpu":
		m.CPU = list(v)
	case "libc":
		m.Libc = list(v)
	case "dist":
		m.Dist, err = decodeDist(v)
	case "deprecated":
		m.Deprecated = deprecation(v)
	case "hasInstallScript":
		d.scripted = d.scripted || v.kind() == 't'
	case "gypfile":
		d.scripted = d.scripted || v.kind() == 't'
	case "scripts":
		d.scripted = d.scripted || installScripts(v)
	default:
		d.describe(name, v)
	}
	return err
}

// describe takes what is shown to people only.
func (d *manifestDecoder) describe(name string, v value) {
	m := d.m
	switch name {
	case "description":
		m.Description = line(v)
	case "homepage":
		m.Homepage = line(first(v))
	case "license":
		m.License = license(v)
	case "licenses", "licence":
		d.license = license(v)
	case "author":
		m.Author = person(v)
	case "keywords":
		m.Keywords = keywords(v)
	case "repository":
		if u := repositoryURL(v); u != "" {
			m.Repository = &repository{Type: "git", URL: u}
		}
	}
}

func (d *manifestDecoder) finish() {
	m := d.m
	m.HasInstallScript = d.scripted
	if m.License == "" {
		m.License = d.license
	}
	m.Bundled = d.bundledNames()
	m.Bin = bins(d.bin, m.Name)
	// A name in both is optional: registries repeat the optional ones among the others.
	for name := range m.OptionalDependencies {
		delete(m.Dependencies, name)
	}
	if len(m.Dependencies) == 0 {
		m.Dependencies = nil
	}
}

// bundledNames reads an array of names, true for all dependencies, or an object whose keys count.
func (d *manifestDecoder) bundledNames() []string {
	var names []string
	switch d.bundled.kind() {
	case '[':
		return list(d.bundled)
	case 't':
		for name := range d.m.Dependencies {
			names = append(names, name)
		}
		for name := range d.m.OptionalDependencies {
			names = append(names, name)
		}
	case '{':
		for name := range texts(d.bundled) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// dependencies reads an object of name to range. Absent ones were written as null, false, "" and
// the empty array too.
func dependencies(field string, v value) (map[string]string, error) {
	switch v.kind() {
	case '{':
	case '[':
		if err := v.array(func(value) error { return errSyntax }); err != nil {
			return nil, fmt.Errorf("%s is an array", field)
		}
		return nil, nil
	case 'n', 'f':
		return nil, nil
	default:
		if s, ok := v.text(); ok && s == "" {
			return nil, nil
		}
		return nil, fmt.Errorf("%s is %s, not an object", field, v.describe())
	}
	var deps map[string]string
	err := v.object(func(key, val value) error {
		name, ok := key.text()
		if !ok || !printable(name) {
			return fmt.Errorf("%s holds the unusable name %q", field, brief(name))
		}
		rng, ok := val.text()
		if !ok && val.kind() != 'n' {
			return fmt.Errorf("%s asks for %q by %s, not a text", field, brief(name), val.describe())
		}
		if deps == nil {
			deps = make(map[string]string)
		}
		deps[name] = clean(rng)
		return nil
	})
	return deps, err
}

func peerMetas(v value) map[string]peerMeta {
	var metas map[string]peerMeta
	_ = v.object(func(key, val value) error {
		name, ok := key.text()
		if ok && printable(name) && val.member("optional").kind() == 't' {
			if metas == nil {
				metas = make(map[string]peerMeta)
			}
			metas[name] = peerMeta{Optional: true}
		}
		return nil
	})
	return metas
}

// bins reads commands: an object, an array of paths, or one path, which is the command of the
// package's own name.
func bins(v value, name string) map[string]string {
	_, base, _ := splitName(name)
	switch v.kind() {
	case '{':
		return texts(v)
	case '"':
		if p, ok := v.text(); ok && p != "" && base != "" {
			return map[string]string{base: p}
		}
	case '[':
		out := make(map[string]string)
		for _, p := range list(v) {
			out[path.Base(p)] = p
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// installScripts says whether one of the scripts runs when the package is installed.
func installScripts(v value) bool {
	runs := false
	_ = v.object(func(key, val value) error {
		switch name, _ := key.text(); name {
		case "preinstall", "install", "postinstall":
			s, ok := val.text()
			runs = runs || ok && s != ""
		}
		return nil
	})
	return runs
}

// deprecation reads a message; true is a deprecation without one, false and "" are none.
func deprecation(v value) string {
	const unsaid = "this version is deprecated"
	switch v.kind() {
	case 't':
		return unsaid
	case '"':
		s, ok := v.text()
		if !ok || s == "" {
			return ""
		}
		if s = clean(s); s == "" {
			return unsaid
		}
		return s
	}
	return ""
}

// decodeDist reads dist. Its digests are checked later, where the version is known for the error.
func decodeDist(v value) (*dist, error) {
	switch v.kind() {
	case 'n':
		return nil, nil
	case '{':
	default:
		return nil, fmt.Errorf("dist is %s, not an object", v.describe())
	}
	d := &dist{}
	err := v.object(func(key, val value) error {
		name, ok := key.text()
		if !ok {
			return errSyntax
		}
		var to *string
		switch name {
		case "integrity":
			to = &d.Integrity
		case "shasum":
			to = &d.Shasum
		case "tarball":
			to = &d.Tarball
		default:
			return nil
		}
		if *to, ok = val.text(); !ok && val.kind() != 'n' {
			return fmt.Errorf("dist.%s is %s, not a text", name, val.describe())
		}
		return nil
	})
	return d, err
}
