package npm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// TestFreshness: for how long an answer is used without asking again.
func TestFreshness(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		header []string
		life   time.Duration // -1: it is not kept
	}{
		"nothing said":     {nil, 5 * time.Minute},
		"max-age":          {[]string{"Cache-Control: public, max-age=300"}, 300 * time.Second},
		"short":            {[]string{"Cache-Control: max-age=1"}, time.Second},
		"zero":             {[]string{"Cache-Control: max-age=0"}, 0},
		"spelled oddly":    {[]string{`Cache-Control: PRIVATE , Max-Age = "60"`}, time.Minute},
		"two lines":        {[]string{"Cache-Control: private", "Cache-Control: max-age=60"}, time.Minute},
		"no number":        {[]string{"Cache-Control: max-age=soon"}, 0},
		"negative":         {[]string{"Cache-Control: max-age=-5"}, 0},
		"a day":            {[]string{"Cache-Control: max-age=86400"}, day},
		"a year":           {[]string{"Cache-Control: max-age=31557600, immutable"}, day},
		"huge":             {[]string{"Cache-Control: max-age=99999999999999999999999"}, day},
		"age":              {[]string{"Cache-Control: max-age=300", "Age: 100"}, 200 * time.Second},
		"too old":          {[]string{"Cache-Control: max-age=300", "Age: 301"}, 0},
		"age without life": {[]string{"Age: 60"}, 4 * time.Minute},
		"age is no number": {[]string{"Cache-Control: max-age=300", "Age: x"}, 300 * time.Second},
		"no-cache":         {[]string{"Cache-Control: no-cache, max-age=300"}, 0},
		"no-store":         {[]string{"Cache-Control: max-age=300, no-store"}, -1},
		"another word":     {[]string{"Cache-Control: s-maxage=60, must-revalidate"}, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(c.header...), t.TempDir()
			read := func() int {
				t.Helper()
				versions, asked, err := s.read(t, dir, pantry.AskIfStale)
				if err != nil || versions != "1.0.0" {
					t.Fatal(versions, err)
				}
				return len(asked)
			}
			read()
			if c.life < 0 {
				if _, _, err := s.read(t, dir, pantry.AskNobody); !errors.Is(err, pantry.ErrUnavailable) {
					t.Errorf("it was kept: %v", err)
				}
				return
			}
			begin := s.now
			if c.life > 0 {
				if s.now = begin.Add(c.life - time.Millisecond); read() != 0 {
					t.Error("it was asked while the answer held")
				}
			}
			s.now = begin.Add(-time.Second)
			if _, _, err := s.read(t, dir, pantry.AskNobody); err != nil {
				t.Errorf("it was not kept: %v", err)
			}
			if s.now = begin.Add(c.life); read() != 1 {
				t.Error("it was not asked when the answer did not hold any more")
			}
		})
	}
}

// TestClockSetBack: an answer from the future is asked for again.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	s, dir := newShop(), t.TempDir()
	if _, _, err := s.read(t, dir, pantry.AskIfStale); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(-time.Millisecond)
	if _, asked, err := s.read(t, dir, pantry.AskIfStale); err != nil || len(asked) != 1 {
		t.Errorf("asked %q, %v", asked, err)
	}
	if _, asked, err := s.read(t, dir, pantry.AskIfStale); err != nil || len(asked) != 0 {
		t.Errorf("asked once more: %q, %v", asked, err)
	}
}

