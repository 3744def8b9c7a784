package resolve

import (
	"errors"
	"maps"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/npmtree"
	"github.com/pantry-go/pantry/semver"
)

// Adding a package to a project changes little as a rule, and the tree of two thousand others need not be
// built to see that. What follows is the part of the whole resolution that can be told from the graph
// alone; as soon as something needs the tree, the whole resolution has it. That both say the same is
// tested as a property.

// errNeedsTree says that only a whole resolution can tell.
var errNeedsTree = errors.New("needs the tree")

// extender adds packages to a locked graph that stays as it is.
type extender struct {
	r     *resolver
	lock  *lockfile.Lock // the new one
	names map[string]*standing
	fresh map[string]freshly // new packages that stand at the top, by name
	// nested are the names of new packages that stand below those that need them, since another
	// version stands at the top.
	nested  map[string]bool
	absent  map[string]bool      // optional peers that nothing brings
	settled map[lockfile.ID]bool // packages that are the same wherever they are needed
	added   []*addition
	touched bool // what was locked is not quite as it was
	meta    map[lockfile.ID]*pantry.Metadata
}

// freshly is what stands at the top under a new name, and the wish it was chosen by.
type freshly struct {
	id   lockfile.ID
	wish *wish
}

// addition is a new package.
type addition struct {
	id     lockfile.ID
	needs  []need
	nested bool // it stands below the one that needs it
}

// standing is what the locked graph has under a name.
type standing struct {
	known bool          // something is, or would be, required under the name
	only  lockfile.ID   // what it is, where it always is the same; else ""
	all   []lockfile.ID // what it is, some more than once
	peer  bool          // it is a peer of somebody
}

// extend resolves a manifest that wishes for what is locked, and for more. The error is errNeedsTree
// where it cannot; what else is wrong is better told by a whole resolution too.
func (r *resolver) extend() (*Result, error) {
	old := r.opts.Old
	if old == nil || len(old.Packages) == 0 || len(old.Projects) != 1 || len(r.manifest.Overrides)+len(old.Overrides) > 0 {
		return nil, errNeedsTree
	}
	was := old.Projects["."]
	if was == nil {
		return nil, errNeedsTree
	}
	wishes := Wishes(r.manifest)
	for name, w := range was.Dependencies {
		if now, ok := wishes[name]; !ok || now.Kind != w.Kind || now.Spec != w.Spec || w.ID == "" || r.refreshed(old.Packages[w.ID]) {
			return nil, errNeedsTree
		}
	}
	for _, p := range old.Packages {
		if p.Unconfirmed != "" || r.refreshed(p) {
			return nil, errNeedsTree
		}
		for _, d := range p.Dependencies {
			if d.ID == "" && d.Peer && !d.Optional { // there may be something for it now
				return nil, errNeedsTree
			}
		}
	}
	e := &extender{
		r: r, names: map[string]*standing{}, fresh: map[string]freshly{}, nested: map[string]bool{}, absent: map[string]bool{}, settled: map[lockfile.ID]bool{},
		meta: map[lockfile.ID]*pantry.Metadata{},
		lock: &lockfile.Lock{Overrides: map[string]string{}, Packages: maps.Clone(old.Packages)},
	}
	project := &lockfile.Project{Dependencies: maps.Clone(was.Dependencies)}
	e.lock.Projects = map[string]*lockfile.Project{".": project}
	return e.extend(project, wishes)
}

func (r *resolver) refreshed(p *lockfile.Package) bool {
	return p == nil || r.opts.Refresh != nil && r.opts.Refresh(p.Name)
}

