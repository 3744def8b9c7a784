package transport

import (
	"context"
	"net/http"

	"github.com/pantry-go/pantry"
)

// authorize adds credentials and configured headers to one hop, according to the URL that it
// really asks.
func (c *Client) authorize(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		call.credential = ""
		cred := c.credentialFor(req.URL)
		own := false
		if len(c.headers) > 0 || c.forPackage != nil {
			o, err := originOf(req.URL)
			own = err == nil && o == c.origin
		}
		if cred == nil && !own {
			return next.RoundTrip(req)
		}
		r := req.WithContext(req.Context())
		r.Header = req.Header.Clone()
		candidates := []*scoped{cred}
		if own && c.forPackage != nil && PackageOf(req.Context()) != "" {
			candidates = []*scoped{c.forPackage, cred}
		}
		for _, cred := range candidates {
			if cred == nil || r.Header[cred.name] != nil {
				continue
			}
			value, err := c.valueOf(req.Context(), cred)
			if err != nil {
				return nil, err
			}
			if value != "" {
				r.Header[cred.name] = []string{value}
				call.credential = cred.source
				break
			}
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

// valueOf is the value of a credential's header; "" for none.
func (c *Client) valueOf(ctx context.Context, cred *scoped) (string, error) {
	if cred.token == nil {
		return cred.value, nil
	}
	token, err := cred.token(ctx)
	var made Credential
	if err == nil && !token.IsZero() {
		made = Bearer(token, cred.source)
		err = made.check()
	}
	if err != nil {
		f := newFailure(err, "no token from %s: %v", cred.source, err)
		f.hint, f.again = pantry.Hint(err), false
		return "", f
	}
	if token.IsZero() {
		return "", nil
	}
	c.Hide(token)
	return made.Value.Reveal(), nil
}

// Hide keeps a secret that is to be sent as a part of a body or URL out of errors and of what observers
// are told, as those of Credentials are anyway.
func (c *Client) Hide(s pantry.Secret) { c.secrets.hide(s.Reveal()) }

type packageKey struct{}

// ForPackage says which package a request changes, for a credential that is good for one package only.
func ForPackage(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, packageKey{}, name)
}

// PackageOf is the package that a request changes, "" where it does not say.
func PackageOf(ctx context.Context) string {
	name, _ := ctx.Value(packageKey{}).(string)
	return name
}
