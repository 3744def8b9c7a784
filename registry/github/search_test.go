package github_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	repos := []githubtest.Repo{
		{Name: "acme/grep", Description: "searches", Stars: 5, License: "MIT", Homepage: "https://grep.example", Topics: []string{"cli"}},
		{Name: "other/grep-fast", Description: "searches too", Stars: 50, Archived: true},
	}
	for i := range 130 {
		repos = append(repos, githubtest.Repo{Name: fmt.Sprintf("acme/many-%03d", i)})
	}
	s := start(t, repos...)
	r := connect(t, s)
	found, err := r.Search(t.Context(), pantry.Query{Text: "grep"})
	if err != nil || len(found) != 2 || found[0].Name != "acme/grep" || found[0].License != "MIT" || found[0].Homepage != "https://grep.example" || found[0].Registry != "gh" ||
		found[1].Deprecated != "the repository is archived" {
		t.Errorf("%+v, %v", found, err)
	}
	for limit, want := range map[int]int{0: 20, 7: 7, 120: 120, 1000: 130} {
		if found, err := r.Search(t.Context(), pantry.Query{Text: "many-", Limit: limit}); err != nil || len(found) != want {
			t.Errorf("limit %d: %d, %v", limit, len(found), err)
		}
	}
	s.Forget()
	if found, err := r.Search(t.Context(), pantry.Query{Text: "  "}); err != nil || len(found) != 0 || len(s.Requests()) != 0 {
		t.Errorf("for nothing: %v, %v", found, err)
	}
}

func TestPackagesList(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Repo{Name: "Acme/ui", Description: "buttons"})
	s.PutPackage(githubtest.Package{Owner: "Acme", Name: "ui", Repo: "Acme/ui"})
	s.PutPackage(githubtest.Package{Owner: "Acme", Name: "core"})
	s.PutPackage(githubtest.Package{Owner: "ada", Name: "toys", User: true})
	s.AddToken("fine-grained", githubtest.Token{Login: "test"})
	r := connect(t, s, withToken)
	found, err := r.Packages(t.Context(), "Acme")
	if err != nil || len(found) != 2 || found[0].Name != "@acme/ui" || found[0].Description != "buttons" || found[1].Name != "@acme/core" {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := r.Packages(t.Context(), "ada"); err != nil || len(found) != 1 || found[0].Name != "@ada/toys" {
		t.Errorf("of a user: %+v, %v", found, err)
	}
	for _, owner := range []string{"nobody", "", "a/b", ".."} {
		if found, err := r.Packages(t.Context(), owner); !errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("%q: %v, %v", owner, found, err)
		}
	}
	_, err = connect(t, s).Packages(t.Context(), "Acme")
	if !errors.Is(err, pantry.ErrDenied) || !strings.Contains(pantry.Hint(err), "read:packages") {
		t.Errorf("without a token: %v (%s)", err, pantry.Hint(err))
	}
	weak := connect(t, s, func(_ *github.Options, o *transport.Options) {
		o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret("fine-grained"), tokenSource)}
	})
	_, err = weak.Packages(t.Context(), "Acme")
	if !errors.Is(err, pantry.ErrDenied) || !strings.Contains(pantry.Hint(err), "classic token") || !strings.Contains(pantry.Hint(err), tokenSource) {
		t.Errorf("with a token that may not: %v (%s)", err, pantry.Hint(err))
	}
}

// TestScoped: names with a scope are those of another registry.
func TestScoped(t *testing.T) {
	t.Parallel()
	s := start(t, tool("v1.0.0"))
	memory := registrytest.NewMemory("packages", registrytest.Pkg{Name: "@acme/ui", Version: "1.0.0"}, registrytest.Pkg{Name: "@acme/ui", Version: "1.1.0"})
	r := connect(t, s, func(o *github.Options, _ *transport.Options) { o.Packages = memory })
	if err := r.CheckName("@Acme/ui"); err != nil {
		t.Error(err)
	}
	m, err := r.Metadata(t.Context(), "@Acme/ui", "")
	if err != nil || m.Name != "@acme/ui" || m.Version != "1.1.0" {
		t.Fatalf("%v, %v", m, err)
	}
	if p, err := r.Package(t.Context(), "@acme/ui"); err != nil || len(p.Versions()) != 2 {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := read(t.Context(), r, m.Artifact); err != nil {
		t.Error(err)
	}
	if err := r.SetTag(t.Context(), "@acme/ui", "old", "1.0.0"); err != nil {
		t.Error(err)
	}
	if m, err := r.Metadata(t.Context(), "@acme/ui", "old"); err != nil || m.Version != "1.0.0" {
		t.Errorf("%v, %v", m, err)
	}
	if err := r.DeleteTag(t.Context(), "@acme/ui", "old"); err != nil {
		t.Error(err)
	}
	pub := registrytest.Pkg{Name: "@acme/new", Version: "1.0.0"}
	err = r.Publish(t.Context(), pantry.Publication{
		Metadata: pantry.Metadata{Name: pub.Name, Version: pub.Version}, Manifest: registrytest.Manifest(pub), Tarball: strings.NewReader(string(registrytest.Tarball(pub))),
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := r.Metadata(t.Context(), "@acme/none", ""); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("a package that is not there: %v", err)
	}
	if p, err := r.Package(t.Context(), "@acme/none"); !errors.Is(err, pantry.ErrNotFound) || p != nil {
		t.Errorf("a package that is not there: %v, %v", p, err)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests to the API", n)
	}

	bare := connect(t, s)
	calls := map[string]func() error{
		"Metadata":  func() error { _, err := bare.Metadata(t.Context(), "@acme/ui", ""); return err },
		"Package":   func() error { _, err := bare.Package(t.Context(), "@acme/ui"); return err },
		"Open":      func() error { _, err := bare.Open(t.Context(), m.Artifact); return err },
		"SetTag":    func() error { return bare.SetTag(t.Context(), "@acme/ui", "x", "1.0.0") },
		"DeleteTag": func() error { return bare.DeleteTag(t.Context(), "@acme/ui", "x") },
		"Publish": func() error {
			return bare.Publish(t.Context(), pantry.Publication{Metadata: pantry.Metadata{Name: "@acme/ui"}})
		},
	}
	for what, call := range calls {
		if err := call(); !errors.Is(err, pantry.ErrUnsupported) || !strings.Contains(err.Error(), "GitHub Packages") || !strings.Contains(err.Error(), "@acme/ui") {
			t.Errorf("%s without Packages: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"publish": r.Publish(t.Context(), pantry.Publication{Metadata: pantry.Metadata{Name: "acme/tool", Version: "1.0.0"}}),
		"tag":     r.SetTag(t.Context(), "acme/tool", "x", "1.0.0"),
	} {
		if !errors.Is(err, pantry.ErrUnsupported) || !strings.Contains(err.Error(), "acme/tool") {
			t.Errorf("%s of a repository: %v", what, err)
		}
	}
}
