package pkgx

import (
	"context"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
)

// metadataAtOnce bounds the bottles that are asked for at one time.
const metadataAtOnce = 8

// ResolveTools is Resolve with the metadata of what was chosen, whose Dependencies are the versions that
// were chosen for others.
func (r *Registry) ResolveTools(ctx context.Context, wishes map[string]string) (pantry.ToolResolution, error) {
	bottles, err := r.Resolve(ctx, wishes)
	if err != nil {
		return pantry.ToolResolution{}, err
	}
	res := pantry.ToolResolution{Tools: make([]pantry.Metadata, len(bottles)), Wishes: map[string]int{}}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(metadataAtOnce)
	for i, b := range bottles {
		g.Go(func() error {
			m, err := r.Metadata(gctx, b.Project, b.Version)
			if err != nil {
				return err
			}
			res.Tools[i] = *m
			res.Tools[i].Dependencies = b.Dependencies
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return pantry.ToolResolution{}, err
	}
	for name := range wishes {
		if err := r.wished(ctx, name, bottles, res.Wishes); err != nil {
			return pantry.ToolResolution{}, err
		}
	}
	return res, nil
}

// wished finds the bottle that was chosen for a name.
func (r *Registry) wished(ctx context.Context, name string, bottles []Bottle, into map[string]int) error {
	x, err := r.index.get(ctx)
	if err != nil {
		return err
	}
	t, err := r.target()
	if err != nil {
		return err
	}
	recipe, err := x.find(name, t, nil)
	if err != nil {
		return err
	}
	for i, b := range bottles {
		if b.Project == recipe.project && slices.ContainsFunc(b.Wishes, func(w Wish) bool { return w.By == "" }) {
			into[name] = i
		}
	}
	return nil
}

// Environment makes the variables for a bottle, the last of tools, and what it needs; see [Env].
func (r *Registry) Environment(tools []pantry.InstalledTool, exists func(string) bool) []pantry.Variable {
	installed := make([]Installed, len(tools))
	for i, t := range tools {
		installed[i] = Installed{Project: t.Name, Version: t.Version, Prefix: t.Prefix, Runtime: t.Env}
	}
	o := EnvOptions{Exists: exists}
	if t, err := r.target(); err == nil {
		o.Platform = t.platform()
	}
	env := Env(installed, o)
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []pantry.Variable
	for _, name := range names {
		out = append(out, pantry.Variable{
			Name: name, Value: strings.Join(env[name], string(os.PathListSeparator)), Prepend: isList(name),
		})
	}
	return out
}

// isList says whether a variable lists folders.
func isList(name string) bool {
	for _, l := range lists {
		if l.name == name {
			return true
		}
	}
	return false
}
