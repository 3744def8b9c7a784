package cli

import (
	"time"

	"github.com/pantry-go/pantry/stats"
	"github.com/pantry-go/pantry/transport"
)

// healthRow is how a registry is, judged by what it was last asked by any command.
type healthRow struct {
	stats.Health
	Latencies  latencies     `json:"latencyMs"` // of the last requests
	Credential credentialRow `json:"credential"`
	Expires    time.Time     `json:"certificateExpires,omitzero"`
	Skew       *float64      `json:"clockSkewSeconds,omitempty"` // the server's clock minus ours
	Breaker    *breakerRow   `json:"breaker,omitempty"`
}

// The states of a credential, as of the last time that it was sent.
const (
	credentialAccepted = "accepted"
	credentialRefused  = "refused"
	credentialExpired  = "expired"
	credentialUnknown  = "unknown" // none was sent, or nothing is known of it
)

type credentialRow struct {
	State   string    `json:"state"`
	Checked time.Time `json:"checked,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

const (
	// skewBelow is the difference of clocks that is nothing to speak of: a Date is told in seconds,
	// and the answer takes its time.
	skewBelow = 5 * time.Second
	// expiresSoon is when a certificate or credential is remarked on: time enough to renew it.
	expiresSoon = 14 * 24 * time.Hour
)

// newHealth judges the host of a registry's own URL, or all its hosts where that was not asked.
func newHealth(r stats.Registry, at string, now time.Time) healthRow {
	o := r.Total()
	if own := r.Origin(transport.OriginOf(at)); own.Requests > 0 {
		o = own
	}
	row := healthRow{Health: o.Health(now), Expires: o.CertificateExpires}
	row.Latencies = latenciesOf(row.P50, row.P95)
	row.Credential.State = credentialUnknown
	if c := o.Credential; c != nil {
		row.Credential = credentialRow{State: credentialAccepted, Checked: c.At, Expires: c.Expires}
		switch {
		case !c.Expires.IsZero() && c.Expires.Before(now):
			row.Credential.State = credentialExpired
		case c.Refused:
			row.Credential.State = credentialRefused
		}
	}
	if o.Clock != nil {
		row.Skew = new(o.Clock.Skew.Seconds())
	}
	if o.Opened > 0 {
		row.Breaker = &breakerRow{o.Opened, o.LastOpened}
	}
	return row
}

// remarks tells what a person should know beyond the state.
func (h *healthRow) remarks(now time.Time) []string {
	var all []string
	if h.State == stats.Degraded {
		all = append(all, "degraded: some of the last requests failed ("+clean(string(h.Failure))+")")
	}
	if e := h.Credential.Expires; !e.IsZero() && e.After(now) && e.Sub(now) < expiresSoon {
		all = append(all, "credential ends in "+span(e.Sub(now)))
	}
	switch e := h.Expires; {
	case e.IsZero():
	case e.Before(now):
		all = append(all, "certificate ended "+span(now.Sub(e))+" ago")
	default:
		all = append(all, "certificate holds for "+span(e.Sub(now)))
	}
	if h.Skew != nil {
		skew := time.Duration(*h.Skew * float64(time.Second))
		if skew > skewBelow {
			all = append(all, "its clock is "+span(skew)+" ahead")
		} else if skew < -skewBelow {
			all = append(all, "its clock is "+span(-skew)+" behind")
		}
	}
	return all
}
