package githubtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Web is the part of github.com that downloads go through. It knows nothing of tokens.
func (s *Server) Web() http.Handler {
	return s.record("web", func(w http.ResponseWriter, r *http.Request) {
		parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
		if len(parts) < 3 || r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		x := s.find(parts[0]+"/"+parts[1], caller{})
		if x == nil {
			http.NotFound(w, r)
			return
		}
		_, web, _ := s.urls(r)
		if x.renamed != "" {
			http.Redirect(w, r, web+"/"+x.renamed+"/"+parts[2], http.StatusMovedPermanently)
			return
		}
		s.webRelease(w, r, x, parts[2])
	})
}

func (s *Server) webRelease(w http.ResponseWriter, r *http.Request, x *repo, rest string) {
	_, web, _ := s.urls(r)
	if below, ok := strings.CutPrefix(rest, "releases/latest"); ok {
		d := x.latest()
		if d == nil {
			http.Redirect(w, r, web+"/"+x.Name+"/releases", http.StatusFound)
			return
		}
		to := web + "/" + x.Name + "/releases/tag/" + escapeTag(d.Tag)
		if name, ok := strings.CutPrefix(below, "/download/"); ok {
			to = web + "/" + x.Name + "/releases/download/" + escapeTag(d.Tag) + "/" + url.PathEscape(name)
		}
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	if tag, ok := strings.CutPrefix(rest, "releases/tag/"); ok && x.release(tag) != nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><title>Release %s</title>", tag)
		return
	}
	if below, ok := strings.CutPrefix(rest, "releases/download/"); ok {
		i := strings.LastIndexByte(below, '/')
		if i > 0 {
			s.webAsset(w, r, x, below[:i], below[i+1:])
			return
		}
	}
	http.NotFound(w, r)
}

func (s *Server) webAsset(w http.ResponseWriter, r *http.Request, x *repo, tag, name string) {
	d := x.release(tag)
	if d == nil {
		http.NotFound(w, r)
		return
	}
	for _, a := range d.assets {
		if a.Name != name {
			continue
		}
		if s.o.Storage == "" {
			serveBytes(w, r, a.Data)
			return
		}
		http.Redirect(w, r, s.o.Storage+s.sign(fmt.Sprintf("/asset/%d/%d", x.id, a.id)), http.StatusFound)
		return
	}
	http.NotFound(w, r)
}

// signed is how long a signed address is good for.
const signed = 5 * time.Minute

// signingKey is no secret: the server is for tests.
const signingKey = "githubtest"

// sign adds an expiry and a signature to a path of the storage.
func (s *Server) sign(path string) string {
	until := strconv.FormatInt(s.o.Now().Add(signed).Unix(), 10)
	return path + "?se=" + until + "&sig=" + signature(path, until)
}

func signature(path, until string) string {
	m := hmac.New(sha256.New, []byte(signingKey))
	_, _ = m.Write([]byte(path + "\n" + until))
	return hex.EncodeToString(m.Sum(nil))
}

// Storage is where the bytes are. It takes signed addresses, and no credential beside them.
func (s *Server) Storage() http.Handler {
	return s.record("storage", func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, code string) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code></Error>`, code)
		}
		q := r.URL.Query()
		until, _ := strconv.ParseInt(q.Get("se"), 10, 64)
		switch {
		case r.Header.Get("Authorization") != "":
			refuse(http.StatusBadRequest, "InvalidAuthenticationInfo")
		case !hmac.Equal([]byte(q.Get("sig")), []byte(signature(r.URL.EscapedPath(), q.Get("se")))), s.o.Now().Unix() > until:
			refuse(http.StatusForbidden, "AuthenticationFailed")
		default:
			s.bytes(w, r, refuse)
		}
	})
}

func (s *Server) bytes(w http.ResponseWriter, r *http.Request, refuse func(int, string)) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) == 3 {
		x := s.byID(parts[1], caller{token: Token{Private: true}})
		switch {
		case x == nil:
		case parts[0] == "source":
			serveBytes(w, r, TarGz(x.Source))
			return
		case parts[0] == "asset":
			id, _ := strconv.ParseInt(parts[2], 10, 64)
			if a := x.asset(id); a != nil {
				serveBytes(w, r, a.Data)
				return
			}
		}
	}
	refuse(http.StatusNotFound, "BlobNotFound")
}

// serveBytes answers with data, whole or the range that is asked for.
func serveBytes(w http.ResponseWriter, r *http.Request, data []byte) {
	sum := sha256.Sum256(data)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}
