package custom

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// infoDoc says what the server can do.
type infoDoc struct {
	Protocol string           `json:"protocol"`
	Features []string         `json:"features"`
	Limits   map[string]int64 `json:"limits"`
}

func (h *handler) info(w http.ResponseWriter, r *http.Request) {
	doc := infoDoc{Protocol: "pantry/1", Features: []string{}, Limits: map[string]int64{"tarball": h.o.MaxTarball}}
	if _, ok := pantry.As[pantry.Publisher](h.registry); ok {
		doc.Features = append(doc.Features, "publish")
	}
	if _, ok := pantry.As[pantry.Searcher](h.registry); ok {
		doc.Features = append(doc.Features, "search")
	}
	if _, ok := pantry.As[pantry.Tagger](h.registry); ok {
		doc.Features = append(doc.Features, "tags")
	}
	h.answer(w, r, doc)
}

func (h *handler) ping(w http.ResponseWriter, r *http.Request) {
	if p, ok := pantry.As[pantry.Pinger](h.registry); ok {
		if err := p.Ping(r.Context()); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "{}\n")
}

// located is the document of m with a tarball URL of ours.
func (h *handler) located(r *http.Request, m *pantry.Metadata) (versionDoc, error) {
	base, err := h.base(r)
	if err != nil {
		return versionDoc{}, err
	}
	if checkName(m.Name) != nil || !usableVersion(m.Version) {
		return versionDoc{}, fmt.Errorf("%w: a name or version that cannot stand in a path", pantry.ErrInvalid)
	}
	d := document(m)
	d.TarballURL = base + versionPath(m.Name, m.Version) + "/tarball"
	return d, nil
}

func versionPath(name, version string) string {
	return "/packages/" + escapeName(name) + "/" + url.PathEscape(version)
}

