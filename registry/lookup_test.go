package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

func TestMain(m *testing.M) {
	// More than rapid's hundred rounds: rare clashes of claims took some hundreds to be drawn.
	if err := flag.Set("rapid.checks", "1500"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// team is a private registry that claims @acme/*, one of tools, and a public one.
func team(t testing.TB) (m *registry.Manager, j *journal, fakes map[string]*fake) {
	t.Helper()
	j = &journal{}
	m = registry.NewManager(registry.Options{})
	fakes = map[string]*fake{}
	for _, c := range []registry.Config{
		{Name: "acme", Type: "custom", Priority: ptr(1), Packages: []string{"@acme/*"}, URL: "https://packages.acme.example"},
		{Name: "tools", Type: "github", Priority: ptr(5)},
		{Name: "public", Type: "npm", Priority: ptr(20)},
	} {
		fakes[c.Name] = &fake{name: c.Name, journal: j}
		add(t, m, c, fakes[c.Name])
	}
	fakes["tools"].refuses = "l" // no slash
	return m, j, fakes
}

func TestDecisionExplains(t *testing.T) {
	t.Parallel()
	m, _, fakes := team(t)
	fakes["acme"].outcome = registry.NameNotFound
	_, d, err := m.Metadata(context.Background(), "lodash", "4.17.21")
	if err != nil {
		t.Fatal(err)
	}
	reasons := func(d registry.Decision) string {
		var out []string
		for _, a := range d.Attempts {
			out = append(out, a.Registry+": "+string(a.Outcome)+" "+a.Reason)
		}
		return strings.Join(out, "\n")
	}
	want := "acme: name-not-found \ntools: passed-over cannot hold the name: no name of mine begins so\npublic: found "
	if got := reasons(d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	fakes["acme"].outcome = registry.Found
	must(t, m.SetEnabled("tools", false))
	_, d, _ = m.Metadata(context.Background(), "@acme/ui", "")
	want = "acme: found \ntools: passed-over disabled\npublic: passed-over the name belongs to acme (pattern \"@acme/*\")"
	if got := reasons(d); got != want || d.Pattern != "@acme/*" {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	must(t, m.SetEnabled("tools", true))
	_, d, _ = m.Lookup(context.Background(), registry.Request{Name: "x", NPMStyle: true, Registry: "npm"})
	want = "acme: passed-over the question is for npm only\ntools: passed-over the question is for npm only\npublic: found "
	if got := reasons(d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, d, _ = m.Lookup(context.Background(), registry.Request{Name: "x", NPMStyle: true})
	want = "acme: found \ntools: passed-over its packages have no npm dependencies\npublic: passed-over acme answered first"
	if got := reasons(d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDecisionAsJSON(t *testing.T) {
	t.Parallel()
	m, _, fakes := team(t)
	fakes["acme"].outcome = registry.Unavailable
	_, d, err := m.Metadata(context.Background(), "lodash", "4.17.21")
	if err != nil {
		t.Fatal(err)
	}
	d.Duration = 1500 * time.Microsecond
	d.Attempts[0].Duration = time.Second
	d.Attempts[2].Duration = 0
	got, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "name": "lodash",
 "wanted": "4.17.21",
 "registry": "public",
 "version": "1.0.0",
 "attempts": [
  {
   "registry": "acme",
   "type": "custom",
   "url": "https://packages.acme.example",
   "asked": true,
   "outcome": "unavailable",
   "error": "asked: registry unavailable",
   "mode": "failover",
   "durationMs": 1000
  },
  {
   "registry": "tools",
   "type": "github",
   "url": "https://api.github.com",
   "asked": false,
   "outcome": "passed-over",
   "reason": "cannot hold the name: no name of mine begins so",
   "durationMs": 0
  },
  {
   "registry": "public",
   "type": "npm",
   "url": "` + strings.TrimRight(registry.NPM().URL, "/") + `",
   "asked": true,
   "outcome": "found",
   "mode": "failover",
   "durationMs": 0
  }
 ],
 "unconfirmed": "acme",
 "warnings": [
  "registry acme: unavailable (asked: registry unavailable); registries behind it were asked for lodash@4.17.21"
 ],
 "durationMs": 1.5
}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestNobodyMayBeAsked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	ask := func(m *registry.Manager, r registry.Request) error {
		_, _, err := m.Lookup(ctx, r)
		return err
	}
	tests := map[string]struct {
		change func(*registry.Manager)
		r      registry.Request
		match  error
		want   string
	}{
		"claimed, asked of another": {nil, registry.Request{Name: "@acme/ui", Registry: "public"}, pantry.ErrPolicy, `"@acme/ui" belongs to registry "acme" (pattern "@acme/*"), so "public" is not asked`},
		"claimed, of another type":  {nil, registry.Request{Name: "@acme/ui", Registry: "npm"}, pantry.ErrPolicy, `so "npm" is not asked`},
		"claimed by a disabled one": {func(m *registry.Manager) { m.SetEnabled("acme", false) }, registry.Request{Name: "@acme/ui"}, pantry.ErrPolicy, "which is disabled, so nobody is asked"},
		"restricted to a disabled":  {func(m *registry.Manager) { m.SetEnabled("public", false) }, registry.Request{Name: "x", Registry: "public"}, pantry.ErrConfig, `registry "public" is disabled`},
		"restricted to an unknown":  {nil, registry.Request{Name: "x", Registry: "pubic"}, pantry.ErrConfig, `no registry is named "pubic"; did you mean "public"?`},
		"all disabled":              {func(m *registry.Manager) { disableAll(m) }, registry.Request{Name: "x"}, pantry.ErrConfig, "every registry is disabled"},
		"none at all":               {func(m *registry.Manager) { removeAll(m) }, registry.Request{Name: "x"}, pantry.ErrConfig, "no registry is configured"},
		"none is npm-style":         {func(m *registry.Manager) { m.Remove("acme"); m.Remove("public") }, registry.Request{Name: "x", NPMStyle: true}, pantry.ErrConfig, "no registry that is enabled has packages with npm dependencies"},
		"nobody can hold the name":  {func(m *registry.Manager) { m.Remove("acme"); m.Remove("public") }, registry.Request{Name: "lodash"}, pantry.ErrNotFound, "no registry can hold a package of this name: tools cannot hold"},
		"no name":                   {nil, registry.Request{}, pantry.ErrConfig, "a package needs a name"},
		"a spec for a name":         {nil, registry.Request{Name: "lodash@4"}, pantry.ErrConfig, `"lodash@4" is not the name of a package`},
		"an escaped name":           {nil, registry.Request{Name: "@acme%2fui"}, pantry.ErrConfig, "is not the name"},
		"a prefixed name":           {nil, registry.Request{Name: "npm:@acme/ui"}, pantry.ErrConfig, "is not the name"},
		"a way out":                 {nil, registry.Request{Name: "../@acme/ui"}, pantry.ErrConfig, "is not the name"},
		"an invisible letter":       {nil, registry.Request{Name: "@acme\u200b/ui"}, pantry.ErrConfig, "is not the name"},
		"a scope":                   {nil, registry.Request{Name: "@acme"}, pantry.ErrConfig, "is not the name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, j, _ := team(t)
			if tt.change != nil {
				tt.change(m)
			}
			err := ask(m, tt.r)
			if !errors.Is(err, tt.match) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if d := decision(t, err); len(d.Asked()) != 0 || len(j.take()) != 0 {
				t.Errorf("asked %+v", d.Asked())
			}
		})
	}
}

func disableAll(m *registry.Manager) {
	for _, e := range m.All() {
		_ = m.SetEnabled(e.Name(), false)
	}
}

func removeAll(m *registry.Manager) {
	for _, e := range m.All() {
		_ = m.Remove(e.Name())
	}
}

// The error of a version that its owner does not have says who else has it, unless saying so would
// tell a claimed name.
func TestWhoElseHasIt(t *testing.T) {
	t.Parallel()
	m, j, fakes := team(t)
	fakes["acme"].outcome = registry.VersionNotFound
	_, d, err := m.Find(context.Background(), registry.Request{Name: "xlib", Wanted: "^9", Accept: func(p pantry.Package) bool { return p.Versions()[0] == "1.0.0" }})
	if !errors.Is(err, pantry.ErrVersionNotFound) {
		t.Fatal(err)
	}
	for _, want := range []string{
		`package xlib has no version that satisfies "^9"`, "acme (https://packages.acme.example): has the package, but not this version",
		"tools and public would have it",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	if hint := pantry.Hint(err); !strings.Contains(hint, `"fallback": "always"`) || !strings.Contains(hint, "acme") {
		t.Errorf("hint %q", hint)
	}
	if others := d.Others(); len(others) != 2 || d.Attempts[1].Outcome != registry.Found || !d.Attempts[1].Probe {
		t.Errorf("others %v, %+v", others, d.Attempts)
	}
	j.take()
	_, _, err = m.Metadata(context.Background(), "@acme/ui", "9")
	if calls := j.take(); !errors.Is(err, pantry.ErrVersionNotFound) || len(calls) != 1 {
		t.Errorf("%v; asked %v", err, calls)
	}
	_, _, err = m.Lookup(context.Background(), registry.Request{Name: "xlib", Version: "9", Registry: "acme"})
	if calls := j.take(); !errors.Is(err, pantry.ErrVersionNotFound) || len(calls) != 1 {
		t.Errorf("%v; asked %v", err, calls)
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[registry.Outcome]string{
		registry.NameNotFound:    "pantry search xlib",
		registry.DeniedAnonymous: "give registry public a credential",
		registry.DeniedCred:      "check the credential of registry public: the test's token",
		registry.Unavailable:     "pantry registry ping public",
		registry.VersionNotFound: "pantry versions xlib",
	} {
		m := registry.NewManager(registry.Options{Fallback: registry.NotFoundOnly})
		add(t, m, registry.Config{Name: "public"}, &fake{name: "public", journal: &journal{}, outcome: outcome})
		_, _, err := m.Metadata(context.Background(), "xlib", "1")
		if got := pantry.Hint(err); !strings.Contains(got, want) {
			t.Errorf("%s: hint %q, want %q", outcome, got, want)
		}
	}
}

// cancelling ends the caller's context while it is asked.
type cancelling struct {
	*fake
	cancel func()
}

func (c cancelling) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	c.journal.add(c.name, "metadata", name)
	c.cancel()
	return nil, pantry.ErrNotFound // whatever it says now
}

func TestCancelStopsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	j := &journal{}
	m := registry.NewManager(registry.Options{Fallback: registry.Always})
	add(t, m, registry.Config{Name: "first"}, cancelling{&fake{name: "first", journal: j}, cancel})
	add(t, m, registry.Config{Name: "second"}, &fake{name: "second", journal: j})
	_, d, err := m.Metadata(ctx, "lodash", "")
	if !errors.Is(err, context.Canceled) || errors.Is(err, pantry.ErrUnavailable) || len(j.take()) != 1 {
		t.Errorf("got %v", err)
	}
	if d.Attempts[0].Outcome != registry.Failed || d.Attempts[1].Asked {
		t.Errorf("got %+v", d.Attempts)
	}
	_, _, err = m.Metadata(ctx, "lodash", "")
	if !errors.Is(err, context.Canceled) || len(j.take()) != 0 {
		t.Errorf("got %v", err)
	}
	_, err = m.Search(ctx, pantry.Query{Text: "x"}, registry.SearchOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// failing answers every question with one error.
type failing struct {
	*fake
	err error
}

func (f failing) Metadata(context.Context, string, string) (*pantry.Metadata, error) {
	return nil, f.err
}

func TestErrorsWithoutASentinel(t *testing.T) {
	t.Parallel()
	_, missing := os.Open("no such file")
	for name, tt := range map[string]struct {
		err  error
		want registry.Outcome
	}{
		"refused":         {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, registry.Unavailable},
		"bare refused":    {syscall.ECONNREFUSED, registry.Unavailable},
		"name":            {&net.DNSError{Err: "no such host"}, registry.Unavailable},
		"cut short":       {io.ErrUnexpectedEOF, registry.Unavailable},
		"its own timeout": {context.DeadlineExceeded, registry.Unavailable},
		"a full disk":     {&fs.PathError{Op: "write", Err: syscall.ENOSPC}, registry.Failed},
		"a missing file":  {missing, registry.Failed},
		"anything":        {errOdd, registry.Failed},
		"nothing":         {nil, registry.Invalid},
		"policy":          {pantry.ErrPolicy, registry.Failed},
		"two things":      {errors.Join(pantry.ErrNotFound, pantry.ErrUnavailable), registry.Unavailable},
		"integrity first": {errors.Join(pantry.ErrNotFound, pantry.ErrIntegrity), registry.Integrity},
	} {
		m := registry.NewManager(registry.Options{})
		add(t, m, registry.Config{Name: "r"}, failing{&fake{journal: &journal{}}, tt.err})
		_, d, err := m.Metadata(context.Background(), "x", "")
		if got := d.Attempts[0].Outcome; got != tt.want || err == nil {
			t.Errorf("%s: %s (%v), want %s", name, got, err, tt.want)
		}
		if tt.want == registry.Unavailable && !errors.Is(err, pantry.ErrUnavailable) {
			t.Errorf("%s: %v does not match ErrUnavailable", name, err)
		}
	}
}

func TestMessagesAreOneCleanLine(t *testing.T) {
	t.Parallel()
	m := registry.NewManager(registry.Options{})
	evil := errors.New("\x1b[2Jgone\nagain" + strings.Repeat("x", 5000))
	add(t, m, registry.Config{Name: "r"}, failing{&fake{journal: &journal{}}, errors.Join(pantry.ErrInvalid, evil)})
	_, d, err := m.Metadata(context.Background(), "x", "1\x1b[0m")
	for _, s := range append([]string{err.Error(), d.Attempts[0].Error}, d.Warnings...) {
		if strings.ContainsAny(s, "\n\x1b") || len(s) > 2000 {
			t.Errorf("%q", s)
		}
	}
}

// An entry answers for itself, under its own name, and not for names of others.
func TestEntryAlone(t *testing.T) {
	t.Parallel()
	m, j, _ := team(t)
	e, _ := m.Get("public")
	md, err := e.Metadata(context.Background(), "lodash", "")
	if err != nil || md.Registry != "public" || md.Artifact.Name != "lodash" {
		t.Errorf("got %+v, %v", md, err)
	}
	j.take()
	_, err = e.Metadata(context.Background(), "@acme/ui", "")
	_, err2 := e.Package(context.Background(), "@Acme/ui")
	_, err3 := e.Open(context.Background(), pantry.Artifact{Name: "@acme/ui"})
	_, err4 := e.Open(context.Background(), pantry.Artifact{})
	if !errors.Is(err, pantry.ErrPolicy) || !errors.Is(err2, pantry.ErrPolicy) || !errors.Is(err3, pantry.ErrPolicy) || err4 == nil || len(j.take()) != 0 {
		t.Errorf("got %v, %v, %v, %v", err, err2, err3, err4)
	}
	if _, ok := pantry.As[pantry.Searcher](e); !ok {
		t.Error("its search is not found")
	}
}

// A mistake in a registry behind the one that decided does not hide the decision.
func TestProbeOfAMisconfiguredRegistry(t *testing.T) {
	t.Parallel()
	m := registry.NewManager(registry.Options{Getenv: noEnv})
	add(t, m, registry.Config{Name: "owner"}, &fake{name: "owner", journal: &journal{}, outcome: registry.VersionNotFound})
	c := good()
	c.Auth = &registry.Auth{Type: "bearer", Token: secret("${NOT_SET}")}
	must(t, m.Add(c))
	add(t, m, registry.Config{Name: "other"}, &fake{name: "other", journal: &journal{}})
	_, d, err := m.Metadata(context.Background(), "x", "9")
	if !errors.Is(err, pantry.ErrVersionNotFound) || errors.Is(err, pantry.ErrConfig) || len(d.Others()) != 1 {
		t.Errorf("got %v, %+v", err, d.Attempts)
	}
	if h := pantry.Hint(err); !strings.Contains(h, "owner owns the name") {
		t.Errorf("hint %q", h)
	}
}

func TestOwnersOfAClaimAreNotProbed(t *testing.T) {
	t.Parallel()
	m, j := registry.NewManager(registry.Options{}), &journal{}
	for i, name := range []string{"first", "second"} {
		add(t, m, registry.Config{Name: name, Priority: &i, Packages: []string{"@acme/*"}}, &fake{name: name, journal: j, outcome: registry.VersionNotFound})
	}
	_, _, err := m.Metadata(context.Background(), "@acme/ui", "9")
	if calls := j.take(); !errors.Is(err, pantry.ErrVersionNotFound) || len(calls) != 1 {
		t.Errorf("%v; asked %v", err, calls)
	}
}

func TestTiesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var configs []registry.Config
	for i := range 60 {
		configs = append(configs, registry.Config{Name: fmt.Sprintf("r%d", i), Type: "npm", Priority: ptr(i % 3)})
	}
	m := registry.NewManager(registry.Options{})
	must(t, m.Load(configs, ""))
	for i, e := range m.All() {
		if want := fmt.Sprintf("r%d", i%20*3+i/20); e.Name() != want {
			t.Errorf("%s is at %d, want %s", e.Name(), i, want)
		}
	}
}

// Metadata carries the name that the configuration gives its registry.
func TestMetadataNamesItsRegistry(t *testing.T) {
	t.Parallel()
	m := registry.NewManager(registry.Options{})
	add(t, m, registry.Config{Name: "configured"}, &fake{name: "its own idea", journal: &journal{}, hits: []string{"x"}})
	md, d, err := m.Metadata(context.Background(), "x", "")
	if err != nil || md.Registry != "configured" || d.Registry != "configured" {
		t.Errorf("got %+v, %v", md, err)
	}
	res, err := m.Search(context.Background(), pantry.Query{Text: "x"}, registry.SearchOptions{})
	if err != nil || res.Results[0].Registry != "configured" {
		t.Errorf("got %+v, %v", res, err)
	}
}
