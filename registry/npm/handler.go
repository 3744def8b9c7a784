package npm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
)

// HandlerOptions of a [Handler]. The zero value is useful.
type HandlerOptions struct {
	// BaseURL is where clients find the handler, an http or https URL with or without a path. The
	// addresses of tarballs begin with it. "" means the root of the host that a request names,
	// by the scheme it came with; headers of proxies are not believed. A handler that is mounted
	// below a path needs it.
	BaseURL string
	// MaxBody bounds the body of a publication in bytes; 0 means 384 MiB, which holds a tarball
	// of the size that [Registry.Publish] sends.
	MaxBody int64
	// Failed is told about requests that ended in an error, if it is not nil. What a client is
	// told is less. It may be called by several goroutines at once.
	Failed func(*http.Request, error)
}

const defaultMaxBody = 384 << 20

// Handler is the server side of the protocol over any registry: packuments, versions, tarballs,
// tags, search and ping, and publishing, changing tags, the list of all packages and attestations
// where r can. It authenticates nobody:
// whoever may reach it may do what r can do.
//
// Tarballs are checked against their digests on the way. What does not match is never a complete
// answer: a small one is refused, the connection of a large one is broken.
func Handler(r pantry.Registry, o HandlerOptions) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	return &server{registry: r, options: o}
}

type server struct {
	registry pantry.Registry
	options  HandlerOptions
}

// ServeHTTP routes by the path as it was sent: the slash of a scope may be escaped or not, and
// each segment is unescaped once, after the path was cut into segments.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segments, ok := cutPath(r.URL.EscapedPath())
	switch {
	case !ok:
		s.refuse(w, http.StatusNotFound, "no such resource")
	case segments[0] == "-" && len(segments) > 1:
		s.serveService(w, r, segments[1:])
	default:
		name, rest := cutName(segments)
		if checkName(name) != nil {
			s.refuse(w, http.StatusNotFound, "not the name of a package")
			return
		}
		s.servePackage(w, r, name, rest)
	}
}

// servePackage routes below a package's name.
func (s *server) servePackage(w http.ResponseWriter, r *http.Request, name string, rest []string) {
	switch {
	case len(rest) == 0:
		s.method(w, r, methods{get: func() { s.packument(w, r, name) }, put: func() { s.publish(w, r, name) }})
	case len(rest) == 1:
		s.method(w, r, methods{
			get: func() { s.version(w, r, name, rest[0]) },
			put: func() { s.setTag(w, r, name, rest[0]) }, // as yarn 1 does it
		})
	case len(rest) == 2 && rest[0] == "-":
		s.method(w, r, methods{get: func() { s.tarball(w, r, name, rest[1]) }})
	default:
		s.refuse(w, http.StatusNotFound, "no such resource")
	}
}

// serveService routes below "/-/".
func (s *server) serveService(w http.ResponseWriter, r *http.Request, path []string) {
	switch {
	case len(path) == 1 && path[0] == "ping":
		s.method(w, r, methods{get: func() { s.ping(w, r) }})
		return
	case len(path) == 1 && path[0] == "all":
		s.method(w, r, methods{get: func() { s.list(w, r) }})
		return
	case len(path) > 3 && path[0] == "npm" && path[1] == "v1" && path[2] == "attestations":
		s.method(w, r, methods{get: func() { s.attestations(w, r, strings.Join(path[3:], "/")) }})
		return
	case len(path) == 2 && path[0] == "v1" && path[1] == "search":
		s.method(w, r, methods{get: func() { s.search(w, r) }})
		return
	case len(path) > 2 && path[0] == "package":
		name, rest := cutName(path[1:])
		if checkName(name) != nil || len(rest) == 0 || rest[0] != "dist-tags" {
			break
		}
		switch len(rest) {
		case 1:
			s.method(w, r, methods{get: func() { s.tags(w, r, name) }})
			return
		case 2:
			s.method(w, r, methods{
				put:  func() { s.setTag(w, r, name, rest[1]) },
				post: func() { s.setTag(w, r, name, rest[1]) },
				del:  func() { s.deleteTag(w, r, name, rest[1]) },
			})
			return
		}
	}
	s.refuse(w, http.StatusNotFound, "no such resource")
}

