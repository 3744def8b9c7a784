package transport

import "net/http"

// authorize adds credentials and configured headers to one hop, according to the URL that it
// really asks.
func (c *Client) authorize(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		call.credential = ""
		cred := c.credentialFor(req.URL)
		own := false
		if len(c.headers) > 0 {
			o, err := originOf(req.URL)
			own = err == nil && o == c.origin
		}
		if cred == nil && !own {
			return next.RoundTrip(req)
		}
		r := req.WithContext(req.Context())
		r.Header = req.Header.Clone()
		if cred != nil && r.Header[cred.name] == nil {
			r.Header[cred.name] = []string{cred.value}
			call.credential = cred.source
		}
		if own {
			for _, h := range c.headers {
				if r.Header[h.name] == nil || h.name == "User-Agent" {
					r.Header[h.name] = []string{h.value}
				}
			}
		}
		return next.RoundTrip(r)
	})
}