// TestAsking: who is asked, and what is seen, when the registry has something else by now.
func TestAsking(t *testing.T) {
	t.Parallel()
	const stale = time.Hour
	tag, date := []string{`ETag: "v1"`}, []string{"Last-Modified: v1"}
	for name, c := range map[string]struct {
		header []string
		how    pantry.Asking
		after  time.Duration
		same   bool // the registry has nothing else
		want   string
		asked  []string
	}{
		"fresh":                    {tag, pantry.AskIfStale, 0, false, "1.0.0", nil},
		"stale, changed":           {tag, pantry.AskIfStale, stale, false, "2.0.0", []string{`"v1"`}},
		"stale, the same":          {tag, pantry.AskIfStale, stale, true, "1.0.0", []string{`"v1"`}},
		"by date, changed":         {date, pantry.AskIfStale, stale, false, "2.0.0", []string{"v1"}},
		"by date, the same":        {date, pantry.AskIfStale, stale, true, "1.0.0", []string{"v1"}},
		"by tag rather than date":  {slices.Concat(tag, date), pantry.AskIfStale, stale, true, "1.0.0", []string{`"v1"`}},
		"without a validator":      {nil, pantry.AskIfStale, stale, true, "1.0.0", []string{""}},
		"a validator nobody sends": {[]string{"ETag: \"\x80v1\""}, pantry.AskIfStale, stale, true, "1.0.0", []string{""}},
		"again, though fresh":      {tag, pantry.AskAgain, 0, false, "2.0.0", []string{`"v1"`}},
		"again, the same":          {tag, pantry.AskAgain, 0, true, "1.0.0", []string{`"v1"`}},
		"if missing, though stale": {tag, pantry.AskIfMissing, stale, false, "1.0.0", nil},
		"nobody, though stale":     {tag, pantry.AskNobody, stale, false, "1.0.0", nil},
		"always, in full":          {tag, pantry.AskAlways, 0, false, "2.0.0", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(c.header...), t.TempDir()
			if _, _, err := s.read(t, dir, pantry.AskIfStale); err != nil {
				t.Fatal(err)
			}
			s.now = s.now.Add(c.after)
			if !c.same {
				s.changed("2.0.0")
			}
			got, asked, err := s.read(t, dir, c.how)
			if err != nil || got != c.want || !slices.Equal(asked, c.asked) {
				t.Errorf("got %q, %v, asked %q, want %q, %q", got, err, asked, c.want, c.asked)
			}
			if len(c.asked) == 0 || c.how == pantry.AskAlways {
				return
			}
			// What was learnt holds for a while.
			if got, asked, err = s.read(t, dir, pantry.AskIfStale); err != nil || got != c.want || len(asked) != 0 {
				t.Errorf("then %q, %v, asked %q", got, err, asked)
			}
		})
	}
}

// TestKeptNothing: what was never read.
func TestKeptNothing(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		s := newShop()
		if _, asked, err := s.read(t, dir, pantry.AskNobody); !errors.Is(err, pantry.ErrUnavailable) || len(asked) != 0 {
			t.Errorf("folder %q, nobody: %v, asked %q", dir, err, asked)
		}
		for range 2 {
			got, asked, err := s.read(t, dir, pantry.AskIfMissing)
			if err != nil || got != "1.0.0" || dir == "" && len(asked) != 1 {
				t.Errorf("folder %q, if missing: %q, %v, asked %q", dir, got, err, asked)
			}
		}
	}
}

// TestFailure: what was kept is not used in the place of an answer that could not be had, stays for
// later, and goes when the registry says that there is no such package.
func TestFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*shop)
		err    error
		stays  bool
	}{
		"down":          {func(s *shop) { s.status = 503 }, pantry.ErrUnavailable, true},
		"denied":        {func(s *shop) { s.status = 401 }, pantry.ErrDenied, true},
		"no content":    {func(s *shop) { s.status = 204 }, pantry.ErrInvalid, true},
		"a page":        {func(s *shop) { s.changed(`1.0.0":{}}}<html>`) }, pantry.ErrInvalid, true},
		"gone":          {func(s *shop) { s.changed() }, pantry.ErrNotFound, false},
		"gone for good": {func(s *shop) { s.status = 410 }, pantry.ErrNotFound, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(`ETag: "v1"`), t.TempDir()
			if _, _, err := s.read(t, dir, pantry.AskIfStale); err != nil {
				t.Fatal(err)
			}
			s.now = s.now.Add(time.Hour)
			c.change(s)
			if _, _, err := s.read(t, dir, pantry.AskIfStale); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			got, _, err := s.read(t, dir, pantry.AskNobody)
			if c.stays != (err == nil) || c.stays && got != "1.0.0" {
				t.Errorf("afterwards it is %q, %v", got, err)
			}
		})
	}
}

// TestNotModifiedHeader: word that nothing changed may come with another life, or none.
func TestNotModifiedHeader(t *testing.T) {
	t.Parallel()
	s, dir := newShop(`ETag: "v1"`, "Cache-Control: max-age=60"), t.TempDir()
	asks := func(after time.Duration) bool {
		t.Helper()
		s.now = s.now.Add(after)
		got, asked, err := s.read(t, dir, pantry.AskIfStale)
		if err != nil || got != "1.0.0" {
			t.Fatal(got, err)
		}
		return len(asked) > 0
	}
	asks(0)
	s.header.Set("Cache-Control", "max-age=1000")
	if !asks(time.Minute) || asks(999*time.Second) {
		t.Error("the new life does not count")
	}
	s.header.Del("Cache-Control")
	if !asks(time.Second) || asks(999*time.Second) || !asks(time.Second) {
		t.Error("the old life does not count any more")
	}
	s.header.Set("Cache-Control", "no-store")
	s.now = s.now.Add(time.Hour)
	asks(0)
	if _, _, err := s.read(t, dir, pantry.AskNobody); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("it is kept although it must not be: %v", err)
	}
}

