package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// assetID is where the API has an asset.
type assetID struct {
	repo string
	id   int64
}

// Open returns the bytes of a. Without a token for the API they are asked for at the address that
// browsers use; with one at the API, which has those of private repositories too. The token goes
// to the API alone, never along to the host that it sends to.
func (r *Registry) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	if scoped(a.Name) {
		return r.scopedOpen(ctx, a)
	}
	ref := pantry.Ref{Registry: r.name, Name: a.Name, Version: a.Version}
	if a.URL == "" {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, Err: fmt.Errorf("%w: it has no address", pantry.ErrNotFound)}
	}
	resp, err := r.open(transport.ForArtifact(ctx, a), a.URL)
	if err != nil {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, URL: transport.RedactURL(a.URL), Err: err}
	}
	return resp.Body, nil
}

func (r *Registry) open(ctx context.Context, u string) (*http.Response, error) {
	if _, ok := r.client.CredentialFor(r.base + "/repos/"); !ok {
		return r.download(ctx, u, "*/*")
	}
	tried := ""
	for {
		api, err := r.apiAddress(ctx, u)
		if err != nil {
			return nil, err
		}
		if api == "" || api == tried {
			return r.download(ctx, u, "*/*")
		}
		resp, err := r.download(ctx, api, "application/octet-stream")
		if !errors.Is(err, pantry.ErrNotFound) || tried != "" {
			return resp, err
		}
		r.ids.drop(u) // the asset may have been uploaded anew
		tried = api
	}
}

// apiAddress is where the API has the asset that browsers find at u; "" when it has none.
func (r *Registry) apiAddress(ctx context.Context, u string) (string, error) {
	if id, ok := r.ids.get(u); ok {
		return r.assetURL(id), nil
	}
	repo, tag, file := splitDownload(u)
	if repo == "" {
		return "", nil
	}
	d, err := r.release(ctx, repo, tag)
	if errors.Is(err, pantry.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	assets, err := d.assets()
	if err != nil {
		return "", err
	}
	for _, a := range assets {
		if a.Name == file {
			id := assetID{repo, a.ID}
			r.ids.put(u, id)
			return r.assetURL(id), nil
		}
	}
	return "", nil
}

func (r *Registry) assetURL(a assetID) string {
	return r.repoURL(a.repo, "releases", "assets", strconv.FormatInt(a.id, 10))
}

// splitDownload takes apart https://HOST/OWNER/REPO/releases/download/TAG/FILE. A tag may have
// slashes in it.
func splitDownload(u string) (repo, tag, file string) {
	p, err := url.Parse(u)
	if err != nil {
		return "", "", ""
	}
	before, after, ok := strings.Cut(p.Path, "/releases/download/")
	i := strings.LastIndexByte(after, '/')
	parts := strings.Split(before, "/")
	if !ok || i <= 0 || len(parts) < 2 {
		return "", "", ""
	}
	repo, tag, file = strings.Join(parts[len(parts)-2:], "/"), after[:i], after[i+1:]
	if checkRepo(repo) != nil || !usableTag(tag) || !usableAsset(file) {
		return "", "", ""
	}
	return repo, tag, file
}

// download sends GET for bytes as they are stored: nothing may be compressed on the way.
func (r *Registry) download(ctx context.Context, u, accept string) (*http.Response, error) {
	h := http.Header{"Accept": {accept}, "Accept-Encoding": {"identity"}}
	if strings.HasPrefix(u, r.base+"/") {
		h.Set("X-Github-Api-Version", apiVersion)
	}
	for turn := 0; ; turn++ {
		resp, err := r.client.Get(ctx, u, h)
		if err == nil && resp.StatusCode != http.StatusOK {
			_ = resp.Body.Close()
			err = fmt.Errorf("%w: status %d for a file", pantry.ErrInvalid, resp.StatusCode)
		}
		if err == nil {
			return resp, nil
		}
		e := r.limited(u, err)
		if e == nil {
			return nil, err
		}
		again, err := r.again(ctx, e, turn)
		if !again {
			return nil, err
		}
	}
}

// readAsset reads a small asset whole.
func (r *Registry) readAsset(ctx context.Context, repo string, a assetDoc, most int64) ([]byte, error) {
	u := webAddress(a.URL)
	if u == "" {
		return nil, fmt.Errorf("%w: no address of the web", pantry.ErrInvalid)
	}
	r.ids.put(u, assetID{repo, a.ID})
	resp, err := r.open(ctx, u)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return transport.ReadAll(resp.Body, resp.ContentLength, most)
}
