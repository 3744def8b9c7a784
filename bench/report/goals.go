package report

import (
	"math"
	"strings"
)

// Comparison is a client of Pantry's and the peers it is measured against.
type Comparison struct {
	Client string
	Title  string
	Peers  []string // the best of them counts
}

// Comparisons returns what is compared with what: the layout that every project can have with the same layout of
// the fastest peer, the one that the machine shares with the best of all.
func Comparisons() []Comparison {
	return []Comparison{
		{"pantry-isolated", "isolated / best peer", []string{"bun-hoisted", "bun-isolated", "bun-global", "pnpm", "pnpm-global", "npm"}},
		{"pantry-hoisted", "hoisted / bun hoisted", []string{"bun-hoisted"}},
		{"pantry-project", "isolated in the project / bun isolated", []string{"bun-isolated"}},
	}
}

// severalComparisons compares Pantry with further registries with Pantry alone.
func severalComparisons() []Comparison {
	alone := []string{"pantry-hoisted"}
	return []Comparison{
		{"pantry-claims-1", "one more, all names claimed / alone", alone},
		{"pantry-claims-2", "two more, all names claimed / alone", alone},
		{"pantry-open-1", "one more, no name claimed / alone", alone},
		{"pantry-open-2", "two more, no name claimed / alone", alone},
	}
}

// comparisons returns what is compared in a mode.
func comparisons(m Mode) []Comparison {
	if m.Several {
		return severalComparisons()
	}
	return Comparisons()
}

// MemoryComparisons is Comparisons for peak memory, of which pnpm and npm need several times as much as bun.
func MemoryComparisons() []Comparison {
	return []Comparison{
		{"pantry-isolated", "isolated / bun's least", []string{"bun-hoisted", "bun-isolated", "bun-global"}},
		{"pantry-hoisted", "hoisted / bun hoisted", []string{"bun-hoisted"}},
		{"pantry-project", "isolated in the project / bun isolated", []string{"bun-isolated"}},
	}
}

// Goal returns the ratio that a client of Pantry's is to reach, or NaN where none is set.
func Goal(m Mode, client, fixture, scenario string) float64 {
	if m.Several {
		if strings.HasPrefix(client, "pantry-claims-") || scenario != "cold" {
			return 1.1
		}
		return math.NaN()
	}
	if m.Live || m.Latency > 0 || client == "pantry-project" {
		return 1
	}
	type pair struct{ isolated, hoisted float64 }
	goals := map[string]pair{
		"cold":       {0.85, 1},
		"coldlock":   {0.85, 1},
		"warm":       {0.2, 1},
		"warmnolock": {0.25, 1},
		"noop":       {0.5, 0.5},
		"add":        {0.5, 0.8},
	}
	switch fixture {
	case "vite", "next", "large":
	case "tiny":
		if scenario == "noop" {
			return 1.1
		}
		return math.NaN()
	default:
		return math.NaN()
	}
	g, ok := goals[scenario]
	switch {
	case !ok:
		return math.NaN()
	case client == "pantry-isolated":
		return g.isolated
	}
	return g.hoisted
}

// Ratio returns the median of a comparison's client divided by that of its best peer, and that peer; NaN where
// one of them has no time.
func (g *Group) Ratio(c Comparison, value func(Cell) Sample) (float64, string) {
	least, whose := g.best(c.Peers, value)
	return g.Median(c.Client, value) / least, whose
}