func (h *handler) packageInfo(w http.ResponseWriter, r *http.Request, name string) {
	p, err := h.registry.Package(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	doc := packageDoc{Tags: p.Tags(), Versions: ascending(p.Versions())}
	m, err := h.defaultVersion(r, p, name)
	if err == nil {
		doc.versionDoc, err = h.located(r, m)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, r, doc)
}

// defaultVersion is the one tagged latest, or what the registry gives for no version.
func (h *handler) defaultVersion(r *http.Request, p pantry.Package, name string) (*pantry.Metadata, error) {
	if v := p.Tags()["latest"]; slices.Contains(p.Versions(), v) {
		return p.Metadata(v)
	}
	return h.registry.Metadata(r.Context(), name, "")
}

// ascending copies versions in the order of the convention.
func ascending(versions []string) []string {
	out := append([]string{}, versions...)
	semver.Sort(out)
	return out
}

func (h *handler) versions(w http.ResponseWriter, r *http.Request, name string) {
	p, err := h.registry.Package(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, r, versionsDoc{Versions: ascending(p.Versions())})
}

func (h *handler) tags(w http.ResponseWriter, r *http.Request, name string) {
	p, err := h.registry.Package(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	doc := tagsDoc{Tags: p.Tags()}
	if doc.Tags == nil {
		doc.Tags = map[string]string{}
	}
	h.answer(w, r, doc)
}

func (h *handler) version(w http.ResponseWriter, r *http.Request, name, version string) {
	m, err := h.find(r, name, version)
	var doc versionDoc
	if err == nil {
		doc, err = h.located(r, m)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if m.Version != version {
		w.Header().Set("Content-Location", strings.TrimSuffix(doc.TarballURL, "/tarball"))
	}
	h.answer(w, r, doc)
}

// find reads a version: exact, or with ?resolve=1 by tag or range too.
func (h *handler) find(r *http.Request, name, version string) (*pantry.Metadata, error) {
	if r.URL.Query().Get("resolve") != "1" {
		return h.exact(r, name, version)
	}
	p, err := h.registry.Package(r.Context(), name)
	if err != nil {
		return nil, err
	}
	found, ok := resolve(p, version)
	if !ok {
		return nil, problem(http.StatusNotFound, "version_not_found", "no version or tag of %s is, or satisfies, %s", name, quote(version))
	}
	return p.Metadata(found)
}

// exact reads a version by its number alone: a registry takes tags in its place too.
func (h *handler) exact(r *http.Request, name, version string) (*pantry.Metadata, error) {
	m, err := h.registry.Metadata(r.Context(), name, version)
	if err == nil && m.Version != version {
		return nil, fmt.Errorf("%w: it is a tag", pantry.ErrVersionNotFound)
	}
	return m, err
}

// resolve finds what a wish means: a version, a tag, or a range, of which the version tagged
// latest is taken if it satisfies, as npm does, and else the highest.
func resolve(p pantry.Package, wish string) (string, bool) {
	versions := p.Versions()
	if slices.Contains(versions, wish) {
		return wish, true
	}
	if v, ok := p.Tags()[wish]; ok {
		return v, slices.Contains(versions, v)
	}
	rng, err := semver.ParseRange(wish)
	if err != nil {
		return "", false
	}
	if latest := p.Tags()["latest"]; slices.Contains(versions, latest) {
		if v, err := semver.ParseLoose(latest); err == nil && rng.Match(v) {
			return latest, true
		}
	}
	return semver.MaxSatisfying(versions, rng)
}

// tarball sends the bytes. An artifact that can be sought is served in ranges; any other is
// checked on its way, and the connection broken when it turns out to be wrong, so that nobody
// takes it for whole.
func (h *handler) tarball(w http.ResponseWriter, r *http.Request, name, version string) {
	m, err := h.exact(r, name, version)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", caching(r, cacheForever))
	if best := m.Artifact.Integrity.Strongest(); len(best) > 0 {
		header.Set("ETag", `"`+best[0].Algorithm().String()+"-"+best[0].Hex()+`"`)
	}
	if noneMatch(r.Header.Get("If-None-Match"), header.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, err := h.registry.Open(r.Context(), m.Artifact)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer body.Close()
	header.Set("Content-Type", "application/gzip")
	header.Set("Content-Disposition", `attachment; filename="`+fileName(name, version)+`"`)
	header.Set("X-Content-Type-Options", "nosniff")
	if s, ok := body.(io.ReadSeeker); ok {
		http.ServeContent(w, r, "", time.Time{}, s)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	sent, err := io.Copy(w, integrity.NewReader(body, m.Artifact.Integrity))
	switch {
	case err == nil:
	case sent == 0 && !errors.Is(err, pantry.ErrIntegrity):
		h.fail(w, r, err)
	default:
		panic(http.ErrAbortHandler) // net/http's way to break the connection
	}
}

// fileName is what a browser calls the tarball: letters, digits and a few marks, whatever the
// name holds.
func fileName(name, version string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._+-", r):
			return r
		case r == '/':
			return '-'
		}
		return -1
	}, name+"-"+version) + ".tgz"
}

// noneMatch says that If-None-Match holds the tag (RFC 9110, section 13.1.2: weakly compared, a
// list or "*").
func noneMatch(wish, tag string) bool {
	if tag == "" {
		return false
	}
	for one := range strings.SplitSeq(wish, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

func (h *handler) search(w http.ResponseWriter, r *http.Request) {
	searcher, ok := pantry.As[pantry.Searcher](h.registry)
	if !ok {
		h.fail(w, r, fmt.Errorf("search: %w", pantry.ErrUnsupported))
		return
	}
	q, err := query(r)
	var found []pantry.Metadata
	if err == nil {
		found, err = searcher.Search(r.Context(), q)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	doc := searchDoc{Results: make([]resultDoc, 0, len(found))}
	for i := range found[:min(len(found), q.Limit)] {
		doc.Results = append(doc.Results, result(&found[i]))
	}
	h.answer(w, r, doc)
}

func query(r *http.Request) (pantry.Query, error) {
	values := r.URL.Query()
	text := []rune(strings.TrimSpace(values.Get("q")))
	if len(text) == 0 {
		return pantry.Query{}, problem(http.StatusBadRequest, "bad_query", "q is missing")
	}
	limit, err := strconv.Atoi(cmp.Or(values.Get("limit"), strconv.Itoa(defaultLimit)))
	if err != nil {
		return pantry.Query{}, problem(http.StatusBadRequest, "bad_query", "limit is no number")
	}
	return pantry.Query{Text: string(text[:min(len(text), maxQuery)]), Limit: min(max(limit, 1), maxResults)}, nil
}
