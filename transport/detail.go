package transport

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

const (
	// maxErrorBody is how much of an error's body is read, in bytes.
	maxErrorBody = 16 << 10
	// maxDetail bounds Error.Detail, in bytes.
	maxDetail = 256
	// minSecret is the length from which on a string is looked for in what a server says, in
	// bytes. A shorter one would tear words apart, and hides nothing.
	minSecret = 3
)

// detail is what a server says about an error.
func (c *Client) detail(data []byte) string {
	// Cleaning comes first, since characters that do not show could stand within a secret.
	return bound(c.secrets.Replace(clean(spoken(data))), maxDetail)
}

// spoken finds the message in the JSON body of an error. The shapes are npm's and GitHub's
// {"error"|"message": "…"}, CouchDB's {"error": "…", "reason": "…"}, RFC 9457's {"title", "detail"},
// OCI's {"errors": [{"message": "…"}]}, and a bare string. Anything else, HTML above all, is "".
func spoken(data []byte) string {
	var s string
	if json.Unmarshal(data, &s) == nil {
		return s
	}
	return spokenObject(data, 2)
}

func spokenObject(data []byte, depth int) string {
	var o map[string]json.RawMessage
	if depth == 0 || json.Unmarshal(data, &o) != nil {
		return ""
	}
	text := func(key string) (s string) {
		_ = json.Unmarshal(o[key], &s)
		return s
	}
	for _, key := range []string{"message", "error", "detail", "title"} {
		s := text(key)
		if s == "" {
			continue
		}
		if reason := text("reason"); key == "error" && reason != "" {
			s += ": " + reason
		}
		return s
	}
	if s := spokenObject(o["error"], depth-1); s != "" {
		return s
	}
	var list []json.RawMessage
	if json.Unmarshal(o["errors"], &list) == nil && len(list) > 0 {
		return spokenObject(list[0], depth-1)
	}
	return ""
}

// clean makes a string from outside fit for a terminal: white space becomes single spaces; control
// characters, invisible ones, those that change the direction of writing, and bytes that are not
// UTF-8 go.
func clean(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// bound cuts s to at most limit bytes, at the border of a character.
func bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	end := max(limit-len(more), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

// redact makes a URL fit for messages.
func (c *Client) redact(u string) string { return c.secrets.Replace(RedactURL(u)) }

// scrubber replaces every secret the client knows, in the forms in which a server may echo it. It is
// safe for concurrent use.
type scrubber struct {
	mu       sync.Mutex
	all      []string
	hidden   map[string]bool
	replacer atomic.Pointer[strings.Replacer]
}

// Replace returns s without secrets.
func (b *scrubber) Replace(s string) string { return b.replacer.Load().Replace(s) }

// hide adds a secret.
func (b *scrubber) hide(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hidden[s] {
		return
	}
	b.add(s)
	b.build()
}

// add takes a secret, to be hidden from the next build on.
func (b *scrubber) add(s string) {
	if b.hidden == nil {
		b.hidden = map[string]bool{}
	}
	if b.hidden[s] = true; len(s) < minSecret {
		return
	}
	b.all = append(b.all, s, clean(s), url.QueryEscape(s), url.PathEscape(s))
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		b.all = append(b.all, e.EncodeToString([]byte(s)))
	}
}

func (b *scrubber) build() {
	// Longest first: the replacer takes the first that fits.
	slices.SortFunc(b.all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	b.all = slices.Compact(b.all)
	var pairs []string
	for _, s := range b.all {
		if len(s) >= minSecret {
			pairs = append(pairs, s, redacted)
		}
	}
	b.replacer.Store(strings.NewReplacer(pairs...))
}

// scrubber knows the secrets that the client is made with.
func (c *Client) scrubber() *scrubber {
	b := &scrubber{}
	for _, cred := range c.credentials {
		b.add(cred.value)
		scheme, rest, ok := strings.Cut(cred.value, " ")
		if !ok || cred.name != "Authorization" {
			continue
		}
		b.add(rest)
		if pair, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "Basic") {
			_, password, _ := strings.Cut(string(pair), ":")
			b.add(string(pair))
			b.add(password)
		}
	}
	for _, h := range c.headers {
		b.add(h.value)
	}
	for _, s := range c.proxy.secrets {
		b.add(s)
	}
	b.build()
	return b
}
