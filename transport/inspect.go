package transport

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
)

// told names the headers of a failed answer that an [Error] keeps: those that say when and why,
// in the words of RFC 9110 and of GitHub's REST API. None of them tells who asked.
var told = []string{
	"Date", "Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
	"X-Ratelimit-Resource", "X-Ratelimit-Used", "X-Github-Sso", "Www-Authenticate",
}

// keep returns those headers of a failed answer, fit for messages.
func (c *Client) keep(h http.Header) http.Header {
	var kept http.Header
	for _, name := range told {
		if v := h.Get(name); v != "" {
			if kept == nil {
				kept = make(http.Header)
			}
			kept.Set(name, bound(c.secrets.Replace(clean(v)), maxDetail))
		}
	}
	return kept
}

// Header is a header of the answer that failed: Date, Retry-After, X-RateLimit-Limit, -Remaining,
// -Reset, -Resource and -Used, X-GitHub-SSO and WWW-Authenticate are kept. It is "" for any other, and where there
// was no answer or none such in it.
func (e *Error) Header(name string) string {
	if !slices.Contains(told, textproto.CanonicalMIMEHeaderKey(name)) {
		return ""
	}
	return e.header.Get(name)
}

// CredentialFor says whether a request to u would carry a credential, and where that comes from.
func (c *Client) CredentialFor(u string) (source string, ok bool) {
	parsed, err := url.Parse(u)
	if err != nil {
		return "", false
	}
	s := c.credentialFor(parsed)
	if s == nil {
		return "", false
	}
	return s.source, true
}

// Challenge is the body of a 401, as it came and at most 16 KiB of it, for protocols that say in it what they
// want; nil of any other answer. It is not fit for messages.
func (e *Error) Challenge() []byte { return e.challenge }
