package githubtest

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// view writes a repository as JSON, for one request.
type view struct {
	s    *Server
	r    *http.Request
	repo *repo
	push bool
}

// at are the repository's addresses at the API and on the web.
func (v view) at() (api, web string) {
	api, web, _ = v.s.urls(v.r)
	owner, name, _ := strings.Cut(v.repo.Name, "/")
	below := "/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
	return api + "/repos" + below, web + below
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (v view) repoJSON() map[string]any {
	api, web := v.at()
	owner, name, _ := strings.Cut(v.repo.Name, "/")
	x := v.repo
	var license any
	if x.License != "" {
		license = map[string]any{"key": strings.ToLower(x.License), "name": x.License + " License", "spdx_id": x.License, "url": nil, "node_id": "L"}
	}
	topics := x.Topics
	if topics == nil {
		topics = []string{}
	}
	return map[string]any{
		"id": x.id, "node_id": fmt.Sprintf("R_%d", x.id), "name": name, "full_name": x.Name, "private": x.Private,
		"owner":    map[string]any{"login": owner, "id": 1, "type": "Organization"},
		"html_url": web, "url": api, "description": orNull(x.Description), "homepage": orNull(x.Homepage), "fork": false,
		"stargazers_count": x.Stars, "topics": topics, "license": license, "archived": x.Archived, "disabled": false,
		"default_branch": "main", "visibility": map[bool]string{true: "private", false: "public"}[x.Private], "score": 1.0,
	}
}

func (v view) releases() []any {
	var all []any
	for _, d := range v.repo.releases {
		if !d.Draft || v.push {
			all = append(all, v.releaseJSON(d))
		}
	}
	return all
}

func (v view) releaseJSON(d *release) map[string]any {
	api, web := v.at()
	assets := []any{}
	for _, a := range d.assets {
		assets = append(assets, v.assetJSON(d, a))
	}
	self := fmt.Sprintf("%s/releases/%d", api, d.id)
	var published any = d.Published.UTC().Format(time.RFC3339)
	if d.Draft {
		published = nil
	}
	return map[string]any{
		"url": self, "assets_url": self + "/assets", "upload_url": self + "/assets{?name,label}",
		"html_url": web + "/releases/tag/" + escapeTag(d.Tag), "id": d.id, "node_id": fmt.Sprintf("RE_%d", d.id),
		"tag_name": d.Tag, "target_commitish": "main", "name": d.Tag, "body": orNull(d.Body), "draft": d.Draft,
		"prerelease": d.Prerelease, "immutable": false, "created_at": d.Published.UTC().Format(time.RFC3339), "published_at": published,
		"author":      map[string]any{"login": "octocat", "id": 1},
		"tarball_url": api + "/tarball/" + url.PathEscape(d.Tag), "zipball_url": api + "/zipball/" + url.PathEscape(d.Tag),
		"assets": assets,
	}
}

func (v view) assetJSON(d *release, a *asset) map[string]any {
	api, web := v.at()
	kind := mime.TypeByExtension(path.Ext(a.Name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	return map[string]any{
		"url": fmt.Sprintf("%s/releases/assets/%d", api, a.id), "id": a.id, "node_id": fmt.Sprintf("RA_%d", a.id),
		"name": a.Name, "label": nil, "state": a.state(), "content_type": kind, "size": len(a.Data), "digest": a.digest(),
		"download_count": 0, "created_at": d.Published.UTC().Format(time.RFC3339), "updated_at": d.Published.UTC().Format(time.RFC3339),
		"uploader":             map[string]any{"login": "octocat", "id": 1},
		"browser_download_url": web + "/releases/download/" + escapeTag(d.Tag) + "/" + url.PathEscape(a.Name),
	}
}

// escapeTag writes a tag for an address of the web, where its slashes stay.
func escapeTag(tag string) string {
	parts := strings.Split(tag, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

func (v view) tags() []any {
	api, _ := v.at()
	var all []any
	for i, tag := range v.repo.tags() {
		sha := fmt.Sprintf("%040x", i+1)
		all = append(all, map[string]any{
			"name": tag, "zipball_url": api + "/zipball/refs/tags/" + tag, "tarball_url": api + "/tarball/" + url.PathEscape("refs/tags/"+tag),
			"commit": map[string]any{"sha": sha, "url": api + "/commits/" + sha}, "node_id": fmt.Sprintf("REF_%d", i),
		})
	}
	return all
}

// search finds the repositories that hold every word; qualifiers ("in:name") are passed over.
func (s *Server) search(w http.ResponseWriter, r *http.Request, c caller) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	if q == "" {
		fail(w, http.StatusUnprocessableEntity, "Validation Failed", map[string]string{"resource": "Search", "field": "q", "code": "missing"})
		return
	}
	s.mu.Lock()
	var found []*repo
	for _, x := range s.repos {
		if x.renamed == "" && (!x.Private || c.token.Private) && x.matches(q) {
			found = append(found, x)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b *repo) int {
		for _, f := range []func(*repo) int{func(x *repo) int { return x.closeness(q) }, func(x *repo) int { return x.Stars }} {
			if d := f(b) - f(a); d != 0 {
				return d
			}
		}
		return strings.Compare(a.Name, b.Name)
	})
	var all []any
	for _, x := range found {
		all = append(all, view{s: s, r: r, repo: x}.repoJSON())
	}
	api, _, _ := s.urls(r)
	items, links := paginate(r, all, api+"/search/repositories")
	if links != "" {
		w.Header().Set("Link", links)
	}
	s.json(w, r, c, map[string]any{"total_count": len(all), "incomplete_results": false, "items": items}, "search")
}

func (r *repo) matches(q string) bool {
	text := strings.ToLower(r.Name + " " + r.Description + " " + strings.Join(r.Topics, " "))
	for word := range strings.FieldsSeq(strings.ToLower(q)) {
		if name, _, ok := strings.Cut(word, ":"); ok && name != "" {
			continue
		}
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// closeness ranks a repository that is called as the query first.
func (r *repo) closeness(q string) int {
	_, name, _ := strings.Cut(r.Name, "/")
	if strings.EqualFold(name, q) || strings.EqualFold(r.Name, q) {
		return 1
	}
	return 0
}

func (s *Server) listPackages(w http.ResponseWriter, r *http.Request, c caller, owner string, user bool) {
	switch {
	case !c.known:
		fail(w, http.StatusUnauthorized, "Requires authentication")
		return
	case !c.token.Packages:
		fail(w, http.StatusForbidden, "You need at least read:packages scope to list packages.")
		return
	case r.URL.Query().Get("package_type") == "":
		fail(w, http.StatusBadRequest, "package_type is missing")
		return
	}
	s.mu.Lock()
	var all []any
	known := false
	for _, p := range s.packages {
		if !strings.EqualFold(p.Owner, owner) || p.User != user {
			continue
		}
		known = true
		if r.URL.Query().Get("package_type") != "npm" {
			continue
		}
		doc := map[string]any{"id": len(all) + 1, "name": p.Name, "package_type": "npm", "visibility": "public", "version_count": 1, "owner": map[string]any{"login": p.Owner}}
		if x := s.repos[strings.ToLower(p.Repo)]; x != nil {
			doc["repository"] = view{s: s, r: r, repo: x}.repoJSON()
		}
		all = append(all, doc)
	}
	s.mu.Unlock()
	if !known {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	kind := map[bool]string{true: "users", false: "orgs"}[user]
	s.list(w, r, c, all, "/"+kind+"/"+url.PathEscape(owner)+"/packages", "core")
}
