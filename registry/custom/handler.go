package custom

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/printable"
)

// HandlerOptions of a [Handler]. The zero value of each field means its default.
type HandlerOptions struct {
	// BaseURL is the URL under which clients reach the handler, for the URLs of tarballs.
	// Default: the scheme and Host of the request, without a path. A handler that is mounted
	// below a path, or behind a proxy, needs it.
	BaseURL string
	// MaxTarball bounds a published tarball in bytes. Default 256 MiB: the largest packages of
	// npm have some 200.
	MaxTarball int64
	// MaxMetadata bounds the metadata of a publication in bytes. Default 4 MiB.
	MaxMetadata int64
	// MaxJSON bounds a publication that is sent as one JSON document in bytes; it is held in
	// memory, which a form is not. Default 32 MiB.
	MaxJSON int64
	// TempDir is where tarballs wait while they are checked. Default os.TempDir().
	TempDir string
}

const (
	maxSmallBody  = 4 << 10 // a tag's new version
	maxQuery      = 256     // characters of a search
	maxResults    = 100     // of a search
	defaultLimit  = 20      // of a search
	retryAfter    = "5"     // seconds; an upstream that failed is seldom back sooner
	cachePublic   = "public, max-age=60, must-revalidate"
	cachePrivate  = "private, no-cache"
	cacheForever  = "public, max-age=31536000, immutable"
	cacheNotFound = "max-age=10"
)

// Handler serves r by the REST convention. What r cannot do (search, publish, tags) is answered
// with 501. It knows no users: who may do what is for a handler around it to decide.
//
// The path is read as it was sent, each segment decoded once, so the handler must not stand
// behind anything that decodes or cleans paths.
func Handler(r pantry.Registry, o HandlerOptions) http.Handler {
	h := &handler{registry: r, o: o}
	defaultTo(&h.o.MaxTarball, 256<<20)
	defaultTo(&h.o.MaxMetadata, 4<<20)
	defaultTo(&h.o.MaxJSON, 32<<20)
	h.o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	return h
}

func defaultTo(n *int64, value int64) {
	if *n <= 0 {
		*n = value
	}
}

type handler struct {
	registry pantry.Registry
	o        HandlerOptions
}

// endpoint answers one method at one place.
type endpoint func(http.ResponseWriter, *http.Request)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods, err := h.route(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http drops the body
	}
	serve := methods[method]
	if serve == nil {
		allow := make([]string, 0, len(methods)+1)
		for m := range methods {
			allow = append(allow, m)
			if m == http.MethodGet {
				allow = append(allow, http.MethodHead)
			}
		}
		slices.Sort(allow)
		w.Header().Set("Allow", strings.Join(allow, ", "))
		h.fail(w, r, problem(http.StatusMethodNotAllowed, "method_not_allowed", "%s is not for this", line(r.Method)))
		return
	}
	serve(w, r)
}

type methods map[string]endpoint

// route finds out what the path means.
func (h *handler) route(r *http.Request) (methods, error) {
	segments, err := split(r.URL.EscapedPath())
	if err != nil {
		return nil, err
	}
	switch strings.Join(segments, "/") {
	case "packages", "publish":
		return methods{http.MethodPost: h.publish}, nil
	case "search":
		return methods{http.MethodGet: h.search}, nil
	case "-/info":
		return methods{http.MethodGet: h.info}, nil
	case "-/ping":
		return methods{http.MethodGet: h.ping}, nil
	}
	if len(segments) < 2 || segments[0] != "packages" {
		return nil, problem(http.StatusNotFound, "not_found", "nothing is here")
	}
	name, rest, err := cutName(segments[1:])
	if err != nil {
		return nil, err
	}
	return h.routePackage(name, rest)
}

func (h *handler) routePackage(name string, rest []string) (methods, error) {
	nothing := problem(http.StatusNotFound, "not_found", "nothing is here")
	get := func(f func(http.ResponseWriter, *http.Request, string)) (methods, error) {
		return methods{http.MethodGet: func(w http.ResponseWriter, r *http.Request) { f(w, r, name) }}, nil
	}
	switch {
	case len(rest) == 0:
		return get(h.packageInfo)
	case len(rest) == 1 && rest[0] == "versions":
		return get(h.versions)
	case len(rest) == 1 && rest[0] == "tags":
		return get(h.tags)
	case len(rest) == 2 && rest[0] == "tags":
		return methods{
			http.MethodPut:    func(w http.ResponseWriter, r *http.Request) { h.setTag(w, r, name, rest[1]) },
			http.MethodDelete: func(w http.ResponseWriter, r *http.Request) { h.deleteTag(w, r, name, rest[1]) },
		}, nil
	case len(rest) > 2 || len(rest) == 2 && rest[1] != "tarball" || reserved(rest[0]):
		return nil, nothing
	}
	if len(rest[0]) > maxVersion || !safeRange(rest[0]) {
		return nil, problem(http.StatusBadRequest, "bad_version", "%s is no version", quote(rest[0]))
	}
	if len(rest) == 2 {
		return get(func(w http.ResponseWriter, r *http.Request, name string) { h.tarball(w, r, name, rest[0]) })
	}
	return get(func(w http.ResponseWriter, r *http.Request, name string) { h.version(w, r, name, rest[0]) })
}

// split cuts a path as it was sent into segments and decodes each of them once.
func split(escaped string) ([]string, error) {
	segments := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			return nil, problem(http.StatusBadRequest, "bad_path", "the path cannot be decoded")
		}
		segments[i] = decoded
	}
	return segments, nil
}

// cutName takes a package's name from the front of decoded segments: one that holds its own slash
// is whole, one that begins with @ goes on in the next.
func cutName(segments []string) (name string, rest []string, err error) {
	name, rest = segments[0], segments[1:]
	if strings.HasPrefix(name, "@") && !strings.Contains(name, "/") && len(rest) > 0 {
		name, rest = name+"/"+rest[0], rest[1:]
	}
	if err := checkName(name); err != nil {
		return "", nil, problem(http.StatusBadRequest, "bad_name", "%v", err)
	}
	return name, rest, nil
}

// safeRange says that s can be a version or a range of them.
func safeRange(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, `/\`) && !strings.ContainsFunc(s, printable.Unsafe)
}

// base is what URLs that clients are given begin with.
func (h *handler) base(r *http.Request) (string, error) {
	if h.o.BaseURL != "" {
		return h.o.BaseURL, nil
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(scheme + "://" + r.Host)
	if err != nil || u.Host != r.Host || u.Host == "" {
		return "", problem(http.StatusBadRequest, "bad_host", "the Host of the request is not usable")
	}
	return u.String(), nil
}

// answer writes doc, with a validator.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, doc any) {
	body, err := encode(doc)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", caching(r, cachePublic))
	header.Set("Vary", "Authorization")
	sum := sha256.Sum256(body)
	const prefix = 16 // bytes of the hash that make the 22 characters of the convention's tag
	header.Set("ETag", `"sha256-`+base64.RawURLEncoding.EncodeToString(sum[:prefix])+`"`)
	if r.Header.Get("Range") != "" {
		r = r.Clone(r.Context())
		r.Header.Del("Range") // a part of a document is of no use
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func encode(doc any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(doc)
	return b.Bytes(), err
}

// caching keeps what was shown to somebody in particular out of shared caches.
func caching(r *http.Request, public string) string {
	if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
		return cachePrivate
	}
	return public
}
