package pkgx_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := samples()
	r, url := connect(t, s)
	artifact := func(path string) pantry.Artifact {
		data, ok := s.Get(path)
		if !ok {
			t.Fatalf("%s is not served", path)
		}
		return pantry.Artifact{
			Name: "hello.example", Version: "1.1.0", URL: url + "/" + path,
			Integrity: integrity.Set{integrity.Sum(integrity.SHA256, data)},
		}
	}
	build := func(os, arch, libc, folder, word string) pantry.Build {
		return pantry.Build{
			Platform: pantry.Platform{OS: os, Arch: arch, Libc: libc}, Artifact: artifact(folder + "/v1.1.0.tar.xz"),
			File: "v1.1.0.tar.xz", Strip: 2, Why: "bottle for " + word,
		}
	}
	want := &pantry.Metadata{
		Name: "hello.example", Version: "1.1.0", Description: "Hello", Registry: "tools",
		Dependencies: map[string]string{"greeting.example": "^1"},
		Artifact:     artifact("hello.example/linux/x86-64/v1.1.0.tar.xz"),
		Tool: &pantry.Tool{
			Builds: []pantry.Build{
				build("darwin", "amd64", "", "hello.example/darwin/x86-64", "darwin/x86-64"),
				build("darwin", "arm64", "", "hello.example/darwin/aarch64", "darwin/aarch64"),
				build("linux", "amd64", "glibc", "hello.example/linux/x86-64", "linux/x86-64"),
				build("linux", "arm64", "glibc", "hello.example/linux/aarch64", "linux/aarch64"),
				build("windows", "amd64", "", "v2/hello.example/windows/x86-64", "windows/x86-64"),
			},
			Provides: []string{"bin/hello"},
			Env: map[string]string{
				"GREETING_FILE": "{{deps.greeting.example.prefix}}/share/greeting.txt",
				"HELLO_HOME":    "{{prefix}}", "HELLO_PATH": "{{prefix}}/share:$HELLO_PATH",
			},
			Companions: map[string]string{"phrases.example": "*"},
		},
	}
	for _, name := range []string{"hello.example", "hello", "Hello", "HELLO.example"} {
		got, err := r.Metadata(t.Context(), name, "1.1.0")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(integrity.Digest{})); diff != "" {
			t.Errorf("metadata of %s (- wanted, + got):\n%s", name, diff)
		}
	}
	for _, version := range []string{"", "latest"} {
		if m, err := r.Metadata(t.Context(), "hello", version); err != nil || m.Version != "2.0.0" {
			t.Errorf("%q is %v, %v", version, m, err)
		}
	}
}

func TestPackage(t *testing.T) {
	t.Parallel()
	r, _ := connect(t, samples())
	p, err := r.Package(t.Context(), "count")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"2023.12.31", "1.0.1", "1.1.1q", "1.2"}; p.Name() != "tools.example/count" || !slices.Equal(p.Versions(), want) {
		t.Errorf("%s %q, want %q", p.Name(), p.Versions(), want)
	}
	if diff := cmp.Diff(map[string]string{"latest": "1.2"}, p.Tags()); diff != "" {
		t.Error(diff)
	}
	m, err := p.Metadata("1.1.1q")
	if err != nil {
		t.Fatal(err)
	}
	var on []string
	for _, b := range m.Tool.Builds {
		on = append(on, b.Platform.String())
		if b.Strip != 3 {
			t.Errorf("strip = %d for a project of two segments", b.Strip)
		}
	}
	if want := []string{"linux/amd64/glibc", "linux/arm64/glibc"}; !slices.Equal(on, want) {
		t.Errorf("builds for %q, want %q", on, want)
	}
	if m.Tool.Provides[0] != "bin/count" || m.Description != "Count" {
		t.Errorf("metadata = %+v", m)
	}
}

