package npmtree

// A set is a package that is to be placed, with the peers it brings: what would stand together if
// the one that needs them were a project of its own. npm calls that a virtual root.
type set struct {
	source *Package // whose dependencies are looked for
	by     *Node    // for which node that happens
	home   *Node    // in a set that is in the tree already: below which its members stand
	list   []*candidate
}

// candidate is a member of a set: a package that may be placed.
type candidate struct {
	pkg   *Package
	name  string
	label label // folded
	set   *set  // nil when another took its place
}

func (s *set) get(name label) *candidate {
	if s == nil {
		return nil
	}
	for _, c := range s.list {
		if c.label == name {
			return c
		}
	}
	if s.home == nil {
		return nil
	}
	n := s.home.children.get(name)
	if n == nil {
		return nil
	}
	c := &candidate{pkg: n.Package, name: n.Name, label: n.label, set: s}
	s.list = append(s.list, c)
	return c
}

// put makes p the member under a name, instead of the one that was.
func (t *Tree) put(s *set, p *Package, name string, folded label) *candidate {
	c := t.slab.candidate()
	c.pkg, c.name, c.label, c.set = p, name, folded, s
	for i, old := range s.list {
		if old.label == folded {
			old.set = nil
			s.list[i] = c
			return c
		}
	}
	s.list = append(s.list, c)
	return c
}

// need is a dependency of a package.
type need struct {
	from *Package
	dep  *Dep
}

const (
	// maxPeerDepth bounds how far peers of peers are followed. Real ones end after a few steps.
	maxPeerDepth = 100
	// maxLoads bounds how many peers are looked for on behalf of one dependency. Real sets have a
	// hundred at most; sets of many that cannot agree would have more ways to look at than anybody
	// can wait for.
	maxLoads = 5_000
)

// candidateFor chooses a package for what from needs, puts it into the set and brings the peers it
// expects into the set as well. The answer is nil where the rules have nothing.
func (t *Tree) candidateFor(s *set, n need) (*candidate, error) {
	p, err := t.choose(s, n)
	if p == nil || err != nil {
		return nil, err
	}
	t.loads = 0
	return t.join(s, n, p, 0), nil
}

// peerFor is candidateFor for a peer. second is a member's wish for the same name, which the choice
// should satisfy too if it can; without any its dep is nil. What cannot be had is left out of the set: if
// it has to be installed in the end, that will be seen then.
func (t *Tree) peerFor(s *set, n, second need, depth int) *candidate {
	p, err := t.choose(s, n)
	if p == nil || err != nil {
		return nil
	}
	if second.dep != nil && !t.fits(second.from, second.dep, p) {
		other, err := t.choose(s, second)
		if err == nil && other != nil && t.fits(n.from, n.dep, other) {
			p = other
		}
	}
	return t.join(s, n, p, depth)
}

// join makes p a member of the set, with its peers.
func (t *Tree) join(s *set, n need, p *Package, depth int) *candidate {
	c := t.put(s, p, n.dep.Name, n.dep.folded)
	if t.loads++; t.loads < maxLoads && depth < maxPeerDepth {
		t.loadPeers(c, depth+1)
	}
	return c
}

func (t *Tree) choose(s *set, n need) (*Package, error) {
	p, err := t.rules.Choose(s.by, n.from, n.dep)
	if p != nil {
		t.meet(p)
	}
	return p, err
}

// loadPeers brings what c expects of its surroundings into its set. What the set's source needs itself
// goes before what c would like. Peers that cannot agree are left as they are.
//
// Optional peers come too: nothing is installed for their sake, but where they, and what they expect,
// could not stand beside what is there, npm does not place the package that names them either.
func (t *Tree) loadPeers(c *candidate, depth int) {
	for _, d := range c.pkg.peers {
		s := c.set
		if s == nil {
			return // another took c's place meanwhile
		}
		have, wish := s.get(d.folded), need{c.pkg, d}
		own := s.source.dep(d.label)
		switch {
		case have != nil && have.name == d.Name && t.fits(c.pkg, d, have.pkg):
		case have == nil && own == nil:
			t.peerFor(s, wish, need{}, depth)
		case have == nil:
			t.peerFor(s, need{s.source, own}, wish, depth)
		default:
			other := t.peerFor(&set{source: c.pkg, by: s.by}, wish, need{}, depth)
			if other != nil && t.canReplaceMember(s, have, other.pkg) {
				t.peerFor(s, wish, need{}, depth)
			}
		}
	}
}

// canReplaceMember says whether all in the set that depends on a member could do with p instead.
func (t *Tree) canReplaceMember(s *set, have *candidate, p *Package) bool {
	if !sameOrigin(have.pkg, p) {
		return false
	}
	if d := s.source.dep(t.labelOf(have.name)); d != nil && !t.fits(s.source, d, p) {
		return false
	}
	var own []*candidate
	for _, m := range s.list {
		d := m.pkg.dep(t.labelOf(have.name))
		if d == nil || m == have || t.fits(m.pkg, d, p) {
			continue
		}
		if own == nil {
			own = t.exclusiveMembers(s, have)
		}
		if !containsCandidate(own, m) {
			return false
		}
	}
	return true
}

func (t *Tree) labelOf(name string) label {
	l, _ := t.label(name)
	return l
}

// exclusiveMembers returns a member and what only it leads to within its set.
func (t *Tree) exclusiveMembers(s *set, c *candidate) []*candidate {
	all := []*candidate{c}
	leads := func(m *candidate, d *Dep) *candidate {
		to := s.get(d.folded)
		if to == nil || to == c || to.name != d.Name || !t.fits(m.pkg, d, to.pkg) {
			return nil
		}
		return to
	}
	for i := 0; i < len(all); i++ {
		for k := range all[i].pkg.Deps {
			if to := leads(all[i], &all[i].pkg.Deps[k]); to != nil && !containsCandidate(all, to) {
				all = append(all, to)
			}
		}
	}
	needed := func(x *candidate) bool {
		if d := s.source.dep(t.labelOf(x.name)); d != nil && t.fits(s.source, d, x.pkg) {
			return x != c
		}
		for _, m := range s.list {
			if containsCandidate(all, m) {
				continue
			}
			if d := m.pkg.dep(t.labelOf(x.name)); d != nil && leads(m, d) == x {
				return true
			}
		}
		return false
	}
	for i := 0; i < len(all); {
		if needed(all[i]) {
			all = append(all[:i], all[i+1:]...)
			i = 0
		} else {
			i++
		}
	}
	return all
}

func containsCandidate(list []*candidate, c *candidate) bool {
	for _, x := range list {
		if x == c {
			return true
		}
	}
	return false
}
