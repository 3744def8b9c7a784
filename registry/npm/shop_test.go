package npm_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm"
)

// shop is a registry whose one package changes, with a clock.
type shop struct {
	versions []string // of "pad"; none: 404
	latest   string   // "" for no tag
	status   int      // of every answer, unless 0
	header   http.Header
	now      time.Time
	asked    []string // the validators of each request, "" for none
}

func newShop(header ...string) *shop {
	s := &shop{versions: []string{"1.0.0"}, header: http.Header{}, now: time.UnixMilli(1_700_000_000_000)}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		s.header.Add(name, value)
	}
	return s
}

func (s *shop) document() string {
	var all []string
	for _, v := range s.versions {
		all = append(all, `"`+v+`":{"name":"pad","version":"`+v+`","dependencies":{"a":"`+v+`"},`+someSHA+`}`)
	}
	tags := ""
	if s.latest != "" {
		tags = `"latest":"` + s.latest + `"`
	}
	return `{"name":"pad","dist-tags":{` + tags + `},"versions":{` + strings.Join(all, ",") + `}}`
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	condition := r.Header.Get("If-None-Match") + r.Header.Get("If-Modified-Since")
	if r.Method == http.MethodGet {
		s.asked = append(s.asked, condition)
	}
	for name, values := range s.header {
		w.Header()[name] = values
	}
	switch {
	case s.status != 0:
		w.WriteHeader(s.status)
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"ok":true}`))
	case len(s.versions) == 0:
		http.NotFound(w, r)
	case condition != "" && slices.Contains([]string{s.header.Get("ETag"), s.header.Get("Last-Modified")}, condition):
		w.WriteHeader(http.StatusNotModified)
	default:
		_, _ = w.Write([]byte(s.document()))
	}
}

// changed makes the shop's package another one.
func (s *shop) changed(versions ...string) {
	s.versions = versions
	for _, name := range []string{"ETag", "Last-Modified"} {
		if v := s.header.Get(name); v != "" {
			s.header.Set(name, strings.Replace(v, "v1", "v2", 1))
		}
	}
}

// visitor is one run of a program that keeps what it reads in a folder.
func (s *shop) visitor(t *testing.T, dir string) *npm.Registry {
	t.Helper()
	r, _ := client(t, s, func(o *npm.Options) {
		o.CacheDir = dir
		o.Now = func() time.Time { return s.now }
	})
	return r
}

// read returns the versions of pad that a new visitor sees, or the error, and what was asked.
func (s *shop) read(t *testing.T, dir string, how pantry.Asking) (versions string, asked []string, err error) {
	t.Helper()
	s.asked = nil
	p, err := s.visitor(t, dir).Package(pantry.WithAsking(t.Context(), how), "pad")
	if err != nil {
		return "", s.asked, err
	}
	for _, v := range p.Versions() {
		m, err := p.Metadata(v)
		if err != nil || m.Dependencies["a"] != v || m.Artifact.Integrity[0].Hex() != shasum {
			t.Errorf("%s: %+v, %v", v, m, err)
		}
	}
	return strings.Join(p.Versions(), " "), s.asked, nil
}
