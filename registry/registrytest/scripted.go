package registrytest

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// Scripted is an http.Handler that stands before a good one and misbehaves where its rules say
// so. It records every request. Rules can be changed while it serves; it is safe for concurrent
// use.
//
//	s := registrytest.NewScripted(npm.Handler(memory, npm.HandlerOptions{}))
//	s.Set(registrytest.Rule{Path: "/left-pad", Times: 1, Fault: registrytest.Status(503)})
//	srv := httptest.NewServer(s)
//	defer srv.Close()
//	defer s.Close()
type Scripted struct {
	mu       sync.Mutex
	good     http.Handler
	rules    []*rule
	requests []Request
	closed   chan struct{}
	once     sync.Once
}

// Rule says which requests meet which fault. Its zero value matches every request, always.
type Rule struct {
	// Method must be that of the request; "" is any.
	Method string
	// Path is a pattern of path.Match for the path as it was sent, still escaped; a pattern
	// that ends in "/**" matches everything below. "" is any path.
	Path string
	// Match, when not nil, must return true.
	Match func(*http.Request) bool
	// Skip is the number of matching requests that pass unharmed before the rule starts.
	Skip int
	// Times is the number of requests the rule is good for; 0 means no end.
	Times int
	// Fault answers the request. nil lets it through to the good handler, which makes an
	// exception from the rules after this one.
	Fault Fault
}

type rule struct {
	Rule
	seen int
}

// Request is what Scripted remembers of a request.
type Request struct {
	Method string
	Path   string // as sent, still escaped, without the query
	Query  string
	Host   string
	Header http.Header // a copy
}

// NewScripted returns a Scripted before good, which may be nil (every unharmed request is 404).
func NewScripted(good http.Handler) *Scripted {
	return &Scripted{good: good, closed: make(chan struct{})}
}

// SetHandler replaces the good handler.
func (s *Scripted) SetHandler(good http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.good = good
}

// Set replaces the rules; the first that matches counts. With no rules, all requests pass.
func (s *Scripted) Set(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	for _, r := range rules {
		s.rules = append(s.rules, &rule{Rule: r})
	}
}

// Add puts rules before those that are there.
func (s *Scripted) Add(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added []*rule
	for _, r := range rules {
		added = append(added, &rule{Rule: r})
	}
	s.rules = append(added, s.rules...)
}

// Requests returns the requests so far, in order of arrival.
func (s *Scripted) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count is the number of requests so far.
func (s *Scripted) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// Reset forgets the requests, not the rules.
func (s *Scripted) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Close ends the requests that hang, so that a server that waits for them can stop. It may be
// called more than once.
func (s *Scripted) Close() { s.once.Do(func() { close(s.closed) }) }

// ServeHTTP records r and answers it by the first rule that matches.
func (s *Scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, good := s.next(r)
	if fault == nil {
		good.ServeHTTP(w, r)
		return
	}
	fault(w, r, scene{good: good, closed: s.closed})
}

func (s *Scripted) next(r *http.Request) (Fault, http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host, Header: r.Header.Clone(),
	})
	good := s.good
	if good == nil {
		good = http.NotFoundHandler()
	}
	for _, rule := range s.rules {
		if !rule.matches(r) {
			continue
		}
		rule.seen++
		if rule.seen <= rule.Skip || rule.Times > 0 && rule.seen > rule.Skip+rule.Times {
			continue
		}
		return rule.Fault, good
	}
	return nil, good
}

func (r *Rule) matches(req *http.Request) bool {
	if r.Method != "" && r.Method != req.Method {
		return false
	}
	if r.Path != "" && !matchPath(r.Path, req.URL.EscapedPath()) {
		return false
	}
	return r.Match == nil || r.Match(req)
}

func matchPath(pattern, p string) bool {
	if below, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(p, below+"/")
	}
	ok, err := path.Match(pattern, p)
	return err == nil && ok || pattern == p
}
