package npm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// packument answers the document of a package, abbreviated for those who ask for it.
func (s *server) packument(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Vary", "Accept")
	base, ok := s.base(r)
	if !ok {
		s.refuse(w, http.StatusBadRequest, "the request does not say which host it is for")
		return
	}
	p, err := s.registry.Package(r.Context(), name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	abbreviated := wantsAbbreviated(r.Header.Values("Accept"))
	doc, err := s.packumentOf(r, p, base, abbreviated)
	var body []byte
	if err == nil {
		body, err = json.Marshal(doc)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	contentType := typeJSON
	if abbreviated {
		contentType = typeAbbreviated
	}
	s.answer(w, r, http.StatusOK, contentType, body)
}

// packumentOf makes the document of p. A version that cannot be read is left out, with the tags
// that point to it, unless none can be read.
func (s *server) packumentOf(r *http.Request, p pantry.Package, base string, abbreviated bool) (*listing, error) {
	doc := &listing{Name: p.Name(), DistTags: make(map[string]string), Versions: make(map[string]json.RawMessage)}
	times := make(map[string]string)
	var created, modified time.Time
	var failed error
	for _, v := range p.Versions() {
		m, err := p.Metadata(v)
		if err != nil {
			failed = err
			if s.options.Failed != nil {
				s.options.Failed(r, err)
			}
			continue
		}
		if v == p.Tags()["latest"] {
			doc.Description = m.Description
		}
		if t := m.Published; !t.IsZero() {
			times[v] = formatTime(t)
			if created.IsZero() || t.Before(created) {
				created = t
			}
			if t.After(modified) {
				modified = t
			}
		}
		if doc.Versions[v], err = json.Marshal(withProofs(served(m, base, abbreviated), p, v, base)); err != nil {
			return nil, err
		}
	}
	if len(doc.Versions) == 0 && failed != nil {
		return nil, failed
	}
	for tag, v := range p.Tags() {
		if _, ok := doc.Versions[v]; ok {
			doc.DistTags[tag] = v
		}
	}
	if abbreviated {
		doc.Description, doc.Modified = "", formatTime(modified)
		return doc, nil
	}
	doc.ID = doc.Name
	if len(times) > 0 {
		times["created"], times["modified"] = formatTime(created), formatTime(modified)
		doc.Time = times
	}
	return doc, nil
}

// served is the document of a version, its tarball at this handler.
func served(m *pantry.Metadata, base string, abbreviated bool) *manifest {
	out := manifestOf(m, base+artifactPath(m.Name, m.Version))
	if abbreviated {
		// What an install has no use for. The media type leaves it out at every registry.
		out.ID, out.Description, out.Homepage, out.License, out.Author = "", "", "", "", ""
		out.Keywords, out.Repository = nil, nil
	}
	return out
}

// version answers one version, by number or tag.
func (s *server) version(w http.ResponseWriter, r *http.Request, name, version string) {
	base, ok := s.base(r)
	if !ok {
		s.refuse(w, http.StatusBadRequest, "the request does not say which host it is for")
		return
	}
	m, err := s.registry.Metadata(r.Context(), name, version)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerJSON(w, r, http.StatusOK, served(m, base, false))
}

// wholeTarball is up to which size a tarball is checked before any of it is sent. Nine of ten
// tarballs are smaller.
const wholeTarball = 1 << 20

func (s *server) tarball(w http.ResponseWriter, r *http.Request, name, file string) {
	version, ok := fileVersion(name, file)
	if !ok {
		s.refuse(w, http.StatusNotFound, "no such file")
		return
	}
	m, err := s.registry.Metadata(r.Context(), name, version)
	if err == nil && m.Version != version { // "latest", say, is no part of a file's name
		err = pantry.ErrVersionNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	if digests := m.Artifact.Integrity.Strongest(); len(digests) > 0 {
		tag := `"` + digests[0].Hex() + `"`
		h.Set("ETag", tag)
		if known(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if r.Method == http.MethodHead {
		h.Set("Content-Type", "application/octet-stream")
		return
	}
	body, err := s.registry.Open(r.Context(), m.Artifact)
	if err != nil {
		h.Del("ETag")
		s.fail(w, r, err)
		return
	}
	defer body.Close()
	s.stream(w, r, integrity.NewReader(body, m.Artifact.Integrity))
}

// stream sends a body that ends in an error when it is not what it should be.
func (s *server) stream(w http.ResponseWriter, r *http.Request, body io.Reader) {
	h := w.Header()
	var head bytes.Buffer
	_, err := io.CopyN(&head, body, wholeTarball)
	if err != nil && err != io.EOF {
		h.Del("ETag")
		s.fail(w, r, err)
		return
	}
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "public, max-age=31536000, immutable") // a version's bytes never change
	if err == io.EOF {
		h.Set("Content-Length", strconv.Itoa(head.Len()))
	}
	_, sendErr := head.WriteTo(w)
	if sendErr == nil && err == nil {
		_, sendErr = io.Copy(w, body)
	}
	if sendErr != nil {
		if s.options.Failed != nil {
			s.options.Failed(r, sendErr)
		}
		panic(http.ErrAbortHandler) // net/http's way to break the connection: what was sent is not all
	}
}

func (s *server) tags(w http.ResponseWriter, r *http.Request, name string) {
	p, err := s.registry.Package(r.Context(), name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tags := p.Tags()
	if tags == nil {
		tags = map[string]string{}
	}
	s.answerJSON(w, r, http.StatusOK, tags)
}

func (s *server) ping(w http.ResponseWriter, r *http.Request) {
	if p, ok := pantry.As[pantry.Pinger](s.registry); ok {
		if err := p.Ping(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.answerJSON(w, r, http.StatusOK, struct{}{})
}

// maxSkipped bounds how far into the results a search can begin.
const maxSkipped = 1000

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	searcher, ok := pantry.As[pantry.Searcher](s.registry)
	if !ok {
		s.refuse(w, http.StatusNotFound, "this registry has no search")
		return
	}
	q := r.URL.Query()
	text := strings.TrimSpace(q.Get("text"))
	if text == "" {
		s.refuse(w, http.StatusBadRequest, "text is missing")
		return
	}
	size := min(number(q, "size", defaultResults), maxResults)
	from := min(number(q, "from", 0), maxSkipped)
	results, err := searcher.Search(r.Context(), pantry.Query{Text: text, Limit: max(from+size, 1)})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	total := len(results)
	results = results[min(from, total):min(from+size, total)]
	answer := found{Objects: make([]foundObject, 0, len(results)), Total: total, Time: formatTime(time.Now())}
	for _, m := range results {
		answer.Objects = append(answer.Objects, foundOf(&m))
	}
	s.answerJSON(w, r, http.StatusOK, answer)
}

func foundOf(m *pantry.Metadata) foundObject {
	return foundObject{Package: foundPackage{
		Name: m.Name, Version: m.Version, Description: m.Description, Keywords: m.Keywords,
		Date: formatTime(m.Published), License: m.License, Author: m.Author,
		Maintainers: []struct{}{},
		Links:       foundLinks{Homepage: m.Homepage, Repository: m.Repository},
	}}
}

// number is a query parameter that is a count.
func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

// wantsAbbreviated says whether the abbreviated document is preferred to the full one.
func wantsAbbreviated(accept []string) bool {
	var abbreviated, full float64
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if given, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(given, 64); err != nil {
				q = 0
			}
		}
		switch media {
		case typeAbbreviated:
			abbreviated = q
		case typeJSON:
			full = q
		}
	}
	return abbreviated > 0 && abbreviated >= full
}

func (s *server) setTag(w http.ResponseWriter, r *http.Request, name, tag string) {
	tagger, ok := pantry.As[pantry.Tagger](s.registry)
	if !ok {
		s.refuse(w, http.StatusNotImplemented, "this registry takes no tags")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4*maxVersion))
	var version string
	if err == nil {
		err = json.Unmarshal(body, &version)
	}
	if err == nil && !usableVersion(version) {
		err = fmt.Errorf("%q is not a version", brief(version))
	}
	if err == nil {
		err = checkTag(tag)
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, brief(err.Error()))
		return
	}
	if err := tagger.SetTag(r.Context(), name, tag, version); err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerJSON(w, r, http.StatusCreated, done{OK: true, Success: true, ID: name})
}

func (s *server) deleteTag(w http.ResponseWriter, r *http.Request, name, tag string) {
	tagger, ok := pantry.As[pantry.Tagger](s.registry)
	switch {
	case !ok:
		s.refuse(w, http.StatusNotImplemented, "this registry takes no tags")
		return
	case tag == "latest":
		s.refuse(w, http.StatusBadRequest, "the tag latest cannot be removed")
		return
	}
	if err := tagger.DeleteTag(r.Context(), name, tag); err != nil {
		s.fail(w, r, err)
		return
	}
	s.answerJSON(w, r, http.StatusOK, done{OK: true, Success: true, ID: name})
}
