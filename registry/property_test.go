package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// spec is one registry of a random set.
type spec struct {
	Name     string
	Type     string
	Priority int
	Disabled bool
	Claims   []string
	Refuses  string
	Outcome  registry.Outcome
	Mode     registry.Fallback
}

var (
	someNames  = []string{"lodash", "internal-tool", "@acme/ui", "@acme/api", "@Acme/UI", "owner/repo", "x"}
	someClaims = []string{"@acme/*", "@acme/ui", "internal-*", "*/*", "lodash", "*", "@a*/u*", "owner/repo"}
	someModes  = []registry.Fallback{"", registry.Failover, registry.Always, registry.NotFoundOnly, registry.Never}
	outcomes   = []registry.Outcome{
		registry.Found, registry.NameNotFound, registry.VersionNotFound, registry.DeniedAnonymous, registry.DeniedCred,
		registry.Unavailable, registry.Invalid, registry.Integrity, registry.Failed,
		registry.NameNotFound, registry.Unavailable, // more often: they lead on
	}
)

func specs() *rapid.Generator[[]spec] {
	return rapid.Custom(func(t *rapid.T) []spec {
		n := rapid.IntRange(0, 5).Draw(t, "n")
		out := make([]spec, n)
		for i := range out {
			out[i] = spec{
				Name:     fmt.Sprintf("r%d", i),
				Type:     rapid.SampledFrom([]string{"npm", "custom", "github"}).Draw(t, "type"),
				Priority: rapid.IntRange(1, 3).Draw(t, "priority"),
				Disabled: rapid.IntRange(0, 4).Draw(t, "disabled") == 0,
				Refuses:  rapid.SampledFrom([]string{"", "", "@", "l", "owner"}).Draw(t, "refuses"),
				Outcome:  rapid.SampledFrom(outcomes).Draw(t, "outcome"),
				Mode:     rapid.SampledFrom(someModes).Draw(t, "mode"),
			}
			if rapid.Bool().Draw(t, "claims") {
				out[i].Claims = rapid.SliceOfNDistinct(rapid.SampledFrom(someClaims), 1, 2, rapid.ID).Draw(t, "patterns")
			}
		}
		return out
	})
}

// build makes a manager of the specs. A spec whose claims clash with those before it is left out:
// that is a test of its own.
func build(t *rapid.T, in []spec, j *journal) (*registry.Manager, []spec) {
	m := registry.NewManager(registry.Options{})
	var kept []spec
	for _, s := range in {
		err := m.AddRegistry(registry.Config{
			Name: s.Name, Type: s.Type, Priority: ptr(s.Priority), Packages: s.Claims, Fallback: s.Mode, Disabled: s.Disabled,
		}, &fake{name: s.Name, journal: j, outcome: s.Outcome, refuses: s.Refuses, hits: someNames})
		if err == nil {
			kept = append(kept, s)
		} else if !errors.Is(err, pantry.ErrConfig) {
			t.Fatalf("add: %v", err)
		}
	}
	return m, kept
}

// The reference model: what the contract says, without any of the manager's code.

func (s spec) claims(name string) bool {
	return slices.ContainsFunc(s.Claims, func(p string) bool {
		ok, _ := path.Match(strings.ToLower(p), strings.ToLower(name))
		return ok
	})
}

func mayHear(all []spec, s spec, name string) bool {
	claimed := slices.ContainsFunc(all, func(o spec) bool { return o.claims(name) })
	return !claimed || s.claims(name)
}

type expectation struct {
	asked       []string
	probed      []string
	answer      string
	unconfirmed string
	err         []error // it matches all of these; nil when there is an answer
}

