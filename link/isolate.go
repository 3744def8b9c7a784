package link

import (
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// IsolateOptions chooses what of a lockfile is laid out.
type IsolateOptions struct {
	// Platform leaves out optional packages that do not run there. The zero Platform leaves out none.
	Platform lockfile.Platform
	// Omit leaves out what only these kinds of wishes lead to.
	Omit map[lockfile.Kind]bool
}

// Isolated is an isolated layout: every package stands alone, with links to exactly those packages
// that the lockfile gives it.
type Isolated struct {
	// Packages in the order of their IDs.
	Packages []IsolatedPackage
	// Direct are the packages that the project itself depends on, in the order of their names.
	Direct []DirectLink
	// Bins are the commands of those packages, in the order of their names.
	Bins []BinLink
	// Skipped holds the optional packages that do not run on the platform, or that need one that
	// does not.
	Skipped []lockfile.ID
}

// IsolatedPackage is one package of a layout.
type IsolatedPackage struct {
	ID lockfile.ID
	// Key stands for the package and for everything it leads to: 40 hexadecimal digits. Packages
	// with one key are one package. It is "" where the lockfile has no digest of the package, or of
	// one it leads to: such a package cannot be laid out yet.
	Key string
	// Name is the package's own, whatever it is required under.
	Name string
	// Links are the packages it requires, in the order of the names it requires them under.
	Links []store.Target
	// Programs are the files of its commands, in order.
	Programs []string
}

// DirectLink is a link at the top of node_modules.
type DirectLink struct {
	Name    string // that the project requires the package under
	Key     string // of the package
	Package string // the package's own name
}

// BinLink is a command at the top of node_modules.
type BinLink struct {
	Name   string // of the command
	Direct string // name of the link at the top that leads to its package
	Target string // path of the program in the package
}

// text is what the link in the folder of commands says.
func (b BinLink) text() string { return "../" + b.Direct + "/" + b.Target }

// Isolate decides what an isolated layout of a lockfile consists of. Which packages are wanted, and
// what is an error, is as with [Hoist].
//
// A package has links to its dependencies, and to the peers that the lockfile binds it to; to optional
// ones, peers too, if they are wanted at all. It has none to what its artifact brings along
// (bundled dependencies). What requires itself under its own name needs no link.
//
// The key of a package is a hash of its artifact's digest, its name, its programs, and the names and
// keys of what it has links to. Two packages have equal keys exactly if, as far as one can follow
// links from them, there is no difference: neither IDs nor the rest of the lockfile matter. Only the
// strongest digests of an artifact count. They are SHA-512 in any lockfile that was installed once; a
// key that was made of weaker ones is only as good as they are, and another one than that of SHA-512.
func Isolate(l *lockfile.Lock, o IsolateOptions) (*Isolated, error) {
	if err := checkIDs(l); err != nil {
		return nil, err
	}
	wanted, skipped, err := choose(l, HoistOptions(o))
	if err != nil {
		return nil, err
	}
	g, err := newGraph(l, wanted)
	if err != nil {
		return nil, err
	}
	is := &Isolated{Packages: g.packages(), Skipped: skipped}
	if err := is.addDirect(l, g, o); err != nil {
		return nil, err
	}
	return is, nil
}

func (is *Isolated) addDirect(l *lockfile.Lock, g *graph, o IsolateOptions) error {
	project := l.Projects["."]
	if project == nil {
		return nil
	}
	taken := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(project.Dependencies)) {
		w := project.Dependencies[name]
		i, wanted := g.index[w.ID]
		if !wanted || o.Omit[w.Kind] || !installs(l, name, w.ID) {
			continue
		}
		if err := checkName(name); err != nil {
			return err
		}
		p := &is.Packages[i]
		is.Direct = append(is.Direct, DirectLink{Name: name, Key: p.Key, Package: p.Name})
		for _, b := range binsOf(g.nodes[i].pkg) {
			if !taken[b.Name] { // as with Hoist: the first by name of the package wins
				taken[b.Name] = true
				b.Direct = name
				is.Bins = append(is.Bins, b)
			}
		}
	}
	slices.SortFunc(is.Bins, func(a, b BinLink) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// binsOf lists the commands of a package in the order of the names that its manifest gives them. One
// whose name or path could lead out of its place is none.
func binsOf(p *lockfile.Package) []BinLink {
	if len(p.Bin) == 0 {
		return nil
	}
	out := make([]BinLink, 0, len(p.Bin))
	for _, given := range slices.Sorted(maps.Keys(p.Bin)) {
		if name, target, err := lockfile.CleanBin(given, p.Bin[given]); err == nil {
			out = append(out, BinLink{Name: name, Target: target})
		}
	}
	return out
}

// programsOf lists the files of a package's commands, each once.
func programsOf(p *lockfile.Package) []string {
	var out []string
	for _, b := range binsOf(p) {
		out = append(out, b.Target)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