// TestChangeIsSeen: who publishes or moves a tag sees it in the next install.
func TestChangeIsSeen(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*npm.Registry) error{
		"set tag":    func(r *npm.Registry) error { return r.SetTag(context.Background(), "pad", "next", "1.0.0") },
		"delete tag": func(r *npm.Registry) error { return r.DeleteTag(context.Background(), "pad", "next") },
		"publish": func(r *npm.Registry) error {
			return r.Publish(context.Background(), publication(registrytest.Pkg{Name: "pad", Version: "2.0.0"}, ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(), t.TempDir()
			if _, _, err := s.read(t, dir, pantry.AskIfStale); err != nil {
				t.Fatal(err)
			}
			if err := change(s.visitor(t, dir)); err != nil {
				t.Fatal(err)
			}
			s.changed("2.0.0")
			if got, _, err := s.read(t, dir, pantry.AskIfStale); err != nil || got != "2.0.0" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// TestCredentialsApart: what was read with one credential is not used with another or none, and no
// credential is in the folder.
func TestCredentialsApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base, err := url.Parse(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	below := *base
	below.Path += "/pad"
	header, err := transport.Header("X-Api-Key", pantry.NewSecret("tok3n-a"), "test")
	if err != nil {
		t.Fatal(err)
	}
	scoped := transport.Bearer(pantry.NewSecret("tok3n-d"), "test")
	scoped.Scope = &below
	who := []func(*transport.Options){
		func(*transport.Options) {},
		func(o *transport.Options) {
			o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret("tok3n-a"), "test")}
		},
		func(o *transport.Options) {
			o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret("tok3n-b"), "test")}
		},
		func(o *transport.Options) {
			o.Credentials = []transport.Credential{transport.Basic("me", pantry.NewSecret("tok3n-a"), "test")}
		},
		func(o *transport.Options) { o.Credentials = []transport.Credential{header} },
		func(o *transport.Options) { o.Headers = map[string]string{"X-Api-Key": "tok3n-c"} },
		func(o *transport.Options) { o.Credentials = []transport.Credential{scoped} },
		func(o *transport.Options) { o.URL = baseURL + "/other" },
	}
	for round := range 2 {
		for i, change := range who {
			s := newShop()
			s.versions = []string{"1.0." + string(rune('0'+i))}
			o := transport.Options{Registry: "test", URL: baseURL, Base: &wire{handler: s}}
			change(&o)
			c, err := transport.New(o)
			if err != nil {
				t.Fatal(err)
			}
			r, err := npm.New(npm.Options{Name: "test", Client: c, CacheDir: dir, Now: func() time.Time { return s.now }})
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.Package(pantry.WithAsking(t.Context(), pantry.AskIfStale), "pad")
			if err != nil || p.Versions()[0] != s.versions[0] || len(s.asked) != 1-round {
				t.Errorf("round %d, %d: got %v, %v after %d requests", round, i, p.Versions(), err, len(s.asked))
			}
		}
	}
	noSecrets(t, dir, "tok3n", base64.StdEncoding.EncodeToString([]byte("me:tok3n-a")))
}

// noSecrets looks for texts in all files of a folder and their names.
func noSecrets(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		count++
		data, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(path, secret) || bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || count < 5 {
		t.Errorf("looked at %d files, %v", count, err)
	}
}

// TestDamagedIsAskedFor: what is broken on disk is read anew.
func TestDamagedIsAskedFor(t *testing.T) {
	t.Parallel()
	s, dir := newShop(), t.TempDir()
	for range 2 {
		if got, _, err := s.read(t, dir, pantry.AskIfStale); err != nil || got != "1.0.0" {
			t.Fatal(got, err)
		}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				err = os.Truncate(path, 200)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(s.asked) != 1 {
		t.Errorf("asked %d times", len(s.asked))
	}
}

// TestUnwritableCache: a cache that cannot be used costs requests only.
func TestUnwritableCache(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newShop()
	for range 2 {
		if got, asked, err := s.read(t, file, pantry.AskIfStale); err != nil || got != "1.0.0" || len(asked) != 1 {
			t.Errorf("got %q, %v, asked %q", got, err, asked)
		}
	}
}

// TestNone: that there is no such package is kept for a minute, and for who is offline.
func TestNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		how   pantry.Asking
		after time.Duration
		asked bool
		state pantry.CacheState
	}{
		"soon":                   {pantry.AskIfStale, time.Minute - time.Millisecond, false, pantry.CacheFresh},
		"later":                  {pantry.AskIfStale, time.Minute, true, pantry.CacheNetwork},
		"again":                  {pantry.AskAgain, 0, true, pantry.CacheNetwork},
		"prefer offline":         {pantry.AskIfMissing, time.Hour, false, pantry.CacheStale},
		"offline":                {pantry.AskNobody, time.Hour, false, pantry.CacheStale},
		"the clock was set back": {pantry.AskIfStale, -time.Minute, true, pantry.CacheNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(), t.TempDir()
			s.versions = nil
			if _, _, err := s.read(t, dir, pantry.AskIfStale); !errors.Is(err, pantry.ErrNotFound) {
				t.Fatal(err)
			}
			s.now = s.now.Add(c.after)
			s.asked = nil
			var trace pantry.CacheTrace
			ctx := pantry.WithCacheTrace(pantry.WithAsking(t.Context(), c.how), &trace)
			_, err := s.visitor(t, dir).Package(ctx, "pad")
			if !errors.Is(err, pantry.ErrNotFound) || (len(s.asked) > 0) != c.asked || trace.State() != c.state {
				t.Errorf("got %v, asked %q, %s", err, s.asked, trace.State())
			}
			// When there is one it is seen.
			s.versions = []string{"1.0.0"}
			if got, _, err := s.read(t, dir, pantry.AskAgain); err != nil || got != "1.0.0" {
				t.Errorf("got %q, %v", got, err)
			}
			if got, _, err := s.read(t, dir, pantry.AskNobody); err != nil || got != "1.0.0" {
				t.Errorf("offline %q, %v", got, err)
			}
		})
	}
}

