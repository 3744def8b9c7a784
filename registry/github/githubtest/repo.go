package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Repo is a repository.
type Repo struct {
	Name        string // OWNER/REPO
	Description string
	Homepage    string
	License     string // SPDX
	Topics      []string
	Stars       int
	Archived    bool
	// Private repositories are seen by tokens with Private alone.
	Private bool
	// Releases are in the order in which they were made.
	Releases []Release
	// Tags are those without a release.
	Tags []string
	// Source are the files of its source archives.
	Source map[string]string
}

// Release is a release of a repository.
type Release struct {
	Tag        string
	Body       string
	Draft      bool // seen by tokens with Push alone
	Prerelease bool
	// Latest marks the release as the latest. Where none is marked, the newest that is neither
	// a draft nor a prerelease is.
	Latest    bool
	Published time.Time // zero means an hour after the release before
	Assets    []Asset
}

// Asset is a file of a release.
type Asset struct {
	Name string
	Data []byte
	// NoDigest leaves the digest out, as GitHub does for assets from before the middle of 2025.
	NoDigest bool
	// Digest, when not empty, is announced in place of the true one.
	Digest string
	// State, when not empty, is announced in place of "uploaded".
	State string
}

// Token is what a token may do.
type Token struct {
	Login string
	// Private lets it see private repositories.
	Private bool
	// Push lets it see drafts.
	Push bool
	// Packages lets it read packages (a classic token with read:packages).
	Packages bool
}

// Package is an npm package in GitHub Packages.
type Package struct {
	Owner, Name string
	// User says that the owner is a person rather than an organisation.
	User bool
	// Repo is the repository it belongs to, may be "".
	Repo string
}

// repo is a Repo with what the server adds.
type repo struct {
	Repo
	id       int64
	releases []*release // as listed: the newest first
	renamed  string     // OWNER/REPO that it is called now
}

type release struct {
	Release
	id     int64
	assets []*asset
}

type asset struct {
	Asset
	id int64
}

func (a *asset) digest() *string {
	d := a.Digest
	switch {
	case a.NoDigest:
		return nil
	case d == "":
		sum := sha256.Sum256(a.Data)
		d = "sha256:" + hex.EncodeToString(sum[:])
	}
	return &d
}

func (a *asset) state() string {
	if a.State != "" {
		return a.State
	}
	return "uploaded"
}

// firstRelease is when releases begin whose date is not given.
var firstRelease = time.Date(2025, time.July, 1, 12, 0, 0, 0, time.UTC)

// Put adds a repository, or replaces the one of that name.
func (s *Server) Put(r Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(r.Name)
	x := &repo{Repo: r}
	if old := s.repos[key]; old != nil {
		x.id = old.id
	} else {
		x.id = s.nextID()
	}
	last := firstRelease
	for _, d := range r.Releases {
		if d.Published.IsZero() {
			d.Published = last.Add(time.Hour)
		}
		last = d.Published
		y := &release{Release: d, id: s.nextID()}
		for _, a := range d.Assets {
			y.assets = append(y.assets, &asset{Asset: a, id: s.nextID()})
		}
		x.releases = append(x.releases, y)
	}
	slices.Reverse(x.releases)
	s.repos[key] = x
}

// Rename gives a repository another name. The old one leads to it.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.repos[strings.ToLower(from)]
	if x == nil {
		return
	}
	s.repos[strings.ToLower(from)] = &repo{Repo: x.Repo, id: x.id, renamed: to}
	y := *x
	y.Name = to
	s.repos[strings.ToLower(to)] = &y
}

// PutPackage adds a package to GitHub Packages.
func (s *Server) PutPackage(p Package) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packages = append(s.packages, p)
}

// nextID numbers what the server holds, in the order in which it was put there.
func (s *Server) nextID() int64 {
	s.ids++
	return 1000 + s.ids
}

// latest is the release that counts as the latest, nil for none.
func (r *repo) latest() *release {
	var newest *release
	for _, d := range r.releases {
		if d.Draft || d.Prerelease {
			continue
		}
		if d.Latest {
			return d
		}
		if newest == nil {
			newest = d
		}
	}
	return newest
}

func (r *repo) release(tag string) *release {
	for _, d := range r.releases {
		if d.Tag == tag && !d.Draft {
			return d
		}
	}
	return nil
}

func (r *repo) asset(id int64) *asset {
	for _, d := range r.releases {
		for _, a := range d.assets {
			if a.id == id {
				return a
			}
		}
	}
	return nil
}

// tags are all tags, those of releases included, in an order that means nothing.
func (r *repo) tags() []string {
	all := slices.Clone(r.Tags)
	for _, d := range r.releases {
		if !d.Draft {
			all = append(all, d.Tag)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
