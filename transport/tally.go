package transport

import "time"

// tallySlices is how many slices a tally's window has: it ends within a sixth of it.
const tallySlices = 6

// tally counts two kinds of events over a sliding window of time. The zero value with a window is
// ready.
type tally struct {
	window time.Duration
	slices [tallySlices]struct {
		number int64
		counts [2]int
	}
}

func (t *tally) number(now time.Time) int64 {
	return now.UnixNano() / int64(t.window/tallySlices)
}

// add counts an event of a kind, which is 0 or 1.
func (t *tally) add(now time.Time, kind int) {
	n := t.number(now)
	s := &t.slices[uint64(n)%tallySlices]
	if s.number != n {
		s.number, s.counts = n, [2]int{}
	}
	s.counts[kind]++
}

// sums are the events of both kinds within the window.
func (t *tally) sums(now time.Time) (sums [2]int) {
	n := t.number(now)
	for i := range t.slices {
		if s := &t.slices[i]; s.number > n-tallySlices && s.number <= n {
			sums[0] += s.counts[0]
			sums[1] += s.counts[1]
		}
	}
	return sums
}

// forget empties the window.
func (t *tally) forget() { *t = tally{window: t.window} }
