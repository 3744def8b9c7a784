package link

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// keyDigits is the length of a key: nobody finds two packages of one key of 160 bits.
const keyDigits = 40

// What is hashed begins with what it is, so that one kind cannot pass for another.
const (
	hashPackage = "pantry linked package 1\n"
	hashMember  = "pantry linked package of a circle 1\n"
	hashCircle  = "pantry circle 1\n"
	hashLabel   = "pantry label 1\n"
	hashRefined = "pantry refined label 1\n"
)

type hashSum = [sha256.Size]byte

// keyer computes the keys of classes. It finds the circles (strongly connected components) by Tarjan's
// algorithm, which is done with what a circle leads to before it is done with the circle.
type keyer struct {
	g       *graph
	class   []int32
	members []int32
	texts   []string // by class
	sums    []hashSum

	order, low []int32 // of a class; 0: not seen yet
	open       []int32 // classes of circles that are not done yet
	label      []int32 // of a class of the circle at hand: its place in it + 1
	count      int32
	buf        []byte
}

// keys returns the key of each class; "" where a digest is missing in it or below.
func (g *graph) keys(class, members []int32) []string {
	n := len(members)
	numbers := make([]int32, 3*n)
	k := &keyer{
		g: g, class: class, members: members, texts: make([]string, n), sums: make([]hashSum, n),
		order: numbers[:n], low: numbers[n : 2*n], label: numbers[2*n:],
	}
	for c := range int32(n) {
		if k.order[c] == 0 {
			k.visit(c)
		}
	}
	return k.texts
}

func (k *keyer) node(c int32) *node { return &k.g.nodes[k.members[c]] }

// done is the order of a class that has its key.
const done = -1

func (k *keyer) visit(c int32) {
	k.count++
	k.order[c], k.low[c] = k.count, k.count
	k.open = append(k.open, c)
	for _, e := range k.node(c).edges {
		to := k.class[e.to]
		switch {
		case k.order[to] == 0:
			k.visit(to)
			k.low[c] = min(k.low[c], k.low[to])
		case k.order[to] != done:
			k.low[c] = min(k.low[c], k.order[to])
		}
	}
	if k.low[c] != k.order[c] {
		return
	}
	i := len(k.open) - 1
	for k.open[i] != c {
		i--
	}
	circle := k.open[i:]
	k.open = k.open[:i]
	switch {
	case k.unpinned(circle):
	case len(circle) == 1:
		k.set(c, k.single(c))
	default:
		k.circle(circle)
	}
	for _, m := range circle {
		k.order[m] = done
	}
}

func (k *keyer) set(c int32, sum hashSum) {
	k.sums[c] = sum
	k.texts[c] = hex.EncodeToString(sum[:keyDigits/2])
}

// unpinned says whether the digest of a package is missing in the circle, or in what it leads to.
func (k *keyer) unpinned(circle []int32) bool {
	for _, c := range circle {
		n := k.node(c)
		if len(n.digests) == 0 {
			return true
		}
		for _, e := range n.edges {
			if to := k.class[e.to]; k.order[to] == done && k.texts[to] == "" {
				return true
			}
		}
	}
	return false
}

// single is the key of a package that leads to what has keys. One that leads to itself has the sum of
// nothing there.
func (k *keyer) single(c int32) hashSum {
	n := k.node(c)
	b := append(append(k.buf[:0], hashPackage...), n.self...)
	for _, e := range n.edges {
		b = k.appendTarget(b, e)
	}
	k.buf = b
	return sha256.Sum256(b)
}

// appendTarget appends what an edge out of the circle leads to. The name of its folder is a part of
// the key, and stands here because it is a part of the link too.
func (k *keyer) appendTarget(b []byte, e edge) []byte {
	b = appendText(b, k.g.nodes[e.to].pkg.Name)
	return append(b, k.sums[k.class[e.to]][:]...)
}

// circle gives the packages of a circle their keys. They get labels of what they are and what they
// lead to outside of the circle, and then as long as two are alike, labels of their own label and of
// those they lead to: as no two are the same package, that comes to an end. All labels, and how they
// lead to each other, are the circle; it and a package's label are the package.
func (k *keyer) circle(circle []int32) {
	for i, c := range circle {
		k.label[c] = int32(i) + 1
	}
	labels := make([]hashSum, len(circle))
	for i, c := range circle {
		labels[i] = k.firstLabel(c)
	}
	for range circle {
		if distinct(labels) {
			break
		}
		labels = k.refine(circle, labels)
	}
	whole := k.wholeCircle(circle, labels)
	for i, c := range circle {
		b := append(append(append(k.buf[:0], hashMember...), whole[:]...), labels[i][:]...)
		k.set(c, sha256.Sum256(b))
	}
	for _, c := range circle {
		k.label[c] = 0
	}
}

func (k *keyer) firstLabel(c int32) hashSum {
	n := k.node(c)
	b := append(append(k.buf[:0], hashLabel...), n.self...)
	for _, e := range n.edges {
		if k.label[k.class[e.to]] > 0 {
			b = append(b, 'i')
		} else {
			b = k.appendTarget(append(b, 'o'), e)
		}
	}
	k.buf = b
	return sha256.Sum256(b)
}

// refine returns labels that tell one step more.
func (k *keyer) refine(circle []int32, labels []hashSum) []hashSum {
	next := make([]hashSum, len(labels))
	for i, c := range circle {
		k.buf = k.appendInside(append(k.buf[:0], hashRefined...), c, labels)
		next[i] = sha256.Sum256(k.buf)
	}
	return next
}

// appendInside appends the label of a package and of those of the circle it leads to.
func (k *keyer) appendInside(b []byte, c int32, labels []hashSum) []byte {
	b = append(b, labels[k.label[c]-1][:]...)
	for _, e := range k.node(c).edges {
		if at := k.label[k.class[e.to]]; at > 0 {
			b = append(b, labels[at-1][:]...)
		}
	}
	return b
}

func (k *keyer) wholeCircle(circle []int32, labels []hashSum) hashSum {
	parts := make([][]byte, len(circle))
	for i, c := range circle {
		parts[i] = k.appendInside(nil, c, labels)
	}
	slices.SortFunc(parts, bytes.Compare) // by their labels, of which no two are alike
	h := sha256.New()
	h.Write([]byte(hashCircle))
	for _, p := range parts {
		h.Write(p)
	}
	return hashSum(h.Sum(nil))
}

func distinct(labels []hashSum) bool {
	sorted := slices.Clone(labels)
	slices.SortFunc(sorted, func(a, b hashSum) int { return bytes.Compare(a[:], b[:]) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return false
		}
	}
	return true
}
