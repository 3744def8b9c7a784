package transport

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
)

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "7", " 7 ", "-1", "+1", "1.5", "99999999999999999999", "Mon, 23 Nov 2026 12:00:09 GMT", "soon", "\x00"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := retryAfter(s, now)
		if d < 0 || (!ok && d != 0) {
			t.Errorf("%q is %v, %v", s, d, ok)
		}
		if spell(d) == "" {
			t.Errorf("%v is not spelled", d)
		}
	})
}

func FuzzDetail(f *testing.F) {
	for _, s := range []string{
		"", "null", `"x"`, `{"error":"x"}`, `{"message":"a\u202eb"}`, `{"errors":[{"message":"x"}]}`, `{"error":{"error":{"error":"x"}}}`,
		`{"error":"hunter22 \u0000"}`, "{\"error\":\"\xff\"}", "<html>", strings.Repeat("[", 20000),
	} {
		f.Add([]byte(s))
	}
	c, err := New(Options{URL: "https://r.example", Credentials: []Credential{Bearer(pantry.NewSecret("hunter22"), "t")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := c.detail(data)
		if len(d) > maxDetail || !utf8.ValidString(d) || strings.Contains(d, "hunter22") {
			t.Errorf("got %q", d)
		}
		if strings.ContainsFunc(d, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Errorf("got %q", d)
		}
		if d != "" && !json.Valid(data) {
			t.Errorf("%q is from no JSON", d)
		}
	})
}

func FuzzRedactURL(f *testing.F) {
	for _, s := range []string{"https://u:hunter22@h/p?k=hunter22#hunter22", "//hunter22@h", "https:u:hunter22@h", "?hunter22"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := RedactURL(s)
		if len(got) > maxURL || !utf8.ValidString(got) {
			t.Errorf("got %q", got)
		}
		if u, err := url.Parse(s); err == nil && u.User != nil && strings.HasPrefix(s, "https://") {
			again, err := url.Parse(got)
			if err == nil && again.User != nil {
				t.Errorf("%q keeps user information", got)
			}
		}
	})
}

// No URL that leads out of a scope, as a server may read it, is within it.
func FuzzScope(f *testing.F) {
	for _, s := range []string{"/a/b", "/a", "/a/../b", "/a/%2e%2e/b", "/a%2fb", "/ab", `/a/..\b`, "//a/b"} {
		f.Add(s)
	}
	s := scoped{path: "/a", origin: origin{"https", "h.example", 443}}
	f.Fuzz(func(t *testing.T, p string) {
		u, err := url.Parse("https://h.example" + p)
		if err != nil || u.Host != "h.example" || !s.covers(u) {
			return
		}
		// As a server reads it that decodes, takes backslashes for slashes, and then cleans.
		read := path.Clean(strings.ReplaceAll(u.Path, `\`, "/"))
		if read != "/a" && !strings.HasPrefix(read, "/a/") {
			t.Errorf("%q is covered, and is %q", p, read)
		}
		// As one reads it that cleans, and then decodes.
		read = path.Clean(u.EscapedPath())
		if read != "/a" && !strings.HasPrefix(read, "/a/") {
			t.Errorf("%q is covered, and is %q", p, read)
		}
	})
}
