package resolve

import (
	"fmt"

	"github.com/pantry-go/pantry/semver"
)

// bringPeers sees to it that what target expects of its surroundings is there, where n depends on
// target: peers that nobody brings are installed, as npm does, at the top if nothing else stands
// there, else beside target. Optional peers are never installed.
func (r *resolver) bringPeers(n, target *node) error {
	for _, p := range target.peers {
		if p.optional || r.provided(n, target, p) {
			continue
		}
		if err := r.bringPeer(n, target, p); err != nil {
			return peerError(target, p, err)
		}
	}
	return nil
}

// provided says whether p is brought by n itself or by what needed n. What n brings itself counts
// whatever its version is: a conflict is reported, not patched over.
func (r *resolver) provided(n, target *node, p peer) bool {
	for a := n; a != nil; a = a.parent {
		if e := a.edge(p.name); e != nil && e.err == nil {
			if a == n || e.to == nil || p.fits(e.to.final()) {
				return true
			}
		}
		if own, declared := a.peer(p.name); declared && !own.optional && a == n {
			return true // whoever needs n brings it
		}
		if x := a.provided(p.name); x != nil && p.fits(x) {
			a.provide(p.name, x, target)
			return true
		}
	}
	return false
}

func (r *resolver) bringPeer(n, target *node, p peer) error {
	r.peerRanges[p.name] = append(r.peerRanges[p.name], p)
	top := r.tops[p.name].final()
	if top != nil && p.fits(top) {
		r.root.provide(p.name, top, target)
		return nil
	}
	if x := r.root.provided(p.name); x != nil && x == top && r.root.edge(p.name) == nil {
		if done, err := r.rejoin(x, p); done || err != nil {
			r.root.provide(p.name, x, target)
			return err
		}
	}
	host := r.root
	if top != nil || r.root.edge(p.name) != nil {
		host = n
	}
	if host.provided(p.name) != nil {
		host.provide(p.name, nil, target)
		return nil // two peers that cannot agree: reported when they are bound
	}
	return r.installPeer(host, target, p)
}

// installPeer has host provide the peer p of target, as it was locked or afresh.
func (r *resolver) installPeer(host, target *node, p peer) error {
	var x *node
	if locked := r.old.peer(target, p); confirmed(locked) {
		x = r.plantLocked(host, p.name, locked)
	} else {
		var err error
		if x, err = r.pickFresh(host, p.name, p.spec, p.wish, locked); err != nil {
			return err
		}
	}
	host.provide(p.name, x, target)
	return r.bringPeers(host, x)
}

func peerError(n *node, p peer, err error) error {
	return fmt.Errorf("peer dependency %s@%s of %s@%s: %w", p.name, p.value, n.name, n.version, err)
}

// bringMissing installs at the top the peers that are missing in some surroundings although they are
// brought in others, and says whether there were any.
func (r *resolver) bringMissing(b *binder) (bool, error) {
	added := false
	for _, inst := range b.all {
		for _, p := range inst.node.peers {
			if p.optional || inst.around[p.name] != nil || r.root.brings(p.name) {
				continue
			}
			added = true
			if top := r.tops[p.name].final(); top != nil && p.fits(top) {
				r.root.provide(p.name, top, inst.node)
				continue
			}
			if err := r.installPeer(r.root, inst.node, p); err != nil {
				return false, peerError(inst.node, p, err)
			}
		}
	}
	return added, nil
}

// rejoin looks for one version that everybody who wants the peer x can live with.
func (r *resolver) rejoin(x *node, p peer) (bool, error) {
	if x.meta == nil {
		return false, nil
	}
	answer, _, err := r.packuments.choose(r.ctx, p.spec)
	if err != nil {
		return false, err
	}
	versions := answer.Package.Versions()
	for i := len(versions) - 1; i >= 0; i-- {
		try := &node{registry: answer.Registry, name: answer.Package.Name(), version: versions[i]}
		if !r.suitsAll(try, x) {
			continue
		}
		m, err := answer.Package.Metadata(versions[i])
		if err != nil || m.Deprecated != "" {
			continue
		}
		try.meta, try.unconfirmed = m, answer.Unconfirmed
		have := len(r.nodes)
		fresh := r.plant(r.root, p.name, try, func() needs { return needsOf(m) })
		if fresh != x && x.replaced == nil {
			r.replace(x, fresh)
			r.tops[p.name] = fresh
		}
		if len(r.nodes) > have {
			return true, r.bringPeers(r.root, fresh)
		}
		return true, nil
	}
	return false, nil
}

func (r *resolver) suitsAll(try, x *node) bool {
	for _, p := range r.peerRanges[x.name] {
		if !p.fits(try) {
			return false
		}
	}
	for _, e := range x.in {
		if !try.fits(e.spec, e.wish) {
			return false
		}
	}
	return true
}

// newer says whether version a is higher than b.
func newer(a, b string) bool {
	va, errA := semver.ParseLoose(a)
	vb, errB := semver.ParseLoose(b)
	return errA == nil && errB == nil && semver.Compare(va, vb) > 0
}
