package stats

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"time"
)

// Histogram counts durations in buckets whose borders grow by a quarter or less, so that a quantile
// is exact to about a tenth. It counts from 16 microseconds to 134 seconds, and puts what is
// below or above into the first and last bucket. The zero value is empty.
type Histogram struct {
	counts [buckets]uint32
	n      int64
	sum    time.Duration
}

const (
	subBits  = 2  // a power of two of microseconds has 4 buckets
	minPower = 4  // 2^4 us: an answer over loopback takes longer
	maxPower = 27 // 2^27 us: longer than any wait of package transport
	buckets  = (maxPower - minPower) << subBits
)

func bucketOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < 1<<minPower {
		return 0
	}
	power := bits.Len64(us) - 1
	if power >= maxPower {
		return buckets - 1
	}
	sub := int(us>>(power-subBits)) & (1<<subBits - 1)
	return (power-minPower)<<subBits | sub
}

// bound is the upper border of a bucket.
func bound(bucket int) time.Duration {
	power, sub := bucket>>subBits+minPower, bucket&(1<<subBits-1)
	return time.Duration(uint64(1<<subBits+sub+1)<<(power-subBits)) * time.Microsecond
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucketOf(d)]++
	h.n++
	h.sum += d
}

// Merge adds the counts of another histogram.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] = uint32(min(uint64(h.counts[i])+uint64(n), 1<<32-1))
	}
	h.n += other.n
	h.sum += other.sum
}

// Count is the number of durations, Sum what they add up to.
func (h *Histogram) Count() int64       { return h.n }
func (h *Histogram) Sum() time.Duration { return h.sum }

// IsZero says whether nothing was counted.
func (h Histogram) IsZero() bool { return h.n == 0 }

// Quantile is a duration that a share q of all (0.95, say) does not exceed; 0 where there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := int64(q*float64(h.n) + 0.999999) // rounded up: the p95 of 20 is the 19th
	rank = min(max(rank, 1), h.n)
	seen := int64(0)
	for i, n := range h.counts {
		if seen += int64(n); seen >= rank {
			lower := time.Microsecond << minPower
			if i > 0 {
				lower = bound(i - 1)
			}
			return (lower + bound(i)) / 2
		}
	}
	return bound(buckets - 1)
}

// Buckets calls f for each bucket that has counts, with its upper border.
func (h *Histogram) Buckets(f func(upTo time.Duration, n int64)) {
	for i, n := range h.counts {
		if n > 0 {
			f(bound(i), int64(n))
		}
	}
}

// sparse is a histogram in a file: bucket, count, bucket, count.
type sparse struct {
	Sum    time.Duration `json:"sumNs"`
	Counts []int64       `json:"counts"`
}

// MarshalJSON writes the buckets that have counts.
func (h Histogram) MarshalJSON() ([]byte, error) {
	s := sparse{Sum: h.sum, Counts: []int64{}}
	for i, n := range h.counts {
		if n > 0 {
			s.Counts = append(s.Counts, int64(i), int64(n))
		}
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var s sparse
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*h = Histogram{sum: s.Sum}
	if len(s.Counts)%2 != 0 {
		return fmt.Errorf("histogram: a bucket without a count")
	}
	for i := 0; i < len(s.Counts); i += 2 {
		bucket, n := s.Counts[i], s.Counts[i+1]
		if bucket < 0 || bucket >= buckets || n < 0 || n >= 1<<32 {
			return fmt.Errorf("histogram: %d in bucket %d", n, bucket)
		}
		h.counts[bucket] = uint32(n)
	}
	for _, n := range h.counts {
		h.n += int64(n)
	}
	return nil
}
