// Package origins looks for places where a package could come from another registry than people think:
// dependency confusion.
//
// What it looks for are names that a private and a public registry both could answer for. Public is a
// registry at its type's well-known URL, and the one that has the name npm, which stands for it; every
// other one is private. Names that are claimed are safe, and nobody is asked for them.
package origins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/semver"
)

// Options of Audit. Registries is required.
type Options struct {
	// Lock is the project's; nil is none.
	Lock *lockfile.Lock
	// Wished are the names that the project's manifest wishes for.
	Wished     []string
	Registries *registry.Manager
	// Offline asks nobody: what the lockfile and the configuration tell is told.
	Offline bool
}

// The codes of findings.
const (
	// UnclaimedScope: packages of a scope are from a private registry that does not claim it.
	UnclaimedScope = "unclaimed-scope"
	// UnclaimedName: the same of a name without a scope.
	UnclaimedName = "unclaimed-name"
	// HeldByBoth: a private and a public registry have a name, with other bytes.
	HeldByBoth = "held-by-both"
	// PublicHigher: the same, and the public one has a higher version.
	PublicHigher = "public-higher"
	// Unregistered: the project wishes for a name that no registry has, and that anybody may take.
	Unregistered = "unregistered"
	// Unconfirmed: a registry was unavailable when the origin was chosen.
	Unconfirmed = "unconfirmed"
)

// Finding is one place of doubt.
type Finding struct {
	Code string `json:"code"`
	// Name is a package's, or a scope.
	Name string `json:"name"`
	// Registry is the private one, and Public the public one, where they are concerned.
	Registry string `json:"registry,omitempty"`
	Public   string `json:"public,omitempty"`
	// Versions of both, the highest, where they are concerned.
	Version       string `json:"version,omitempty"`
	PublicVersion string `json:"publicVersion,omitempty"`
	Message       string `json:"message"`
	Advice        string `json:"advice"`
}

// Failure is a registry that could not say whether it has a name.
type Failure struct {
	Registry string `json:"registry"`
	Name     string `json:"name"`
	Error    string `json:"error"`

	Err error `json:"-"`
}

// Result of Audit.
type Result struct {
	Findings []Finding `json:"findings"`
	Failed   []Failure `json:"failed"`
	// Checked is how many names were looked at; Claimed how many of them are safe because they are
	// claimed; Asked how many registries were asked about.
	Checked int `json:"checked"`
	Claimed int `json:"claimed"`
	Asked   int `json:"asked"`
}

// askers bounds the questions at one time.
const askers = 16

// Audit looks at the names of a project. The error is that of ctx: a registry that fails is in the
// result.
func Audit(ctx context.Context, o Options) (*Result, error) {
	a := &audit{o: o, result: &Result{Findings: []Finding{}, Failed: []Failure{}}, from: map[string][]string{}}
	for _, e := range o.Registries.All() {
		switch {
		case !e.Enabled() || !e.NPMStyle() || e.Config().ClaimsOnly:
		case public(e):
			a.publics = append(a.publics, e)
		default:
			a.privates = append(a.privates, e)
		}
	}
	names := a.names()
	a.unconfirmed()
	if len(a.publics) > 0 { // else there is nobody to take a package's place
		if !o.Offline {
			a.ask(ctx, names)
		}
		a.unclaimed(names)
	}
	slices.SortFunc(a.result.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Registry, y.Registry))
	})
	slices.SortFunc(a.result.Failed, func(x, y Failure) int {
		return cmp.Or(cmp.Compare(x.Registry, y.Registry), cmp.Compare(x.Name, y.Name))
	})
	return a.result, ctx.Err()
}

// public says whether everybody may publish at a registry.
func public(e *registry.Entry) bool {
	c := e.Config()
	if c.Name == "npm" || c.URL == "" {
		return true
	}
	for _, k := range registry.Kinds() {
		if k.Type == c.Type && k.DefaultURL != "" && strings.TrimSuffix(c.URL, "/") == strings.TrimSuffix(k.DefaultURL, "/") {
			return true
		}
	}
	return false
}

type audit struct {
	o                 Options
	result            *Result
	privates, publics []*registry.Entry
	from              map[string][]string // of locked names: their registries

	mu       sync.Mutex
	mirrored map[string]bool // names that a private registry has from a public one, byte for byte
	settled  map[string]bool // names with a finding that says it all
}

