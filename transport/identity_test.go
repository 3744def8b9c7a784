package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// TestIdentity: two clients are one and the same to a server exactly when they send the same.
func TestIdentity(t *testing.T) {
	t.Parallel()
	const base = "https://registry.example.com/npm"
	bearer := func(token string) transport.Credential { return transport.Bearer(pantry.NewSecret(token), "test") }
	scoped := func(token, scope string) transport.Credential {
		c := bearer(token)
		u, err := url.Parse(scope)
		if err != nil {
			t.Fatal(err)
		}
		c.Scope = u
		return c
	}
	client := func(change func(*transport.Options)) *transport.Client {
		o := transport.Options{Registry: "test", URL: base}
		change(&o)
		c, err := transport.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	with := func(cs ...transport.Credential) *transport.Client {
		return client(func(o *transport.Options) { o.Credentials = cs })
	}
	certified := func() *transport.Client {
		certFile, keyFile := keyPair(t)
		return client(func(o *transport.Options) { o.CertFile, o.KeyFile = certFile, keyFile })
	}
	const here, below, elsewhere = base + "/pad", base + "/private/pad", "https://other.example.com/pad"
	private := scoped("c", base+"/private")
	identities := map[string]string{} // to what they were made of
	for name, c := range map[string]struct {
		client *transport.Client
		url    string
	}{
		"a token":        {with(bearer("a")), here},
		"another":        {with(bearer("b")), here},
		"of a path":      {with(bearer("a"), private), below},
		"basic":          {with(transport.Basic("a", pantry.NewSecret("a"), "test")), here},
		"a header":       {client(func(o *transport.Options) { o.Headers = map[string]string{"X-Team": "a"} }), here},
		"another header": {client(func(o *transport.Options) { o.Headers = map[string]string{"X-Team": "b"} }), here},
		"header and token": {client(func(o *transport.Options) {
			o.Headers, o.Credentials = map[string]string{"X-Team": "a"}, []transport.Credential{bearer("a")}
		}), here},
		"two headers":         {client(func(o *transport.Options) { o.Headers = map[string]string{"X-Team": "a", "X-Key": "a"} }), here},
		"a certificate":       {certified(), here},
		"another certificate": {certified(), here},
		"nobody":              {with(), here},
	} {
		id := c.client.Identity(c.url, []byte("key"))
		if other, ok := identities[id]; ok {
			t.Errorf("%s and %s are one: %q", name, other, id)
		}
		identities[id] = name
		if id != c.client.Identity(c.url, []byte("key")) {
			t.Errorf("%s: twice is not the same", name)
		}
		if id != "" && id == c.client.Identity(c.url, []byte("other key")) {
			t.Errorf("%s: the key has no say", name)
		}
		if (id == "") != (name == "nobody") || c.client.Anonymous() != (name == "nobody") {
			t.Errorf("%s: %q, anonymous %v", name, id, c.client.Anonymous())
		}
		if id := c.client.Identity(elsewhere, []byte("key")); id != "" {
			t.Errorf("%s: elsewhere it is %q", name, id)
		}
	}
	if a, b := with(bearer("a")), with(bearer("a"), private); a.Identity(here, nil) != b.Identity(here, nil) {
		t.Error("a credential that is not sent makes a difference")
	}
	if with(bearer("a")).Identity("%", nil) != "" {
		t.Error("no URL has an identity")
	}
}

// TestAskNobody: no request is sent, and the error says why.
func TestAskNobody(t *testing.T) {
	t.Parallel()
	sent := 0
	c, err := transport.New(transport.Options{Registry: "test", URL: "https://registry.example.com", Base: roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return nil, errors.New("sent")
	})})
	if err != nil {
		t.Fatal(err)
	}
	ctx := pantry.WithAsking(context.Background(), pantry.AskNobody)
	_, err = c.Get(ctx, "https://registry.example.com/x", nil)
	if sent != 0 || !errors.Is(err, pantry.ErrUnavailable) || !strings.Contains(err.Error(), "offline") {
		t.Errorf("sent %d, %v", sent, err)
	}
	if _, _, err = c.GetAll(ctx, "https://elsewhere.example.com/x", nil, 10); sent != 0 || !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("sent %d, %v", sent, err)
	}
}
