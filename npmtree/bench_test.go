package npmtree_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/npmtree"
)

// lockOf makes a lockfile of so many packages, of which every eighth is a second version of another and
// every tenth expects a peer; a package needs three others on average.
func lockOf(packages int) *lockfile.Lock {
	random := rand.New(rand.NewPCG(1, uint64(packages)))
	l := lockfile.New()
	ids := make([]lockfile.ID, packages)
	for i := range ids {
		p := &lockfile.Package{Registry: "npm", Name: fmt.Sprint("p", i), Version: "1.2.3", Dependencies: map[string]lockfile.Dependency{}}
		if i%8 == 7 {
			p.Name, p.Version = fmt.Sprint("p", i-3), "2.0.0"
		}
		ids[i] = lockfile.MakeID("npm", p.Name, p.Version)
		l.Packages[ids[i]] = p
	}
	for i, id := range ids {
		for range random.IntN(7) {
			if left := packages - i - 1; left > 0 {
				to := ids[i+1+random.IntN(min(left, 400))]
				l.Packages[id].Dependencies[l.Packages[to].Name] = lockfile.Dependency{ID: to, Spec: "^" + l.Packages[to].Version}
			}
		}
		if i%10 == 5 {
			l.Packages[id].Dependencies["p1"] = lockfile.Dependency{ID: ids[1], Spec: "*", Peer: true}
		}
	}
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	for i := range packages / 20 {
		l.Projects["."].Dependencies[l.Packages[ids[i]].Name] = lockfile.Wish{Kind: lockfile.Prod, Spec: "*", ID: ids[i]}
	}
	return l
}

func BenchmarkBuildLocked(b *testing.B) {
	for _, packages := range []int{100, 400, 2200} {
		b.Run(fmt.Sprint(packages), func(b *testing.B) {
			l := lockOf(packages)
			b.ReportAllocs()
			nodes := 0
			for b.Loop() {
				t, _, err := npmtree.BuildLocked(l, func(string) bool { return false })
				if err != nil {
					b.Fatal(err)
				}
				nodes = t.Made()
			}
			b.ReportMetric(float64(nodes), "nodes")
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	l := lockOf(2200)
	b.ReportAllocs()
	for b.Loop() {
		npmtree.Classify(l)
	}
}
