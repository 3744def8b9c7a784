package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/transport"
)

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := github.New(github.Options{Name: "gh"}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("without a client: %v", err)
	}
}

// TestVersions: what the tags of a repository are as versions.
func TestVersions(t *testing.T) {
	t.Parallel()
	pre := func(tag string) githubtest.Release { return githubtest.Release{Tag: tag, Prerelease: true} }
	full := func(tag string) githubtest.Release { return githubtest.Release{Tag: tag} }
	marked := func(tag string) githubtest.Release { return githubtest.Release{Tag: tag, Latest: true} }
	for what, c := range map[string]struct {
		releases []githubtest.Release
		tags     []string
		prefix   string
		want     []string
		wantTags map[string]string
	}{
		"sorted": {releases: []githubtest.Release{full("v1.10.0"), full("v1.9.0"), full("v2.0.0")}, want: []string{"1.9.0", "1.10.0", "2.0.0"}, wantTags: map[string]string{"latest": "2.0.0"}},
		"the latest is GitHub's": {releases: []githubtest.Release{full("v1.0.0"), marked("v1.5.0"), full("v2.0.0")}, want: []string{"1.0.0", "1.5.0", "2.0.0"},
			wantTags: map[string]string{"latest": "1.5.0"}},
		"a backport came last": {releases: []githubtest.Release{full("v2.0.0"), full("v1.5.1")}, want: []string{"1.5.1", "2.0.0"}, wantTags: map[string]string{"latest": "1.5.1"}},
		"prereleases by mark":  {releases: []githubtest.Release{full("v1.0.0"), pre("v1.1.0")}, want: []string{"1.0.0", "1.1.0"}, wantTags: map[string]string{"latest": "1.0.0"}},
		"prereleases by tag":   {releases: []githubtest.Release{full("v1.0.0"), pre("v2.0.0-rc.1")}, want: []string{"1.0.0", "2.0.0-rc.1"}, wantTags: map[string]string{"latest": "1.0.0"}},
		"prereleases only":     {releases: []githubtest.Release{pre("v0.1.0-a.2"), pre("v0.1.0-a.11")}, want: []string{"0.1.0-a.2", "0.1.0-a.11"}, wantTags: map[string]string{"latest": "0.1.0-a.11"}},
		"drafts":               {releases: []githubtest.Release{full("v1.0.0"), {Tag: "v2.0.0", Draft: true}}, want: []string{"1.0.0"}, wantTags: map[string]string{"latest": "1.0.0"}},
		"the repository's name": {releases: []githubtest.Release{full("tool-1.6"), full("tool-1.7.1")}, want: []string{"1.6.0", "1.7.1"},
			wantTags: map[string]string{"latest": "1.7.1", "tool-1.6": "1.6.0", "tool-1.7.1": "1.7.1"}},
		"four numbers": {releases: []githubtest.Release{full("3.1.1"), full("3.1.1.1"), full("3.2")}, want: []string{"3.1.1", "3.1.1+1", "3.2.0"},
			wantTags: map[string]string{"latest": "3.2.0", "3.1.1.1": "3.1.1+1"}},
		"no versions": {releases: []githubtest.Release{full("b100"), full("b99"), pre("nightly")}, want: []string{"b100", "b99", "nightly"},
			wantTags: map[string]string{"latest": "b99", "b100": "b100", "b99": "b99", "nightly": "nightly"}},
		"one that moves": {releases: []githubtest.Release{full("v1.0.0"), pre("nightly")}, want: []string{"nightly", "1.0.0"}, wantTags: map[string]string{"latest": "1.0.0", "nightly": "nightly"}},
		"twice":          {releases: []githubtest.Release{full("1.0.0"), full("v1.0.0")}, want: []string{"1.0.0"}, wantTags: map[string]string{"latest": "1.0.0"}},
		"kept apart": {releases: []githubtest.Release{full("api/v9.0.0"), full("tool/v1.0.0"), full("v0.9.0"), full("api/v9.1.0")}, want: []string{"0.9.0", "1.0.0"},
			wantTags: map[string]string{"latest": "1.0.0", "tool/v1.0.0": "1.0.0"}},
		"others only": {releases: []githubtest.Release{full("llvmorg-18.1.0"), full("docs/v1.0.0"), marked("llvmorg-19.1.0"), full("docs/v2.0.0")}, want: []string{"18.1.0", "19.1.0"},
			wantTags: map[string]string{"latest": "19.1.0", "llvmorg-18.1.0": "18.1.0", "llvmorg-19.1.0": "19.1.0"}},
		"a prefix chosen": {releases: []githubtest.Release{full("v3.0.0"), full("api/v1.0.0"), full("api/v1.1.0")}, prefix: "api/", want: []string{"1.0.0", "1.1.0"},
			wantTags: map[string]string{"latest": "1.1.0", "api/v1.0.0": "1.0.0", "api/v1.1.0": "1.1.0"}},
		"a prefix chosen, with v": {releases: []githubtest.Release{full("v3.0.0"), full("api/v1.0.0")}, prefix: "api/v", want: []string{"1.0.0"}, wantTags: map[string]string{"latest": "1.0.0", "api/v1.0.0": "1.0.0"}},
		"tags only":               {tags: []string{"v0.2.0", "v0.10.0", "v1.0.0-rc.1", "before-the-merge"}, want: []string{"0.2.0", "0.10.0", "1.0.0-rc.1"}, wantTags: map[string]string{"latest": "0.10.0"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := start(t, githubtest.Repo{Name: "acme/tool", Releases: c.releases, Tags: c.tags})
			r := connect(t, s, func(o *github.Options, _ *transport.Options) { o.TagPrefix = func(string) string { return c.prefix } })
			p, err := r.Package(t.Context(), "Acme/Tool")
			if err != nil {
				t.Fatal(err)
			}
			if p.Name() != "Acme/Tool" || !slices.Equal(p.Versions(), c.want) {
				t.Errorf("%s has versions %q, want %q", p.Name(), p.Versions(), c.want)
			}
			if diff := cmp.Diff(c.wantTags, p.Tags()); diff != "" {
				t.Errorf("tags (- wanted, + got):\n%s", diff)
			}
		})
	}
}

