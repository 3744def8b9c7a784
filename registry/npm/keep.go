package npm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm/packument"
	"github.com/pantry-go/pantry/transport"
)

// keeper keeps packuments between runs. A nil keeper keeps none.
type keeper struct {
	folder    *packument.Folder
	url       string // the registry's
	anonymous bool
	identity  func(url string, key []byte) string

	mu      sync.Mutex
	shelves map[string]*packument.Shelf // by identity
}

// newKeeper returns nil where nothing is to be kept.
func newKeeper(o Options) *keeper {
	if o.CacheDir == "" {
		return nil
	}
	return &keeper{
		folder: packument.NewFolder(o.CacheDir), url: o.Client.BaseURL(),
		anonymous: o.Client.Anonymous(), identity: o.Client.Identity,
		shelves: make(map[string]*packument.Shelf),
	}
}

// shelf is where packuments are kept that a request to u is answered with. It is nil where nothing
// can be kept.
func (k *keeper) shelf(u string) *packument.Shelf {
	if k == nil {
		return nil
	}
	identity := ""
	if !k.anonymous {
		key, err := k.folder.Key()
		if err != nil {
			return nil
		}
		identity = k.identity(u, key)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.shelves[identity]
	if s == nil {
		s = k.folder.Shelf(k.url, identity)
		k.shelves[identity] = s
	}
	return s
}

// errNotKept is the error of a packument that nobody may be asked for.
var errNotKept = fmt.Errorf("%w: it is not in the cache, and no registry is asked when offline", pantry.ErrUnavailable)

// lean reads what an install needs of a packument, as how allows: what was kept, or what the
// registry says.
func (r *Registry) lean(ctx context.Context, name string, how pantry.Asking) (*lean, error) {
	ref := pantry.Ref{Registry: r.origin.registry, Name: name}
	if err := r.refuseName(opMetadata, ref); err != nil {
		return nil, err
	}
	u := r.url("/" + escapeName(name))
	p, err := r.keptOrNew(ctx, u, name, how)
	if err == nil && p.None() {
		err = errKeptNone
	}
	if err != nil {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, URL: u, Err: err}
	}
	return newLean(&r.origin, p), nil
}

// errKeptNone is the error of a name of which was kept that there is none.
var errKeptNone = fmt.Errorf("%w: the registry said so before, and was not asked again", pantry.ErrNotFound)

// keptOrNew returns what was kept, or what the registry says, and notes which of them.
func (r *Registry) keptOrNew(ctx context.Context, u, name string, how pantry.Asking) (*packument.Packument, error) {
	shelf := r.keeper.shelf(u)
	kept, ok := shelf.Load(name)
	switch {
	case ok && how != pantry.AskAgain && r.since(kept) < 0:
		pantry.NoteCache(ctx, pantry.CacheFresh, nil)
		return kept, nil
	case ok && (how == pantry.AskIfMissing || how == pantry.AskNobody):
		pantry.NoteCache(ctx, pantry.CacheStale, nil)
		return kept, nil
	case how == pantry.AskNobody:
		return nil, errNotKept
	}
	p, err := r.renew(transport.Uncached(ctx), u, name, shelf, kept)
	if ok && (err == nil || errors.Is(err, pantry.ErrNotFound)) {
		pantry.NoteBackwards(ctx, backwards(kept, p))
	}
	switch {
	case ok && p == kept:
		pantry.NoteCache(ctx, pantry.CacheRevalidated, nil)
	case err == nil, errors.Is(err, pantry.ErrNotFound):
		pantry.NoteCache(ctx, pantry.CacheNetwork, nil)
	case ok && how == pantry.AskIfStale && r.standsIn(kept, err):
		pantry.NoteCache(ctx, pantry.CacheStale, err)
		return kept, nil
	}
	return p, err
}

// since is for how long a packument has not held any more; below 0 it does.
func (r *Registry) since(kept *packument.Packument) time.Duration {
	at, life := kept.Checked()
	if r.ttl != nil {
		life = min(*r.ttl, maxLife)
	}
	if kept.None() {
		life = min(life, noneLife)
	}
	age := r.now().Sub(at)
	if at.IsZero() || age < 0 { // a clock has been set, and nobody knows which of the times is right
		return max(-age, 0)
	}
	return age - life
}

// standsIn says whether a packument may be used since the registry could not be asked. That there is no
// package is nothing to go by then.
func (r *Registry) standsIn(kept *packument.Packument, err error) bool {
	over := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) // the asker's time
	return errors.Is(err, pantry.ErrUnavailable) && !over && !kept.None() &&
		(r.staleAnyway || !kept.Strict()) && r.since(kept) < r.staleIfError
}