// TestConfigured: how long packuments hold as the user says, and what stands in for a registry that fails.
func TestConfigured(t *testing.T) {
	t.Parallel()
	const maxAge = "Cache-Control: max-age=60"
	ttl := func(d time.Duration) func(*npm.Options) { return func(o *npm.Options) { o.TTL = &d } }
	stale := func(d time.Duration) func(*npm.Options) { return func(o *npm.Options) { o.StaleIfError = d } }
	anyway := func(o *npm.Options) { o.StaleIfError, o.StaleAnyway = 24*time.Hour, true }
	for name, c := range map[string]struct {
		header string
		option func(*npm.Options)
		how    pantry.Asking
		after  time.Duration
		status int
		want   pantry.CacheState // "": an error
	}{
		"longer than it says":           {maxAge, ttl(time.Hour), pantry.AskIfStale, time.Hour - time.Second, 503, pantry.CacheFresh},
		"not that long":                 {maxAge, ttl(time.Hour), pantry.AskIfStale, time.Hour, 0, pantry.CacheNetwork},
		"a week is a day":               {maxAge, ttl(7 * 24 * time.Hour), pantry.AskIfStale, 24 * time.Hour, 0, pantry.CacheNetwork},
		"shorter than it says":          {maxAge, ttl(time.Second), pantry.AskIfStale, time.Second, 0, pantry.CacheNetwork},
		"not at all":                    {maxAge, ttl(0), pantry.AskIfStale, 0, 0, pantry.CacheNetwork},
		"it fails":                      {maxAge, stale(time.Hour), pantry.AskIfStale, time.Hour, 503, pantry.CacheStale},
		"it fails for long":             {maxAge, stale(time.Hour), pantry.AskIfStale, time.Hour + time.Minute, 503, ""},
		"it fails, and is asked again":  {maxAge, stale(time.Hour), pantry.AskAgain, 0, 503, ""},
		"it denies":                     {maxAge, stale(time.Hour), pantry.AskIfStale, time.Hour, 401, ""},
		"nothing configured":            {maxAge, stale(0), pantry.AskIfStale, time.Hour, 503, ""},
		"it must be asked":              {maxAge + ", must-revalidate", stale(time.Hour), pantry.AskIfStale, time.Minute, 503, ""},
		"it must always be asked":       {"Cache-Control: no-cache", stale(time.Hour), pantry.AskIfStale, 0, 503, ""},
		"it must be asked, but may not": {maxAge + ", must-revalidate", anyway, pantry.AskIfStale, time.Hour, 503, pantry.CacheStale},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(c.header), t.TempDir()
			read := func() (pantry.Package, *pantry.CacheTrace, error) {
				r, _ := client(t, s, func(o *npm.Options) {
					o.CacheDir, o.Now = dir, func() time.Time { return s.now }
					c.option(o)
				})
				trace := new(pantry.CacheTrace)
				p, err := r.Package(pantry.WithCacheTrace(pantry.WithAsking(t.Context(), c.how), trace), "pad")
				return p, trace, err
			}
			if _, _, err := read(); err != nil {
				t.Fatal(err)
			}
			s.now, s.status = s.now.Add(c.after), c.status
			p, trace, err := read()
			if (err == nil) != (c.want != "") || trace.State() != c.want || (trace.Failure() != nil) != (c.want == pantry.CacheStale) {
				t.Fatalf("got %v, %s, %v, want %s", err, trace.State(), trace.Failure(), c.want)
			}
			if err == nil && !slices.Equal(p.Versions(), []string{"1.0.0"}) {
				t.Errorf("versions %q", p.Versions())
			}
		})
	}
}
