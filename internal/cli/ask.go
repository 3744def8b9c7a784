package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// asking makes the registries for a command that cannot do without them.
func (a *app) asking(o registry.Options) (*registry.Manager, error) {
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	if c.Offline {
		err := fmt.Errorf("this needs a registry, and pantry is offline: %w", pantry.ErrUnavailable)
		return nil, pantry.WithHint(err, "%s", offlineHint)
	}
	return a.telling(o)
}

const offlineHint = "leave out --offline; pantry config show --origin tells what else sets it"

// questions makes the registries for a command that asks about what a person names, and the context for
// that: registries are asked whether what they said before still holds, unless the user says otherwise.
func (a *app) questions(ctx context.Context, o registry.Options) (context.Context, *registry.Manager, error) {
	c, err := a.settings()
	if err != nil {
		return nil, nil, err
	}
	m, err := a.telling(o)
	return pantry.WithAsking(ctx, a.howOld(c.Offline, pantry.AskAgain)), m, err
}

// howOld says how old answers may be: as the flags say, and usual where they do not.
func (a *app) howOld(offline bool, usual pantry.Asking) pantry.Asking {
	switch {
	case offline:
		return pantry.AskNobody
	case a.flags.preferOffline:
		return pantry.AskIfMissing
	case a.flags.preferOnline:
		return pantry.AskAgain
	}
	return usual
}

// ageFlags gives a command the flags that say how old answers may be.
func (a *app) ageFlags(c *cobra.Command) {
	fl := c.Flags()
	fl.BoolVar(&a.flags.preferOffline, "prefer-offline", false, "use what registries said before, however old, and ask for the rest only")
	fl.BoolVar(&a.flags.preferOnline, "prefer-online", false, "ask registries whether what they said before still holds")
	fl.BoolVar(&a.flags.preferOnline, "refresh", false, "the same as --prefer-online")
	c.MarkFlagsMutuallyExclusive("prefer-offline", "prefer-online")
	c.MarkFlagsMutuallyExclusive("prefer-offline", "refresh")
}

// whenOffline adds to the error of a question what to do when it is that nobody was to be asked.
func whenOffline(ctx context.Context, err error) error {
	if pantry.AskingOf(ctx) == pantry.AskNobody && (errors.Is(err, pantry.ErrUnavailable) || errors.Is(err, registry.ErrIncomplete)) {
		return pantry.WithHint(err, "%s", offlineHint)
	}
	return err
}

// telling makes the registries. With --verbose every request is told.
func (a *app) telling(o registry.Options) (*registry.Manager, error) {
	if a.flags.verbose && !a.flags.json {
		o.Observe = tellRequests(a.Stderr, o.Observe)
	}
	return a.newManager(o)
}

// tellRequests writes a line for each request on the wire.
func tellRequests(w io.Writer, next func(transport.Exchange)) func(transport.Exchange) {
	var mu sync.Mutex
	return func(e transport.Exchange) {
		answer := fmt.Sprint(e.Status)
		if e.Status == 0 {
			answer = "no answer"
		}
		mu.Lock()
		fmt.Fprintf(w, "pantry: %s: %s %s: %s, %s\n", e.Registry, e.Method, e.URL, answer, duration(e.Duration))
		mu.Unlock()
		if next != nil {
			next(e)
		}
	}
}

// wish is what a person asks of the registries.
type wish struct {
	name     string
	wanted   string // a range, version or tag; "" is what the registry calls latest
	registry string // the only one to ask, by name or type; "" for all
}

