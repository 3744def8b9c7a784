package registrytest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Fault answers a request in place of the good handler.
type Fault func(w http.ResponseWriter, r *http.Request, s scene)

// scene is what a fault has to work with.
type scene struct {
	good   http.Handler
	closed <-chan struct{} // the Scripted is done: stop hanging
}

// Answer lets h answer.
func Answer(h http.HandlerFunc) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ scene) { h(w, r) }
}

// Status answers code with a small body. headers are names and values in turn:
//
//	Status(429, "Retry-After", "1")
func Status(code int, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ scene) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		if code >= 200 && code != http.StatusNoContent && code != http.StatusNotModified {
			_, _ = io.WriteString(w, http.StatusText(code))
		}
	}
}

// Body answers code with body, whole.
func Body(code int, contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ scene) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// JSON answers 200 with body as application/json, whatever body is.
func JSON(body string) Fault { return Body(http.StatusOK, "application/json", body) }

// HTML answers 200 with a page, as a captive portal or a proxy's login does.
func HTML() Fault {
	return Body(http.StatusOK, "text/html; charset=utf-8", "<!DOCTYPE html><html><body>Please sign in</body></html>")
}

// Garbage answers 200 with bytes that are nothing.
func Garbage() Fault {
	return Body(http.StatusOK, "application/json", "\x00\x01\xff\xfe{not json\x1b[31m\x00")
}

// Nested answers 200 with depth opening brackets and nothing else.
func Nested(depth int) Fault { return JSON(strings.Repeat("[", depth)) }

// CutShort announces the whole of the good answer and breaks off after n bytes of its body.
func CutShort(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		good := record(r, s)
		body := good.Body.Bytes()
		copyHeader(w, good)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(good.Code)
		_, _ = w.Write(body[:min(n, len(body))])
		flush(w)
		panic(http.ErrAbortHandler) // the server's way to break a connection
	}
}

// Truncated answers 200 with the first n bytes of the good body, as if that were all.
func Truncated(n int) Fault {
	return edit(func(body []byte) []byte { return body[:min(n, len(body))] })
}

// Tampered is the good answer with one bit of its last byte flipped.
func Tampered() Fault {
	return edit(func(body []byte) []byte {
		if len(body) > 0 {
			body[len(body)-1] ^= 1
		}
		return body
	})
}

// Replace is the good answer with every old in its body made new.
func Replace(old, new string) Fault {
	return edit(func(body []byte) []byte { return []byte(strings.ReplaceAll(string(body), old, new)) })
}

func edit(change func([]byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		good := record(r, s)
		body := change(good.Body.Bytes())
		copyHeader(w, good)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(good.Code)
		_, _ = w.Write(body)
	}
}

// Rewrite gives the good answer to another question: old is replaced by new in the path.
func Rewrite(old, new string) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		other := r.Clone(r.Context())
		p, err := url.PathUnescape(strings.ReplaceAll(r.URL.EscapedPath(), old, new))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		other.URL.RawPath = strings.ReplaceAll(r.URL.EscapedPath(), old, new)
		other.URL.Path = p
		s.good.ServeHTTP(w, other)
	}
}

// Hang says nothing until the client is gone or the Scripted is closed.
func Hang() Fault {
	return func(_ http.ResponseWriter, r *http.Request, s scene) { hang(r, s) }
}

// HangAfter sends the header and the first n bytes of the good answer, and then nothing.
func HangAfter(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		good := record(r, s)
		body := good.Body.Bytes()
		copyHeader(w, good)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(good.Code)
		_, _ = w.Write(body[:min(n, len(body))])
		flush(w)
		hang(r, s)
	}
}

func hang(r *http.Request, s scene) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
	panic(http.ErrAbortHandler)
}

// Abort breaks the connection without a word.
func Abort() Fault {
	return func(http.ResponseWriter, *http.Request, scene) { panic(http.ErrAbortHandler) }
}

// Trickle sends the good answer in chunks of n bytes, pausing before each but the first.
func Trickle(n int, pause time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		good := record(r, s)
		body := good.Body.Bytes()
		copyHeader(w, good)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(good.Code)
		for len(body) > 0 {
			part := body[:min(max(n, 1), len(body))]
			body = body[len(part):]
			if _, err := w.Write(part); err != nil {
				return
			}
			flush(w)
			if len(body) > 0 && !wait(r, s, pause) {
				return
			}
		}
	}
}

func wait(r *http.Request, s scene, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
	case <-s.closed:
	}
	return false
}

// Endless answers 200 with JSON white space until the client is gone or most bytes were sent;
// zipped, when the client accepts gzip, so that little on the wire is much in memory. sent, when
// not nil, is told how many bytes (before compression) were sent.
func Endless(most int64, zipped bool, sent func(int64)) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ scene) {
		const size = 1 << 20
		block := bytes.Repeat([]byte(" "), size)
		w.Header().Set("Content-Type", "application/json")
		if zipped && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			block = zip(block) // members of a gzip stream may follow each other
		}
		var n int64
		for n < most {
			if _, err := w.Write(block); err != nil {
				break
			}
			n += size
		}
		if sent != nil {
			sent(n)
		}
	}
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	_, err := zw.Write(b)
	must(err)
	must(zw.Close())
	return out.Bytes()
}

// Redirect sends the client to the same path and query at another origin ("http://127.0.0.1:1").
func Redirect(code int, origin string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ scene) {
		w.Header().Set("Location", origin+r.URL.RequestURI())
		w.WriteHeader(code)
	}
}

// Slow waits, then gives the good answer.
func Slow(d time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		if wait(r, s, d) {
			s.good.ServeHTTP(w, r)
		}
	}
}

// RequireHeader gives the good answer to requests that have the header with this value, and 401
// to all others.
func RequireHeader(name, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, s scene) {
		if r.Header.Get(name) != value {
			w.Header().Set("WWW-Authenticate", `Bearer realm="test"`)
			http.Error(w, fmt.Sprintf("%s is required", name), http.StatusUnauthorized)
			return
		}
		s.good.ServeHTTP(w, r)
	}
}

func record(r *http.Request, s scene) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.good.ServeHTTP(rec, r)
	return rec
}

func copyHeader(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
