package resolve

import (
	"cmp"
	"fmt"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/npmtree"
	"github.com/pantry-go/pantry/semver"
)

// need is one thing that a package, or the project, asks for.
type need struct {
	name, value   string // under which it is required, and as the manifest has it
	registry, pkg string // the package to look for; registry is "" unless the project names one
	wish          *wish
	err           error         // the value cannot be understood, or asks for what cannot be granted
	kind          lockfile.Kind // of a wish of the project
	optional      bool
	peer          bool
	overridden    bool // another value than value counts
	unbound       bool // a peer that a locked package does without
	due           bool // an optional peer that a locked package has to itself
}

func (n *need) question() question { return question{pkgKey{n.registry, n.pkg}, n.wish} }

func noRegistry(string) bool { return false }

// needsOf reads the dependencies of a package; its bundled ones are inside it already. Only a project
// may name registries: what is published may not.
func (p *packuments) needsOf(m *pantry.Metadata) []need {
	needs := make([]need, 0, len(m.Dependencies)+len(m.OptionalDependencies)+len(m.PeerDependencies))
	bundled := set(m.BundledDependencies)
	for name, value := range m.Dependencies {
		if !bundled[name] {
			needs = append(needs, p.newNeed(name, value, false, noRegistry))
		}
	}
	for name, value := range m.OptionalDependencies {
		if !bundled[name] {
			needs = append(needs, p.newNeed(name, value, true, noRegistry))
		}
	}
	optional := set(m.OptionalPeers)
	addPeer := func(name, value string) {
		_, own := m.Dependencies[name]
		_, ownOptional := m.OptionalDependencies[name]
		if own || ownOptional || bundled[name] {
			return
		}
		if n, ok := p.newPeer(name, value, optional[name]); ok {
			needs = append(needs, n)
		}
	}
	for name, value := range m.PeerDependencies {
		addPeer(name, cmp.Or(value, "*")) // "" is for those that are only named as optional
	}
	for _, name := range m.OptionalPeers {
		if _, ok := m.PeerDependencies[name]; !ok {
			addPeer(name, "")
		}
	}
	return needs
}

func set(names []string) map[string]bool {
	if len(names) == 0 {
		return nil
	}
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

func (p *packuments) newNeed(name, value string, optional bool, isRegistry func(string) bool) need {
	n := need{name: name, value: value, optional: optional}
	if plainRange(value) && p.goodName(name) {
		n.pkg, n.wish = name, p.wish(value)
		return n
	}
	spec, err := manifest.ParseDependency(name, value, isRegistry)
	n.registry, n.pkg, n.err = spec.Registry, spec.Package, err
	switch {
	case err != nil:
	case !spec.FromRegistry():
		err := fmt.Errorf("tarballs and folders can't be installed in this version: %w", pantry.ErrUnsupported)
		n.err = pantry.WithHint(err, "publish it to a registry of your own and depend on that")
	default:
		n.wish = p.wish(spec.Range)
	}
	return n
}

// plainRange says that a value is a version or a range without any doubt, as nearly all are: nothing
// that has to be taken apart.
func plainRange(value string) bool {
	if value == "" || value[0] == ' ' || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		switch c := value[i]; {
		case '0' <= c && c <= '9':
		case c == '.' || c == '^' || c == '~' || c == '>' || c == '<' || c == '=' || c == '|' || c == '*' || c == ' ' || c == '-' || c == 'x':
		default:
			return false
		}
	}
	return true
}

// goodName says whether a package can be required under a name, and asked for by it.
func (p *packuments) goodName(name string) bool {
	if good, known := p.names.Load(name); known {
		return good.(bool)
	}
	spec, err := manifest.ParseDependency(name, "1.0.0", noRegistry)
	good := err == nil && spec.Package == name
	p.names.Store(name, good)
	return good
}

// newPeer leaves out a peer whose value is not a registry's: it can be provided, not fetched.
func (p *packuments) newPeer(name, value string, optional bool) (need, bool) {
	n := p.newNeed(name, value, optional, noRegistry)
	n.peer = true
	return n, n.err == nil
}

// silent says that n is an optional peer that is named without being asked for.
func (n *need) silent() bool { return n.peer && n.optional && n.value == "" }

// fits says whether a version of a package is what is asked for. A peer takes what its surroundings
// call by the name, an alias too.
func (n *need) fits(registry, name string, version semver.Version) bool {
	switch {
	case n.err != nil || name != n.pkg && !n.peer || n.registry != "" && n.registry != registry:
		return false
	case n.wish.isTag:
		return true // a tag says what to take where there is nothing, as in npm
	}
	return n.wish.any() || n.wish.rng.Match(version)
}

// fitsPackage is fits for a package of the tree.
func (n *need) fitsPackage(p *npmtree.Package) bool { return n.fits(p.Registry, p.Name, p.Semver()) }

// pkg is what is known of a package of the tree.
type pkg struct {
	*npmtree.Package
	meta        *pantry.Metadata  // newly resolved
	locked      *lockfile.Package // its entry in the old lockfile, however it was resolved
	class       int               // there; -1 for none
	unread      bool              // what it needs is still to be read from there
	unconfirmed string
	// chain holds the ancestors that nested overrides speak of.
	chain     []manifest.NodeRef
	announced bool
	leftOut   []need // optional dependencies that could not be had when it was locked
}
