package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// The table of the package comment, written out a second time: does the second registry get asked,
// is there a warning, is the origin unconfirmed, what does the error match.
func TestOutcomeTable(t *testing.T) {
	t.Parallel()
	const (
		next   = "next"
		warned = "warn, next"
		stop   = "stop"
		done   = "done"
	)
	tests := []struct {
		outcome     registry.Outcome
		failover    string
		always      string
		notFound    string
		never       string
		err         error // when it stops
		unconfirmed bool  // when it goes on
	}{
		{registry.Found, done, done, done, done, nil, false},
		{registry.NameNotFound, next, next, next, stop, pantry.ErrNotFound, false},
		{registry.VersionNotFound, stop, warned, stop, stop, pantry.ErrVersionNotFound, false},
		{registry.DeniedAnonymous, next, next, stop, stop, pantry.ErrDenied, false},
		{registry.DeniedCred, stop, warned, stop, stop, pantry.ErrDenied, false},
		{registry.Unavailable, warned, warned, stop, stop, pantry.ErrUnavailable, true},
		{registry.Invalid, warned, warned, stop, stop, pantry.ErrInvalid, true},
		{registry.Integrity, stop, stop, stop, stop, pantry.ErrIntegrity, false},
		{registry.Failed, stop, stop, stop, stop, errOdd, false},
	}
	for _, tt := range tests {
		for mode, want := range map[registry.Fallback]string{
			registry.Failover: tt.failover, registry.Always: tt.always,
			registry.NotFoundOnly: tt.notFound, registry.Never: tt.never,
		} {
			for _, by := range []string{"registry", "manager"} {
				t.Run(fmt.Sprintf("%s/%s/mode of the %s", tt.outcome, mode, by), func(t *testing.T) {
					t.Parallel()
					j := &journal{}
					o, c := registry.Options{}, registry.Config{Name: "first", Priority: ptr(1)}
					if by == "registry" {
						c.Fallback = mode
					} else {
						o.Fallback = mode
					}
					m := registry.NewManager(o)
					add(t, m, c, &fake{name: "first", journal: j, outcome: tt.outcome})
					// A mode of its own, so that it is seen that the failing registry's counts.
					add(t, m, registry.Config{Name: "second", Priority: ptr(2), Fallback: registry.Never}, &fake{name: "second", journal: j})
					md, d, err := m.Metadata(context.Background(), "lodash", "1.0.0")

					goesOn := want == next || want == warned
					probed := tt.outcome == registry.VersionNotFound && mode == registry.Failover
					calls := j.take()
					if got := len(calls) == 2; got != (goesOn || probed) {
						t.Errorf("asked %v, want the second one asked: %v", calls, goesOn)
					}
					switch {
					case want == done:
						if err != nil || md.Registry != "first" || d.Registry != "first" {
							t.Errorf("got %v, %v from %q", md, err, d.Registry)
						}
					case goesOn:
						if err != nil || md.Registry != "second" || d.Registry != "second" || d.Version != "1.0.0" {
							t.Errorf("got %v, %v from %q", md, err, d.Registry)
						}
					default:
						if !errors.Is(err, tt.err) || md != nil {
							t.Errorf("got %v, %v, want an error that matches %v", md, err, tt.err)
						}
					}
					if got := len(d.Warnings) > 0; got != (want == warned) {
						t.Errorf("warnings %q, want some: %v", d.Warnings, want == warned)
					}
					if got := d.Unconfirmed != ""; got != (goesOn && tt.unconfirmed) {
						t.Errorf("unconfirmed %q, want %v", d.Unconfirmed, tt.unconfirmed)
					}
					if d.Attempts[0].Outcome != tt.outcome || d.Attempts[0].Mode != mode {
						t.Errorf("first attempt %+v", d.Attempts[0])
					}
				})
			}
		}
	}
}

func add(t testing.TB, m *registry.Manager, c registry.Config, r pantry.Registry) {
	t.Helper()
	if c.Type == "" {
		c.Type = "custom"
	}
	if err := m.AddRegistry(c, r); err != nil {
		t.Fatal(err)
	}
}

// What several answers come to.
func TestVerdict(t *testing.T) {
	t.Parallel()
	const (
		absent  = registry.NameNotFound
		version = registry.VersionNotFound
		denied  = registry.DeniedAnonymous
		secret  = registry.DeniedCred
		down    = registry.Unavailable
		invalid = registry.Invalid
	)
	all := []error{
		pantry.ErrNotFound, pantry.ErrVersionNotFound, pantry.ErrDenied, pantry.ErrUnavailable,
		pantry.ErrInvalid, registry.ErrIncomplete,
	}
	tests := []struct {
		outcomes []registry.Outcome
		mode     registry.Fallback
		match    []error
	}{
		{[]registry.Outcome{absent, absent}, registry.Failover, []error{pantry.ErrNotFound}},
		{[]registry.Outcome{absent, version}, registry.Failover, []error{pantry.ErrNotFound, pantry.ErrVersionNotFound}},
		{[]registry.Outcome{version, absent}, registry.Always, []error{pantry.ErrNotFound, pantry.ErrVersionNotFound}},
		{[]registry.Outcome{down, down}, registry.Failover, []error{pantry.ErrUnavailable}},
		{[]registry.Outcome{down, absent}, registry.Failover, []error{registry.ErrIncomplete}},
		{[]registry.Outcome{absent, down}, registry.Failover, []error{registry.ErrIncomplete}},
		{[]registry.Outcome{down, version}, registry.Failover, []error{registry.ErrIncomplete}},
		{[]registry.Outcome{down, invalid}, registry.Failover, []error{registry.ErrIncomplete}},
		{[]registry.Outcome{invalid, invalid}, registry.Failover, []error{pantry.ErrInvalid}},
		{[]registry.Outcome{denied, absent}, registry.Failover, []error{pantry.ErrDenied}},
		{[]registry.Outcome{absent, denied}, registry.Failover, []error{pantry.ErrDenied}},
		{[]registry.Outcome{denied, down}, registry.Failover, []error{registry.ErrIncomplete}},
		{[]registry.Outcome{absent, secret, absent}, registry.Failover, []error{pantry.ErrDenied}},
		{[]registry.Outcome{absent, down}, registry.NotFoundOnly, []error{pantry.ErrUnavailable}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.outcomes, tt.mode), func(t *testing.T) {
			t.Parallel()
			m := registry.NewManager(registry.Options{Fallback: tt.mode})
			j := &journal{}
			for i, o := range tt.outcomes {
				name := fmt.Sprintf("r%d", i)
				add(t, m, registry.Config{Name: name}, &fake{name: name, journal: j, outcome: o})
			}
			_, _, err := m.Metadata(context.Background(), "lodash", "1")
			for _, s := range all {
				want := false
				for _, w := range tt.match {
					want = want || w == s
				}
				if errors.Is(err, s) != want {
					t.Errorf("%v: matches %q: %v, want %v", err, s, !want, want)
				}
			}
			for i := range tt.outcomes {
				if d := decision(t, err); d.Attempts[i].Asked && !strings.Contains(err.Error(), fmt.Sprintf("r%d: ", i)) {
					t.Errorf("the message leaves out r%d: %v", i, err)
				}
			}
		})
	}
}

func decision(t testing.TB, err error) registry.Decision {
	t.Helper()
	var le *registry.LookupError
	if !errors.As(err, &le) {
		t.Fatalf("%v is no LookupError", err)
	}
	return le.Decision
}
