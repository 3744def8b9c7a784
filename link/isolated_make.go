package link

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// maker puts packages into the store, or lays them out in the project.
type maker struct {
	ApplyIsolatedOptions
	units *units
	files atomic.Int64
}

// prepare sees to it that every package is where it should be: those of entries in the folders of dirs,
// by name, as far as they have one there.
func (m *maker) prepare(ctx context.Context, dirs map[string]string) (int, error) {
	todo, err := m.missing(ctx, dirs)
	if err != nil {
		return 0, err
	}
	// Entry may wait for long, and others need not wait with it: only work on files is limited.
	slots := make(chan struct{}, m.Workers)
	g, ctx := errgroup.WithContext(ctx)
	for _, u := range todo {
		g.Go(func() error {
			entry, err := m.entry(ctx, u)
			if err != nil {
				return err
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-slots }()
			if err := m.place(u, entry, dirs[u.entry]); err != nil {
				return &pantry.Error{Op: "lay out", Ref: refOf(u.pkg), Err: err}
			}
			return nil
		})
	}
	return len(todo), g.Wait()
}

// missing lists the packages that something is to be done for.
func (m *maker) missing(ctx context.Context, dirs map[string]string) ([]*unit, error) {
	need := make([]bool, len(m.units.all))
	var next atomic.Int64
	var group sync.WaitGroup
	for range m.Workers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(need) || ctx.Err() != nil {
					return
				}
				u := m.units.all[i]
				if u.entry != "" {
					need[i] = dirs[u.entry] != ""
				} else {
					need[i] = m.Force || !m.Store.HasLinked(u.Key)
				}
			}
		})
	}
	group.Wait()
	var out []*unit
	for i, u := range m.units.all {
		if need[i] {
			out = append(out, u)
		}
	}
	return out, ctx.Err()
}

// entry gets the files of a package. They must be those that its key stands for.
func (m *maker) entry(ctx context.Context, u *unit) (*store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entry, err := m.Entry(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range strongest(u.pkg.Integrity) {
		if d == entry.Digest || d.Algorithm() != integrity.SHA512 {
			return entry, nil
		}
	}
	return nil, &pantry.Error{Op: "lay out", Ref: refOf(u.pkg), Err: fmt.Errorf("the store has %s for it, but the lockfile says %s: %w",
		entry.Digest, u.pkg.Integrity, integrity.ErrMismatch)}
}

func (m *maker) place(u *unit, entry *store.Entry, dir string) error {
	if u.entry != "" {
		return m.layOut(u, entry, dir)
	}
	if entry.Name != u.Name {
		return fmt.Errorf("its package.json says that its name is %q: %w", entry.Name, pantry.ErrPolicy)
	}
	return m.Store.PutLinked(store.Linked{Key: u.Key, Entry: entry, Links: u.Links, Programs: u.Programs})
}

// layOut makes the entry of a package in dir, which is not there.
func (m *maker) layOut(u *unit, entry *store.Entry, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	w, err := openLinks(dir)
	if err != nil {
		return err
	}
	defer w.close()
	own := modules + "/" + u.Name
	for _, folder := range []string{modules, path.Dir(own), own} {
		if err := w.mkdir(folder); err != nil {
			return err
		}
	}
	links, nested := m.units.links(u)
	a := applier{ApplyOptions: ApplyOptions{Method: m.Method}}
	if u.copied {
		a.Method = Copy
	}
	n, err := a.linkEntry(entry, filepath.Join(dir, filepath.FromSlash(own)), u.pkg.Bin, nested)
	m.files.Add(n)
	if err != nil {
		return err
	}
	for _, l := range links {
		l.path = modules + "/" + l.path
		if err := w.link(l); err != nil {
			return err
		}
	}
	return nil
}

var _ LinkedStore = (*store.Store)(nil)
