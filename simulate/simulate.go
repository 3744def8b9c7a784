// Package simulate says what of a project would still install if registries were down, credentials
// refused, or the configuration another one, and where each package would come from.
//
// It answers from lockfile, store and configuration, and speaks to nobody. So of a package that is not
// locked it can say only whom an install would ask; whether the one asked has it is not known.
package simulate

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/store"
)

// Options of Run. Lock and Registries are required.
type Options struct {
	Lock *lockfile.Lock
	// Wishes are those of the manifest, by the names they are installed under: those that the lockfile
	// does not have as they are would be looked up.
	Wishes map[string]lockfile.Wish
	// Registries are as configured, or as they might be. They should be nobody else's: their observers
	// are told of questions that nobody asked.
	Registries *registry.Manager
	// Store is where unpacked packages are; nil is an empty one, and nothing that registries said is kept.
	Store *store.Store
	// Down are the registries that do not answer, by name, which takes their mirrors too, or the hosts
	// that do not.
	Down []string
	// Revoked are the registries that refuse the credential that is configured for them.
	Revoked []string
	// Platform to install for; the zero value is this machine's.
	Platform lockfile.Platform
	// Tools is the same in the words of tools' builds.
	Tools pantry.Platform
}

// Where a package would come from.
const (
	FromStore    = "store"
	FromRegistry = "registry"
	FromMirror   = "mirror"
)

// Package is one package of the lockfile.
type Package struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Registry string `json:"registry"`
	// From is where its bytes would come from; "" where it would not install.
	From string `json:"from,omitempty"`
	// URL is the registry or mirror that would be asked.
	URL string `json:"url,omitempty"`
	// Optional says that an install does without it.
	Optional bool `json:"optional,omitempty"`
	// Reason says why it would not install.
	Reason string `json:"reason,omitempty"`

	err error
}

// Wish is a wish of the manifest that is not locked as it is.
type Wish struct {
	Name string `json:"name"`
	Spec string `json:"spec"`
	// Registry is who would be asked first of those that answer; "" where nobody is.
	Registry string `json:"registry,omitempty"`
	// Unconfirmed is the registry that would have had the first word.
	Unconfirmed string `json:"unconfirmed,omitempty"`
	// Kept is a registry of which an answer for the name is kept, which --prefer-offline and --offline use.
	Kept   string `json:"kept,omitempty"`
	Reason string `json:"reason,omitempty"`

	err error
}

// Result says what would install.
type Result struct {
	Packages []Package `json:"packages"` // in the order of their IDs
	Wishes   []Wish    `json:"wishes"`   // those that are not locked, by name
	Summary  Summary   `json:"summary"`
	Notes    []string  `json:"notes,omitempty"`
}

// Summary counts.
type Summary struct {
	Packages int `json:"packages"`
	Store    int `json:"store"`
	Network  int `json:"network"`
	LeftOut  int `json:"leftOut"` // optional packages that would not install, or are for other platforms
	Failed   int `json:"failed"`  // packages and wishes
}