// names are those that nobody claims, in order.
func (a *audit) names() []string {
	all := map[string]bool{}
	if a.o.Lock != nil {
		for _, p := range a.o.Lock.Packages {
			if p.Tool == nil {
				all[p.Name] = true
				if !slices.Contains(a.from[p.Name], p.Registry) {
					a.from[p.Name] = append(a.from[p.Name], p.Registry)
				}
			}
		}
	}
	for _, name := range a.o.Wished {
		all[name] = true
	}
	a.result.Checked = len(all)
	entries := a.o.Registries.All()
	maps.DeleteFunc(all, func(name string, _ bool) bool {
		claimed := slices.ContainsFunc(entries, func(e *registry.Entry) bool { _, ok := e.Claims(name); return ok })
		if claimed {
			a.result.Claimed++
		}
		return claimed
	})
	return slices.Sorted(maps.Keys(all))
}

func (a *audit) find(f Finding) { a.result.Findings = append(a.result.Findings, f) }

// unconfirmed tells of packages whose origin is marked in the lockfile.
func (a *audit) unconfirmed() {
	if a.o.Lock == nil {
		return
	}
	seen := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(a.o.Lock.Packages)) {
		p := a.o.Lock.Packages[id]
		if p.Unconfirmed == "" || seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		a.find(Finding{
			Code: Unconfirmed, Name: p.Name, Registry: p.Unconfirmed, Public: p.Registry,
			Message: fmt.Sprintf("%s was taken from registry %s while %s was unavailable", p.Name, p.Registry, p.Unconfirmed),
			Advice:  fmt.Sprintf("run pantry install while %s is there, or accept it: pantry origins approve %s", p.Unconfirmed, p.Name),
		})
	}
}

// maxAlone is how many names without a scope are told one by one of a registry: of one that has more,
// it is the registry that is to be thought about.
const maxAlone = 20

// unclaimed tells of what is from private registries that do not claim it.
func (a *audit) unclaimed(names []string) {
	alone := map[string][]string{}  // registry -> names
	scopes := map[string][]string{} // registry -> scopes
	for _, name := range names {
		if a.mirrored[name] || a.settled[name] {
			continue
		}
		scope, _, scoped := strings.Cut(name, "/")
		for _, reg := range a.from[name] {
			switch {
			case !slices.ContainsFunc(a.privates, func(e *registry.Entry) bool { return e.Name() == reg }):
			case !scoped:
				alone[reg] = append(alone[reg], name)
			case !slices.Contains(scopes[reg], scope):
				scopes[reg] = append(scopes[reg], scope)
			}
		}
	}
	for _, reg := range slices.Sorted(maps.Keys(scopes)) {
		for _, scope := range scopes[reg] {
			a.find(Finding{
				Code: UnclaimedScope, Name: scope, Registry: reg, Public: a.publics[0].Name(),
				Message: fmt.Sprintf("packages of %s are from registry %s, and nobody claims the scope: %s is asked for what %s does not have", scope, reg, a.publics[0].Name(), reg),
				Advice:  fmt.Sprintf(`add "%s/*" to "packages" of registry %s`, scope, reg),
			})
		}
	}
	for _, reg := range slices.Sorted(maps.Keys(alone)) {
		if n := len(alone[reg]); n > maxAlone {
			a.find(Finding{
				Code: UnclaimedName, Name: fmt.Sprintf("%d names", n), Registry: reg, Public: a.publics[0].Name(),
				Message: fmt.Sprintf("%d packages without a scope are from registry %s, and nobody claims them: %s, …", n, reg, strings.Join(alone[reg][:3], ", ")),
				Advice:  fmt.Sprintf(`if %s is a mirror of %s, disable %s; else claim in "packages" what is its own`, reg, a.publics[0].Name(), a.publics[0].Name()),
			})
			continue
		}
		for _, name := range alone[reg] {
			a.find(Finding{
				Code: UnclaimedName, Name: name, Registry: reg, Public: a.publics[0].Name(),
				Message: fmt.Sprintf("%s is from registry %s, and nobody claims the name: %s is asked for what %s does not have", name, reg, a.publics[0].Name(), reg),
				Advice:  fmt.Sprintf(`add %q to "packages" of registry %s`, name, reg),
			})
		}
	}
}

