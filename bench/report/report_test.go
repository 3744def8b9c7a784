package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/bench/report"
)

// results makes rows of one run: a list of wall times for each client.
func results(id, scenario string, times map[string][]float64) *report.Results {
	r := &report.Results{Runs: map[string]report.Run{id: {ID: id, Reps: 3, Clients: map[string]string{"bun": "1.2.3"}}}}
	for client, list := range times {
		for i, wall := range list {
			r.Rows = append(r.Rows, report.Row{Run: id, Fixture: "vite", Scenario: scenario, Client: client, Rep: i + 1, Wall: wall, User: wall, System: wall, Peak: 100 * wall})
		}
	}
	return r
}

func join(all ...*report.Results) *report.Results {
	out := &report.Results{Runs: map[string]report.Run{}}
	for _, r := range all {
		for id, run := range r.Runs {
			out.Runs[id] = run
		}
		out.Rows = append(out.Rows, r.Rows...)
	}
	return out
}

func TestRatio(t *testing.T) {
	t.Parallel()
	s := report.Summarise(results("2026-01-01T00:00:00Z", "warm", map[string][]float64{
		"pantry-hoisted":  {1, 2, 9},
		"pantry-isolated": {0.1, 0.2, 0.3},
		"bun-hoisted":     {4, 4, 4},
		"bun-global":      {0.5, 0.4, 0.6},
		"pnpm":            {3, 3, 3},
	}))
	if len(s.Groups) != 1 {
		t.Fatalf("%d groups", len(s.Groups))
	}
	g := s.Groups[0]
	for _, c := range report.Comparisons() {
		want := map[string]struct {
			ratio float64
			peer  string
		}{
			"pantry-hoisted":  {0.5, "bun-hoisted"},
			"pantry-isolated": {0.4, "bun-global"},
			"pantry-project":  {math.NaN(), ""},
		}[c.Client]
		got, peer := g.Ratio(c, report.Wall)
		if math.IsNaN(want.ratio) != math.IsNaN(got) || math.Abs(got-want.ratio) > 1e-12 || peer != want.peer {
			t.Errorf("%s: %v against %q, want %v against %q", c.Client, got, peer, want.ratio, want.peer)
		}
	}
	if got := g.Median("pnpm", report.CPU); got != 6 {
		t.Errorf("CPU time is %v, which should be user and system", got)
	}
}

// A client whose tree was wrong even once has no time, and is nobody's peer.
func TestRefused(t *testing.T) {
	t.Parallel()
	r := results("a", "cold", map[string][]float64{"pantry-hoisted": {1, 1}, "pantry-isolated": {1}, "bun-hoisted": {2, 2}, "bun-global": {0.1, 0.1}})
	r.Rows = append(r.Rows, report.Row{Run: "a", Fixture: "vite", Scenario: "cold", Client: "bun-global", Refused: "the tree is wrong"})
	s := report.Summarise(r)
	if got := s.Groups[0].Median("bun-global", report.Wall); !math.IsNaN(got) {
		t.Errorf("a refused client has the time %v", got)
	}
	if ratio, peer := s.Groups[0].Ratio(report.Comparisons()[0], report.Wall); ratio != 0.5 || peer != "bun-hoisted" {
		t.Errorf("ratio %v against %q", ratio, peer)
	}
	if text := s.Markdown(); !strings.Contains(text, "| 1.00 | 1.00 | 2.00 | refused |") {
		t.Errorf("the table does not say so:\n%s", text)
	}
}

// Clients are compared within a run, and the latest run of a group counts; another latency is another group.
func TestNewestRun(t *testing.T) {
	t.Parallel()
	old := results("2026-01-01T00:00:00Z", "cold", map[string][]float64{"pantry-hoisted": {8}, "bun-hoisted": {4}, "pnpm": {1}})
	other := results("2026-01-01T00:00:00Z", "noop", map[string][]float64{"pantry-hoisted": {3}, "bun-hoisted": {3}})
	latest := results("2026-01-02T00:00:00Z", "cold", map[string][]float64{"pantry-hoisted": {1}, "bun-hoisted": {2}})
	slow := results("2026-01-03T00:00:00Z", "cold", map[string][]float64{"pantry-hoisted": {10}, "bun-hoisted": {10}})
	run := slow.Runs["2026-01-03T00:00:00Z"]
	run.Latency = 20
	slow.Runs[run.ID] = run
	s := report.Summarise(join(latest, old, other, slow))
	var got []string
	for _, g := range s.Groups {
		got = append(got, g.Mode.String()+" "+g.Scenario+" "+g.Run[:10])
		if _, ok := g.Cells["pnpm"]; ok {
			t.Error("the latest run has a client of an older one")
		}
	}
	want := []string{
		"from the replay registry cold 2026-01-02",
		"from the replay registry noop 2026-01-01",
		"from the replay registry, 20 ms added to each answer cold 2026-01-03",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGoalIsMarked(t *testing.T) {
	t.Parallel()
	missed := report.Summarise(results("a", "noop", map[string][]float64{"pantry-hoisted": {0.6}, "bun-hoisted": {1}}))
	reached := report.Summarise(results("a", "noop", map[string][]float64{"pantry-hoisted": {0.5}, "bun-hoisted": {1}}))
	if text := missed.Markdown(); !strings.Contains(text, "| vite | noop | **0.60 (0.50)** |") {
		t.Errorf("a missed goal is not marked:\n%s", text)
	}
	if text := reached.Markdown(); !strings.Contains(text, "| vite | noop | 0.50 (0.50) |") {
		t.Errorf("a goal that was reached is marked:\n%s", text)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.jsonl")
	want := results("a", "cold", map[string][]float64{"pnpm": {1, 2}})
	want.Rows[1].Refused = "no\nlockfile"
	for _, v := range []any{want.Runs["a"], want.Rows[0], want.Rows[1]} { // appended, one by one
		w, err := report.Append(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(v), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := report.Read(strings.NewReader(string(data) + `{"in":"a","fix`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for name, text := range map[string]string{
		"a broken line in the middle": "{\n" + string(data),
		"a row without its run":       `{"in":"b","fixture":"vite"}`,
		"not an object":               "[]\n{}",
	} {
		if _, err := report.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	got, err := report.Replace("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", "x", "new\n")
	if err != nil || got != "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, document := range []string{"", "<!-- x -->\n", "<!-- /x -->\n<!-- x -->\n", "<!-- y -->\n<!-- /y -->"} {
		if _, err := report.Replace(document, "x", ""); err == nil {
			t.Errorf("%q: no error", document)
		}
	}
}

// The plot is well-formed, has a bar for every time, and none leaves its panel, npm's not even.
func TestPlot(t *testing.T) {
	t.Parallel()
	s := report.Summarise(results("a", "warm", map[string][]float64{"pantry-hoisted": {0.5}, "bun-hoisted": {1}, "npm": {90}}))
	var widths []string
	d := xml.NewDecoder(strings.NewReader(s.Plot(report.Mode{}, []string{"vite"})))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			for _, a := range e.Attr {
				if a.Name.Local == "width" {
					widths = append(widths, a.Value)
				}
			}
		}
	}
	if d := cmp.Diff([]string{"10", "10", "10", "67.0", "134.0", "134.0"}, widths); d != "" { // a legend of three, three bars
		t.Error(d)
	}
}
