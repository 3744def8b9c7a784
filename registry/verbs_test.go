package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry"
)

func TestSearchMerges(t *testing.T) {
	t.Parallel()
	m, _, fakes := team(t)
	fakes["acme"].hits = []string{"@acme/table", "table-kit", "shared"}
	fakes["tools"].hits = []string{"o/table", "shared"}
	fakes["public"].hits = []string{"shared", "@acme/table", "table", "bad\x1bname", "table-kit", "shared"}
	res, err := m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range res.Results {
		got = append(got, fmt.Sprint(h.Name, " ", h.Registry, " ", h.AlsoIn))
	}
	// table by its name; then what two lists have; @acme/table is acme's, whoever else shows it;
	// shared of the tools is another thing than shared of npm.
	want := []string{"table public []", "shared acme [public]", "table-kit acme [public]", "@acme/table acme []", "o/table tools []", "shared tools []"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	res, err = m.Search(context.Background(), pantry.Query{Text: "table", Limit: 2}, registry.SearchOptions{})
	if err != nil || len(res.Results) != 2 {
		t.Errorf("got %d results, %v", len(res.Results), err)
	}
	res, err = m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{Registry: "github"})
	if err != nil || len(res.Results) != 2 || res.Results[0].Registry != "tools" {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestSearchThatFails(t *testing.T) {
	t.Parallel()
	m, _, fakes := team(t)
	fakes["acme"].outcome = registry.Unavailable
	fakes["public"].hits = []string{"table"}
	add(t, m, registry.Config{Name: "quiet"}, readOnly{&fake{name: "quiet", journal: &journal{}}})
	add(t, m, registry.Config{Name: "mute"}, readOnly{&fake{name: "mute", journal: &journal{}}})
	res, err := m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{})
	if err != nil || len(res.Results) != 1 || len(res.Failed) != 1 || res.Failed[0].Registry != "acme" || res.Failed[0].Outcome != registry.Unavailable {
		t.Errorf("got %+v, %v", res, err)
	}
	if len(res.NotAsked) != 2 || !strings.Contains(fmt.Sprint(res.NotAsked), "{quiet it cannot be searched}") {
		t.Errorf("not asked %v", res.NotAsked)
	}
	fakes["tools"].outcome, fakes["public"].outcome = registry.Unavailable, registry.Unavailable
	res, err = m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{})
	if !errors.Is(err, pantry.ErrUnavailable) || len(res.Failed) != 3 {
		t.Errorf("got %+v, %v", res, err)
	}
	fakes["public"].outcome = registry.Invalid
	if _, err = m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{}); !errors.Is(err, registry.ErrIncomplete) {
		t.Errorf("got %v", err)
	}
	removeAll(m)
	if _, err = m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("got %v", err)
	}
}

// deaf ignores its context until it is let go.
type deaf struct {
	*fake
	release chan struct{}
}

func (d deaf) Search(context.Context, pantry.Query) ([]pantry.Metadata, error) {
	<-d.release
	return nil, nil
}

func TestSearchDeadline(t *testing.T) {
	t.Parallel()
	m, _, fakes := team(t)
	fakes["acme"].hang = make(chan struct{})
	fakes["public"].hits = []string{"table"}
	release := make(chan struct{})
	defer close(release)
	add(t, m, registry.Config{Name: "deaf"}, deaf{&fake{name: "deaf"}, release})
	res, err := m.Search(context.Background(), pantry.Query{Text: "table"}, registry.SearchOptions{Deadline: 50 * time.Millisecond})
	if err != nil || len(res.Results) != 1 || len(res.Failed) != 2 {
		t.Fatalf("got %+v, %v", res, err)
	}
	for _, f := range res.Failed {
		if f.Outcome != registry.Unavailable || !strings.Contains(f.Error, "no answer within 50ms") {
			t.Errorf("got %+v", f)
		}
	}
}