// renew asks for a packument, of which kept is there; nil is nothing.
func (r *Registry) renew(ctx context.Context, u, name string, shelf *packument.Shelf, kept *packument.Packument) (*packument.Packument, error) {
	asked := r.now()
	h, data, err := r.fetch(ctx, u, kept)
	if err == nil && data == nil {
		_, before := kept.Checked()
		if l := lifetime(h, before); l.keep {
			_ = shelf.Renew(kept, asked, l.life, l.strict) // what cannot be noted is asked for again
		} else {
			shelf.Remove(name)
		}
		return kept, nil
	}
	var p *packument.Packument
	l := lifetime(h, usualLife)
	if err == nil {
		p, err = compact(name, data, packument.Document{
			ETag: validator(h, "Etag"), LastModified: validator(h, "Last-Modified"), Checked: asked, Life: l.life, Strict: l.strict,
		})
	}
	switch {
	case err == nil && l.keep:
		_ = shelf.Put(p) // a cache that cannot be written costs time only
	case err == nil:
		shelf.Remove(name)
	case errors.Is(err, pantry.ErrNotFound):
		keepNone(shelf, name, asked)
	}
	return p, err
}

// keepNone keeps that there is no such package.
func keepNone(shelf *packument.Shelf, name string, asked time.Time) {
	none, err := new(packument.Builder).Build(packument.Document{Name: name, Checked: asked, Life: noneLife, None: true})
	if err != nil || shelf.Put(none) != nil {
		shelf.Remove(name)
	}
}

// fetch asks for a packument; nil data is word that kept is what the registry has.
func (r *Registry) fetch(ctx context.Context, u string, kept *packument.Packument) (http.Header, []byte, error) {
	h := http.Header{"Accept": {acceptAbbreviated}}
	if kept != nil && !kept.None() {
		if tag := kept.ETag(); tag != "" {
			h.Set("If-None-Match", tag)
		} else if date := kept.LastModified(); date != "" {
			h.Set("If-Modified-Since", date)
		}
	}
	resp, data, err := r.client.GetAll(ctx, u, h, r.limit)
	if isStatus(err, http.StatusNotFound) {
		// There are registries that answer so to a wish they don't know.
		resp, data, err = r.client.GetAll(ctx, u, http.Header{"Accept": {typeJSON}}, r.limit)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case resp.StatusCode == http.StatusNotModified:
		return resp.Header, nil, nil
	}
	if data == nil {
		data = []byte{}
	}
	return resp.Header, data, whole(resp)
}

// Bounds of how long an answer holds.
const (
	usualLife = 5 * time.Minute // where the registry does not say; what the public registry says
	maxLife   = 24 * time.Hour  // whatever it says: a packument is no file that never changes
	noneLife  = time.Minute     // that there is none: somebody may wait for what has just been published
)

// life is what an answer says of how long it may be used.
type life struct {
	life   time.Duration // without being asked for again
	strict bool          // and not later, whatever happens
	keep   bool          // it may be kept at all
}

// lifetime is how long an answer holds without being asked for again (RFC 9111 §4.2.1), unsaid where
// it does not say.
func lifetime(h http.Header, unsaid time.Duration) life {
	l := life{life: unsaid, keep: true}
	again := false
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "no-store":
			l.keep = false
		case "no-cache":
			again, l.strict = true, true
		case "must-revalidate":
			l.strict = true
		case "max-age":
			l.life = seconds(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	if age := h.Get("Age"); age != "" {
		l.life -= seconds(strings.TrimSpace(age))
	}
	if again {
		l.life = 0
	}
	l.life = min(max(l.life, 0), maxLife)
	return l
}

// seconds reads a number of seconds: 0 for what is none, so that a registry is rather asked once
// too often, and two days for everything longer.
func seconds(s string) time.Duration {
	const most = 2 * 24 * 60 * 60
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(n, most)) * time.Second
}

// maxValidator bounds what is kept, and sent back, of a validator. Real ones have some forty bytes.
const maxValidator = 1024

// validator is a header that can be sent back; "" where it cannot.
func validator(h http.Header, name string) string {
	s := strings.TrimSpace(h.Get(name))
	if len(s) > maxValidator || !simple([]byte(strings.ReplaceAll(s, `\`, ""))) {
		return ""
	}
	return s
}

// forget makes sure that a change is seen by who installs next.
func (r *Registry) forget(name string) {
	r.keeper.shelf(r.url("/" + escapeName(name))).Remove(name)
}
