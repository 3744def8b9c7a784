package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const docs = "https://docs.github.com/rest"

// fail answers an error as the API does.
func fail(w http.ResponseWriter, status int, message string, errors ...map[string]string) {
	doc := map[string]any{"message": message, "documentation_url": docs, "status": strconv.Itoa(status)}
	if len(errors) > 0 {
		doc["errors"] = errors
	}
	body, _ := json.Marshal(doc)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// apiVersions are those that the server knows.
var apiVersions = map[string]bool{"": true, "2022-11-28": true, "2026-03-10": true}

func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Server", "github.com")
	h.Set("Date", s.o.Now().UTC().Format(http.TimeFormat))
	if r.UserAgent() == "" {
		http.Error(w, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header", http.StatusForbidden)
		return
	}
	version := r.Header.Get("X-GitHub-Api-Version")
	if !apiVersions[version] {
		fail(w, http.StatusBadRequest, "The version in the 'X-GitHub-Api-Version' header is not supported")
		return
	}
	h.Set("X-GitHub-Api-Version-Selected", version)
	c, ok := s.caller(r)
	if !ok {
		fail(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	p := r.URL.EscapedPath()
	if p == "/rate_limit" {
		s.json(w, r, c, s.rateLimit(c), "")
		return
	}
	resource := "core"
	if strings.HasPrefix(p, "/search/") {
		resource = "search"
	}
	if s.refused(w) {
		fail(w, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
		return
	}
	if !s.count(w, c, resource) {
		fail(w, http.StatusForbidden, "API rate limit exceeded for 203.0.113.7. (But here's the good news: Authenticated requests get a higher rate limit.)")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasSuffix(p, "/") {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	segments := strings.Split(strings.Trim(p, "/"), "/")
	for i, x := range segments {
		var err error
		if segments[i], err = url.PathUnescape(x); err != nil {
			fail(w, http.StatusBadRequest, "Bad Request")
			return
		}
	}
	s.route(w, r, c, segments, resource)
}

func (s *Server) route(w http.ResponseWriter, r *http.Request, c caller, p []string, resource string) {
	switch {
	case len(p) >= 3 && p[0] == "repos":
		x := s.find(p[1]+"/"+p[2], c)
		if x == nil {
			break
		}
		if x.renamed != "" {
			s.moved(w, r, x, p[3:])
			return
		}
		s.repo(w, r, c, x, p[3:], resource)
		return
	case len(p) >= 2 && p[0] == "repositories":
		if x := s.byID(p[1], c); x != nil {
			s.repo(w, r, c, x, p[2:], resource)
			return
		}
	case len(p) == 2 && p[0] == "search" && p[1] == "repositories":
		s.search(w, r, c)
		return
	case len(p) == 3 && (p[0] == "orgs" || p[0] == "users") && p[2] == "packages":
		s.listPackages(w, r, c, p[1], p[0] == "users")
		return
	}
	fail(w, http.StatusNotFound, "Not Found")
}

// find returns a repository that the caller may see.
func (s *Server) find(name string, c caller) *repo {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.repos[strings.ToLower(name)]
	if x == nil || x.Private && !c.token.Private {
		return nil
	}
	return x
}

func (s *Server) byID(id string, c caller) *repo {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.repos {
		if strconv.FormatInt(x.id, 10) == id && x.renamed == "" && (!x.Private || c.token.Private) {
			return x
		}
	}
	return nil
}

// moved sends to the repository's number, which names do not change.
func (s *Server) moved(w http.ResponseWriter, r *http.Request, x *repo, rest []string) {
	api, _, _ := s.urls(r)
	to := fmt.Sprintf("%s/repositories/%d", api, x.id)
	for _, seg := range rest {
		to += "/" + url.PathEscape(seg)
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	fail(w, http.StatusMovedPermanently, "Moved Permanently")
}

func (s *Server) repo(w http.ResponseWriter, r *http.Request, c caller, x *repo, p []string, resource string) {
	v := view{s: s, r: r, repo: x, push: c.token.Push}
	is := func(pattern ...string) bool {
		if len(p) != len(pattern) {
			return false
		}
		for i, want := range pattern {
			if want != "*" && p[i] != want {
				return false
			}
		}
		return true
	}
	switch {
	case is():
		s.json(w, r, c, v.repoJSON(), resource)
	case is("releases"):
		s.list(w, r, c, v.releases(), fmt.Sprintf("/repositories/%d/releases", x.id), resource)
	case is("tags"):
		s.list(w, r, c, v.tags(), fmt.Sprintf("/repositories/%d/tags", x.id), resource)
	case is("releases", "latest"):
		s.release(w, r, c, v, x.latest(), resource)
	case is("releases", "tags", "*"):
		s.release(w, r, c, v, x.release(p[2]), resource)
	case is("releases", "assets", "*"):
		s.asset(w, r, c, v, p[2], resource)
	case is("releases", "*"):
		var found *release
		for _, d := range x.releases {
			if strconv.FormatInt(d.id, 10) == p[1] && (!d.Draft || c.token.Push) {
				found = d
			}
		}
		s.release(w, r, c, v, found, resource)
	case is("tarball", "*"):
		_, _, storage := s.urls(r)
		http.Redirect(w, r, storage+s.sign(fmt.Sprintf("/source/%d/%s", x.id, url.PathEscape(p[1]))), http.StatusFound)
	default:
		fail(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) release(w http.ResponseWriter, r *http.Request, c caller, v view, d *release, resource string) {
	if d == nil {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	s.json(w, r, c, v.releaseJSON(d), resource)
}

// asset describes a file, or with Accept: application/octet-stream leads to its bytes.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, c caller, v view, id string, resource string) {
	n, _ := strconv.ParseInt(id, 10, 64)
	a := v.repo.asset(n)
	if a == nil {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	if r.Header.Get("Accept") != "application/octet-stream" {
		for _, d := range v.repo.releases {
			for _, x := range d.assets {
				if x == a {
					s.json(w, r, c, v.assetJSON(d, a), resource)
				}
			}
		}
		return
	}
	if s.o.Storage == "" {
		serveBytes(w, r, a.Data)
		return
	}
	http.Redirect(w, r, s.o.Storage+s.sign(fmt.Sprintf("/asset/%d/%d", v.repo.id, a.id)), http.StatusFound)
}

// list answers one page of a list.
func (s *Server) list(w http.ResponseWriter, r *http.Request, c caller, all []any, path, resource string) {
	page, links := paginate(r, all, func() string { api, _, _ := s.urls(r); return api + path }())
	if links != "" {
		w.Header().Set("Link", links)
	}
	s.json(w, r, c, page, resource)
}

// paginate cuts a page out of all, and writes the Link header.
func paginate(r *http.Request, all []any, base string) (page []any, links string) {
	q := r.URL.Query()
	number := func(name string, otherwise, most int) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < 1 {
			return otherwise
		}
		return min(n, most)
	}
	per, at := number("per_page", 30, 100), number("page", 1, 1<<20)
	last := max((len(all)+per-1)/per, 1)
	at64 := min((at-1)*per, len(all))
	page = append([]any{}, all[at64:min(at64+per, len(all))]...)
	link := func(n int, rel string) string {
		q.Set("page", strconv.Itoa(n))
		return fmt.Sprintf("<%s?%s>; rel=%q", base, q.Encode(), rel)
	}
	var parts []string
	if at > 1 {
		parts = append(parts, link(at-1, "prev"))
	}
	if at < last {
		parts = append(parts, link(at+1, "next"), link(last, "last"))
	}
	if at > 1 {
		parts = append(parts, link(1, "first"))
	}
	return page, strings.Join(parts, ", ")
}

// json answers with an ETag, or 304 to those who have it. That costs those with a token nothing.
func (s *Server) json(w http.ResponseWriter, r *http.Request, c caller, doc any, resource string) {
	body, err := json.Marshal(doc)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	sum := sha256.Sum256([]byte(c.key + "\x00" + w.Header().Get("Link") + "\x00" + string(body)))
	tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With")
	h.Set("Cache-Control", "public, max-age=60, s-maxage=60")
	if c.known {
		h.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	}
	for have := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if resource == "" || strings.TrimPrefix(strings.TrimSpace(have), "W/") != strings.TrimPrefix(tag, "W/") {
			continue
		}
		if c.known {
			s.uncount(w, c, resource)
		}
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
}