func TestSearchTellsNoClaimedName(t *testing.T) {
	t.Parallel()
	for text, told := range map[string]bool{
		"table":                    true,
		"acme":                     true,
		"@acme":                    false,
		"@ACME/":                   false,
		"@acme/secret":             false,
		"find @acme/secret please": false,
		"@acme/secret@^1":          false,
		"scope:acme":               false,
		"scope:@acme table":        false,
		`"@acme/secret"`:           false,
		"-@acme/secret":            false,
		"table,@acme/x":            false,
		"npm:@acme/secret":         false,
		"@acme/secret.":            false,
		"@other/thing":             true,
		"someone@acme/x":           true,
	} {
		m, j, _ := team(t)
		res, err := m.Search(context.Background(), pantry.Query{Text: text}, registry.SearchOptions{})
		if err != nil {
			t.Error(err)
		}
		heard := map[string]bool{}
		for _, c := range j.take() {
			heard[c.registry] = true
		}
		if !heard["acme"] || heard["public"] != told || heard["tools"] != told || (len(res.NotAsked) == 0) != told {
			t.Errorf("%q was told %v, %+v", text, heard, res.NotAsked)
		}
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	get := func(m *registry.Manager) (string, *pantry.Metadata, registry.Decision, error) {
		var w bytes.Buffer
		md, d, err := m.Download(ctx, registry.Request{Name: "lodash", Version: "1.0.0"}, &w)
		return w.String(), md, d, err
	}
	sum := integrity.Sum(integrity.SHA512, []byte("bytes of lodash"))
	t.Run("right", func(t *testing.T) {
		t.Parallel()
		m, _, _ := team(t)
		got, md, d, err := get(m)
		if err != nil || got != "bytes of lodash" || d.Registry != "acme" || md.Artifact.Integrity.String() != sum.String() {
			t.Errorf("got %q, %v, %v", got, md, err)
		}
	})
	t.Run("wrong bytes never fall over", func(t *testing.T) {
		t.Parallel()
		for _, mode := range []registry.Fallback{registry.Failover, registry.Always, registry.NotFoundOnly, registry.Never} {
			j := &journal{}
			m := registry.NewManager(registry.Options{Fallback: mode})
			add(t, m, registry.Config{Name: "acme"}, &fake{name: "acme", journal: j, body: "other bytes"})
			add(t, m, registry.Config{Name: "public"}, &fake{name: "public", journal: j})
			_, md, d, err := get(m)
			if !errors.Is(err, pantry.ErrIntegrity) || md != nil || d.Registry != "" || d.Attempts[0].Outcome != registry.Integrity {
				t.Errorf("got %v, %+v", err, d)
			}
			if !strings.Contains(err.Error(), "lodash@1.0.0 was refused") {
				t.Errorf("got %v", err)
			}
			for _, c := range j.take() {
				if c.registry != "acme" {
					t.Errorf("asked %v", c)
				}
			}
		}
	})
	t.Run("no digest", func(t *testing.T) {
		t.Parallel()
		m, j, fakes := team(t)
		fakes["acme"].bare = true
		_, _, _, err := get(m)
		if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(pantry.Hint(err), "allowMissingChecksum") {
			t.Errorf("got %v (%s)", err, pantry.Hint(err))
		}
		if calls := j.take(); len(calls) != 1 {
			t.Errorf("asked %v", calls)
		}
	})
	t.Run("no digest, allowed", func(t *testing.T) {
		t.Parallel()
		m := registry.NewManager(registry.Options{})
		add(t, m, registry.Config{Name: "r", AllowMissingChecksum: true}, &fake{name: "r", journal: &journal{}, bare: true})
		got, md, _, err := get(m)
		if err != nil || got != "bytes of lodash" || md.Artifact.Integrity.String() != sum.String() {
			t.Errorf("got %q, %v, %v", got, md, err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		m := registry.NewManager(registry.Options{MaxArtifact: 5})
		add(t, m, registry.Config{Name: "r"}, &fake{name: "r", journal: &journal{}})
		if _, _, _, err := get(m); !errors.Is(err, pantry.ErrInvalid) || !strings.Contains(err.Error(), "larger than 5 bytes") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nowhere to write", func(t *testing.T) {
		t.Parallel()
		m, _, _ := team(t)
		_, _, err := m.Download(ctx, registry.Request{Name: "lodash"}, fullDisk{})
		if !errors.Is(err, errOdd) || errors.Is(err, pantry.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errOdd }

func TestPublishAndTags(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	verbs := map[string]func(m *registry.Manager, at, name string) error{
		"publish": func(m *registry.Manager, at, name string) error {
			return m.Publish(ctx, at, pantry.Publication{Metadata: pantry.Metadata{Name: name, Version: "2.0.0"}})
		},
		"tag":   func(m *registry.Manager, at, name string) error { return m.SetTag(ctx, at, name, "beta", "1.0.0") },
		"untag": func(m *registry.Manager, at, name string) error { return m.DeleteTag(ctx, at, name, "beta") },
	}
	for verb, do := range verbs {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			m, j, fakes := team(t)
			add(t, m, registry.Config{Name: "mirror"}, readOnly{&fake{name: "mirror", journal: j}})
			must(t, m.Add(registry.Pkgx()))
			tests := []struct {
				at, name string
				asked    string
				match    error
			}{
				{"acme", "@acme/ui", "acme", nil},
				{"", "@acme/ui", "acme", nil},
				{"", "lodash", "acme", nil}, // the default one
				{"public", "lodash", "public", nil},
				{"public", "@acme/ui", "", pantry.ErrPolicy},
				{"mirror", "lodash", "", pantry.ErrUnsupported},
				{"pkgx", "lodash", "", pantry.ErrUnsupported},
				{"tools", "lodash", "", pantry.ErrConfig},
				{"nobody", "lodash", "", pantry.ErrConfig},
				{"public", "", "", pantry.ErrConfig},
			}
			for _, tt := range tests {
				err := do(m, tt.at, tt.name)
				calls := j.take()
				switch {
				case !errors.Is(err, tt.match):
					t.Errorf("%s at %q: %v, want %v", tt.name, tt.at, err, tt.match)
				case tt.asked == "" && len(calls) != 0, tt.asked != "" && (len(calls) != 1 || calls[0].registry != tt.asked):
					t.Errorf("%s at %q: asked %v, want %q", tt.name, tt.at, calls, tt.asked)
				}
			}
			fakes["acme"].outcome = registry.DeniedCred
			if err := do(m, "acme", "x"); !errors.Is(err, pantry.ErrDenied) {
				t.Errorf("got %v", err)
			}
			must(t, m.SetEnabled("acme", false))
			if err := do(m, "acme", "x"); !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), "disabled") {
				t.Errorf("got %v", err)
			}
			removeAll(m)
			if err := do(m, "", "x"); !errors.Is(err, pantry.ErrConfig) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	m, j, _ := team(t)
	ctx := context.Background()
	body, err := m.Open(ctx, "public", pantry.Artifact{Name: "lodash"})
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
	j.take()
	for _, tt := range []struct {
		at, name string
		match    error
	}{
		{"public", "@acme/ui", pantry.ErrPolicy},
		{"public", "", pantry.ErrConfig},
		{"", "lodash", pantry.ErrConfig},
		{"other", "lodash", pantry.ErrConfig},
	} {
		if _, err := m.Open(ctx, tt.at, pantry.Artifact{Name: tt.name}); !errors.Is(err, tt.match) || len(j.take()) != 0 {
			t.Errorf("%q at %q: %v", tt.name, tt.at, err)
		}
	}
}

// Registries come and go while they are asked. The race detector and the fakes' answers judge.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := registry.NewManager(registry.Options{})
	j := &journal{}
	add(t, m, registry.Config{Name: "always", Priority: ptr(50)}, &fake{name: "always", journal: j, hits: []string{"x"}})
	add(t, m, registry.Config{Name: "owner", Priority: ptr(1), Packages: []string{"@acme/*"}}, &fake{name: "owner", journal: j})
	const rounds = 200
	var wg sync.WaitGroup
	for i := range 4 {
		name := fmt.Sprintf("r%d", i)
		wg.Go(func() {
			for k := range rounds {
				f := &fake{name: name, journal: j, outcome: outcomes[k%2]} // found, name-not-found
				if err := m.AddRegistry(registry.Config{Name: name, Priority: ptr(k % 100)}, f); err != nil {
					t.Error(err)
				}
				if err := m.SetEnabled(name, k%3 == 0); err != nil {
					t.Error(err)
				}
				_ = m.SetDefault(name)
				if err := m.Remove(name); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for k := range rounds {
				md, d, err := m.Metadata(ctx, "lodash", "")
				if err != nil || md.Registry != d.Registry {
					t.Errorf("got %v, %v", md, err)
				}
				if md, _, err = m.Metadata(ctx, "@acme/ui", ""); err != nil || md.Registry != "owner" {
					t.Errorf("got %v, %v", md, err)
				}
				if k%10 == 0 {
					if res, err := m.Search(ctx, pantry.Query{Text: "x"}, registry.SearchOptions{}); err != nil || len(res.Results) == 0 {
						t.Errorf("got %v, %v", res, err)
					}
				}
				last := -1 << 30
				for _, e := range m.All() {
					if e.Priority() < last {
						t.Error("out of order")
					}
					last = e.Priority()
				}
				m.Default()
				m.ByType("custom")
			}
		})
	}
	wg.Wait()
	for _, c := range j.take() {
		if c.name == "@acme/ui" && c.registry != "owner" {
			t.Errorf("asked %v", c)
		}
	}
}

// However many ask first, a registry is opened once.
func TestOpenedOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	count := 0
	kinds := []registry.Kind{{Type: "test", NPMStyle: true, DefaultURL: "https://registry.example.com", Open: func(o registry.OpenOptions) (pantry.Registry, error) {
		mu.Lock()
		defer mu.Unlock()
		count++
		return &fake{name: o.Name, journal: &journal{}}, nil
	}}}
	m := registry.NewManager(registry.Options{Kinds: kinds})
	must(t, m.Add(registry.Config{Name: "r", Type: "test"}))
	if count != 0 {
		t.Error("opened before it was needed")
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := m.Metadata(context.Background(), "x", ""); err != nil {
				t.Error(err)
			}
			if err := m.SetEnabled("r", true); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if count != 1 {
		t.Errorf("opened %d times", count)
	}
}
