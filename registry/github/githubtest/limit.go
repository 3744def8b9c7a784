package githubtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// window is one limit of one caller.
type window struct {
	limit, used int
	reset       time.Time
}

// caller is who asks.
type caller struct {
	key   string // "" for those without a token
	token Token
	known bool
}

// caller reads the credential of a request. ok is false for a token that is not known.
func (s *Server) caller(r *http.Request) (c caller, ok bool) {
	a := r.Header.Get("Authorization")
	if a == "" {
		return caller{}, true
	}
	scheme, value, _ := strings.Cut(a, " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
		return caller{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[value]
	return caller{value, t, true}, ok
}

// searchMinute are the searches a minute of those without and with a token.
var searchMinute = [2]int{10, 30}

// window returns the present window; s.mu is held.
func (s *Server) window(c caller, resource string) *window {
	key := c.key + " " + resource
	w, now := s.limits[key], s.o.Now()
	if w == nil || !now.Before(w.reset) {
		w = &window{limit: s.o.Anonymous, reset: now.Add(time.Hour)}
		if c.known {
			w.limit = s.o.Known
		}
		if resource == "search" {
			w.limit, w.reset = searchMinute[0], now.Add(time.Minute)
			if c.known {
				w.limit = searchMinute[1]
			}
		}
		s.limits[key] = w
	}
	return w
}

// SetRemaining leaves n requests of a resource ("core", "search") to the holder of a token, or to
// those without one for "", for as long as in.
func (s *Server) SetRemaining(token, resource string, n int, in time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.window(caller{key: token, known: token != ""}, resource)
	w.used, w.reset = w.limit-n, s.o.Now().Add(in)
}

// Refuse answers the next n requests with the secondary limit. retryAfter is the header, "" for
// none.
func (s *Server) Refuse(n int, retryAfter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secondary, s.after = n, retryAfter
}

// count takes one request off the caller's window, sets the headers, and says whether it may pass.
func (s *Server) count(w http.ResponseWriter, c caller, resource string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	win := s.window(c, resource)
	over := win.used >= win.limit
	if !over {
		win.used++
	}
	win.write(w.Header(), resource)
	return !over
}

// uncount gives back a request that turned out to cost nothing.
func (s *Server) uncount(w http.ResponseWriter, c caller, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	win := s.window(c, resource)
	win.used--
	win.write(w.Header(), resource)
}

func (win *window) write(h http.Header, resource string) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(win.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(win.limit-win.used))
	h.Set("X-RateLimit-Used", strconv.Itoa(win.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(win.reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", resource)
}

// refused says whether this request meets the secondary limit.
func (s *Server) refused(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secondary == 0 {
		return false
	}
	s.secondary--
	if s.after != "" {
		w.Header().Set("Retry-After", s.after)
	}
	return true
}

type limitJSON struct {
	Limit     int   `json:"limit"`
	Used      int   `json:"used"`
	Remaining int   `json:"remaining"`
	Reset     int64 `json:"reset"`
}

func (s *Server) rateLimit(c caller) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	resources := make(map[string]limitJSON)
	for _, name := range []string{"core", "search"} {
		w := s.window(c, name)
		resources[name] = limitJSON{w.limit, w.used, w.limit - w.used, w.reset.Unix()}
	}
	return map[string]any{"resources": resources, "rate": resources["core"]}
}
