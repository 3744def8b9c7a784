package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry/stats"
)

func TestHealthRemarks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const host = "https://acme.example"
	ok := stats.Event{At: now.Add(-time.Minute), Latency: time.Millisecond}
	bad := stats.Event{At: now.Add(-time.Minute), Class: stats.DNS}
	tests := map[string]struct {
		o          stats.Origin
		credential string
		want       string
	}{
		"nothing":       {stats.Origin{}, credentialUnknown, ""},
		"all is well":   {stats.Origin{Recent: []stats.Event{ok}, Clock: &stats.Clock{Skew: time.Second}}, credentialUnknown, ""},
		"degraded":      {stats.Origin{Recent: []stats.Event{ok, bad, ok}}, credentialUnknown, "degraded: some of the last requests failed (dns)"},
		"certificate":   {stats.Origin{CertificateExpires: now.Add(70 * time.Hour)}, credentialUnknown, "certificate holds for 2 days"},
		"has ended":     {stats.Origin{CertificateExpires: now.Add(-time.Hour)}, credentialUnknown, "certificate ended 1h ago"},
		"clock ahead":   {stats.Origin{Clock: &stats.Clock{Skew: 3 * time.Minute}}, credentialUnknown, "its clock is 3m ahead"},
		"clock behind":  {stats.Origin{Clock: &stats.Clock{Skew: -49 * time.Hour}}, credentialUnknown, "its clock is 2 days behind"},
		"accepted":      {stats.Origin{Credential: &stats.Credential{At: now}}, credentialAccepted, ""},
		"refused":       {stats.Origin{Credential: &stats.Credential{At: now, Refused: true}}, credentialRefused, ""},
		"expired":       {stats.Origin{Credential: &stats.Credential{At: now, Expires: now.Add(-1)}}, credentialExpired, ""},
		"about to end":  {stats.Origin{Credential: &stats.Credential{At: now, Expires: now.Add(time.Hour)}}, credentialAccepted, "credential ends in 1h"},
		"refused ended": {stats.Origin{Credential: &stats.Credential{At: now, Refused: true, Expires: now.Add(-1)}}, credentialExpired, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.o.Origin, tt.o.Requests = host, 1
			other := stats.Origin{Origin: "https://cdn.example", Requests: 1, Recent: []stats.Event{bad, bad, bad}}
			h := newHealth(stats.Registry{Origins: []stats.Origin{tt.o, other}}, host+"/npm", now)
			if got := strings.Join(h.remarks(now), "; "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if h.Credential.State != tt.credential {
				t.Errorf("credential %s, want %s", h.Credential.State, tt.credential)
			}
		})
	}
	h := newHealth(stats.Registry{Origins: []stats.Origin{{Origin: host, Requests: 1, Recent: []stats.Event{bad}}}}, "https://${HOST}", now)
	if h.State != stats.Down {
		t.Errorf("of a URL that is not known yet: %s", h.State)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line  string
		width int
		want  string
	}{{"short", 80, "short"}, {"0123456789", 5, "0123"}, {"ääääääääää", 5, "ääää"}, {strings.Repeat("x", 100), 0, strings.Repeat("x", 79)}} {
		if got := cut(tt.line, tt.width); got != tt.want {
			t.Errorf("%q in %d columns: got %q, want %q", tt.line, tt.width, got, tt.want)
		}
	}
}