// ask asks private and public registries who has the names that nobody claims.
func (a *audit) ask(ctx context.Context, names []string) {
	a.mirrored, a.settled = map[string]bool{}, map[string]bool{}
	ctx = pantry.WithAsking(ctx, pantry.AskIfStale)
	var g errgroup.Group
	g.SetLimit(askers)
	for _, name := range names {
		wished := slices.Contains(a.o.Wished, name) && len(a.from[name]) == 0
		if len(a.privates) == 0 && !wished {
			continue // it is public, and no private registry could have it
		}
		a.result.Asked++
		g.Go(func() error {
			a.one(ctx, name, wished)
			return ctx.Err()
		})
	}
	_ = g.Wait()
}

// holding is what a registry has of a name.
type holding struct {
	entry *registry.Entry
	pkg   pantry.Package
}

func (a *audit) one(ctx context.Context, name string, wished bool) {
	private, sure1 := a.holders(ctx, a.privates, name)
	if len(private) == 0 && !wished {
		return
	}
	others, sure2 := a.holders(ctx, a.publics, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(private)+len(others) == 0 && sure1 && sure2 {
		a.settled[name] = true
		a.find(Finding{
			Code: Unregistered, Name: name, Public: a.publics[0].Name(),
			Message: fmt.Sprintf("no registry has %s, and whoever publishes it at %s is installed", name, a.publics[0].Name()),
			Advice:  "check the spelling, or claim it for the registry that will have it",
		})
	}
	for _, p := range private {
		for _, q := range others {
			a.compare(name, p, q)
		}
	}
}

// holders are the registries that have a name. sure says that every one of them answered.
func (a *audit) holders(ctx context.Context, entries []*registry.Entry, name string) (have []holding, sure bool) {
	sure = true
	for _, e := range entries {
		pkg, err := e.Package(ctx, name)
		switch {
		case err == nil:
			have = append(have, holding{e, pkg})
		case errors.Is(err, pantry.ErrNotFound):
		case ctx.Err() != nil:
			return have, false
		default:
			sure = false
			a.mu.Lock()
			a.result.Failed = append(a.result.Failed, Failure{e.Name(), name, strings.Join(strings.Fields(err.Error()), " "), err})
			a.mu.Unlock()
		}
	}
	return have, sure
}

// compare tells of a name that both have, unless the private registry has it from the public one.
func (a *audit) compare(name string, private, other holding) {
	if same(private.pkg, other.pkg) {
		a.mirrored[name] = true
		return
	}
	f := Finding{
		Code: HeldByBoth, Name: name, Registry: private.entry.Name(), Public: other.entry.Name(),
		Version: highest(private.pkg), PublicVersion: highest(other.pkg),
	}
	f.Message = fmt.Sprintf("registries %s (%s) and %s (%s) both have %s, and nobody claims it", f.Registry, f.Version, f.Public, f.PublicVersion, name)
	mine, err1 := semver.ParseLoose(f.Version)
	theirs, err2 := semver.ParseLoose(f.PublicVersion)
	if err1 == nil && err2 == nil && semver.Compare(theirs, mine) > 0 {
		f.Code = PublicHigher
		f.Message = fmt.Sprintf("%s has %s of %s, higher than the %s of %s, and nobody claims it", f.Public, f.PublicVersion, name, f.Version, f.Registry)
	}
	pattern := name
	if scope, _, ok := strings.Cut(name, "/"); ok {
		pattern = scope + "/*"
	}
	f.Advice = fmt.Sprintf(`add %q to "packages" of the registry it is to come from`, pattern)
	a.settled[name] = true
	a.find(f)
}

// same says whether two registries have the same bytes under the highest version that both have.
func same(p, q pantry.Package) bool {
	theirs := q.Versions()
	for _, v := range slices.Backward(p.Versions()) {
		if !slices.Contains(theirs, v) {
			continue
		}
		m, err1 := p.Metadata(v)
		n, err2 := q.Metadata(v)
		if err1 != nil || err2 != nil {
			return false
		}
		for _, d := range m.Artifact.Integrity {
			if e, ok := n.Artifact.Integrity.Find(d.Algorithm()); ok {
				return d == e
			}
		}
		return false
	}
	return false
}

// highest is the highest version that is no prerelease, else the highest.
func highest(p pantry.Package) string {
	versions := p.Versions()
	for _, v := range slices.Backward(versions) {
		if parsed, err := semver.ParseLoose(v); err == nil && parsed.Prerelease() == "" {
			return v
		}
	}
	if len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1]
}