// Err is the error that the install would end in; nil where all would be well.
func (r *Result) Err() error {
	var first error
	say := func(name string, err error) {
		if err != nil && first == nil {
			first = fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, p := range r.Packages {
		if !p.Optional {
			say(p.Name+"@"+p.Version, p.err)
		}
	}
	for _, w := range r.Wishes {
		say(w.Name+"@"+w.Spec, w.err)
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("%d would not install, the first: %w", r.Summary.Failed, first)
}

// Run simulates. Names of Down and Revoked that are no registry's, and no host of one, are an error that
// matches [pantry.ErrConfig].
func Run(ctx context.Context, o Options) (*Result, error) {
	if o.Platform.OS == "" && o.Platform.CPU == "" {
		o.Platform = lockfile.Current()
	}
	s := &simulation{Options: o, result: &Result{Packages: []Package{}, Wishes: []Wish{}}}
	if err := s.check(); err != nil {
		return nil, err
	}
	ids := make([]lockfile.ID, 0, len(s.Lock.Packages))
	for id := range s.Lock.Packages {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	seen := map[[3]string]bool{}
	for _, id := range ids {
		p := s.Lock.Packages[id]
		if key := [3]string{p.Registry, p.Name, p.Version}; !seen[key] { // instances differ in peers only
			seen[key] = true
			s.locked(ctx, p)
		}
	}
	s.unlocked(ctx)
	return s.result, ctx.Err()
}

type simulation struct {
	Options
	result *Result
}

// check finds names that mean nothing, and says what has no effect.
func (s *simulation) check() error {
	var known []string
	hosts := map[string]bool{}
	for _, e := range s.Registries.All() {
		known = append(known, e.Name())
		for _, u := range places(e) {
			hosts[hostOf(u)] = true
		}
	}
	unknown := func(flag, name string) error {
		err := fmt.Errorf("%w: %s %q: no registry has this name", pantry.ErrConfig, flag, name)
		return pantry.WithHint(err, "registries are %s", strings.Join(known, ", "))
	}
	for _, name := range s.Down {
		if _, ok := s.Registries.Get(name); !ok && !hosts[hostOf(name)] {
			return unknown("down", name)
		}
	}
	for _, name := range s.Revoked {
		e, ok := s.Registries.Get(name)
		if !ok {
			return unknown("revoke", name)
		}
		if c := e.Config(); c.Auth == nil && len(c.Credentials) == 0 {
			s.result.Notes = append(s.result.Notes, fmt.Sprintf("registry %s has no credential configured that could be refused", name))
		}
	}
	return nil
}

// places are a registry's URL and those of its mirrors.
func places(e *registry.Entry) []string {
	all := []string{e.URL()}
	for _, m := range e.Config().Mirrors {
		all = append(all, m.URL)
	}
	return all
}

// hostOf is the host of a URL, or what stands for one, in lower case.
func hostOf(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Host != "" {
		raw = u.Host
	}
	return strings.ToLower(raw)
}

// answer is what a registry says if it is not as it should be.
func (s *simulation) answer(e *registry.Entry) error {
	if _, _, up := s.place(e); !up {
		return fmt.Errorf("it is down: %w", pantry.ErrUnavailable)
	}
	if c := e.Config(); slices.Contains(s.Revoked, e.Name()) && (c.Auth != nil || len(c.Credentials) > 0) {
		return fmt.Errorf("it refuses the credential: %w", pantry.ErrDenied)
	}
	return nil
}

// place is where a registry answers: at its URL, else at a mirror.
func (s *simulation) place(e *registry.Entry) (from, at string, up bool) {
	if slices.Contains(s.Down, e.Name()) {
		return "", "", false
	}
	for i, u := range places(e) {
		if !slices.ContainsFunc(s.Down, func(down string) bool { return hostOf(down) == hostOf(u) }) {
			if i > 0 {
				return FromMirror, u, true
			}
			return FromRegistry, u, true
		}
	}
	return "", "", false
}

// locked says what becomes of a package of the lockfile.
func (s *simulation) locked(ctx context.Context, p *lockfile.Package) {
	sum := &s.result.Summary
	sum.Packages++
	out := Package{Name: p.Name, Version: p.Version, Registry: p.Registry, Optional: p.Optional}
	switch here := s.forThisPlatform(p); {
	case !here && p.Optional:
		out.Reason = "it is for other platforms"
	case !here:
		out.Reason = "it is not for this platform"
		out.err = fmt.Errorf("it is not for this platform: %w", pantry.ErrPolicy)
	case s.stored(p):
		out.From = FromStore
	default:
		out.From, out.URL, out.err = s.fetched(ctx, p)
		if out.err != nil {
			out.Reason = oneLine(out.err)
		}
	}
	switch {
	case out.From == FromStore:
		sum.Store++
	case out.From != "":
		sum.Network++
	case p.Optional:
		sum.LeftOut++
	default:
		sum.Failed++
	}
	s.result.Packages = append(s.result.Packages, out)
}

func (s *simulation) forThisPlatform(p *lockfile.Package) bool {
	if p.Tool == nil {
		return p.Supports(s.Platform)
	}
	_, ok := p.Tool.Build(s.Tools)
	return ok
}

// stored says whether the store has a package, or the build of a tool.
func (s *simulation) stored(p *lockfile.Package) bool {
	if s.Store == nil {
		return false
	}
	digests, variant := p.Integrity, ""
	if p.Tool != nil {
		b, _ := p.Tool.Build(s.Tools)
		o := archive.ArtifactOptions{File: b.File, Strip: b.Strip, Executable: b.Executable}
		digests, variant = b.Integrity, o.Layout()
	}
	return slices.ContainsFunc(digests, func(d integrity.Digest) bool {
		_, err := s.Store.GetVariant(d, variant)
		return err == nil
	})
}

// fetched says where a package would be fetched from: its own registry, and nobody else.
func (s *simulation) fetched(ctx context.Context, p *lockfile.Package) (from, at string, err error) {
	e, ok := s.Registries.Get(p.Registry)
	if !ok {
		err := fmt.Errorf("no registry is named %q, and it is not in the store: %w", p.Registry, pantry.ErrConfig)
		return "", "", err
	}
	d, err := s.Registries.Foresee(ctx, registry.Request{Name: p.Name, Registry: p.Registry, NPMStyle: p.Tool == nil}, s.answer)
	if err != nil {
		return "", "", fmt.Errorf("it is not in the store, and registry %s would not give it: %w", p.Registry, causeOf(d, err))
	}
	from, at, _ = s.place(e)
	return from, at, nil
}

// unlocked says whom an install would ask for what is not locked.
func (s *simulation) unlocked(ctx context.Context) {
	was := map[string]lockfile.Wish{}
	if p := s.Lock.Projects["."]; p != nil {
		was = p.Dependencies
	}
	names := make([]string, 0, len(s.Wishes))
	for name, w := range s.Wishes {
		if l, ok := was[name]; !ok || l.Spec != w.Spec || l.Kind != w.Kind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		w := s.Wishes[name]
		out := Wish{Name: name, Spec: w.Spec}
		spec, err := manifest.ParseSpec(name+"@"+w.Spec, func(prefix string) bool { _, ok := s.Registries.Get(prefix); return ok })
		if err != nil || !spec.FromRegistry() {
			out.Reason = "it is not of a registry"
			s.result.Wishes = append(s.result.Wishes, out)
			continue
		}
		req := registry.Request{Name: spec.Package, Wanted: spec.Range, Registry: spec.Registry, NPMStyle: spec.Registry == ""}
		d, err := s.Registries.Foresee(ctx, req, s.answer)
		if s.Store != nil {
			if _, kept, err := s.Registries.Find(pantry.WithAsking(ctx, pantry.AskNobody), req); err == nil {
				out.Kept = kept.Registry
			}
		}
		out.Registry, out.Unconfirmed = d.Registry, d.Unconfirmed
		if err != nil && w.Kind != lockfile.Optional {
			out.err, out.Reason = causeOf(d, err), oneLine(causeOf(d, err))
			s.result.Summary.Failed++
		}
		s.result.Wishes = append(s.result.Wishes, out)
	}
}

// causeOf is what the last registry that was asked said, without the way there.
func causeOf(d registry.Decision, err error) error {
	for _, a := range slices.Backward(d.Attempts) {
		switch a.Outcome {
		case registry.Unavailable:
			return fmt.Errorf("registry %s is down: %w", a.Registry, pantry.ErrUnavailable)
		case registry.DeniedCred, registry.DeniedAnonymous:
			return fmt.Errorf("registry %s refuses the credential%s: %w", a.Registry, in(a.Credential), pantry.ErrDenied)
		}
	}
	return err
}

func in(source string) string {
	if source == "" {
		return ""
	}
	return " of " + source
}

func oneLine(err error) string {
	return cmp.Or(strings.Join(strings.Fields(err.Error()), " "), "unknown")
}
