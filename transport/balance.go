package transport

import (
	"math"
	"slices"
	"time"
)

// Balance says which of a registry's places is asked first: its own URL or a mirror. Whatever it
// says, places that fail are asked last.
type Balance string

// The ways to balance.
const (
	// Failover asks the registry's own URL, and mirrors in their order when it fails. The default.
	Failover Balance = "failover"
	// RoundRobin asks one after the other.
	RoundRobin Balance = "round-robin"
	// Weighted asks each as often as its weight says.
	Weighted Balance = "weighted"
	// Latency asks the quicker of two that are picked at random: nearly as good as the quickest of
	// all, and what was slow once is looked at again.
	Latency Balance = "latency"
)

const (
	// latencyNew is the weight of a new measurement in the moving average.
	latencyNew = 0.3
	// latencyHalf is the time in which a measurement loses half of what it counts, so that a place
	// that was slow is tried again.
	latencyHalf = 30 * time.Second
)

// order lists the places in which to ask for what is at rest, best first. Mirrors that are out are
// not among them.
func (m *places) order(rest string, tried []*place, now time.Time, random func() float64) []*place {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*place
	for _, p := range m.all {
		if p.out == nil && !slices.Contains(tried, p) {
			list = append(list, p)
		}
	}
	switch m.balance {
	case RoundRobin:
		if n := len(list); n > 0 {
			list = append(list[m.turn%n:], list[:m.turn%n]...)
			m.turn++
		}
	case Weighted:
		shuffle(list, random)
	case Latency:
		quicker(list, now, random)
	}
	behind := func(p *place) int {
		switch {
		case slices.Contains(m.doubts[rest], p):
			return 2
		case !p.failed.IsZero() && now.Sub(p.failed) < failurePause:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b *place) int { return behind(a) - behind(b) })
	return list
}

// shuffle draws the places one by one, each as likely as its weight is of those that are left.
func shuffle(list []*place, random func() float64) {
	for i := range list {
		sum := 0
		for _, p := range list[i:] {
			sum += p.weight
		}
		drawn := i
		for at := int(random() * float64(sum)); at >= list[drawn].weight; drawn++ {
			at -= list[drawn].weight
		}
		p := list[drawn]
		copy(list[i+1:drawn+1], list[i:drawn])
		list[i] = p
	}
}

// quicker puts the better of two random places first, and sorts the rest.
func quicker(list []*place, now time.Time, random func() float64) {
	if len(list) < 2 {
		return
	}
	i := int(random() * float64(len(list)))
	j := int(random() * float64(len(list)-1))
	if j >= i {
		j++
	}
	if list[j].cost(now) < list[i].cost(now) {
		i = j
	}
	first := list[i]
	slices.SortStableFunc(list, func(a, b *place) int {
		switch x, y := a.cost(now), b.cost(now); {
		case a == first, b != first && x < y:
			return -1
		case b == first, x > y:
			return 1
		}
		return 0
	})
}

// cost is the latency to reckon with; 0 where nothing is known.
func (p *place) cost(now time.Time) float64 {
	age := max(now.Sub(p.measured), 0)
	return float64(p.latency) * math.Exp2(-float64(age)/float64(latencyHalf))
}

// answered notes that a place answered, and how quickly. sample says that the time counts for hedging.
func (m *places) answered(p *place, took time.Duration, now time.Time, sample bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.failed = time.Time{}
	if p.latency == 0 {
		p.latency = max(took, 1)
	} else {
		p.latency += time.Duration(latencyNew * float64(took-p.latency))
	}
	p.measured = now
	if sample {
		m.hedge.sample(took)
	}
}

// failing notes that a place failed.
func (m *places) failing(p *place, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.failed = now
}
