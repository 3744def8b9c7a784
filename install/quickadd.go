package install

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// Who adds a package to a project that is installed as its lockfile says pays for that package alone: the
// lockfile's text, the layout and the record of the install get what is new, and nothing that was there
// is looked at again. What this cannot do with certainty is done by going the whole way.

// putIn is what was added to what was there.
type putIn struct {
	linked int
	paths  []string      // of the folders that packages stand in, from the project
	ids    []lockfile.ID // of the packages
	stamp  *stamp        // of an isolated layout; its state is still to be filled in
}

// addQuickly installs a lockfile that is the old one and the packages added; false where it cannot, and
// everything is to be done then.
func (r *run) addQuickly(ctx context.Context, l *lockfile.Lock, added []lockfile.ID) (bool, error) {
	if !r.asBefore || len(added) == 0 || r.LockOnly || r.Force || len(r.Omit) > 0 || hasTools(l) {
		return false, nil
	}
	part := l.Part(slices.Collect(maps.Keys(r.newWishes(l))))
	if hasWeak(part) || len(unconfirmed(part)) > 0 {
		return false, nil
	}
	if _, err := part.Text(); err != nil { // nobody could read the lockfile again
		return false, nil
	}
	text, ok := l.Insert(r.oldText, added)
	if !ok {
		return false, nil
	}
	done, err := r.putIn(ctx, l, part, added)
	if errors.Is(err, link.ErrNoLayout) || cannotWrite(err) { // the whole way has another store to put it into
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if err := r.dropState(); err != nil {
		return true, err
	}
	r.text = func() ([]byte, error) { return text, nil }
	if err := r.writeDown(l); err != nil {
		return true, err
	}
	r.describeAdded(l, done)
	if err := r.remember(); err != nil {
		return true, err
	}
	return true, r.writeAdded(l, done)
}

// newWishes are the project's wishes that the old lockfile has not.
func (r *run) newWishes(l *lockfile.Lock) map[string]lockfile.Wish {
	out := map[string]lockfile.Wish{}
	for name, w := range l.Projects["."].Dependencies {
		if _, had := r.old.Projects["."].Dependencies[name]; !had {
			out[name] = w
		}
	}
	return out
}

// putIn lays out what is new. The error matches link.ErrNoLayout where that is not possible.
func (r *run) putIn(ctx context.Context, l, part *lockfile.Lock, added []lockfile.ID) (*putIn, error) {
	layout := ChooseLayout(r.Options, r.project.Manifest())
	copies := func(id lockfile.ID) bool { return r.Copies != nil && r.Copies(l.Packages[id].Name) }
	switch {
	case layout.Linker == Hoisted && link.LaidOut(r.Dir) == link.HoistedLayout:
		rep, tree, err := link.AddHoisted(ctx, link.ApplyOptions{
			Dir: r.Dir, Lock: part, Method: r.Method, Entry: r.fetches.entry(part), Begin: r.dropState, Copies: copies,
		}, r.Platform)
		if err != nil {
			return nil, err
		}
		done := &putIn{linked: rep.Linked}
		for _, p := range tree.Placements {
			done.paths, done.ids = append(done.paths, p.Path), append(done.ids, p.ID)
		}
		return done, nil
	case layout.Linker == Isolated && layout.Store == OnMachine && r.Copies == nil:
		return r.putInStore(ctx, part, added)
	}
	return nil, link.ErrNoLayout
}

// putInStore lays out what is new in an isolated layout on the machine. That the store has everything else
// is what the last install's stamp says.
func (r *run) putInStore(ctx context.Context, part *lockfile.Lock, added []lockfile.ID) (*putIn, error) {
	var err error
	if r.generation, err = r.store.Generation(); err != nil {
		return nil, err
	}
	s, ok := r.readStamp(Isolated, r.last.Inputs)
	if !ok {
		return nil, link.ErrNoLayout
	}
	top, err := link.ParseTop(s.top)
	if err != nil {
		return nil, link.ErrNoLayout
	}
	is, err := link.Isolate(part, link.IsolateOptions{Platform: r.Platform})
	if err != nil {
		return nil, err
	}
	keys, ok := keysOf(is)
	if !ok || len(is.Skipped) > 0 {
		return nil, link.ErrNoLayout
	}
	rep, err := link.AddIsolated(ctx, link.ApplyIsolatedOptions{
		Dir: r.Dir, Lock: part, Isolated: is, Store: s.knownIn(r.store), Method: r.Method, Entry: r.fetches.entry(part), Begin: r.dropState,
	})
	if err != nil {
		return nil, err
	}
	s.keys += keys // some twice, which does no harm
	s.top = top.With(is.Top()).Encode()
	done := &putIn{linked: min(rep.Linked, len(added)), ids: added, stamp: &s}
	for _, d := range is.Direct {
		done.paths = append(done.paths, modules+"/"+d.Name)
	}
	return done, nil
}

// describeAdded fills the report from the record of the last install and what was added.
func (r *run) describeAdded(l *lockfile.Lock, done *putIn) {
	r.recall(r.last)
	shares := maps.Clone(r.last.Registries)
	if shares == nil {
		shares = map[string]RegistryShare{}
	}
	r.report.Registries, r.report.Linked = shares, done.linked
	r.report.Scripts = slices.Clone(r.report.Scripts)
	now := map[versionKey]*lockfile.Package{}
	for _, id := range done.ids {
		now[keyOf(l.Packages[id])] = l.Packages[id]
	}
	for _, p := range now {
		r.report.Added = append(r.report.Added, change(p))
		r.count(p)
	}
	r.report.Packages += len(now)
	r.describeDirect(l)
	r.sortReport()
}

// writeAdded records that the install is done, as writeState does.
func (r *run) writeAdded(l *lockfile.Lock, done *putIn) error {
	now, err := takePrints(r.Dir)
	if err != nil {
		return err
	}
	if !r.installed(l, now) {
		return r.dropState()
	}
	folders := slices.Collect(maps.Keys(r.last.Folders))
	for _, at := range done.paths {
		if dir := path.Dir(at); path.Dir(dir) == modules && strings.HasPrefix(path.Base(dir), "@") && !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	s := r.newState(now, folders)
	if err := r.saveState(s); err != nil || done.stamp == nil {
		return err
	}
	done.stamp.state = s
	return r.putStamp(Isolated, *done.stamp)
}
