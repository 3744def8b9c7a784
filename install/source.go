package install

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/resolve"
)

// source lets the resolver ask the registries. Dependencies of npm-style packages are looked for
// among npm-style registries only.
type source struct {
	registries Registries
	only       string                 // the registry to ask where the manifest names none
	wished     func(name string) bool // says which packages the user asked for by name just now
	decided    func(registry.Decision)
	answered   func(name, registry string, p pantry.Package)
}

// Package asks as the context says, but for a package that the user names: that is to be what the
// registry has now.
func (s source) Package(ctx context.Context, w resolve.Want) (resolve.Answer, error) {
	asking := pantry.AskingOf(ctx)
	if asking == pantry.AskIfStale && s.wished(w.Name) {
		ctx = pantry.WithAsking(ctx, pantry.AskAgain)
	}
	pkg, d, err := s.registries.Find(ctx, registry.Request{
		Name: w.Name, Registry: cmp.Or(w.Registry, s.only), NPMStyle: true, Accept: w.Accept, Wanted: w.Range,
	})
	if err != nil {
		if asking == pantry.AskNobody {
			err = pantry.WithHint(err, "run once without --offline")
		}
		return resolve.Answer{}, err
	}
	s.decided(d)
	s.answered(w.Name, d.Registry, pkg)
	return resolve.Answer{Package: pkg, Registry: d.Registry, Unconfirmed: d.Unconfirmed}, nil
}

// asking is what resolving may cost.
func (o *Options) asking() pantry.Asking {
	switch {
	case o.Offline:
		return pantry.AskNobody
	case o.Asking == pantry.AskAlways:
		return pantry.AskIfStale
	}
	return o.Asking
}

// askRegistry stands for the URL of an artifact that lies outside its registry, or at no place that
// could be derived: the registry is asked where it is.
const askRegistry = "-"

// artifactLocator is a registry whose artifacts' URLs follow from name and version.
type artifactLocator interface {
	ArtifactURL(name, version string) string
}

// makePortable takes the hosts out of the URLs of a new lockfile: what follows from the registry's
// convention is left out, what lies below the registry's URL becomes relative to it, and for the
// rest the registry will be asked.
func (r *run) makePortable(l *lockfile.Lock) {
	for _, p := range l.Packages {
		if !strings.Contains(p.URL, "://") {
			continue
		}
		entry, ok := r.Registries.Get(p.Registry)
		if !ok {
			p.URL = askRegistry
			continue
		}
		if loc, ok := pantry.As[artifactLocator](entry); ok && loc.ArtifactURL(p.Name, p.Version) == p.URL {
			p.URL = ""
			continue
		}
		rel, ok := strings.CutPrefix(p.URL, strings.TrimSuffix(entry.URL(), "/")+"/")
		if !ok || strings.Contains(rel, "://") {
			rel = askRegistry
		}
		p.URL = rel
	}
}

// artifact says where the bytes of a locked package are. Its URL is empty where the registry must be
// asked.
func (r *run) artifact(p *lockfile.Package) (pantry.Artifact, error) {
	a := pantry.Artifact{Name: p.Name, Version: p.Version, Integrity: p.Integrity}
	if p.URL == askRegistry {
		return a, nil
	}
	ref := pantry.Ref{Registry: p.Registry, Name: p.Name, Version: p.Version}
	if u, err := url.Parse(p.URL); err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(p.URL, "/") {
		err := fmt.Errorf("%s has a URL that does not belong to the registry: %w", lockfile.Name, pantry.ErrPolicy)
		return a, &pantry.Error{Op: "download", Ref: ref, URL: p.URL, Err: err}
	}
	entry, ok := r.Registries.Get(p.Registry)
	if !ok {
		if len(p.Integrity) > 0 {
			return a, nil // the store may have it; asking for it will fail with the registry's name
		}
		return a, unknownRegistry(ref)
	}
	if p.URL != "" {
		a.URL = strings.TrimSuffix(entry.URL(), "/") + "/" + p.URL
	} else if loc, ok := pantry.As[artifactLocator](entry); ok {
		a.URL = loc.ArtifactURL(p.Name, p.Version)
	}
	return a, nil
}

func unknownRegistry(ref pantry.Ref) error {
	err := &pantry.Error{Op: "download", Ref: ref, Err: fmt.Errorf("%s names a registry that is not configured: %w", lockfile.Name, pantry.ErrConfig)}
	return pantry.WithHint(err, "add it with pantry registry add %s URL", ref.Registry)
}
