package stats

import (
	"slices"
	"time"
)

// State is how a registry is. The values are stable.
type State string

// The states.
const (
	Up       State = "up"       // what was asked lately was answered
	Degraded State = "degraded" // some of it was not
	Down     State = "down"     // none of the last requests was answered
	Unknown  State = "unknown"  // nothing was asked lately
)

const (
	// Lately is how far back events count for a state: long enough that a person who has just seen
	// a failure finds it, short enough that yesterday's does not count.
	Lately = 15 * time.Minute
	// downAfter is the number of failures in a row that make a registry down: as many attempts as
	// one request makes by default. Fewer do where there is nothing else to go by.
	downAfter = 3
	// degradedAbove is the share of failures above which a registry that answers is degraded.
	degradedAbove = 0.1
)

// Health is how an origin is, judged by its last exchanges.
type Health struct {
	State State `json:"state"`
	// Since is when the present run of failures began; zero unless the state is down.
	Since time.Time `json:"since,omitzero"`
	// Checked is the time of the last exchange; zero where there was none.
	Checked time.Time `json:"checked,omitzero"`
	// Failure is the class of the last failure among the recent ones; "" where there is none.
	Failure Class `json:"failure,omitempty"`
	// P50 and P95 are latencies of the last exchanges, however old; 0 where there are none.
	P50, P95 time.Duration `json:"-"`
}

// Health judges the origin at a moment.
func (o *Origin) Health(now time.Time) Health {
	h := Health{State: Unknown, Checked: o.last()}
	var latencies []time.Duration
	recent, failed, inRow := 0, 0, 0
	for _, e := range o.Recent {
		if e.Latency > 0 {
			latencies = append(latencies, e.Latency)
		}
		if now.Sub(e.At) > Lately {
			continue
		}
		recent++
		if !e.Class.down() {
			inRow = 0
			continue
		}
		failed++
		if inRow++; inRow == 1 {
			h.Since = e.At
		}
		h.Failure = e.Class
	}
	h.P50, h.P95 = quantile(latencies, 0.5), quantile(latencies, 0.95)
	switch {
	case recent == 0:
	case inRow >= downAfter, inRow == recent:
		h.State = Down
		return h
	case float64(failed) > degradedAbove*float64(recent):
		h.State = Degraded
	default:
		h.State = Up
	}
	h.Since = time.Time{}
	return h
}

// quantile of some durations, which are sorted by it.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}