// TestPages: a long list is read to its end, by the addresses that GitHub gives, and no further
// than allowed.
func TestPages(t *testing.T) {
	t.Parallel()
	repo := githubtest.Repo{Name: "acme/tool"}
	for i := range 250 {
		repo.Releases = append(repo.Releases, githubtest.Release{Tag: fmt.Sprintf("v1.%d.0", i)})
	}
	s := start(t, repo)
	p, err := connect(t, s).Package(t.Context(), "acme/tool")
	if err != nil || len(p.Versions()) != 250 || p.Tags()["latest"] != "1.249.0" {
		t.Fatalf("%v, %v", p, err)
	}
	if got, want := paths(s), "/repos/acme/tool/releases\n/repositories/1001/releases\n/repositories/1001/releases\n/repos/acme/tool/releases/latest"; got != want {
		t.Errorf("asked for\n%s\nwant\n%s", got, want)
	}
	s.Forget()
	few := connect(t, s, func(o *github.Options, _ *transport.Options) { o.MaxPages = 2 })
	if p, err = few.Package(t.Context(), "acme/tool"); err != nil || len(p.Versions()) != 200 || p.Versions()[0] != "1.50.0" {
		t.Errorf("of two pages: %v, %v", p, err)
	}
	none := connect(t, s)
	if _, err := none.Package(t.Context(), "acme/none"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("a repository that is not there: %v", err)
	}
}

