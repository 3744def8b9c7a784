package githubtest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options of a [Server].
type Options struct {
	// Web and Storage are the URLs of the web and of the storage of assets, where these have
	// origins of their own. Empty means that the server has all on one.
	Web, Storage string
	// Anonymous and Known are the requests an hour of those without and with a token; 0 means
	// 60 and 5000, as GitHub's.
	Anonymous, Known int
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// Server is a GitHub. Its handler is that of the API. It is safe for concurrent use, and what it
// holds can be changed while it serves.
type Server struct {
	// URL is that of the API; set by [Start].
	URL string

	o         Options
	mu        sync.Mutex
	ids       int64
	repos     map[string]*repo // by lower-case name
	tokens    map[string]Token
	packages  []Package
	limits    map[string]*window
	secondary int // answers that are refused for their rate
	after     string
	requests  []Request
}

// Request is what the server remembers of a request.
type Request struct {
	// At is who was asked: "api", "web" or "storage".
	At, Method string
	Path       string // as sent, still escaped
	Query      string
	Status     int
	Header     http.Header // a copy
}

// New returns a server that holds repos.
func New(o Options, repos ...Repo) *Server {
	if o.Anonymous == 0 {
		o.Anonymous = 60
	}
	if o.Known == 0 {
		o.Known = 5000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, repos: make(map[string]*repo), tokens: make(map[string]Token), limits: make(map[string]*window)}
	for _, r := range repos {
		s.Put(r)
	}
	return s
}

// Start serves a server on three origins of the loopback interface, until the test ends.
func Start(t testing.TB, o Options, repos ...Repo) *Server {
	t.Helper()
	s := New(o, repos...)
	web := httptest.NewServer(s.Web())
	t.Cleanup(web.Close)
	storage := httptest.NewServer(s.Storage())
	t.Cleanup(storage.Close)
	s.o.Web, s.o.Storage = web.URL, storage.URL
	api := httptest.NewServer(s)
	t.Cleanup(api.Close)
	s.URL = api.URL
	return s
}

// AddToken makes a token known.
func (s *Server) AddToken(value string, t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[value] = t
}

// Requests returns the requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Forget drops the record of requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// recorder notes the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (s *Server) record(at string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		header := r.Header.Clone()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.requests = append(s.requests, Request{
				At: at, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Status: rec.status, Header: header,
			})
		}()
		h(rec, r)
	}
}

// Paths of what has origins of its own at GitHub, where the server has all on one.
const (
	webPath     = "/_web"
	storagePath = "/_storage"
)

// ServeHTTP is the API; without Options.Web and Options.Storage also what belongs there.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	switch {
	case s.o.Web == "" && strings.HasPrefix(p, webPath+"/"):
		http.StripPrefix(webPath, s.Web()).ServeHTTP(w, r)
	case s.o.Storage == "" && strings.HasPrefix(p, storagePath+"/"):
		http.StripPrefix(storagePath, s.Storage()).ServeHTTP(w, r)
	default:
		s.record("api", s.api)(w, r)
	}
}

// urls are the addresses that answers to r contain.
func (s *Server) urls(r *http.Request) (api, web, storage string) {
	api, web, storage = s.URL, s.o.Web, s.o.Storage
	here := "http://" + r.Host
	if api == "" {
		api = here
	}
	if web == "" {
		web = here + webPath
	}
	if storage == "" {
		storage = here + storagePath
	}
	return api, web, storage
}
