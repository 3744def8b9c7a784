package custom

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Options of a [Registry].
type Options struct {
	// Name is the configured name of the registry, for metadata and errors.
	Name string
	// Client carries the requests. Required; its BaseURL is the registry.
	Client *transport.Client
	// AllowMissingChecksum takes versions that come without a checksum, or with one that cannot
	// be read. Without it their metadata is an error that matches pantry.ErrPolicy.
	AllowMissingChecksum bool
	// MaxAnswer bounds an answer in bytes, decompressed; 0 means 8 MiB. The longest answer is a
	// list of versions, and ten thousand of those take some 200 kB.
	MaxAnswer int64
}

const defaultMaxAnswer = 8 << 20

// What was being done, in errors.
const (
	opRead     = "read metadata"
	opDownload = "download"
	opSearch   = "search"
	opPublish  = "publish"
	opSetTag   = "set tag"
	opDelTag   = "delete tag"
	opPing     = "ping"
	opWhoami   = "ask who is logged in"
)

// Registry is a client of one registry that follows the REST convention. It is safe for
// concurrent use.
type Registry struct {
	name         string
	client       *transport.Client
	base         string // without a trailing slash
	allowMissing bool
	limit        int64
}

var (
	_ pantry.Registry    = (*Registry)(nil)
	_ pantry.NameChecker = (*Registry)(nil)
	_ pantry.Searcher    = (*Registry)(nil)
	_ pantry.Publisher   = (*Registry)(nil)
	_ pantry.Tagger      = (*Registry)(nil)
	_ pantry.Pinger      = (*Registry)(nil)
	_ pantry.Identifier  = (*Registry)(nil)
)

// New returns a client of the registry at the client's base URL. It sends no request. The error
// matches pantry.ErrConfig.
func New(o Options) (*Registry, error) {
	if o.Client == nil {
		return nil, fmt.Errorf("%w: registry %q has no transport client", pantry.ErrConfig, o.Name)
	}
	r := &Registry{
		name: o.Name, client: o.Client, base: o.Client.BaseURL(),
		allowMissing: o.AllowMissingChecksum, limit: o.MaxAnswer,
	}
	if r.limit <= 0 {
		r.limit = defaultMaxAnswer
	}
	return r, nil
}

// CheckName says why no registry of this convention can hold name, or returns nil.
func (r *Registry) CheckName(name string) error { return checkName(name) }

// ArtifactURL is the conventional address of a version's tarball, for those who know a version
// from a lockfile and want its bytes without asking for metadata. It is "" for a name or version
// that cannot stand in a URL.
func (r *Registry) ArtifactURL(name, version string) string {
	if checkName(name) != nil || !usableVersion(version) {
		return ""
	}
	return r.packageURL(name, version, "tarball")
}

// packageURL is the URL of name, or of what lies below it.
func (r *Registry) packageURL(name string, below ...string) string {
	u := r.base + "/packages/" + escapeName(name)
	for _, s := range below {
		u += "/" + url.PathEscape(s)
	}
	return u
}

// Open returns the bytes of a, from its URL or the conventional one.
func (r *Registry) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	u := cmp.Or(a.URL, r.ArtifactURL(a.Name, a.Version))
	ref := pantry.Ref{Registry: r.name, Name: a.Name, Version: a.Version}
	if u == "" {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, Err: fmt.Errorf("%w: no URL can be made for it", pantry.ErrNotFound)}
	}
	// The digest is of the bytes as they are stored: nothing may be compressed on the way.
	resp, err := r.client.Get(transport.ForArtifact(ctx, a), u, http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}})
	if err == nil && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		err = fmt.Errorf("%w: status %d for a tarball", pantry.ErrInvalid, resp.StatusCode)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, URL: transport.RedactURL(u), Err: err}
	}
	return resp.Body, nil
}