func TestNextPage(t *testing.T) {
	t.Parallel()
	at := httptest.NewRequest(http.MethodGet, "https://api.example.com/repos/a/b/releases?page=1", nil).URL
	for link, want := range map[string]string{
		`<https://api.example.com/repositories/1/releases?page=2>; rel="next", <https://api.example.com/x?page=9>; rel="last"`: "https://api.example.com/repositories/1/releases?page=2",
		`<https://api.example.com/x?page=1>; rel="prev", <https://api.example.com/x?after=Y3Vyc29y>; rel="next"`:               "https://api.example.com/x?after=Y3Vyc29y",
		`</x?page=2>; rel=next`:                       "https://api.example.com/x?page=2",
		`<https://evil.example.com/x>; rel="next"`:    "",
		`<http://api.example.com/x>; rel="next"`:      "",
		`<https://u:p@api.example.com/x>; rel="next"`: "",
		`<https://api.example.com:444/x>; rel="next"`: "",
		`<https://api.example.com/x>; rel="last"`:     "",
		`<https://api.example.com/x>`:                 "",
		`rel="next"`:                                  "",
		"":                                            "",
		`><`:                                          "",
		`<`:                                           "",
		strings.Repeat("<a>,", 100) + `<b>; rel=next`:           "",
		`<https://api.example.com/%zz>; rel="next"`:             "",
		`<https://api.example.com/x>; title="next"; rel="next"`: "https://api.example.com/x",
	} {
		if got := github.NextPage(link, at); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

// TestLookups: what version is found by what was asked for, and with which requests.
func TestLookups(t *testing.T) {
	t.Parallel()
	mono := githubtest.Repo{Name: "acme/mono", Releases: []githubtest.Release{release1("api/v1.0.0"), release1("mono/v2.0.0"), release1("api/v1.1.0")}}
	others := githubtest.Repo{Name: "acme/llvm-project", Releases: []githubtest.Release{release1("llvmorg-18.0.0"), release1("llvmorg-19.0.0")}}
	s := start(t, tool("v1.0.0", "1.1.0", "1.2", "tool-1.3.0", "nightly", "3.1.1.4"), mono, others,
		githubtest.Repo{Name: "acme/pre", Releases: []githubtest.Release{{Tag: "v0.1.0-rc.1", Prerelease: true, Assets: release1("x").Assets}}},
		githubtest.Repo{Name: "acme/draft", Releases: []githubtest.Release{{Tag: "v1.0.0", Draft: true}}},
		githubtest.Repo{Name: "acme/empty"})
	for _, c := range []struct {
		name, ask, want string
		err             error
		requests        int
	}{
		{"acme/tool", "1.0.0", "1.0.0", nil, 2}, {"acme/tool", "v1.0.0", "1.0.0", nil, 2}, {"ACME/Tool", "1.0.0", "1.0.0", nil, 2},
		{"acme/tool", "1.1.0", "1.1.0", nil, 3}, {"acme/tool", "v1.1.0", "1.1.0", nil, 3}, {"acme/tool", "1.2", "1.2.0", nil, 3},
		{"acme/tool", "1.2.0", "1.2.0", nil, 5}, {"acme/tool", "1.3.0", "1.3.0", nil, 5}, {"acme/tool", "tool-1.3.0", "1.3.0", nil, 2},
		{"acme/tool", "nightly", "nightly", nil, 2}, {"acme/tool", "3.1.1.4", "3.1.1+4", nil, 3}, {"acme/tool", "3.1.1+4", "3.1.1+4", nil, 5},
		{"acme/tool", "", "3.1.1+4", nil, 2}, {"acme/tool", "latest", "3.1.1+4", nil, 2},
		{"acme/mono", "", "2.0.0", nil, 4}, {"acme/mono", "2.0.0", "2.0.0", nil, 5}, {"acme/mono", "api/v1.0.0", "api/v1.0.0", nil, 4},
		{"acme/mono", "1.0.0", "", pantry.ErrVersionNotFound, 4}, {"acme/llvm-project", "llvmorg-18.0.0", "18.0.0", nil, 4},
		{"acme/llvm-project", "18.0.0", "18.0.0", nil, 5}, {"acme/llvm-project", "", "19.0.0", nil, 4},
		{"acme/pre", "", "0.1.0-rc.1", nil, 3}, {"acme/pre", "0.1.0-rc.1", "0.1.0-rc.1", nil, 2},
		{"acme/tool", "9.9.9", "", pantry.ErrVersionNotFound, 4}, {"acme/tool", "no-such-tag", "", pantry.ErrVersionNotFound, 3},
		{"acme/tool", "^1.0.0", "", pantry.ErrVersionNotFound, 2}, {"acme/tool", "1.x", "", pantry.ErrVersionNotFound, 2}, {"acme/tool", "..", "", pantry.ErrVersionNotFound, 2},
		{"acme/draft", "1.0.0", "", pantry.ErrNotFound, 5}, {"acme/empty", "", "", pantry.ErrNotFound, 4}, {"acme/none", "1.0.0", "", pantry.ErrNotFound, 3},
		{"acme", "1.0.0", "", pantry.ErrNotFound, 0}, {"acme/tool.git", "", "", pantry.ErrNotFound, 0},
	} {
		s.Forget()
		m, err := connect(t, s).Metadata(t.Context(), c.name, c.ask)
		if c.err != nil {
			if !errors.Is(err, c.err) || c.err == pantry.ErrNotFound && errors.Is(err, pantry.ErrVersionNotFound) {
				t.Errorf("%s@%s: %v, %v; want %q", c.name, c.ask, m, err, c.err)
			}
		} else if err != nil || m.Version != c.want || m.Name != c.name {
			t.Errorf("%s@%s: %v, %v; want %s", c.name, c.ask, m, err, c.want)
		}
		if got := asked(s); len(got) != c.requests {
			t.Errorf("%s@%s took %d requests, want %d:\n%s", c.name, c.ask, len(got), c.requests, paths(s))
		}
	}
	s.Forget()
	prefixed := connect(t, s, func(o *github.Options, _ *transport.Options) { o.TagPrefix = func(string) string { return "api/v" } })
	for ask, want := range map[string]string{"": "1.1.0", "1.0.0": "1.0.0", "api/v1.1.0": "1.1.0", "mono/v2.0.0": "mono/v2.0.0"} {
		if m, err := prefixed.Metadata(t.Context(), "acme/mono", ask); err != nil || m.Version != want {
			t.Errorf("%q with a prefix: %v, %v; want %s", ask, m, err, want)
		}
	}
	none := connect(t, s, func(o *github.Options, _ *transport.Options) { o.TagPrefix = func(string) string { return "nothing/" } })
	if _, err := none.Package(t.Context(), "acme/mono"); !errors.Is(err, pantry.ErrNotFound) || !strings.Contains(err.Error(), `begins with "nothing/"`) {
		t.Errorf("a prefix that no tag has: %v", err)
	}
	if !strings.Contains(paths(s), "/releases/tags/api%2Fv1.0.0") {
		t.Errorf("a tag with a slash was asked for otherwise:\n%s", paths(s))
	}
}

// TestOtherAnswers: an answer about something else than what was asked for is none.
func TestOtherAnswers(t *testing.T) {
	t.Parallel()
	for what, body := range map[string]string{
		"another repository": `{"tag_name":"v1.0.0","url":"https://api.example.com/repos/acme/other/releases/1","assets":[]}`,
		"another tag":        `{"tag_name":"v1.0.1","url":"https://api.example.com/repos/acme/tool/releases/1","assets":[]}`,
		"no tag":             `{"url":"https://api.example.com/repos/acme/tool/releases/1"}`,
		"assets of a kind":   `{"tag_name":"v1.0.0","assets":{"a":1}}`,
		"no source":          `{"tag_name":"v1.0.0","assets":[],"tarball_url":"file:///etc/passwd"}`,
		"an address of none": `{"tag_name":"v1.0.0","assets":[{"id":1,"name":"tool-linux-amd64","digest":"sha256:` + strings.Repeat("ab", 32) + `","browser_download_url":"javascript:x"}]}`,
		"user information":   `{"tag_name":"v1.0.0","assets":[{"id":1,"name":"tool-linux-amd64","digest":"sha256:` + strings.Repeat("ab", 32) + `","browser_download_url":"https://u:p@example.com/x"}]}`,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		t.Cleanup(srv.Close)
		r := connect(t, &githubtest.Server{URL: srv.URL})
		if m, err := r.Metadata(t.Context(), "acme/tool", "v1.0.0"); !errors.Is(err, pantry.ErrInvalid) || !strings.Contains(err.Error(), `acme/tool@v1.0.0 at registry "gh"`) {
			t.Errorf("%s: %v, %v", what, m, err)
		}
	}
}

// TestRenamed: a repository under its old name answers, and a token goes along on the way.
func TestRenamed(t *testing.T) {
	t.Parallel()
	r := tool("v1.0.0", "v1.1.0")
	r.Private = true
	s := start(t, r)
	s.Rename("acme/tool", "newowner/better")
	gh := connect(t, s, withToken)
	m, err := gh.Metadata(t.Context(), "acme/tool", "")
	if err != nil || m.Name != "acme/tool" || m.Version != "1.1.0" || !strings.HasSuffix(m.Repository, "/newowner/better") {
		t.Fatalf("%+v, %v", m, err)
	}
	p, err := gh.Package(t.Context(), "acme/tool")
	if err != nil || len(p.Versions()) != 2 {
		t.Fatalf("%v, %v", p, err)
	}
	if got, err := read(t.Context(), gh, m.Artifact); err != nil || got != "tool of v1.1.0" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestPublished(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	repo := tool("v1.0.0")
	repo.Releases[0].Published = when
	r := connect(t, start(t, repo))
	p, err := r.Package(t.Context(), "acme/tool")
	if err != nil {
		t.Fatal(err)
	}
	dated, ok := p.(interface{ Published(string) time.Time })
	if !ok || !dated.Published("1.0.0").Equal(when) || !dated.Published("9").IsZero() {
		t.Errorf("published %v", dated.Published("1.0.0"))
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	r := connect(t, start(t))
	for name, ok := range map[string]bool{
		"cli/cli": true, "BurntSushi/ripgrep": true, "o/.github": true, "a-b/c.d_e-f": true, "corp_emu/x": true, "1/2": true,
		"lodash": false, "": false, "/": false, "a/": false, "/b": false, "a/b/c": false, "a/..": false, "a/.": false, "-a/b": false, "a b/c": false,
		"a/b c": false, "a/b\n": false, "ä/b": false, "a/b.git": false, "a/b?c": false, "a/b%2f": false, strings.Repeat("a", 40) + "/b": false,
		"a/" + strings.Repeat("b", 101): false, "@acme/ui": false,
	} {
		err := r.CheckName(name)
		if (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%q: %q", name, err)
		}
	}
}
