package npm

import (
	"encoding/json"

	"github.com/pantry-go/pantry/integrity"
)

// The media types of package documents. A registry that knows the abbreviated one answers with
// its name as the content type; others ignore the wish and send the full document.
const (
	typeAbbreviated = "application/vnd.npm.install-v1+json"
	typeJSON        = "application/json"

	acceptAbbreviated = typeAbbreviated + "; q=1.0, " + typeJSON + "; q=0.8, */*"
)

// listing is a packument, what a registry tells about a name. It is written only: reading is scan's
// work.
type listing struct {
	ID          string                     `json:"_id,omitempty"`
	Name        string                     `json:"name"`
	Description string                     `json:"description,omitempty"`
	DistTags    map[string]string          `json:"dist-tags"`
	Versions    map[string]json.RawMessage `json:"versions"`
	Modified    string                     `json:"modified,omitempty"` // abbreviated only
	Time        map[string]string          `json:"time,omitempty"`     // full only
}

// manifest is one version on the wire, in the one shape that is written. The many shapes that are
// read become this one in decodeManifest.
type manifest struct {
	ID          string      `json:"_id,omitempty"`
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	Description string      `json:"description,omitempty"`
	Homepage    string      `json:"homepage,omitempty"`
	License     string      `json:"license,omitempty"`
	Author      string      `json:"author,omitempty"`
	Keywords    []string    `json:"keywords,omitempty"`
	Repository  *repository `json:"repository,omitempty"`
	Deprecated  string      `json:"deprecated,omitempty"`

	Dependencies         map[string]string   `json:"dependencies,omitempty"`
	DevDependencies      map[string]string   `json:"devDependencies,omitempty"`
	OptionalDependencies map[string]string   `json:"optionalDependencies,omitempty"`
	PeerDependencies     map[string]string   `json:"peerDependencies,omitempty"`
	PeerMeta             map[string]peerMeta `json:"peerDependenciesMeta,omitempty"`
	Bundled              []string            `json:"bundleDependencies,omitempty"`

	Bin     map[string]string `json:"bin,omitempty"`
	Engines map[string]string `json:"engines,omitempty"`
	OS      []string          `json:"os,omitempty"`
	CPU     []string          `json:"cpu,omitempty"`
	Libc    []string          `json:"libc,omitempty"`

	HasInstallScript bool  `json:"hasInstallScript,omitempty"`
	Dist             *dist `json:"dist,omitempty"`
}

type repository struct {
	Type string `json:"type,omitempty"`
	URL  string `json:"url"`
}

type peerMeta struct {
	Optional bool `json:"optional"`
}

// dist says where a version's tarball is and what it hashes to.
type dist struct {
	Integrity string `json:"integrity,omitempty"` // SRI
	Shasum    string `json:"shasum,omitempty"`    // SHA-1 in hexadecimal
	Tarball   string `json:"tarball,omitempty"`
	// What vouches for the digest; written by the server side, as another registry sent it.
	Signatures   json.RawMessage `json:"signatures,omitempty"`
	Attestations json.RawMessage `json:"attestations,omitempty"`

	read integrity.Set // what the digests are, where they were read before
}

// attachment is a file inside the document of a publication.
type attachment struct {
	ContentType string `json:"content_type"`
	Data        string `json:"data"` // base64
	Length      int64  `json:"length"`
}

// publication is the document that publishes a version. Versions holds documents as they are
// sent, so that what this package has no field for is sent too.
type publication struct {
	ID          string                     `json:"_id"`
	Name        string                     `json:"name"`
	Description string                     `json:"description,omitempty"`
	DistTags    map[string]string          `json:"dist-tags"`
	Versions    map[string]json.RawMessage `json:"versions"`
	Access      string                     `json:"access,omitempty"`
	Attachments map[string]attachment      `json:"_attachments"`
}

// found is the answer to a search.
type found struct {
	Objects []foundObject `json:"objects"`
	Total   int           `json:"total"`
	Time    string        `json:"time"`
}

type foundObject struct {
	Package     foundPackage `json:"package"`
	SearchScore float64      `json:"searchScore"`
}

type foundPackage struct {
	Name        string     `json:"name"`
	Version     string     `json:"version"`
	Description string     `json:"description,omitempty"`
	Keywords    []string   `json:"keywords,omitempty"`
	Date        string     `json:"date,omitempty"`
	License     string     `json:"license,omitempty"`
	Author      string     `json:"author,omitempty"`
	Maintainers []struct{} `json:"maintainers"` // npm's own client fails without it
	Links       foundLinks `json:"links"`
}

type foundLinks struct {
	Homepage   string `json:"homepage,omitempty"`
	Repository string `json:"repository,omitempty"`
}

// done is the answer to a change that was made.
type done struct {
	OK      bool   `json:"ok"`
	Success bool   `json:"success"`
	ID      string `json:"id"`
}

// problem is the body of a refusal.
type problem struct {
	Error string `json:"error"`
}