// Search asks the registry's search.
func (r *Registry) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	const defaultLimit = 20 // as pantry.Query says
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	values := url.Values{"q": {q.Text}, "limit": {strconv.Itoa(limit)}}
	u := r.base + "/search?" + values.Encode()
	var doc struct {
		Results *[]resultDoc `json:"results"`
	}
	_, err := r.get(ctx, u, &doc)
	if err == nil && doc.Results == nil {
		err = fmt.Errorf("%w: the answer has no \"results\"", pantry.ErrInvalid)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opSearch, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
	}
	found := make([]pantry.Metadata, 0, min(limit, len(*doc.Results)))
	for _, d := range *doc.Results {
		if len(found) == limit {
			break
		}
		if checkName(d.Name) != nil || !usableVersion(d.Version) {
			continue
		}
		found = append(found, pantry.Metadata{
			Name: d.Name, Version: d.Version, Description: string(d.Description), Homepage: string(d.Homepage),
			Repository: repositoryURL(string(d.Repository)), License: string(d.License), Author: string(d.Author),
			Keywords: d.Keywords, Deprecated: string(d.Deprecated), Registry: r.name,
			Artifact: pantry.Artifact{Name: d.Name, Version: d.Version},
		})
	}
	return found, nil
}

// Whoami is the user that the registry takes the sender for.
func (r *Registry) Whoami(ctx context.Context) (string, error) {
	u := r.base + "/-/whoami"
	var answer struct {
		Username string `json:"username"`
	}
	_, err := r.get(ctx, u, &answer)
	if err == nil && answer.Username == "" {
		err = fmt.Errorf("%w: the registry names no user", pantry.ErrDenied)
	}
	if err != nil {
		return "", &pantry.Error{Op: opWhoami, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
	}
	return line(answer.Username), nil
}

// Ping asks whether the registry is there. Small servers have no such endpoint; that they say so
// is answer enough.
func (r *Registry) Ping(ctx context.Context) error {
	u := r.base + "/-/ping"
	ctx = transport.Uncached(ctx)
	resp, body, err := r.client.GetAll(ctx, u, nil, r.limit)
	switch {
	case err == nil && bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")):
		err = fmt.Errorf("%w: a page with status %d", pantry.ErrInvalid, resp.StatusCode)
	case err == nil, errors.Is(err, pantry.ErrNotFound), errors.Is(err, pantry.ErrUnsupported):
		return nil
	}
	return &pantry.Error{Op: opPing, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
}

// get reads the JSON object at u into doc and returns the URL that answered.
func (r *Registry) get(ctx context.Context, u string, doc any) (*url.URL, error) {
	resp, body, err := r.client.GetAll(ctx, u, http.Header{"Accept": {"application/json"}}, r.limit)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answered %d", pantry.ErrInvalid, transport.RedactURL(u), resp.StatusCode)
	}
	if err := decode(resp, body, doc); err != nil {
		return nil, err
	}
	return resp.Request.URL, nil
}

// decode reads the object that an answer must be.
func decode(resp *http.Response, body []byte, doc any) error {
	where := transport.RedactURL(resp.Request.URL.String())
	if kind(body) != '{' {
		return pantry.WithHint(fmt.Errorf("%w: %s answered %s", pantry.ErrInvalid, where, shape(resp, body)),
			"check the URL of the registry, and that it follows the REST convention")
	}
	err := json.Unmarshal(body, doc)
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &typ):
		return fmt.Errorf("%w: %s answered with %s where %s is expected in %s", pantry.ErrInvalid, where,
			quote(typ.Value), expected(typ.Type.Kind()), quote(typ.Field))
	}
	return fmt.Errorf("%w: %s answered %s", pantry.ErrInvalid, where, shape(resp, body))
}

func expected(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}

// shape says what stands in the place of a JSON object.
func shape(resp *http.Response, body []byte) string {
	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch kind(body) {
	case 0:
		return "nothing"
	case '<':
		return "a page (" + cmp.Or(line(media), "no content type") + ") in place of JSON"
	case '[', '"', 't', 'f', 'n', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if json.Valid(body) {
			return "JSON that is no object"
		}
	}
	return "something (" + cmp.Or(line(media), "no content type") + ") that is no JSON"
}
