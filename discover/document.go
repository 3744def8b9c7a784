package discover

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// WellKnown is the path of the document on a host (RFC 8615).
const WellKnown = "/.well-known/pantry.json"

// Version is that of the format. Keys may be added to it; a reader passes over those it does not
// know.
const Version = 1

// Bounds of a document. A team has a handful of registries.
const (
	MaxDocument   = 1 << 20 // bytes
	MaxRegistries = 100
	maxList       = 500 // patterns or mirrors of one registry, as in a configuration
	maxText       = 300 // bytes of a description
)

// Document is what a host says of its registries.
type Document struct {
	Version    int        `json:"version"`
	Registries []Registry `json:"registries"`
}

// Registry is one registry of a Document. There is no place in it for a credential.
type Registry struct {
	Name string `json:"name"`
	// Type is npm, custom, github, pkgx or adapter.
	Type string `json:"type"`
	// Adapter names the protocol of a registry of type adapter: one of those that Pantry has.
	Adapter string `json:"adapter,omitempty"`
	// URL may be relative to the document's own.
	URL string `json:"url"`
	// Priority is the one proposed; nil leaves it to the reader.
	Priority *int `json:"priority,omitempty"`
	// Packages are the names the registry claims.
	Packages []string `json:"packages,omitempty"`
	// Mirrors are URLs of the same content, relative ones too.
	Mirrors []string `json:"mirrors,omitempty"`
	// Auth is the kind of credential the registry wants: bearer, basic, oidc, custom or none. It is
	// shown, and nothing else.
	Auth string `json:"auth,omitempty"`
	// Description is a line for people.
	Description string `json:"description,omitempty"`
}

// Describe is what may be said to anybody of a configured registry: never its credential, headers or
// proxy. ok is false where its URL holds something that is not for everybody (a user name, a
// variable), where there is none, and for one that is read by a file or program of one's own.
func Describe(c registry.Config) (r Registry, ok bool) {
	r = Registry{Name: c.Name, Type: c.Type, Adapter: c.Adapter, URL: c.URL, Priority: c.Priority, Packages: c.Packages}
	if c.Auth != nil {
		r.Auth = c.Auth.Type
	}
	for _, m := range c.Mirrors {
		if public(m.URL) {
			r.Mirrors = append(r.Mirrors, m.URL)
		}
	}
	return r, public(c.URL) && builtIn(c.Adapter) && len(c.Command) == 0
}

// builtIn says whether an adapter's name can be that of one that is built in: a path is not for others.
func builtIn(adapter string) bool {
	return strings.Trim(adapter, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// public says whether a URL can be shown to anybody.
func public(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && raw != "" && u.User == nil && u.RawQuery == "" && !strings.Contains(raw, "${")
}

// Parse reads a document that was found at a URL, and makes proposals of it. The error matches
// [pantry.ErrInvalid]. A registry that cannot be used is a proposal that says why.
func Parse(data []byte, at *url.URL) ([]Proposal, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("%w: the document is larger than %d bytes", pantry.ErrInvalid, MaxDocument)
	}
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("%w: the document is no JSON of the expected shape", pantry.ErrInvalid)
	}
	switch {
	case d.Version != Version:
		return nil, fmt.Errorf("%w: the document has version %d, and this program knows %d", pantry.ErrInvalid, d.Version, Version)
	case len(d.Registries) > MaxRegistries:
		return nil, fmt.Errorf("%w: the document has %d registries, more than %d", pantry.ErrInvalid, len(d.Registries), MaxRegistries)
	}
	proposals := make([]Proposal, len(d.Registries))
	for i, r := range d.Registries {
		proposals[i] = r.proposal(at)
	}
	return proposals, nil
}

func (r Registry) proposal(at *url.URL) Proposal {
	p := Proposal{
		Entry: registry.Config{Name: r.Name, Type: r.Type, Adapter: r.Adapter, Priority: r.Priority, Packages: r.Packages},
		From:  at.String(), Tool: "document",
	}
	var user bool
	p.Entry.URL, user = resolved(r.URL, at)
	for _, m := range r.Mirrors {
		mirror, has := resolved(m, at)
		p.Entry.Mirrors, user = append(p.Entry.Mirrors, registry.Mirror{URL: mirror}), user || has
	}
	if u, err := url.Parse(p.Entry.URL); err == nil && !strings.EqualFold(u.Hostname(), at.Hostname()) {
		p.Note("it is on another host than the document")
	}
	for _, m := range p.Entry.Mirrors {
		if u, err := url.Parse(m.URL); err == nil && !strings.EqualFold(u.Hostname(), at.Hostname()) {
			p.Note("its mirror %s is on another host than the document", printable(u.Host))
		}
	}
	switch r.Auth {
	case "", "none":
	case registry.AuthBearer, registry.AuthBasic, registry.AuthOIDC, registry.AuthCustom:
		p.Credential = "none yet: it wants one of type " + r.Auth
	}
	if r.Description != "" {
		p.Note("it says of itself: %s", printable(strings.ToValidUTF8(r.Description[:min(len(r.Description), maxText)], "")))
	}
	switch {
	case r.URL == "":
		p.refuse("it has no URL")
	case !builtIn(r.Adapter):
		p.refuse("its adapter is no name of one that is built in")
	case user:
		p.refuse("a URL of it holds a user name or a password")
	case len(r.Packages) > maxList || len(r.Mirrors) > maxList:
		p.refuse(fmt.Sprintf("it has more than %d patterns or mirrors", maxList))
	case strings.Contains(p.Entry.URL, "${") || strings.Contains(strings.Join(r.Packages, "")+strings.Join(r.Mirrors, ""), "${"):
		p.refuse("it would read variables of this machine's environment")
	}
	return p
}

// resolved is a URL as seen from the document, without the user information that it may hold; what is
// no URL is left to the check of entries.
func resolved(raw string, at *url.URL) (out string, user bool) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || raw == "":
		return raw, false
	case u.User != nil:
		u.User, user = nil, true
		raw = u.String()
	}
	if u.IsAbs() {
		return raw, user
	}
	return at.ResolveReference(u).String(), user
}
