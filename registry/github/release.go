package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
)

// releaseDoc is a release of the API. Its assets are decoded when they are needed.
type releaseDoc struct {
	URL         string          `json:"url"`
	TagName     string          `json:"tag_name"`
	Draft       bool            `json:"draft"`
	Prerelease  bool            `json:"prerelease"`
	PublishedAt moment          `json:"published_at"`
	TarballURL  string          `json:"tarball_url"`
	Assets      json.RawMessage `json:"assets"`
}

// assetDoc is a file of a release.
type assetDoc struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
	URL    string `json:"browser_download_url"`
}

// tagDoc is a tag of the API, of which only the name and the source are of use.
type tagDoc struct {
	Name       string `json:"name"`
	TarballURL string `json:"tarball_url"`
}

// maxAssets bounds the assets of one release; GitHub's own bound is a thousand.
const maxAssets = 2000

// assets decodes the files that are there to be downloaded.
func (d *releaseDoc) assets() ([]assetDoc, error) {
	var all []assetDoc
	if len(d.Assets) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(d.Assets, &all); err != nil {
		return nil, fmt.Errorf("%w: the assets of the release cannot be read", pantry.ErrInvalid)
	}
	if len(all) > maxAssets {
		return nil, fmt.Errorf("%w: the release has %d assets", pantry.ErrInvalid, len(all))
	}
	uploaded := all[:0]
	for _, a := range all {
		if a.ID > 0 && usableAsset(a.Name) && (a.State == "" || a.State == "uploaded") {
			uploaded = append(uploaded, a)
		}
	}
	return uploaded, nil
}