// methods are the answers to the methods of one resource; nil where there is none.
type methods struct{ get, put, post, del func() }

func (s *server) method(w http.ResponseWriter, r *http.Request, m methods) {
	byName := map[string]func(){
		http.MethodGet: m.get, http.MethodHead: m.get, http.MethodPut: m.put,
		http.MethodPost: m.post, http.MethodDelete: m.del,
	}
	if f := byName[r.Method]; f != nil {
		f()
		return
	}
	var allow []string
	for _, name := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete} {
		if byName[name] != nil {
			allow = append(allow, name)
		}
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	s.refuse(w, http.StatusMethodNotAllowed, "no such method here")
}

// cutPath cuts a path into segments and unescapes each. A segment may hold an escaped slash only
// as the one of a scope; segments that lead elsewhere are refused.
func cutPath(path string) (segments []string, ok bool) {
	for raw := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		s, err := url.PathUnescape(raw)
		if err != nil || s == "" || s == "." || s == ".." || !printable(s) || strings.Contains(s, `\`) {
			return nil, false
		}
		if scope, base, found := strings.Cut(s, "/"); found {
			base, _, _ = strings.Cut(base, "@") // attestations are asked for by @scope/name@version
			if !strings.HasPrefix(scope, "@") || checkName(scope+"/"+base) != nil {
				return nil, false
			}
		}
		segments = append(segments, s)
	}
	return segments, true
}

// cutName takes the name of a package from the front of a path.
func cutName(segments []string) (name string, rest []string) {
	name, rest = segments[0], segments[1:]
	if strings.HasPrefix(name, "@") && !strings.Contains(name, "/") && len(rest) > 0 {
		name, rest = name+"/"+rest[0], rest[1:]
	}
	return name, rest
}

// base is where the client finds this handler; ok is false for a request that does not say.
func (s *server) base(r *http.Request) (base string, ok bool) {
	if s.options.BaseURL != "" {
		return s.options.BaseURL, true
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(scheme + "://" + r.Host)
	if err != nil || u.Host == "" || u.Host != r.Host || u.User != nil {
		return "", false
	}
	return scheme + "://" + r.Host, true
}

// answer sends a document. A GET whose client has it already is answered with 304.
func (s *server) answer(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h.Set("ETag", tag)
		if known(r.Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// known compares entity tags weakly, as RFC 9110 (section 13.1.2) wants for If-None-Match.
func known(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

func (s *server) answerJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, status, typeJSON, body)
}

// refuse answers an error in the one form that all clients read.
func (s *server) refuse(w http.ResponseWriter, status int, message string) {
	body, _ := json.Marshal(problem{Error: message})
	w.Header().Set("Content-Type", typeJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// fail answers an error of the registry behind. The client is told its class, since the text may
// name what is behind.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if s.options.Failed != nil {
		s.options.Failed(r, err)
	}
	status, message := failure(err)
	s.refuse(w, status, message)
}

func failure(err error) (status int, message string) {
	for _, class := range []struct {
		err     error
		status  int
		message string
	}{
		{pantry.ErrVersionNotFound, http.StatusNotFound, "version not found"},
		{pantry.ErrNotFound, http.StatusNotFound, "not found"},
		{pantry.ErrDenied, http.StatusForbidden, "access denied"},
		{pantry.ErrInvalid, http.StatusBadGateway, "the registry behind gave no usable answer"},
		{pantry.ErrPolicy, http.StatusForbidden, "refused by policy"},
		{pantry.ErrExists, http.StatusConflict, "the version exists with other content"},
		{pantry.ErrUnsupported, http.StatusNotImplemented, "not supported by this registry"},
		{pantry.ErrUnavailable, http.StatusServiceUnavailable, "the registry behind is not available"},
		{pantry.ErrIntegrity, http.StatusBadGateway, "the bytes do not match their digest"},
	} {
		if errors.Is(err, class.err) {
			return class.status, class.message
		}
	}
	return http.StatusInternalServerError, "internal error"
}
