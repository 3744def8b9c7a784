package lockfile

import "strconv"

// keyword is a set of keywords that may stand once in a package.
type keyword uint

const (
	kwIntegrity keyword = 1 << iota
	kwRegistry
	kwName
	kwVersion
	kwURL
	kwUnconfirmed
	kwDeprecated
	kwOS
	kwCPU
	kwLibc
	kwScript
	kwDev
	kwNested
	kwOptional
)

func (p *parser) startPackage(c cursor) error {
	var f [1]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	id := ID(f[0])
	if p.lock.Packages[id] != nil {
		return p.errorf(c.base, "duplicate package %q", id)
	}
	if len(p.lock.Packages) == maxPackages {
		return p.errorf(c.base, "more than %d packages", maxPackages)
	}
	p.pkg, p.id = &Package{}, id
	p.pkg.Registry, p.pkg.Name, p.pkg.Version, _ = id.split()
	p.lock.Packages[id] = p.pkg
	return nil
}

// finish checks what only the whole section can tell.
func (p *parser) finish() error {
	if p.pkg == nil {
		return nil
	}
	at, pkg := p.section.base, p.pkg
	if err := checkRegistry(pkg.Registry); err != nil {
		return p.errorf(at, "registry of package %q: %w", p.id, err)
	}
	if err := checkSafe(pkg.Name, maxName); err != nil {
		return p.errorf(at, "name of package %q: %w", p.id, err)
	}
	if err := checkVersion(pkg.Version); err != nil {
		return p.errorf(at, "version of package %q: %w", p.id, err)
	}
	if !p.id.belongs(pkg.Registry, pkg.Name, pkg.Version) || checkText(string(p.id), maxField) != nil {
		return p.errorf(at, "%q is not the ID of %s", p.id, MakeID(pkg.Registry, pkg.Name, pkg.Version))
	}
	return nil
}

func (p *parser) inPackage(c cursor) error {
	at := c.base + c.pos
	word := c.word()
	switch word {
	case "dep", "optional", "peer", "optional-peer":
		return p.dependency(c, word, at)
	case "integrity":
		if err := p.once(kwIntegrity, word, at); err != nil {
			return err
		}
		set, err := p.digests(&c)
		p.pkg.Integrity = set
		return err
	case "build", "provides", "env":
		return p.tool(c, word, at)
	case "bin", "engine":
		return p.pair(c, word, at)
	case "os":
		return p.list(c, &p.pkg.OS, kwOS, word, at)
	case "cpu":
		return p.list(c, &p.pkg.CPU, kwCPU, word, at)
	case "libc":
		return p.list(c, &p.pkg.Libc, kwLibc, word, at)
	case "install-script":
		p.pkg.HasInstallScript = true
		if err := p.once(kwScript, word, at); err != nil {
			return err
		}
		return p.fields(&c, nil)
	case "nested":
		return p.nested(c, word, at)
	}
	return p.single(c, word, at)
}

// maxNested is as deep as anybody's packages are nested, and deeper.
const maxNested = 100

func (p *parser) nested(c cursor, word string, at int) error {
	if err := p.once(kwNested, word, at); err != nil {
		return err
	}
	var field [1]string
	if err := p.fields(&c, field[:]); err != nil {
		return err
	}
	n, err := strconv.Atoi(field[0])
	if err != nil || n < 2 || n > maxNested || strconv.Itoa(n) != field[0] {
		return p.errorf(at, "%q is not a depth of 2 to %d", field[0], maxNested)
	}
	p.pkg.Nested = n
	return nil
}

// single reads the keywords with one field.
func (p *parser) single(c cursor, word string, at int) error {
	var into *string
	var kw keyword
	var check func(string) error
	pkg := p.pkg
	switch word {
	case "registry":
		into, kw, check = &pkg.Registry, kwRegistry, checkRegistry
	case "name":
		into, kw = &pkg.Name, kwName
	case "version":
		into, kw = &pkg.Version, kwVersion
	case "url":
		into, kw, check = &pkg.URL, kwURL, checkURL
	case "unconfirmed":
		into, kw, check = &pkg.Unconfirmed, kwUnconfirmed, checkRegistry
	case "deprecated":
		into, kw = &pkg.Deprecated, kwDeprecated
	case "bundled":
		return p.bundled(c, at)
	case "only":
		return p.only(c, at)
	default:
		return p.unknown(at, word)
	}
	if err := p.once(kw, word, at); err != nil {
		return err
	}
	var f [1]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	if check != nil {
		if err := check(f[0]); err != nil {
			return p.errorf(at, "%s of package %q: %w", word, p.id, err)
		}
	}
	*into = f[0]
	return nil
}

func (p *parser) once(kw keyword, word string, at int) error {
	if p.seen&kw != 0 {
		return p.errorf(at, "duplicate keyword %q in package %q", word, p.id)
	}
	p.seen |= kw
	return nil
}

func (p *parser) only(c cursor, at int) error {
	var f [1]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	switch f[0] {
	case "dev":
		p.pkg.Dev = true
		return p.once(kwDev, "only dev", at)
	case "optional":
		p.pkg.Optional = true
		return p.once(kwOptional, "only optional", at)
	}
	return p.errorf(at, `"dev" or "optional" expected after "only"`)
}

func (p *parser) bundled(c cursor, at int) error {
	var f [1]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	if err := CheckName(f[0]); err != nil {
		return p.errorf(at, "bundled name %q of package %q: %w", f[0], p.id, err)
	}
	p.pkg.Bundled = append(p.pkg.Bundled, f[0])
	return nil
}

func (p *parser) list(c cursor, into *[]string, kw keyword, word string, at int) error {
	if err := p.once(kw, word, at); err != nil {
		return err
	}
	if c.done() {
		return p.errorf(at, "%q needs a field", word)
	}
	for !c.done() {
		f, err := p.field(&c)
		if err != nil {
			return err
		}
		*into = append(*into, f)
	}
	return nil
}

func (p *parser) pair(c cursor, word string, at int) error {
	var f [2]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	m := &p.pkg.Engines
	if word == "bin" {
		m = &p.pkg.Bin
		if err := checkBin(f[0], f[1]); err != nil {
			return p.errorf(at, "package %q: %w", p.id, err)
		}
	}
	if _, dup := (*m)[f[0]]; dup {
		return p.errorf(at, "duplicate %s %q in package %q", word, f[0], p.id)
	}
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[f[0]] = f[1]
	return nil
}

func (p *parser) dependency(c cursor, word string, at int) error {
	var f [3]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	name, d := f[0], Dependency{Spec: f[1], ID: ID(f[2])}
	for _, e := range edges {
		if e.word == word {
			d.Optional, d.Peer = e.optional, e.peer
		}
	}
	if err := CheckName(name); err != nil {
		return p.errorf(at, "name %q in package %q: %w", name, p.id, err)
	}
	deps := p.pkg.Dependencies
	if deps == nil {
		deps = map[string]Dependency{}
		p.pkg.Dependencies = deps
	}
	before := len(deps)
	deps[name] = d
	if len(deps) == before {
		return p.errorf(at, "duplicate dependency %q in package %q", name, p.id)
	}
	switch {
	case d.ID != "":
		p.refs = append(p.refs, ref{d.ID, at})
	case !d.Optional && !d.Peer:
		return p.errorf(at, "dependency %q of package %q has no package", name, p.id)
	}
	return p.edge(at)
}
