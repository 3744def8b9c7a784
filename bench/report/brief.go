package report

import (
	"fmt"
	"math"
	"strings"
)

// Brief writes a line for each cell, for a terminal.
func (s *Summary) Brief() string {
	var b strings.Builder
	for _, m := range s.modes() {
		groups := s.in(m)
		fmt.Fprintf(&b, "%s\n%-8s %-10s %-15s %9s %7s %9s %9s  %s\n", m, "fixture", "scenario", "client", "wall s", "spread", "cpu s", "peak MiB", "ratio to")
		for _, g := range groups {
			for _, name := range clients(groups) {
				if c, ok := g.Cells[name]; ok {
					b.WriteString(strings.TrimRight(brief(g, name, c), " ") + "\n")
				}
			}
		}
	}
	return b.String()
}

func brief(g Group, name string, c Cell) string {
	line := fmt.Sprintf("%-8s %-10s %-15s ", g.Fixture, g.Scenario, name)
	if c.Refused != "" {
		first, _, _ := strings.Cut(c.Refused, "\n")
		return line + "refused: " + first
	}
	line += fmt.Sprintf("%9.4f %5.0f %% %9.4f %9.1f", c.Wall.Median(), 100*c.Wall.Spread(), c.CPU.Median(), c.Peak.Median())
	for _, comparison := range comparisons(g.Mode) {
		if r, whose := g.Ratio(comparison, Wall); comparison.Client == name && !math.IsNaN(r) {
			line += fmt.Sprintf("  %.2f %s", r, whose)
			if goal := Goal(g.Mode, name, g.Fixture, g.Scenario); r > goal {
				line += fmt.Sprintf(", above %.2f", goal)
			}
		}
	}
	return line
}
