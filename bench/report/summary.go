package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Fixtures returns the names of the fixtures, in the order of tables.
func Fixtures() []string { return []string{"tiny", "express", "vite", "next", "large"} }

// Scenarios returns the names of the scenarios, in the order in which they are run.
func Scenarios() []string { return []string{"cold", "noop", "warm", "warmnolock", "add", "coldlock"} }

// Clients returns the names of the clients, in the order of tables.
func Clients() []string {
	return []string{
		"pantry-hoisted", "pantry-isolated", "pantry-project",
		"bun-hoisted", "bun-isolated", "bun-global", "pnpm", "pnpm-global", "npm",
	}
}

// Several returns the names of the clients that are Pantry with further registries in front of the one that
// has everything, where all names are claimed and where none is. The first one is Pantry with that one registry.
func Several() []string {
	return []string{"pantry-hoisted", "pantry-claims-1", "pantry-claims-2", "pantry-open-1", "pantry-open-2"}
}

// Mode is how the registry was reached.
type Mode struct {
	Live    bool
	Several bool
	Latency float64 // milliseconds
}

func (m Mode) String() string {
	switch {
	case m.Several && m.Latency > 0:
		return fmt.Sprintf("with several registries, %g ms added to each answer", m.Latency)
	case m.Several:
		return "with several registries"
	case m.Live:
		return "from the live registry"
	case m.Latency > 0:
		return fmt.Sprintf("from the replay registry, %g ms added to each answer", m.Latency)
	}
	return "from the replay registry"
}

// Group is one fixture in one scenario: the clients that ran side by side.
type Group struct {
	Mode     Mode
	Fixture  string
	Scenario string
	Run      string
	Cells    map[string]Cell // by client
}

// Cell is one client in a group.
type Cell struct {
	Wall, CPU, Peak Sample // seconds, seconds, MiB
	Requests        Requests
	Packages, Files int
	UnlikeNPM       int
	Refused         string // why there is no time, from any of its rows
}

// Summary is the newest group of each fixture, scenario and mode.
type Summary struct {
	Runs   map[string]Run
	Groups []Group // in the order of tables
}

// Summarise puts rows together. Clients are compared only with those of the same run; of several runs of one group
// the latest counts.
func Summarise(r *Results) *Summary {
	type key struct {
		mode              Mode
		fixture, scenario string
	}
	groups := map[key]*Group{}
	for _, row := range r.Rows {
		run := r.Runs[row.Run]
		k := key{Mode{run.Live, run.Several, run.Latency}, row.Fixture, row.Scenario}
		g := groups[k]
		if g == nil || g.Run < row.Run {
			g = &Group{k.mode, k.fixture, k.scenario, row.Run, map[string]Cell{}}
			groups[k] = g
		}
		if g.Run == row.Run {
			g.add(row)
		}
	}
	s := &Summary{Runs: r.Runs}
	for _, g := range groups {
		s.Groups = append(s.Groups, *g)
	}
	slices.SortFunc(s.Groups, func(a, b Group) int {
		return cmp.Or(
			cmp.Compare(rank(a.Mode), rank(b.Mode)),
			cmp.Compare(slices.Index(Fixtures(), a.Fixture), slices.Index(Fixtures(), b.Fixture)),
			cmp.Compare(slices.Index(Scenarios(), a.Scenario), slices.Index(Scenarios(), b.Scenario)))
	})
	return s
}

func rank(m Mode) float64 {
	switch {
	case m.Several:
		return 2e9 + m.Latency // after all others
	case m.Live:
		return 1e9
	}
	return m.Latency
}

func (g *Group) add(row Row) {
	c := g.Cells[row.Client]
	if row.Refused != "" {
		c.Refused = row.Refused
	} else {
		c.Wall = append(c.Wall, row.Wall)
		c.CPU = append(c.CPU, row.User+row.System)
		c.Peak = append(c.Peak, row.Peak)
		c.Requests, c.Packages, c.Files, c.UnlikeNPM = row.Requests, row.Packages, row.Files, row.UnlikeNPM
	}
	g.Cells[row.Client] = c
}

// Median returns the median of a value of a client; NaN where it has no time, or any of its trees was wrong.
func (g *Group) Median(client string, value func(Cell) Sample) float64 {
	c, ok := g.Cells[client]
	if !ok || c.Refused != "" {
		return math.NaN()
	}
	return value(c).Median()
}

// Wall is a cell's wall time in seconds.
func Wall(c Cell) Sample { return c.Wall }

// CPU is a cell's user and system time in seconds.
func CPU(c Cell) Sample { return c.CPU }

// Peak is a cell's peak memory in MiB.
func Peak(c Cell) Sample { return c.Peak }

// best returns the least median of some clients, and whose it is.
func (g *Group) best(clients []string, value func(Cell) Sample) (float64, string) {
	least, whose := math.NaN(), ""
	for _, c := range clients {
		if v := g.Median(c, value); !math.IsNaN(v) && !(v >= least) {
			least, whose = v, c
		}
	}
	return least, whose
}