// TestRequests: what is asked for, and how often.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s, platform("darwin", "arm64"), alone)
	for range 2 {
		if _, err := r.Metadata(t.Context(), "count", "1.0.1"); err != nil {
			t.Fatal(err)
		}
	}
	const folder = "/tools.example/count/darwin/aarch64/"
	want := []string{
		"/pantry.tar.xz",
		folder + "versions.txt", folder + "v1.0.1.tar.xz.sha256sum", folder + "v1.0.1.tar.gz.sha256sum", folder + "v1.0.1.sha256sum",
		folder + "versions.txt", folder + "v1.0.1.tar.xz.sha256sum", folder + "v1.0.1.tar.gz.sha256sum", folder + "v1.0.1.sha256sum",
	}
	var got []string
	for _, q := range s.Requests() {
		got = append(got, q.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (- wanted, + got):\n%s", diff)
	}
}

// TestDetails: a package asks for a version once, whoever asks, and for other platforms' versions
// once for all versions.
func TestDetails(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s)
	p, err := r.Package(t.Context(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	s.Reset()
	var wg sync.WaitGroup
	for range 8 {
		for _, v := range p.Versions() {
			wg.Go(func() {
				m, err := p.Metadata(v)
				if err != nil || len(m.Tool.Builds) != 5 {
					t.Errorf("%s: %v, %v", v, m, err)
					return
				}
				m.Tool.Env["mine"], m.Dependencies["mine"] = v, v // what is returned belongs to the caller
				m.Tool.Builds[0].Artifact.Integrity[0] = integrity.Digest{}
			})
		}
	}
	wg.Wait()
	if n := s.Count(); n != 4+3*5 {
		t.Errorf("%d requests, want 4 lists and 15 checksums", n)
	}
	m, err := p.Metadata("1.0.0")
	if err != nil || m.Tool.Env["mine"] != "" || m.Dependencies["mine"] != "" || m.Tool.Builds[0].Artifact.Integrity[0].IsZero() {
		t.Errorf("what others changed is seen: %v, %v", m, err)
	}
}

// TestOtherPlatforms: what cannot be had for others is left out, and does not hinder.
func TestOtherPlatforms(t *testing.T) {
	t.Parallel()
	inner := samples()
	s := registrytest.NewScripted(inner)
	r, _ := connect(t, s)
	inner.Remove("hello.example/linux/aarch64/versions.txt")
	inner.Remove("hello.example/darwin/x86-64/v2.0.0.tar.xz.sha256sum")
	inner.Put("v2/hello.example/windows/x86-64/versions.txt", []byte("1.0.0\n"))
	s.Set(registrytest.Rule{Path: "/hello.example/darwin/aarch64/**", Fault: registrytest.Status(500)})
	p, err := r.Package(t.Context(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	builds := func(version string) string {
		m, err := p.Metadata(version)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range m.Tool.Builds {
			names = append(names, b.Platform.String())
		}
		return strings.Join(names, " ")
	}
	if got := builds("2.0.0"); got != "linux/amd64/glibc" {
		t.Errorf("builds: %s", got)
	}
	s.Set() // what failed is asked for again, with the next version
	if got := builds("1.0.0"); got != "darwin/amd64 darwin/arm64 linux/amd64/glibc windows/amd64" {
		t.Errorf("builds: %s", got)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 404} {
		s := samples()
		s.SetMissing(status)
		s.Add(pkgxtest.Project{Name: "none.example", Recipe: "platforms: [darwin, linux/aarch64]\n"},
			pkgxtest.Project{Name: "empty.example", Bottles: versions("1")})
		s.Put("empty.example/linux/x86-64/versions.txt", []byte("\n"))
		r, _ := connect(t, s, alone)
		for _, name := range []string{"missing", "hello.exampl", "hello.example/x", "example", "hell", "HELLO.EXAMPLES"} {
			_, err := r.Package(t.Context(), name)
			if !errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrVersionNotFound) || errors.Is(err, pantry.ErrDenied) || !strings.Contains(err.Error(), name) {
				t.Errorf("%d for %s: %v", status, name, err)
			}
		}
		for _, name := range []string{"none.example", "empty.example"} {
			_, err := r.Package(t.Context(), name)
			if !errors.Is(err, pantry.ErrVersionNotFound) || errors.Is(err, pantry.ErrDenied) {
				t.Errorf("%d, a project without bottles: %v", status, err)
			}
			if name == "none.example" && pantry.Hint(err) != "it is built for darwin, linux/aarch64" {
				t.Errorf("the hint is %q", pantry.Hint(err))
			}
		}
		for _, version := range []string{"9", "1.0", "v1.0.0", "^1", "1.0.0/../2.0.0", "beta"} {
			if m, err := r.Metadata(t.Context(), "hello", version); !errors.Is(err, pantry.ErrVersionNotFound) {
				t.Errorf("%d for version %s: %v, %v", status, version, m, err)
			}
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, url := connect(t, s)
	for _, name := range []string{
		"", ".", "..", "../x", "a/../b", "a//b", "/a", "a/", "@scope/name", "a@1", "a^1", "a=1", "a>1", "a*", "a\\b", "a%2fb", "a?b", "a#b",
		"npm:a", "a\x00", "a\n", " a", "a ", "a\u202eb", strings.Repeat("n", 215),
	} {
		if r.CheckName(name) == nil {
			t.Errorf("CheckName(%q) = nil", name)
		}
		if _, err := r.Metadata(t.Context(), name, ""); !errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("Metadata(%q): %v", name, err)
		}
		if got := r.ArtifactURL(name, "1.0.0"); got != "" {
			t.Errorf("ArtifactURL(%q) = %s", name, got)
		}
	}
	for _, name := range []string{"node", "nodejs.org", "github.com/owner/name", "Node.js", "GNU Make", "[", "c++filt", "日本"} {
		if err := r.CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
	if s.Count() != 0 {
		t.Errorf("names that nobody has were asked for: %+v", s.Requests())
	}
	for _, c := range []struct{ name, version, want string }{
		{"hello.example", "1.0.0", url + "/hello.example/linux/x86-64/v1.0.0.tar.xz"},
		{"a.b/c/d", "1.1.1q", url + "/a.b/c/d/linux/x86-64/v1.1.1q.tar.xz"},
		{"hello.example", "v1.0.0", ""}, {"hello.example", "../x", ""}, {"hello.example", "", ""}, {"GNU Make", "1", ""},
	} {
		if got := r.ArtifactURL(c.name, c.version); got != c.want {
			t.Errorf("ArtifactURL(%q, %q) = %q, want %q", c.name, c.version, got, c.want)
		}
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, url := connect(t, s, alone)
	for _, c := range []struct{ os, arch, want string }{
		{"linux", "amd64", "/hello.example/linux/x86-64/"}, {"linux", "arm64", "/hello.example/linux/aarch64/"},
		{"darwin", "amd64", "/hello.example/darwin/x86-64/"}, {"darwin", "arm64", "/hello.example/darwin/aarch64/"},
		{"windows", "amd64", "/v2/hello.example/windows/x86-64/"},
	} {
		m, err := r.On(pantry.Platform{OS: c.os, Arch: c.arch}).Metadata(t.Context(), "hello", "1.0.0")
		if err != nil || m.Artifact.URL != url+c.want+"v1.0.0.tar.xz" || len(m.Tool.Builds) != 1 {
			t.Errorf("%s/%s: %+v, %v", c.os, c.arch, m, err)
		}
	}
	asked := 0
	for _, q := range s.Requests() {
		if q.Path == "/pantry.tar.xz" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the recipes were read %d times", asked)
	}
	for _, p := range []pantry.Platform{{OS: "freebsd", Arch: "amd64"}, {OS: "windows", Arch: "arm64"}, {OS: "linux", Arch: "riscv64"}, {}} {
		other := r.On(p)
		_, err := other.Package(t.Context(), "hello")
		_, errSearch := other.Search(t.Context(), pantry.Query{Text: "hello"})
		_, errResolve := other.Resolve(t.Context(), map[string]string{"hello": "1"})
		for _, err := range []error{err, errSearch, errResolve} {
			if !errors.Is(err, pantry.ErrUnsupported) || !strings.Contains(err.Error(), p.String()) {
				t.Errorf("%s: %v; want it to match %q", p, err, pantry.ErrUnsupported)
			}
		}
	}
	windows, url := connect(t, samples(), platform("windows", "amd64"), func(_ *pkgx.Options, o *transport.Options) { o.URL += "/v2" })
	if got := windows.ArtifactURL("hello.example", "1"); got != url+"/v2/hello.example/windows/x86-64/v1.tar.xz" {
		t.Errorf("below /v2 already: %s", got)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := samples()
	s.Add(pkgxtest.Project{Name: "hello.example/extra", Recipe: "display-name: Extra Greeting\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "hello-none.example", Recipe: "provides: [bin/hello2]\n"})
	for i := range 30 {
		s.Add(pkgxtest.Project{Name: fmt.Sprintf("many%02d.example", i), Bottles: versions("1." + fmt.Sprint(i))})
	}
	r, _ := connect(t, s)
	for text, want := range map[string]string{
		"hello":          "hello.example@2.0.0 hello.example/extra@1",
		"HELLO.example":  "hello.example@2.0.0 hello.example/extra@1",
		"greet":          "greeting.example@2.0 hello.example/extra@1",
		"extra greeting": "hello.example/extra@1",
		"count":          "tools.example/count@1.2",
		"phrase example": "phrases.example@3.1.4",
		"nothing":        "", "": "", "hello nothing": "", "a&b=c#": "",
	} {
		found, err := r.Search(t.Context(), pantry.Query{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range found {
			got = append(got, m.Name+"@"+m.Version)
			if m.Registry != "tools" {
				t.Errorf("%s is from %q", m.Name, m.Registry)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("search for %q found %q, want %q", text, got, want)
		}
	}
	for limit, want := range map[int]int{0: 20, 7: 7, 100: 30} {
		if found, err := r.Search(t.Context(), pantry.Query{Text: "many", Limit: limit}); err != nil || len(found) != want {
			t.Errorf("search with limit %d found %d, %v; want %d", limit, len(found), err, want)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	inner := samples()
	s := registrytest.NewScripted(inner)
	r, _ := connect(t, s)
	m, err := r.Metadata(t.Context(), "hello", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s.Reset()
	for _, a := range []pantry.Artifact{m.Artifact, {Name: "hello.example", Version: "1.0.0", Integrity: m.Artifact.Integrity}} {
		body, err := r.Open(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, integrity.NewReader(body, a.Integrity)); err != nil || n == 0 {
			t.Errorf("%d bytes, %v", n, err)
		}
		_ = body.Close()
	}
	for _, q := range s.Requests() {
		if q.Path != "/hello.example/linux/x86-64/v1.0.0.tar.xz" || q.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("asked for %s with %v", q.Path, q.Header)
		}
	}
	for _, status := range []int{403, 404} {
		inner.SetMissing(status)
		for _, a := range []pantry.Artifact{{Name: "hello.example", Version: "7"}, {Name: "hello", Version: "x"}} {
			if _, err := r.Open(t.Context(), a); !errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrDenied) || !strings.Contains(err.Error(), a.Name) {
				t.Errorf("%d for %v: %v", status, a, err)
			}
		}
	}
	s.Set(registrytest.Rule{Fault: registrytest.Status(http.StatusNoContent)})
	if _, err := r.Open(t.Context(), m.Artifact); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("204: %v", err)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s)
	for status, want := range map[int]error{0: nil, 404: nil, 405: nil, 401: pantry.ErrDenied, 403: pantry.ErrDenied, 500: pantry.ErrUnavailable} {
		s.Set()
		if status != 0 {
			s.Set(registrytest.Rule{Fault: registrytest.Status(status)})
		}
		if err := r.Ping(t.Context()); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
	if q := s.Requests(); q[0].Method != "HEAD" || q[0].Path != "/pantry.tar.xz" {
		t.Errorf("asked %+v", q[0])
	}
	if _, ok := any(r).(pantry.Publisher); ok {
		t.Error("it says that it publishes")
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := pkgx.New(pkgx.Options{Name: "tools"}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("without a client: %v", err)
	}
}