// wish reads NAME[@WANTED] in all its spellings.
func (a *app) wish(m *registry.Manager, arg string) (wish, error) {
	if w, ok := a.foreignWish(m, arg); ok {
		return w, nil
	}
	s, err := manifest.ParseSpec(arg, isRegistry(m))
	if err != nil {
		return wish{}, err
	}
	if !s.FromRegistry() {
		return wish{}, usagef("%q is no package of a registry", arg)
	}
	w := wish{name: s.Package, wanted: s.Range, registry: s.Registry}
	if w.wanted == "*" {
		w.wanted = ""
	}
	switch only := a.flags.registry; {
	case w.registry == "":
		w.registry = only
	case only != "" && only != w.registry:
		return wish{}, usagef("%q asks registry %s, and --registry says %s", arg, w.registry, only)
	}
	return w, nil
}

// foreignWish reads a wish for a registry of another ecosystem, named in front or by --registry: what
// stands behind the "@" is in that ecosystem's words, which npm's rules would refuse.
func (a *app) foreignWish(m *registry.Manager, arg string) (wish, bool) {
	name, rest, ok := strings.Cut(arg, ":")
	if only := a.flags.registry; only != "" && (!ok || name != only) {
		name, rest = only, arg
	}
	e, ok := m.Get(name)
	if !ok || e.Type() != "adapter" || rest == "" {
		return wish{}, false
	}
	w := wish{name: rest, registry: name}
	if at := strings.IndexByte(rest[1:], '@') + 1; at > 0 {
		w.name, w.wanted = rest[:at], strings.TrimSpace(rest[at+1:])
	}
	if w.wanted == "*" {
		w.wanted = ""
	}
	return w, true
}

// exact says that the wish is for one version as registries spell it, or for a tag: a registry can
// be asked for that alone.
func (w wish) exact() bool {
	if strings.ContainsAny(w.wanted, "<>=!~^*|, ") { // of some ecosystem's ranges
		return false
	}
	if _, err := semver.ParseRange(w.wanted); w.wanted == "" || err != nil {
		return true
	}
	_, err := semver.Parse(w.wanted)
	return err == nil && w.wanted[0] >= '0' && w.wanted[0] <= '9'
}

// found is the package that answers for a wish, with the version that satisfies it.
type found struct {
	pkg      pantry.Package
	version  string
	decision registry.Decision
}

// find asks the registries. The decision is there when err is not nil, too.
func (w wish) find(ctx context.Context, m *registry.Manager) (found, error) {
	r := registry.Request{Name: w.name, Wanted: w.wanted, Registry: w.registry}
	var unreadable error // what is wanted, in the words of the registry that was asked
	if w.wanted != "" {
		r.Accept = func(p pantry.Package) bool {
			_, err := w.pick(p)
			if errors.Is(err, pantry.ErrConfig) {
				unreadable = err
			}
			return err == nil
		}
	}
	pkg, d, err := m.Find(ctx, r)
	if errors.Is(err, pantry.ErrVersionNotFound) && unreadable != nil {
		err = unreadable
	}
	if err != nil {
		return found{decision: d}, whenOffline(ctx, err)
	}
	version, err := w.pick(pkg)
	d.Version = version
	return found{pkg, version, d}, err
}

// pick chooses the version of p that satisfies best.
func (w wish) pick(p pantry.Package) (string, error) {
	wanted := w.wanted
	if wanted == "" {
		if latest := p.Tags()["latest"]; slices.Contains(p.Versions(), latest) {
			return latest, nil
		}
		wanted = "*"
	}
	if slices.Contains(p.Versions(), wanted) {
		return wanted, nil
	}
	if _, ok := p.(pantry.VersionPicker); ok {
		some, err := satisfying(p, wanted, "")
		if err != nil || len(some) == 0 {
			return "", cmp.Or(err, pantry.ErrVersionNotFound)
		}
		return some[len(some)-1], nil
	}
	return resolve.Pick(p, wanted, "")
}

// warn tells what a decision wants the user to know.
func (a *app) warn(d registry.Decision) {
	if d.Stale != "" {
		a.warnf("%s", d.Stale)
	}
	for _, w := range d.Warnings {
		a.warnf("%s", w)
	}
}

// clean makes text from outside fit for a terminal: one line, without characters that control it.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s))
}
