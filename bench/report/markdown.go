package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Markdown writes everything: the facts of the runs, ratios, and a table of each value.
func (s *Summary) Markdown() string {
	var b strings.Builder
	b.WriteString(s.facts())
	for _, m := range s.modes() {
		groups := s.in(m)
		fmt.Fprintf(&b, "\n## %s%s\n", strings.ToUpper(m.String()[:1]), m.String()[1:])
		b.WriteString("\n### Ratios of wall times\n\nOne is as fast; less is faster. In brackets what is aimed at.\n\n")
		b.WriteString(ratios(groups, comparisons(m), Wall, true))
		b.WriteString("\n### Wall time, seconds\n\n")
		b.WriteString(table(groups, Wall, seconds))
		b.WriteString("\nHalf of a client's runs lie within the width given here, as a share of the median: ")
		b.WriteString(spread(groups))
		b.WriteString("\n\n### CPU time, user and system, seconds\n\n")
		b.WriteString(table(groups, CPU, seconds))
		b.WriteString("\n### Peak memory, MiB\n\n")
		b.WriteString(table(groups, Peak, mebibytes))
		if !m.Several {
			b.WriteString("\n### Ratios of peak memory\n\n")
			b.WriteString(ratios(groups, MemoryComparisons(), Peak, false))
		}
		if !m.Live {
			b.WriteString("\n### Requests\n\nPackuments (of them not modified) and tarballs, in the last run.\n\n")
			b.WriteString(requests(groups))
			b.WriteString("\n### Trees\n\nPackages and files after the last run, and in how many lines Pantry's tree is unlike npm's: places" +
				" where it is hoisted, versions else.\n\n")
			b.WriteString(grid(groups, treeCell))
		}
	}
	return b.String()
}

// Short writes the ratios of the larger fixtures from the replay registry, for a README.
func (s *Summary) Short() string {
	var groups []Group
	for _, g := range s.in(Mode{}) {
		if slices.Contains([]string{"vite", "next", "large"}, g.Fixture) {
			groups = append(groups, g)
		}
	}
	return ratios(groups, Comparisons(), Wall, false)
}

// modes returns the modes there are, in order.
func (s *Summary) modes() []Mode {
	var out []Mode
	for _, g := range s.Groups {
		if !slices.Contains(out, g.Mode) {
			out = append(out, g.Mode)
		}
	}
	return out
}

func (s *Summary) in(m Mode) []Group {
	var out []Group
	for _, g := range s.Groups {
		if g.Mode == m {
			out = append(out, g)
		}
	}
	return out
}

// facts says what was measured where: of each run that the groups are from.
func (s *Summary) facts() string {
	var b strings.Builder
	var seen []string
	for _, g := range s.Groups {
		if slices.Contains(seen, g.Run) {
			continue
		}
		seen = append(seen, g.Run)
		r := s.Runs[g.Run]
		m := r.Machine
		fmt.Fprintf(&b, "- %s, %s: medians of %d; %s, %d cores, %.0f GiB, %s, projects on %s", r.ID, g.Mode, r.Reps, m.CPU, m.Cores, m.Memory, m.System, m.Files)
		for _, name := range slices.Sorted(maps.Keys(r.Clients)) {
			fmt.Fprintf(&b, ", %s %s", name, r.Clients[name])
		}
		fmt.Fprintf(&b, " (built with %s; npm on Node.js %s)\n", m.Go, strings.TrimPrefix(m.Node, "v"))
	}
	return b.String()
}

// clients returns those that appear in groups, in the order of tables.
func clients(groups []Group) []string {
	var out []string
	for _, c := range slices.Compact(append(Clients(), Several()[1:]...)) {
		if slices.ContainsFunc(groups, func(g Group) bool { _, ok := g.Cells[c]; return ok }) {
			out = append(out, c)
		}
	}
	return out
}

// table has a row for each group and a column for each client.
func table(groups []Group, value func(Cell) Sample, format func(float64) string) string {
	return grid(groups, func(g Group, client string) string {
		c, ok := g.Cells[client]
		switch {
		case !ok:
			return ""
		case c.Refused != "":
			return "refused"
		}
		return format(value(c).Median())
	})
}

