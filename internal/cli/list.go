package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

func (a *app) listCommand() *cobra.Command {
	var depth int
	var all bool
	c := &cobra.Command{
		Use:     "list [NAME...]",
		Aliases: []string{"ls"},
		Short:   "List the project's packages as a tree",
		Long: `List prints what the lockfile says the project depends on: its own dependencies, or
with --depth or --all what those depend on, and the registry of each.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, names []string) error {
			if all {
				depth = maxListDepth
			}
			return a.list(names, depth)
		},
	}
	a.globalFlag(c)
	c.Flags().IntVar(&depth, "depth", 0, "how many levels below the project's own dependencies")
	c.Flags().BoolVarP(&all, "all", "a", false, "all levels")
	return c
}

// maxListDepth bounds the tree: a graph with cycles has no depth of its own.
const maxListDepth = 64

// listed is a package in the tree; its JSON is that of npm's list with the registry added.
type listed struct {
	Version      string             `json:"version"`
	Registry     string             `json:"registry"`
	Package      string             `json:"package,omitempty"` // the registry's name, where it is another
	Spec         string             `json:"spec"`
	Kind         lockfile.Kind      `json:"kind,omitempty"`
	Missing      bool               `json:"missing,omitempty"`
	Dependencies map[string]*listed `json:"dependencies,omitempty"`
	repeated     bool
}

func (a *app) list(names []string, depth int) error {
	l, m, err := a.readLock()
	if err != nil {
		return err
	}
	tree := buildList(l, depth)
	if len(names) > 0 {
		for name := range tree {
			if !slices.Contains(names, name) {
				delete(tree, name)
			}
		}
		if len(tree) == 0 {
			err := fmt.Errorf("the project does not depend on %s directly: %w", strings.Join(names, ", "), pantry.ErrNotFound)
			return pantry.WithHint(err, "pantry why %s tells what needs it", names[0])
		}
	}
	if a.flags.json {
		return a.printJSON(struct {
			Name         string             `json:"name,omitempty"`
			Version      string             `json:"version,omitempty"`
			Dependencies map[string]*listed `json:"dependencies"`
		}{m.Name, m.Version, tree})
	}
	head := m.Name
	if m.Version != "" {
		head += "@" + m.Version
	}
	fmt.Fprintln(a.Stdout, strings.TrimSpace(head+" "+a.dir()))
	a.printTree(tree, "")
	return nil
}

// readLock reads the project's lockfile, which must be there, and its manifest.
func (a *app) readLock() (*lockfile.Lock, *manifest.Manifest, error) {
	p, err := manifest.ReadProject(a.dir())
	if err != nil {
		return nil, nil, err
	}
	l, err := lockfile.Read(filepath.Join(a.dir(), lockfile.Name))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no %s in %s: %w", lockfile.Name, a.dir(), pantry.ErrConfig)
		return nil, nil, pantry.WithHint(err, "run pantry install first")
	}
	return l, p.Manifest(), err
}

func buildList(l *lockfile.Lock, depth int) map[string]*listed {
	tree := map[string]*listed{}
	project := l.Projects["."]
	if project == nil {
		return tree
	}
	seen := map[lockfile.ID]bool{}
	for _, name := range slices.Sorted(maps.Keys(project.Dependencies)) {
		w := project.Dependencies[name]
		tree[name] = listPackage(l, name, w.ID, w.Spec, depth, seen)
		tree[name].Kind = w.Kind
	}
	return tree
}

// listPackage describes a package; what it needs is told where it is met first.
func listPackage(l *lockfile.Lock, name string, id lockfile.ID, spec string, depth int, seen map[lockfile.ID]bool) *listed {
	p := l.Packages[id]
	if p == nil {
		return &listed{Spec: spec, Missing: true}
	}
	out := &listed{Version: p.Version, Registry: p.Registry, Spec: spec}
	if p.Name != name {
		out.Package = p.Name
	}
	if depth <= 0 || len(p.Dependencies) == 0 {
		return out
	}
	if seen[id] {
		out.repeated = true
		return out
	}
	seen[id] = true
	out.Dependencies = map[string]*listed{}
	for _, dep := range slices.Sorted(maps.Keys(p.Dependencies)) {
		if d := p.Dependencies[dep]; d.ID != "" && !d.Peer {
			out.Dependencies[dep] = listPackage(l, dep, d.ID, d.Spec, depth-1, seen)
		}
	}
	return out
}

func (a *app) printTree(tree map[string]*listed, indent string) {
	names := slices.Sorted(maps.Keys(tree))
	for i, name := range names {
		branch, below := "├── ", "│   "
		if i == len(names)-1 {
			branch, below = "└── ", "    "
		}
		p := tree[name]
		fmt.Fprintf(a.Stdout, "%s%s%s\n", indent, branch, describeListed(name, p))
		a.printTree(p.Dependencies, indent+below)
	}
}

func describeListed(name string, p *listed) string {
	if p.Missing {
		return fmt.Sprintf("%s@%s (optional, not installed)", name, p.Spec)
	}
	s := name + "@" + p.Version
	if p.Package != "" {
		s = name + " -> " + p.Package + "@" + p.Version
	}
	s += "  " + p.Registry
	if p.Kind != "" && p.Kind != lockfile.Prod {
		s += "  " + string(p.Kind)
	}
	if p.repeated {
		s += "  (shown above)"
	}
	return s
}
