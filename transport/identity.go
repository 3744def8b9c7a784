package transport

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
)

// Identity stands for whom a server takes the sender of a request to u for: it is a hash of the
// credential, the configured headers and the client certificate that go there, or of the registry's
// mirrors to one of them, keyed by key, and "" where none of them does. What two identities got to see must not be mixed up. It gives away
// nothing about a secret to who does not have key.
func (c *Client) Identity(u string, key []byte) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return ""
	}
	cred := c.credentialFor(parsed)
	o, err := originOf(parsed)
	own := err == nil && o == c.origin
	mirrors := c.mirrorCredentials(parsed)
	if cred == nil && len(mirrors) == 0 && (!own || len(c.headers) == 0 && len(c.shown) == 0) {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	write := func(name, value string) {
		// Header names have no colon and values no line break, so that this can be read one way only.
		_, _ = mac.Write([]byte(name + ": " + value + "\n"))
	}
	if cred != nil {
		write(cred.name, cred.value+cred.mark)
	}
	if own {
		for _, h := range c.headers {
			write(h.name, h.value)
		}
		_, _ = mac.Write(c.shown)
	}
	for _, s := range mirrors {
		write(s.origin.String()+s.path+"\n"+s.name, s.value)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// mirrorCredentials are those that a request to u may carry because it is sent to a mirror.
func (c *Client) mirrorCredentials(u *url.URL) []*scoped {
	if c.places == nil {
		return nil
	}
	rest, at := c.places.locate(u)
	if at == nil {
		return nil
	}
	var all []*scoped
	own := c.credentialFor(u)
	for _, p := range c.places.all {
		if s := c.credentialFor(p.at(rest, u.RawQuery)); s != nil && s != own {
			all = append(all, s)
		}
	}
	return all
}

// Anonymous says that the client tells nobody who it is, whatever the URL: it has no credential, no
// header and no certificate of its own.
func (c *Client) Anonymous() bool {
	return len(c.credentials) == 0 && len(c.headers) == 0 && len(c.shown) == 0
}