func requests(groups []Group) string {
	return grid(groups, func(g Group, client string) string {
		c, ok := g.Cells[client]
		if !ok || c.Refused != "" {
			return ""
		}
		r := c.Requests
		if r.NotModified > 0 {
			return fmt.Sprintf("%d (%d) %d", r.Packuments, r.NotModified, r.Tarballs)
		}
		return fmt.Sprintf("%d %d", r.Packuments, r.Tarballs)
	})
}

func treeCell(g Group, client string) string {
	c, ok := g.Cells[client]
	if !ok || c.Refused != "" {
		return ""
	}
	text := fmt.Sprintf("%d %d", c.Packages, c.Files)
	if c.UnlikeNPM > 0 {
		text += fmt.Sprintf(" (%d)", c.UnlikeNPM)
	}
	return text
}

func grid(groups []Group, cell func(g Group, client string) string) string {
	var b strings.Builder
	names := clients(groups)
	b.WriteString("| fixture | scenario | " + strings.Join(names, " | ") + " |\n")
	b.WriteString("|---|---|" + strings.Repeat("---:|", len(names)) + "\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "| %s | %s |", g.Fixture, g.Scenario)
		for _, c := range names {
			b.WriteString(" " + cell(g, c) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ratios has a column for each comparison of which there is anything.
func ratios(groups []Group, comparisons []Comparison, value func(Cell) Sample, goals bool) string {
	var there []Comparison
	for _, c := range comparisons {
		if slices.ContainsFunc(groups, func(g Group) bool { r, _ := g.Ratio(c, value); return !math.IsNaN(r) }) {
			there = append(there, c)
		}
	}
	var b strings.Builder
	b.WriteString("| fixture | scenario |")
	for _, c := range there {
		b.WriteString(" " + c.Title + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---:|", len(there)) + "\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "| %s | %s |", g.Fixture, g.Scenario)
		for _, c := range there {
			b.WriteString(" " + ratio(g, c, value, goals) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func ratio(g Group, c Comparison, value func(Cell) Sample, goals bool) string {
	r, whose := g.Ratio(c, value)
	if math.IsNaN(r) {
		return ""
	}
	text := fmt.Sprintf("%.2f", r)
	if len(c.Peers) > 1 {
		text += " " + whose
	}
	if goal := Goal(g.Mode, c.Client, g.Fixture, g.Scenario); goals && !math.IsNaN(goal) {
		text += fmt.Sprintf(" (%.2f)", goal)
		if r > goal {
			text = "**" + text + "**"
		}
	}
	return text
}

// spread is the middle and the greatest of the cells' spreads.
func spread(groups []Group) string {
	var all Sample
	worst, where := 0.0, ""
	for _, g := range groups {
		for _, name := range clients(groups) {
			c, ok := g.Cells[name]
			if !ok || len(c.Wall) < 2 {
				continue
			}
			v := c.Wall.Spread()
			all = append(all, v)
			if v >= worst {
				worst, where = v, g.Fixture+", "+g.Scenario+", "+name
			}
		}
	}
	if len(all) == 0 {
		return "not known from one run."
	}
	return fmt.Sprintf("%.0f %% in the middle of all cells, %.0f %% at most (%s).", 100*all.Median(), 100*worst, where)
}

// seconds shows three digits that count.
func seconds(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func mebibytes(v float64) string { return fmt.Sprintf("%.0f", v) }

// Replace puts text between the lines "<!-- NAME -->" and "<!-- /NAME -->" of a document.
func Replace(document, name, text string) (string, error) {
	before, rest, ok := strings.Cut(document, "<!-- "+name+" -->\n")
	_, after, closed := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !closed {
		return "", fmt.Errorf("the document has no lines <!-- %s --> and <!-- /%s -->", name, name)
	}
	return before + "<!-- " + name + " -->\n" + text + "<!-- /" + name + " -->" + after, nil
}
