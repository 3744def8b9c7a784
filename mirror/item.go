package mirror

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// Item is a wish: a package, or all that a pattern matches, and which of its versions.
type Item struct {
	// Name is a name, or a pattern in which "*" stands for anything but a slash; "*" alone means
	// every package there is.
	Name string
	// Versions is a version, a tag or a range; "" means all.
	Versions string
	// Latest keeps the highest N of those, prereleases only where there is nothing else; 0 keeps all.
	Latest int
	// Pick keeps the one that an install would choose.
	Pick bool
	// Integrity, if Versions is a version, is what its bytes have to be.
	Integrity integrity.Set
}

func (it Item) key() string {
	return fmt.Sprintf("%s %s %d %t %s", it.Name, it.Versions, it.Latest, it.Pick, it.Integrity)
}

// ParseItem reads "NAME", "NAME@VERSION", "NAME@RANGE", "@scope/*". Errors match
// [pantry.ErrConfig].
func ParseItem(s string) (Item, error) {
	it := Item{Name: s}
	if at := strings.LastIndexByte(s, '@'); at > 0 {
		it.Name, it.Versions = s[:at], s[at+1:]
		if it.Versions == "" {
			return it, fmt.Errorf("%w: %q: expected a version after the @", pantry.ErrConfig, s)
		}
	}
	if it.Name == "" || strings.ContainsAny(it.Name, `?[]\`) || strings.Contains(it.Name, "**") {
		return it, fmt.Errorf("%w: %q is neither a name nor a pattern; * is the only special character", pantry.ErrConfig, it.Name)
	}
	return it, nil
}

func (it Item) isPattern() bool { return strings.Contains(it.Name, "*") }

// expand replaces patterns by the names that the source has.
func (r *run) expand(ctx context.Context, items []Item) ([]Item, error) {
	var out []Item
	for _, it := range items {
		if !it.isPattern() {
			out = append(out, it)
			continue
		}
		names, err := r.matching(ctx, it.Name)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			r.left(it.Name, "", "the source has no such package")
		}
		for _, name := range names {
			one := it
			one.Name = name
			out = append(out, one)
		}
	}
	return out, nil
}

// everything is the pattern of all names.
const everything = "*"

// mostFound is how many results npm's search gives at most.
const mostFound = 250

// matching asks the source which names match a pattern: by its list, or else by its search.
func (r *run) matching(ctx context.Context, pattern string) ([]string, error) {
	fail := func(err error, hint string) error {
		return pantry.WithHint(&pantry.Error{Op: "list " + pattern, Ref: pantry.Ref{Registry: r.From.Name}, Err: err}, "%s", hint)
	}
	const name = "name the packages, or give a lockfile: --lockfile pantry.lock"
	if pattern != everything {
		// A pattern tells as much as the names it is for.
		if err := r.From.allow(strings.ReplaceAll(pattern, "*", "x")); err != nil {
			return nil, r.explain("list", pattern, r.From, err)
		}
	}
	if l, ok := pantry.As[pantry.Lister](r.From.Registry); ok {
		all, err := l.List(ctx)
		if err == nil {
			return r.filter(pattern, all), nil
		}
		if !errors.Is(err, pantry.ErrUnsupported) {
			return nil, err
		}
	}
	if pattern == everything {
		return nil, fail(fmt.Errorf("%w: the registry cannot list its packages", pantry.ErrUnsupported), name)
	}
	s, ok := pantry.As[pantry.Searcher](r.From.Registry)
	if !ok {
		return nil, fail(fmt.Errorf("%w: the registry can neither list nor search", pantry.ErrUnsupported), name)
	}
	text, _, _ := strings.Cut(pattern, "*")
	text = strings.Trim(text, "/-._")
	if text == "" {
		return nil, fail(fmt.Errorf("%w: the registry has a search only, and %q gives it nothing to search for", pantry.ErrUnsupported, pattern), name)
	}
	found, err := s.Search(ctx, pantry.Query{Text: text, Limit: mostFound})
	if errors.Is(err, pantry.ErrUnsupported) {
		return nil, pantry.WithHint(err, "%s", name)
	}
	if err != nil {
		return nil, err
	}
	if len(found) >= mostFound {
		return nil, fail(fmt.Errorf("%w: its search finds more than it tells (%d)", pantry.ErrUnsupported, mostFound), name)
	}
	var names []string
	for _, m := range found {
		names = append(names, m.Name)
	}
	return r.filter(pattern, names), nil
}

// filter keeps the names that match. With everything, names that belong to somebody else are left
// out rather than failures: nobody asked for them by name.
func (r *run) filter(pattern string, names []string) []string {
	var out []string
	for _, n := range names {
		if pattern == everything {
			if err := r.From.allow(n); err != nil {
				r.left(n, "", err.Error())
				continue
			}
		} else if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(n)); err != nil || !ok {
			continue
		}
		out = append(out, n)
	}
	return out
}

// choose returns the versions of p that the item wants, ascending: by npm's rules, or by those of the
// package's ecosystem where it has others.
func (it Item) choose(p pantry.Package) ([]string, error) {
	if other, ok := p.(pantry.VersionPicker); ok && it.Versions != "" {
		out, err := other.Satisfying(it.Versions)
		if err == nil && len(out) == 0 {
			err = fmt.Errorf("%w: nothing is or satisfies %q", pantry.ErrVersionNotFound, it.Versions)
		}
		switch {
		case err != nil:
			return nil, err
		case it.Pick:
			return out[len(out)-1:], nil
		case it.Latest > 0:
			return out[max(0, len(out)-it.Latest):], nil
		}
		return out, nil
	}
	all := p.Versions()
	if it.Pick {
		v, ok := pick(p, it.Versions)
		if !ok {
			return nil, fmt.Errorf("%w: nothing satisfies %s", pantry.ErrVersionNotFound, it.Versions)
		}
		return []string{v}, nil
	}
	var out []string
	tagged, isTag := p.Tags()[it.Versions]
	if other, ok := p.(pantry.VersionPicker); ok && it.Versions != "" {
		var err error
		if out, err = other.Satisfying(it.Versions); err != nil {
			return nil, err
		}
		all = nil
	}
	for _, v := range all {
		switch {
		case it.Versions == "", v == it.Versions, isTag && v == tagged,
			!isTag && semver.Satisfies(v, it.Versions):
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: nothing is or satisfies %q", pantry.ErrVersionNotFound, it.Versions)
	}
	if it.Latest > 0 {
		var stable []string
		for _, v := range out {
			if p, err := semver.ParseLoose(v); err != nil || p.Prerelease() == "" {
				stable = append(stable, v)
			}
		}
		if len(stable) > 0 {
			out = stable
		}
		out = out[max(0, len(out)-it.Latest):]
	}
	return out, nil
}

// pick chooses as npm does: the version tagged latest if it satisfies, else the highest.
func pick(p pantry.Package, wanted string) (string, bool) {
	if v, ok := p.Tags()[wanted]; ok {
		return v, true
	}
	if other, ok := p.(pantry.VersionPicker); ok {
		some, err := other.Satisfying(wanted)
		if err != nil || len(some) == 0 {
			return "", false
		}
		return some[len(some)-1], true
	}
	if latest := p.Tags()["latest"]; latest != "" && semver.Satisfies(latest, wanted) {
		return latest, true
	}
	rng, err := semver.ParseRange(wanted)
	if err != nil {
		return "", false
	}
	return semver.MaxSatisfying(p.Versions(), rng)
}
