package npmtree

// slab hands out the many small things a tree is made of from few allocations.
type slab struct {
	freeNodes []Node
	freeEdges []Edge
	freeCands []candidate
	checks    [][]check // in use, the last one in part; see forget
	used      int
}

// perSlab is how many are allocated at once.
const perSlab = 128

func (s *slab) node() *Node {
	if len(s.freeNodes) == 0 {
		s.freeNodes = make([]Node, perSlab)
	}
	n := &s.freeNodes[0]
	s.freeNodes = s.freeNodes[1:]
	return n
}

func (s *slab) edges(n int) []Edge {
	if n == 0 {
		return nil
	}
	if len(s.freeEdges) < n {
		s.freeEdges = make([]Edge, max(n, 4*perSlab))
	}
	e := s.freeEdges[:n:n]
	s.freeEdges = s.freeEdges[n:]
	return e
}

// check returns one that is good until forget.
func (s *slab) check() *check {
	if at := s.used / perSlab; at == len(s.checks) {
		s.checks = append(s.checks, make([]check, perSlab))
	}
	c := &s.checks[s.used/perSlab][s.used%perSlab]
	s.used++
	return c
}

// forget lets all checks be used again.
func (s *slab) forget() { s.used = 0 }

func (s *slab) candidate() *candidate {
	if len(s.freeCands) == 0 {
		s.freeCands = make([]candidate, perSlab)
	}
	c := &s.freeCands[0]
	s.freeCands = s.freeCands[1:]
	return c
}