func (e *extender) extend(project *lockfile.Project, wishes map[string]lockfile.Wish) (*Result, error) {
	var needs []need
	for name, w := range wishes {
		if _, ok := project.Dependencies[name]; ok {
			continue
		}
		n := e.r.packuments.newNeed(name, w.Spec, w.Kind == lockfile.Optional, e.r.opts.IsRegistry)
		if n.err != nil || e.standing(name).known {
			return nil, errNeedsTree
		}
		n.kind = w.Kind
		needs = append(needs, n)
	}
	if len(needs) == 0 {
		return nil, errNeedsTree
	}
	for i := range needs {
		e.r.packuments.aheadFor(&needs[i], withAll)
	}
	var direct []lockfile.ID
	for i := range needs {
		n := &needs[i]
		id, err := e.add(n)
		if err != nil {
			return nil, err
		}
		project.Dependencies[n.name] = lockfile.Wish{Kind: n.kind, Spec: n.value, ID: id}
		direct = append(direct, id)
	}
	for i := 0; i < len(e.added); i++ { // grows while it runs
		if err := e.bind(e.added[i]); err != nil {
			return nil, err
		}
	}
	for i, id := range direct {
		e.reach(id, needs[i].kind != lockfile.Dev, !needs[i].optional)
	}
	res := &Result{Lock: e.lock, Metadata: e.meta}
	if !e.touched {
		for _, p := range e.added {
			res.Added = append(res.Added, p.id)
		}
		slices.Sort(res.Added)
	}
	for _, p := range e.added {
		if e.r.opts.Chosen != nil {
			e.r.opts.Chosen(e.lock.Packages[p.id], e.meta[p.id])
		}
	}
	return res, nil
}

// add puts the new package at the top that n asks for.
func (e *extender) add(n *need) (lockfile.ID, error) {
	if known, ok := e.fresh[n.name]; ok {
		if known.wish != n.wish || n.peer {
			return "", errNeedsTree // which of two wishes chooses is a matter of their order
		}
		return known.id, nil
	}
	if e.absent[n.name] {
		return "", errNeedsTree
	}
	p, err := e.choose(n)
	if err != nil {
		return "", err
	}
	e.fresh[n.name] = freshly{p.id, n.wish}
	return p.id, nil
}

// choose makes the new package that n asks for known, to be bound.
func (e *extender) choose(n *need) (*addition, error) {
	if n.err != nil {
		return nil, errNeedsTree
	}
	answer, version, err := e.r.packuments.choose(e.r.ctx, n.question())
	if err != nil {
		return nil, errNeedsTree // which tells who needs it
	}
	rel, err := e.r.packuments.release(answer, version)
	if err != nil {
		return nil, errNeedsTree
	}
	m := rel.meta
	p := &addition{id: lockfile.MakeID(answer.Registry, m.Name, m.Version), needs: rel.needs}
	if e.lock.Packages[p.id] != nil {
		return nil, errNeedsTree // it is there under another name, or twice
	}
	l := lockPackage(&pkg{
		Package: &npmtree.Package{Registry: answer.Registry, Name: m.Name, Version: m.Version},
		meta:    m, unconfirmed: answer.Unconfirmed,
	})
	l.Dev, l.Optional = true, true // until it is found to be reached otherwise
	e.lock.Packages[p.id], e.meta[p.id] = l, m
	e.added = append(e.added, p)
	return p, nil
}

// bind finds what a new package leads to.
func (e *extender) bind(p *addition) error {
	l := e.lock.Packages[p.id]
	l.Dependencies = make(map[string]lockfile.Dependency, len(p.needs))
	for i := range p.needs {
		n := &p.needs[i]
		id, err := e.find(p, n)
		if err != nil {
			return err
		}
		l.Dependencies[n.name] = lockfile.Dependency{ID: id, Spec: n.value, Optional: n.optional, Peer: n.peer}
		if !n.peer {
			e.r.packuments.aheadFor(n, withAll)
		}
	}
	return nil
}

// find returns what a new package has for n.
func (e *extender) find(p *addition, n *need) (lockfile.ID, error) {
	if e.nested[n.name] || n.err != nil {
		return "", errNeedsTree
	}
	s := e.standing(n.name)
	_, fresh := e.fresh[n.name]
	switch {
	case fresh || !s.known:
		if n.peer && n.optional && !fresh {
			e.absent[n.name] = true
			return "", nil
		}
		if n.peer || p.nested {
			return "", errNeedsTree
		}
		return e.add(n)
	case n.peer:
		if e.lock.Projects["."].Dependencies[n.name].ID != s.only { // only what the project has is certain to be around
			return "", errNeedsTree
		}
	}
	if s.only != "" && e.fits(n, s.only) && e.settle(s.only) {
		return s.only, nil
	}
	return e.nest(p, n, s)
}

