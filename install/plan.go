package install

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"syscall"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// plan is what a lockfile becomes in node_modules.
type plan struct {
	Layout
	tree     *link.Tree     // of a hoisted layout
	encoded  func() []byte  // the tree, for the stamp
	isolated *link.Isolated // of an isolated one
	skipped  []lockfile.ID
}

func (r *run) plan(l *lockfile.Lock) (*plan, error) {
	p := &plan{Layout: ChooseLayout(r.Options, r.project.Manifest())}
	return p, r.place(p, l)
}

// place decides where everything stands.
func (r *run) place(p *plan, l *lockfile.Lock) (err error) {
	if p.Linker == Isolated {
		if p.isolated, err = link.Isolate(l, link.IsolateOptions{Platform: r.Platform, Omit: r.Omit}); err == nil {
			p.skipped = p.isolated.Skipped
		}
		return err
	}
	if p.tree, err = link.Hoist(l, link.HoistOptions{Platform: r.Platform, Omit: r.Omit}); err == nil {
		p.skipped = p.tree.Skipped
	}
	return err
}

// packages are what is laid out, some perhaps more than once.
func (p *plan) packages() iter.Seq[lockfile.ID] {
	return func(yield func(lockfile.ID) bool) {
		if p.isolated != nil {
			for i := range p.isolated.Packages {
				if !yield(p.isolated.Packages[i].ID) {
					return
				}
			}
			return
		}
		for i := range p.tree.Placements {
			if !yield(p.tree.Placements[i].ID) {
				return
			}
		}
	}
}

// folders are those at the top of node_modules that packages stand in.
func (p *plan) folders() []string {
	seen := map[string]bool{modules: true}
	out := []string{modules}
	add := func(name string) {
		if scope := path.Dir(name); scope != "." && !seen[scope] {
			seen[scope] = true
			out = append(out, modules+"/"+scope)
		}
	}
	if p.isolated != nil {
		for _, d := range p.isolated.Direct {
			add(d.Name)
		}
		return out
	}
	for _, pl := range p.tree.Placements {
		if pl.Path == modules+"/"+pl.Name {
			add(pl.Name)
		}
	}
	return out
}

const modules = "node_modules"

// layOut makes node_modules.
func (r *run) layOut(ctx context.Context, l *lockfile.Lock, p *plan) error {
	r.Events(Event{Type: EventLinking})
	copies := func(id lockfile.ID) bool { return r.Copies != nil && r.Copies(l.Packages[id].Name) }
	var rep link.Report
	var err error
	if p.Linker == Isolated {
		o := link.ApplyIsolatedOptions{
			Dir: r.Dir, Lock: l, Isolated: p.isolated, Store: r.linkedStore(), InProject: p.Store == InProject, Method: r.Method, Force: r.Force,
			Entry: r.fetches.entry(l), Begin: r.dropState, Copies: copies,
		}
		rep, err = link.ApplyIsolated(ctx, o)
		if p.Store == OnMachine && r.mayMove() && cannotWrite(err) {
			p.Store, p.StoreWhy, o.InProject = InProject, "the store of the machine cannot be written to", true
			rep, err = link.ApplyIsolated(ctx, o)
		}
	} else {
		rep, err = link.Apply(ctx, link.ApplyOptions{
			Dir: r.Dir, Lock: l, Tree: p.tree, Method: r.Method, Force: r.Force,
			Entry: r.fetches.entry(l), Begin: r.dropState, Copies: copies,
		})
	}
	if err != nil {
		return err
	}
	r.report.Linked = rep.Linked
	return nil
}

// mayMove says that packages may stand in the project instead.
func (r *run) mayMove() bool { return r.IsolatedStore == "" || r.IsolatedStore == Auto }

func cannotWrite(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}