func model(all []spec, r registry.Request) expectation {
	var e expectation
	all = slices.Clone(all)
	sort.SliceStable(all, func(i, j int) bool { return all[i].Priority < all[j].Priority })
	var line []spec
	claimed, eligible := false, false
	for _, s := range all {
		claimed = claimed || s.claims(r.Name)
		if !s.Disabled && mayHear(all, s, r.Name) && (r.Registry == "" || r.Registry == s.Name || r.Registry == s.Type) &&
			(!r.NPMStyle || s.Type != "github") {
			eligible = true
			if s.Refuses == "" || !strings.HasPrefix(r.Name, s.Refuses) {
				line = append(line, s)
			}
		}
	}
	if len(line) == 0 {
		if eligible {
			e.err = []error{pantry.ErrNotFound}
		} else {
			e.err = []error{nil}
		}
		return e
	}
	seen := map[registry.Outcome]bool{}
	for i, s := range line {
		e.asked = append(e.asked, s.Name)
		mode := s.Mode
		if mode == "" {
			mode = registry.Failover
		}
		seen[s.Outcome] = true
		if s.Outcome == registry.Found {
			e.answer = s.Name
			return e
		}
		goesOn := false
		switch s.Outcome {
		case registry.NameNotFound:
			goesOn = mode != registry.Never
		case registry.DeniedAnonymous, registry.Unavailable, registry.Invalid:
			goesOn = mode == registry.Failover || mode == registry.Always
		case registry.VersionNotFound, registry.DeniedCred:
			goesOn = mode == registry.Always
		}
		if (s.Outcome == registry.Unavailable || s.Outcome == registry.Invalid) && e.unconfirmed == "" {
			e.unconfirmed = s.Name
		}
		if goesOn {
			continue
		}
		if s.Outcome == registry.VersionNotFound && mode == registry.Failover && !claimed {
			for _, o := range line[i+1:] {
				e.probed = append(e.probed, o.Name)
			}
		}
		if s.Outcome != registry.NameNotFound && s.Outcome != registry.VersionNotFound {
			e.err = []error{map[registry.Outcome]error{
				registry.DeniedAnonymous: pantry.ErrDenied, registry.DeniedCred: pantry.ErrDenied,
				registry.Unavailable: pantry.ErrUnavailable, registry.Invalid: pantry.ErrInvalid,
				registry.Integrity: pantry.ErrIntegrity, registry.Failed: errOdd,
			}[s.Outcome]}
			return e
		}
		break
	}
	only := func(os ...registry.Outcome) bool {
		for o := range seen {
			if !slices.Contains(os, o) {
				return false
			}
		}
		return true
	}
	const name, version = registry.NameNotFound, registry.VersionNotFound
	const anonymous, secret = registry.DeniedAnonymous, registry.DeniedCred
	switch {
	case only(name):
		e.err = []error{pantry.ErrNotFound}
	case only(name, version):
		e.err = []error{pantry.ErrNotFound, pantry.ErrVersionNotFound}
	case only(registry.Unavailable):
		e.err = []error{pantry.ErrUnavailable}
	case only(registry.Invalid):
		e.err = []error{pantry.ErrInvalid}
	case only(name, version, anonymous, secret):
		e.err = []error{pantry.ErrDenied}
	default:
		e.err = []error{registry.ErrIncomplete}
	}
	return e
}

func TestLookupIsTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j := &journal{}
		m, all := build(t, specs().Draw(t, "registries"), j)
		r := registry.Request{
			Name: rapid.SampledFrom(someNames).Draw(t, "name"), Version: "1.0.0",
			Registry: rapid.SampledFrom([]string{"", "", "", "r0", "r1", "npm", "custom"}).Draw(t, "restriction"),
			NPMStyle: rapid.Bool().Draw(t, "npm style"),
		}
		want := model(all, r)
		verb := "metadata"
		var answer string
		var d registry.Decision
		var err error
		if rapid.Bool().Draw(t, "find") {
			verb = "package"
			_, d, err = m.Find(context.Background(), r)
			answer = d.Registry
		} else {
			var md *pantry.Metadata
			md, d, err = m.Lookup(context.Background(), r)
			if md != nil {
				answer = md.Registry
			}
		}
		calls := j.take()

		var heard []string
		for _, c := range calls {
			if c.name != r.Name || c.verb != verb {
				t.Fatalf("asked %v", c)
			}
			heard = append(heard, c.registry)
		}
		// Probes run at the same time, so only their set is certain.
		if n := len(want.asked); len(heard) < n || !slices.Equal(heard[:n], want.asked) || !sameSet(heard[n:], want.probed) {
			t.Fatalf("asked %v, want %v and then %v", heard, want.asked, want.probed)
		}
		if answer != want.answer || d.Registry != want.answer {
			t.Fatalf("answered by %q (%q), want %q", answer, d.Registry, want.answer)
		}
		if want.answer != "" && d.Unconfirmed != want.unconfirmed || want.answer == "" && d.Unconfirmed != "" {
			t.Fatalf("unconfirmed %q, want %q", d.Unconfirmed, want.unconfirmed)
		}
		if (err == nil) != (want.answer != "") {
			t.Fatalf("error %v, want an answer of %q", err, want.answer)
		}
		for _, e := range want.err {
			if e != nil && !errors.Is(err, e) {
				t.Fatalf("error %v does not match %v", err, e)
			}
		}
		decisionIsTrue(t, d, all, heard)
	})
}