// nest puts a new package below p, beside which every version that stands under the name is newer: npm
// puts a newer version instead of an older one where it can, an older one never. Nobody must look for a
// peer under the name, who would find another one from now on.
func (e *extender) nest(p *addition, n *need, s *standing) (lockfile.ID, error) {
	if p.nested || n.peer || n.optional || s.peer || len(s.all) == 0 {
		return "", errNeedsTree
	}
	for _, id := range s.all {
		if e.fits(n, id) {
			return "", errNeedsTree
		}
	}
	below, err := e.choose(n)
	if err != nil {
		return "", err
	}
	chosen := e.lock.Packages[below.id]
	version, err := semver.ParseLoose(chosen.Version)
	if err != nil {
		return "", errNeedsTree
	}
	for _, id := range s.all {
		there := e.lock.Packages[id]
		v, err := semver.ParseLoose(there.Version)
		if err != nil || there.Registry != chosen.Registry || there.Name != chosen.Name || semver.Compare(version, v) >= 0 {
			return "", errNeedsTree
		}
	}
	below.nested, e.nested[n.name] = true, true
	return below.id, nil
}

func (e *extender) fits(n *need, id lockfile.ID) bool {
	p := e.r.opts.Old.Packages[id]
	if p == nil || p.Tool != nil || p.Nested > 0 || n.wish.isTag {
		return false
	}
	v, err := semver.ParseLoose(p.Version)
	return err == nil && n.fits(p.Registry, p.Name, v)
}

// settle says whether a locked package is the same in all surroundings: it, and all that it leads to, have
// peers only of which there is one.
func (e *extender) settle(id lockfile.ID) bool {
	if id == "" || e.settled[id] {
		return true
	}
	e.settled[id] = true // where it is not, nothing is asked any more
	for name, d := range e.r.opts.Old.Packages[id].Dependencies {
		if d.Peer {
			if s := e.standing(name); s.only != d.ID || d.ID == "" && len(s.all) > 0 {
				return false
			}
		}
		if !e.settle(d.ID) {
			return false
		}
	}
	return true
}

// standing finds what the locked graph has under a name: what is required under it, and packages of that
// name that are required under another.
func (e *extender) standing(name string) *standing {
	if s := e.names[name]; s != nil {
		return s
	}
	s := &standing{}
	e.names[name] = s
	note := func(id lockfile.ID) {
		s.known = true
		switch {
		case id == "":
		case len(s.all) == 0:
			s.only = id
			s.all = append(s.all, id)
		case s.all[len(s.all)-1] != id:
			s.all = append(s.all, id)
		}
		if id != s.only {
			s.only = ""
		}
	}
	old := e.r.opts.Old
	if w, ok := old.Projects["."].Dependencies[name]; ok {
		note(w.ID)
	}
	for id, p := range old.Packages {
		if d, ok := p.Dependencies[name]; ok {
			note(d.ID)
			s.peer = s.peer || d.Peer
		}
		if p.Name == name {
			note(id)
		}
	}
	return s
}

// reach takes from what id leads to that only dev, or only optional, dependencies lead there.
func (e *extender) reach(id lockfile.ID, prod, needed bool) {
	p := e.lock.Packages[id]
	if p == nil || !(prod && p.Dev || needed && p.Optional) {
		return
	}
	if e.meta[id] == nil {
		e.touched = true
	}
	n := *p
	n.Dev, n.Optional = p.Dev && !prod, p.Optional && !needed
	e.lock.Packages[id] = &n
	for _, d := range p.Dependencies {
		e.reach(d.ID, prod, needed && !d.Optional)
	}
}
