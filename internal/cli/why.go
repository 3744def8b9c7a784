package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
)

func (a *app) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "why NAME[@VERSION]",
		Short: "Tell why a package is installed",
		Long:  "Why prints, for every version of a package in the lockfile, the shortest ways by which the project comes to need it.",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.why(args[0]) },
	}
}

// reason is one package that was asked about, with the ways that lead to it.
type reason struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Registry string   `json:"registry"`
	ID       string   `json:"id"`
	Paths    [][]step `json:"paths"`
}

// step is one dependency along a way from the project.
type step struct {
	Name    string        `json:"name"`
	Version string        `json:"version"`
	Spec    string        `json:"spec"`
	Kind    lockfile.Kind `json:"kind,omitempty"`
	Peer    bool          `json:"peer,omitempty"`
}

// maxPaths is how many ways to one package are told.
const maxPaths = 10

func (a *app) why(arg string) error {
	l, m, err := a.readLock()
	if err != nil {
		return err
	}
	name, version := arg, ""
	if at := strings.LastIndexByte(arg, '@'); at > 0 {
		name, version = arg[:at], arg[at+1:]
	}
	if _, rest, ok := strings.Cut(name, ":"); ok { // "pkgx:nodejs.org": the name is the registry's
		name = rest
	}
	var reasons []reason
	for id, p := range l.Packages {
		if p.Name == name && (version == "" || p.Version == version) {
			reasons = append(reasons, reason{Name: p.Name, Version: p.Version, Registry: p.Registry, ID: string(id), Paths: paths(l, id)})
		}
	}
	if len(reasons) == 0 {
		err := fmt.Errorf("%s is not in %s: %w", arg, lockfile.Name, pantry.ErrNotFound)
		return pantry.WithHint(err, "pantry list --all shows what is")
	}
	slices.SortFunc(reasons, func(a, b reason) int { return cmp.Compare(a.ID, b.ID) })
	if a.flags.json {
		return a.printJSON(reasons)
	}
	project := m.Name
	if project == "" {
		project = "the project"
	}
	for _, r := range reasons {
		fmt.Fprintf(a.Stdout, "%s@%s  %s\n", r.Name, r.Version, r.Registry)
		for _, path := range r.Paths {
			parts := []string{project}
			for _, s := range path {
				parts = append(parts, describeStep(s))
			}
			fmt.Fprintf(a.Stdout, "  %s\n", strings.Join(parts, " > "))
		}
	}
	return nil
}

func describeStep(s step) string {
	out := fmt.Sprintf("%s@%s (%s", s.Name, s.Version, s.Spec)
	if s.Peer {
		out += ", peer"
	}
	if s.Kind != "" && s.Kind != lockfile.Prod {
		out += ", " + string(s.Kind)
	}
	return out + ")"
}

// paths finds ways from the project to id, short ones first, through each direct dependent at most
// once.
func paths(l *lockfile.Lock, id lockfile.ID) [][]step {
	type way struct {
		at    lockfile.ID
		steps []step // from at to id, the last first
	}
	var out [][]step
	queue := []way{{at: id}}
	seen := map[lockfile.ID]bool{id: true}
	for len(queue) > 0 && len(out) < maxPaths {
		w := queue[0]
		queue = queue[1:]
		p := l.Packages[w.at]
		for _, d := range l.Dependents(w.at) {
			s := step{Name: d.Name, Version: p.Version, Spec: d.Spec, Peer: d.Kind == lockfile.Peer}
			if d.ID == "" {
				s.Kind, s.Peer = d.Kind, false
			}
			steps := append(slices.Clone(w.steps), s)
			if d.ID == "" {
				path := slices.Clone(steps)
				slices.Reverse(path)
				out = append(out, path)
				continue
			}
			if !seen[d.ID] {
				seen[d.ID] = true
				queue = append(queue, way{d.ID, steps})
			}
		}
	}
	return out
}
