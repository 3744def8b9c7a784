package directory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// Record is what a directory holds of one version, besides its bytes.
type Record struct {
	// Metadata describes the version. Every artifact in it (of a tool, those of its builds) has a
	// SHA-512, by which its bytes are found, and no URL.
	Metadata pantry.Metadata `json:"metadata"`
	// Manifest is the description of the version as its registry sent it, signatures included;
	// nil where there is none.
	Manifest json.RawMessage `json:"manifest,omitempty"`
	// Attestations is what the registry holds of signed statements about the version; nil where there
	// is nothing.
	Attestations json.RawMessage `json:"attestations,omitempty"`
}

// maxRecord bounds a record: a manifest of 16 MB, the most that is read from a registry, its
// metadata, and 8 MB of attestations.
const maxRecord = 64 << 20

// Artifacts lists the artifacts of the version, each once.
func (r *Record) Artifacts() []pantry.Artifact {
	m := &r.Metadata
	var all []pantry.Artifact
	add := func(a pantry.Artifact) {
		a.Name, a.Version = m.Name, m.Version
		if len(a.Integrity) == 0 || slices.ContainsFunc(all, func(b pantry.Artifact) bool { return slices.Equal(a.Integrity, b.Integrity) }) {
			return
		}
		all = append(all, a)
	}
	if m.Tool != nil {
		for _, b := range m.Tool.Builds {
			add(b.Artifact)
		}
	}
	add(m.Artifact)
	return all
}

// encode writes a record in its one form: the same record gives the same bytes.
func (r *Record) encode() ([]byte, error) {
	c := *r
	c.Metadata = clone(&r.Metadata)
	c.Metadata.Registry = ""
	if t := c.Metadata.Tool; t != nil {
		sortBuilds(t.Builds)
	}
	if err := c.eachArtifact(func(a *pantry.Artifact) error {
		a.URL = ""
		return nil
	}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(&c); err != nil {
		return nil, err
	}
	if b.Len() > maxRecord {
		return nil, fmt.Errorf("%w: what is known of the version has more than %d bytes", pantry.ErrConfig, maxRecord)
	}
	return b.Bytes(), nil
}

// DecodeRecord reads the record of a version, and holds it to being of that version and to having
// digests by which its bytes are found. Errors match [pantry.ErrInvalid].
func DecodeRecord(data []byte, name, version string) (*Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	if r.Metadata.Name != name || r.Metadata.Version != version {
		return nil, fmt.Errorf("%w: the record is of %q at %q", pantry.ErrInvalid, r.Metadata.Name, r.Metadata.Version)
	}
	err := r.eachArtifact(func(a *pantry.Artifact) error {
		if _, ok := a.Integrity.Find(integrity.SHA512); !ok && (len(a.Integrity) > 0 || r.Metadata.Tool == nil) {
			return fmt.Errorf("%w: the record has no SHA-512 of its bytes", pantry.ErrInvalid)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// eachArtifact shows every artifact in the record, to be changed.
func (r *Record) eachArtifact(f func(*pantry.Artifact) error) error {
	if t := r.Metadata.Tool; t != nil {
		for i := range t.Builds {
			if err := f(&t.Builds[i].Artifact); err != nil {
				return err
			}
		}
	}
	return f(&r.Metadata.Artifact)
}

// clone copies m with everything it points to.
func clone(m *pantry.Metadata) pantry.Metadata {
	data, err := json.Marshal(m)
	var c pantry.Metadata
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		panic("directory: metadata that was JSON is none: " + err.Error()) // strings, maps and digests only
	}
	return c
}
