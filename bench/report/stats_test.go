package report_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/bench/report"
)

func TestSample(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		sample         report.Sample
		median, spread float64
	}{
		{"one", report.Sample{3}, 3, 0},
		{"two: the mean", report.Sample{4, 2}, 3, 1.0 / 3},
		{"odd", report.Sample{9, 1, 5}, 5, 4.0 / 5},
		{"even", report.Sample{4, 1, 3, 2}, 2.5, 0.6},
		{"an outlier moves nothing", report.Sample{1, 2, 3, 4, 1000}, 3, 2.0 / 3},
	} {
		if got := test.sample.Median(); got != test.median {
			t.Errorf("%s: median %v, want %v", test.name, got, test.median)
		}
		if got := test.sample.Spread(); math.Abs(got-test.spread) > 1e-12 {
			t.Errorf("%s: spread %v, want %v", test.name, got, test.spread)
		}
	}
	if got := (report.Sample{}).Median(); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v", got)
	}
}

// As many values lie above a median as below it, the sample is left as it was, and quantiles rise.
func TestSampleProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := report.Sample(rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 50).Draw(t, "sample"))
		before := slices.Clone(s)
		m := s.Median()
		if !slices.Equal(s, before) {
			t.Fatal("the sample was changed")
		}
		below, above := 0, 0
		for _, v := range s {
			if v < m {
				below++
			} else if v > m {
				above++
			}
		}
		if 2*below > len(s) || 2*above > len(s) {
			t.Fatalf("%d values below and %d above %v in %v", below, above, m, s)
		}
		p, q := rapid.Float64Range(0, 1).Draw(t, "p"), rapid.Float64Range(0, 1).Draw(t, "q")
		if p, q = min(p, q), max(p, q); s.Quantile(p) > s.Quantile(q) {
			t.Fatalf("quantile %v is above quantile %v", p, q)
		}
	})
}
