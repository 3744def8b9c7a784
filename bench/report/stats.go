package report

import (
	"math"
	"slices"
)

// Sample is a set of measured values.
type Sample []float64

// Quantile returns the value below which the share q (0 to 1) of the sample lies, interpolated between
// neighbours; NaN for an empty sample.
func (s Sample) Quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low == len(sorted)-1 {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// Median returns the middle value, or the mean of the two middle ones; NaN for an empty sample.
func (s Sample) Median() float64 { return s.Quantile(0.5) }

// Spread returns how far apart the quartiles are, as a share of the median.
func (s Sample) Spread() float64 {
	return (s.Quantile(0.75) - s.Quantile(0.25)) / s.Median()
}
