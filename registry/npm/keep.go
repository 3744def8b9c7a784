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
	shelf := r.keeper.shelf(u)
	kept, ok := shelf.Load(name)
	if ok && (how != pantry.AskAgain && kept.Fresh(r.now()) || how == pantry.AskIfMissing || how == pantry.AskNobody) {
		return newLean(&r.origin, kept, true), nil
	}
	var p *packument.Packument
	err := errNotKept
	if how != pantry.AskNobody {
		p, err = r.renew(ctx, u, name, shelf, kept)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, URL: u, Err: err}
	}
	return newLean(&r.origin, p, false), nil
}

// renew asks for a packument, of which kept is there; nil is nothing.
func (r *Registry) renew(ctx context.Context, u, name string, shelf *packument.Shelf, kept *packument.Packument) (*packument.Packument, error) {
	asked := r.now()
	h, data, err := r.fetch(ctx, u, kept)
	if err == nil && data == nil {
		_, before := kept.Checked()
		if life, ok := lifetime(h, before); ok {
			_ = shelf.Renew(kept, asked, life) // what cannot be noted is asked for again
		} else {
			shelf.Remove(name)
		}
		return kept, nil
	}
	var p *packument.Packument
	life, keep := lifetime(h, usualLife)
	if err == nil {
		p, err = compact(name, data, packument.Document{
			ETag: validator(h, "Etag"), LastModified: validator(h, "Last-Modified"), Checked: asked, Life: life,
		})
	}
	switch {
	case err == nil && keep:
		_ = shelf.Put(p) // a cache that cannot be written costs time only
	case err == nil, errors.Is(err, pantry.ErrNotFound):
		shelf.Remove(name)
	}
	return p, err
}

// fetch asks for a packument; nil data is word that kept is what the registry has.
func (r *Registry) fetch(ctx context.Context, u string, kept *packument.Packument) (http.Header, []byte, error) {
	h := http.Header{"Accept": {acceptAbbreviated}}
	if kept != nil {
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
)

// lifetime is how long an answer holds without being asked for again (RFC 9111 §4.2.1), unsaid where
// it does not say. ok is false where it must not be kept.
func lifetime(h http.Header, unsaid time.Duration) (life time.Duration, ok bool) {
	life, ok = unsaid, true
	again := false
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "no-store":
			ok = false
		case "no-cache":
			again = true
		case "max-age":
			life = seconds(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	if age := h.Get("Age"); age != "" {
		life -= seconds(strings.TrimSpace(age))
	}
	if again {
		life = 0
	}
	return min(max(life, 0), maxLife), ok
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