// usableAsset says that a name can be that of a file.
func usableAsset(name string) bool {
	return name != "" && len(name) <= maxAssetName && name != "." && name != ".." &&
		!strings.ContainsAny(name, `/\`) && !strings.ContainsFunc(name, unsafeRune)
}

// describes says that the release is of the repository that was asked for, and of tag unless that
// is "". A repository that was renamed answers under its new name.
func (d *releaseDoc) describes(name, tag string, moved bool) error {
	switch {
	case d.TagName == "":
		return fmt.Errorf("%w: the answer does not name its tag", pantry.ErrInvalid)
	case tag != "" && d.TagName != tag:
		return fmt.Errorf("%w: the answer is for the tag %s", pantry.ErrInvalid, quote(d.TagName))
	case !usableTag(d.TagName):
		return fmt.Errorf("%w: the answer is for %s, which is no tag", pantry.ErrInvalid, quote(d.TagName))
	}
	return ofRepo(d.URL, name, moved)
}

// ofRepo says that an address of the API lies below the repository.
func ofRepo(u, name string, moved bool) error {
	_, below, ok := strings.Cut(u, "/repos/")
	if !ok || moved {
		return nil // it does not tell
	}
	owner, rest, _ := strings.Cut(below, "/")
	repo, _, _ := strings.Cut(rest, "/")
	if got := owner + "/" + repo; !strings.EqualFold(got, name) {
		return fmt.Errorf("%w: the answer is about %s", pantry.ErrInvalid, quote(got))
	}
	return nil
}

// repoURL is an address of the API below the repository name.
func (r *Registry) repoURL(name string, below ...string) string {
	owner, repo, _ := strings.Cut(name, "/")
	u := r.base + "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(repo)
	for _, s := range below {
		u += "/" + url.PathEscape(s)
	}
	return u
}

// release reads the release of one tag, or with "" the latest one.
func (r *Registry) release(ctx context.Context, name, tag string) (*releaseDoc, error) {
	u := r.repoURL(name, "releases", "latest")
	if tag != "" {
		u = r.repoURL(name, "releases", "tags", tag)
	}
	var d releaseDoc
	a, err := r.get(ctx, u, &d, '{')
	if err == nil {
		err = d.describes(name, tag, a.moved)
	}
	if err == nil && d.Draft {
		err = fmt.Errorf("%w: the release is a draft", pantry.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// pages reads a list, page by page, and gives each to f.
func (r *Registry) pages(ctx context.Context, u string, f func(page []json.RawMessage, moved bool) error) error {
	u += "?per_page=" + strconv.Itoa(perPage)
	moved := false
	for range r.maxPages {
		var page []json.RawMessage
		a, err := r.get(ctx, u, &page, '[')
		if err != nil {
			return err
		}
		moved = moved || a.moved
		if err := f(page, moved); err != nil {
			return err
		}
		if u = a.next; u == "" {
			break
		}
	}
	return nil
}

// releases lists the releases, the newest first, without drafts.
func (r *Registry) releases(ctx context.Context, name string) ([]*releaseDoc, error) {
	var all []*releaseDoc
	err := r.pages(ctx, r.repoURL(name, "releases"), func(page []json.RawMessage, moved bool) error {
		for _, raw := range page {
			d := new(releaseDoc)
			if err := json.Unmarshal(raw, d); err != nil || kindOf(raw) != '{' {
				return fmt.Errorf("%w: the list of releases has something else in it", pantry.ErrInvalid)
			}
			if d.Draft || d.TagName != "" && !usableTag(d.TagName) {
				continue
			}
			if err := d.describes(name, "", moved); err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	return all, err
}

// tags lists the tags as releases without assets, which says what can be had of them.
func (r *Registry) tags(ctx context.Context, name string) ([]*releaseDoc, error) {
	var all []*releaseDoc
	err := r.pages(ctx, r.repoURL(name, "tags"), func(page []json.RawMessage, moved bool) error {
		for _, raw := range page {
			var d tagDoc
			if err := json.Unmarshal(raw, &d); err != nil || d.Name == "" {
				return fmt.Errorf("%w: the list of tags has something else in it", pantry.ErrInvalid)
			}
			if err := ofRepo(d.TarballURL, name, moved); err != nil {
				return err
			}
			if usableTag(d.Name) && parseTag(d.Name).plain {
				all = append(all, &releaseDoc{TagName: d.Name, TarballURL: d.TarballURL})
			}
		}
		return nil
	})
	return all, err
}

// repoDoc is what people want to know of a repository.
type repoDoc struct {
	FullName    string   `json:"full_name"`
	Description string   `json:"description"`
	Homepage    string   `json:"homepage"`
	HTMLURL     string   `json:"html_url"`
	Topics      []string `json:"topics"`
	License     struct {
		SPDX string `json:"spdx_id"`
		Name string `json:"name"`
	} `json:"license"`
	Owner struct {
		Login string `json:"login"`
	} `json:"owner"`
}

// repository reads the description of a repository.
func (r *Registry) repository(ctx context.Context, name string) (repoDoc, error) {
	var d repoDoc
	a, err := r.get(ctx, r.repoURL(name), &d, '{')
	if err == nil && d.FullName == "" {
		err = fmt.Errorf("%w: the answer does not name its repository", pantry.ErrInvalid)
	}
	if err == nil && !a.moved && !strings.EqualFold(d.FullName, name) {
		err = fmt.Errorf("%w: the answer is about %s", pantry.ErrInvalid, quote(d.FullName))
	}
	return d, err
}

// license is the SPDX identifier, or the name of a licence that has none.
func (d *repoDoc) license() string {
	if d.License.SPDX == "" || d.License.SPDX == "NOASSERTION" {
		return line(d.License.Name)
	}
	return line(d.License.SPDX)
}

func (d *repoDoc) keywords() []string {
	const most = 50
	var words []string
	for _, t := range d.Topics[:min(len(d.Topics), most)] {
		if t = line(t); t != "" {
			words = append(words, t)
		}
	}
	return words
}

// webAddress is u where it is an absolute address of the web, else "".
func webAddress(u string) string {
	p, err := url.Parse(strings.TrimSpace(u))
	if err != nil || p.Scheme != "https" && p.Scheme != "http" || p.Host == "" || p.User != nil || strings.ContainsFunc(u, unsafeRune) {
		return ""
	}
	return p.String()
}