// decisionIsTrue compares a decision with what the fakes saw.
func decisionIsTrue(t *rapid.T, d registry.Decision, all []spec, heard []string) {
	var asked, probed, listed []string
	for _, a := range d.Attempts {
		listed = append(listed, a.Registry)
		switch {
		case a.Asked && a.Probe:
			probed = append(probed, a.Registry)
		case a.Asked:
			asked = append(asked, a.Registry)
		case a.Outcome != registry.PassedOver || a.Reason == "":
			t.Fatalf("not asked, but %+v", a)
		}
	}
	if n := len(asked); n > len(heard) || !slices.Equal(asked, heard[:n]) || !sameSet(probed, heard[n:]) {
		t.Fatalf("decision says %v and %v were asked, they heard %v", asked, probed, heard)
	}
	var order []string
	sorted := slices.Clone(all)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Priority < sorted[j].Priority })
	for _, s := range sorted {
		order = append(order, s.Name)
	}
	if len(listed) > 0 && !slices.Equal(listed, order) {
		t.Fatalf("decision lists %v, the order is %v", listed, order)
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Whatever is asked by whatever method, nobody hears a name that another registry claims, and a
// disabled registry hears nothing from the manager.
func TestClaimedNamesStayAtHome(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j := &journal{}
		m, all := build(t, specs().Draw(t, "registries"), j)
		name := rapid.SampledFrom(someNames).Draw(t, "name")
		at := rapid.SampledFrom([]string{"", "r0", "r1", "r2", "r3"}).Draw(t, "at")
		ctx := context.Background()
		var direct bool // asked of the entry itself, which a disabled registry answers too
		switch verb := rapid.IntRange(0, 9).Draw(t, "verb"); verb {
		case 0:
			m.Metadata(ctx, name, "")
		case 1:
			m.Versions(ctx, name)
		case 2:
			m.Find(ctx, registry.Request{Name: name, Registry: at})
		case 3:
			var w bytes.Buffer
			m.Download(ctx, registry.Request{Name: name, Registry: at}, &w)
		case 4:
			m.Search(ctx, pantry.Query{Text: rapid.SampledFrom([]string{
				name, "more " + name, name + "@^1 more", "keywords:" + name, "\"" + name + "\"", "-" + name,
			}).Draw(t, "text")}, registry.SearchOptions{})
		case 5:
			m.Publish(ctx, at, pantry.Publication{Metadata: pantry.Metadata{Name: name, Version: "2.0.0"}})
		case 6:
			m.SetTag(ctx, at, name, "beta", "1.0.0")
		case 7:
			m.DeleteTag(ctx, at, name, "beta")
		case 8:
			m.Open(ctx, at, pantry.Artifact{Name: name, URL: "https://registry.example.com/" + name})
		case 9:
			direct = true
			if e, ok := m.Get(at); ok {
				e.Metadata(ctx, name, "")
				e.Package(ctx, name)
				e.Open(ctx, pantry.Artifact{Name: name})
			}
		}
		for _, c := range j.take() {
			i := slices.IndexFunc(all, func(s spec) bool { return s.Name == c.registry })
			if !mayHear(all, all[i], name) {
				t.Fatalf("%v, which another registry claims", c)
			}
			if all[i].Disabled && !direct {
				t.Fatalf("%v, which is disabled", c)
			}
		}
	})
}

// A stranger's package of a claimed name is not among the results of a search, and each result is
// from the first registry that has it.
func TestSearchProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j := &journal{}
		m, all := build(t, specs().Draw(t, "registries"), j)
		res, err := m.Search(context.Background(), pantry.Query{Text: "anything at all"}, registry.SearchOptions{})
		sort.SliceStable(all, func(i, k int) bool { return all[i].Priority < all[k].Priority })
		asked := map[string]bool{}
		for _, c := range j.take() {
			asked[c.registry] = true
		}
		for _, h := range res.Results {
			var holders []string
			style := ""
			for _, s := range all {
				if s.Name == h.Registry {
					style = s.Type
				}
			}
			for _, s := range all {
				if asked[s.Name] && s.Outcome == registry.Found && mayHear(all, s, h.Name) &&
					(s.Type == "github") == (style == "github") {
					holders = append(holders, s.Name)
				}
			}
			if got := append([]string{h.Registry}, h.AlsoIn...); !slices.Equal(got, holders) {
				t.Fatalf("%s is from %v, want %v", h.Name, got, holders)
			}
		}
		failing := 0
		for _, s := range all {
			if asked[s.Name] && s.Outcome != registry.Found {
				failing++
			}
		}
		if len(res.Failed) != failing {
			t.Fatalf("%d failed, want %d: %+v", len(res.Failed), failing, res.Failed)
		}
		if len(asked) > 0 && (err != nil) != (failing == len(asked)) {
			t.Fatalf("error %v with %d of %d failing", err, failing, len(asked))
		}
	})
}
