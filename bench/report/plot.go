package report

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Sizes of the plot, in SVG units.
const (
	panelWidth = 190
	barHeight  = 11
	barGap     = 3
	panelHead  = 22
	panelGap   = 18
	margin     = 12
	legendRow  = 26
	labelWidth = 44
)

// colours of the bars: Pantry's in one hue, a peer's in another.
func colour(client string) string {
	return map[string]string{
		"pantry-hoisted": "#0b7a75", "pantry-isolated": "#19b5a5", "pantry-project": "#7fdcd0",
		"bun-hoisted": "#b8860b", "bun-isolated": "#daa520", "bun-global": "#f0cf7a",
		"pnpm": "#7a5ea8", "pnpm-global": "#b5a1d6", "npm": "#b04a4a",
	}[client]
}

// Plot draws the wall times of some fixtures as an SVG: a panel for each scenario, a bar for each client.
// Every panel has its own scale, that of its slowest client but npm, whose bar is cut off there.
func (s *Summary) Plot(m Mode, fixtures []string) string {
	var groups []Group
	for _, g := range s.in(m) {
		if slices.Contains(fixtures, g.Fixture) {
			groups = append(groups, g)
		}
	}
	names := clients(groups)
	panelHeight := panelHead + len(names)*(barHeight+barGap) + panelGap
	rows := 0
	var body strings.Builder
	for _, fixture := range fixtures {
		if !slices.ContainsFunc(groups, func(g Group) bool { return g.Fixture == fixture }) {
			continue
		}
		for _, g := range groups {
			if g.Fixture == fixture {
				x := margin + slices.Index(Scenarios(), g.Scenario)*panelWidth
				panel(&body, g, names, x, margin+legendRow+rows*panelHeight)
			}
		}
		rows++
	}
	width, height := 2*margin+len(Scenarios())*panelWidth, 2*margin+legendRow+rows*panelHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Wall times of installs">`+"\n", width, height, width, height)
	b.WriteString("<style>text{font:11px sans-serif;fill:#333}.t{font-weight:bold}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>\n")
	legend(&b, names)
	b.WriteString(body.String())
	b.WriteString("</svg>\n")
	return b.String()
}

func legend(b *strings.Builder, names []string) {
	x := margin
	for _, c := range names {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", x, margin, colour(c), x+14, margin+9, escape(c))
		x += 34 + 6*len(c)
	}
}

// panel draws one group.
func panel(b *strings.Builder, g Group, names []string, x, y int) {
	fmt.Fprintf(b, `<text class="t" x="%d" y="%d">%s, %s</text>`+"\n", x, y+12, escape(g.Fixture), escape(g.Scenario))
	longest := 0.0
	for _, c := range names {
		if v := g.Median(c, Wall); c != "npm" && v > longest {
			longest = v
		}
	}
	y += panelHead
	for _, c := range names {
		v := g.Median(c, Wall)
		if !math.IsNaN(v) {
			scale := longest
			if scale == 0 {
				scale = v
			}
			width := min(v/scale, 1) * (panelWidth - labelWidth - margin)
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%s</text>`+"\n",
				x, y, math.Max(width, 0.5), barHeight, colour(c), float64(x)+width+4, y+barHeight-2, seconds(v))
		}
		y += barHeight + barGap
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
