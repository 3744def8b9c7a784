package custom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// form is the multipart body of a publication: the tarball between a head and a tail that are
// made once, so that the length is known and the body can be sent again.
type form struct {
	name, version string
	contentType   string
	head, tail    []byte
	size          int64

	mu      sync.Mutex
	tarball io.ReadSeeker
	turn    int // counts the bodies; only the last one may read
}

func newForm(p pantry.Publication) (*form, error) {
	m := p.Metadata
	if err := checkName(m.Name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	if !usableVersion(m.Version) {
		return nil, fmt.Errorf("%w: %s is no version", pantry.ErrConfig, quote(m.Version))
	}
	if p.Tag != "" {
		if err := checkTag(p.Tag); err != nil {
			return nil, err
		}
	}
	if p.Tarball == nil {
		return nil, fmt.Errorf("%w: there is no tarball", pantry.ErrConfig)
	}
	f := &form{name: m.Name, version: m.Version, tarball: p.Tarball}
	digests, err := f.hash(m.Artifact.Integrity)
	if err != nil {
		return nil, err
	}
	if m.Artifact.Size, err = f.tarball.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	m.Artifact.Integrity = digests
	metadata, err := publishDocument(&m, p.Manifest)
	if err != nil {
		return nil, err
	}
	return f, f.build(metadata, p.Tag, m.Artifact.Size)
}

// hash reads the tarball, checks it against want, and returns the digests to publish.
func (f *form) hash(want integrity.Set) (integrity.Set, error) {
	f.revoke()
	if _, err := f.tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	all, sha256 := integrity.NewHasher(want), integrity.SHA256.New()
	if _, err := io.Copy(io.MultiWriter(all, sha256), f.tarball); err != nil {
		return nil, err
	}
	if err := all.Verify(); err != nil {
		return nil, err
	}
	short, err := integrity.New(integrity.SHA256, sha256.Sum(nil))
	return integrity.Set{short, all.SHA512()}, err
}

// publishDocument is the manifest as it was written, with what the convention defines on top.
// The checksum is a SHA-256, which every server of the convention reads; integrity is stronger.
func publishDocument(m *pantry.Metadata, manifest []byte) ([]byte, error) {
	members := make(map[string]json.RawMessage)
	if len(manifest) > 0 {
		if err := json.Unmarshal(manifest, &members); err != nil || members == nil {
			return nil, fmt.Errorf("%w: the manifest of %s is no JSON object", pantry.ErrConfig, quote(m.Name))
		}
	}
	d := document(m)
	d.Checksum, d.Integrity = checksum(m.Artifact.Integrity[:1]), m.Artifact.Integrity[1].String()
	known, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(known, &members); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

func (f *form) build(metadata []byte, tag string, tarball int64) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	parts := []struct{ name, file, contentType, content string }{
		{"metadata", "", "application/json", string(metadata)},
		{"tag", "", "text/plain; charset=utf-8", tag},
		{"tarball", "package.tgz", "application/gzip", ""},
	}
	for _, p := range parts {
		if p.name == "tag" && cmp.Or(tag, "latest") == "latest" {
			continue // what it is without being said
		}
		disposition := `form-data; name="` + p.name + `"`
		if p.file != "" {
			disposition += `; filename="` + p.file + `"`
		}
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {disposition}, "Content-Type": {p.contentType},
		})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, p.content); err != nil {
			return err
		}
	}
	head := b.Len()
	if err := w.Close(); err != nil {
		return err
	}
	f.head, f.tail = b.Bytes()[:head:head], b.Bytes()[head:]
	f.contentType = w.FormDataContentType()
	f.size = int64(b.Len()) + tarball
	return nil
}

// body starts the form from its beginning. An earlier body reads no more: the transport may not
// have let go of it when it asks for another one.
func (f *form) body() (io.ReadCloser, error) {
	turn := f.revoke()
	if _, err := f.tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(f.head), &turnReader{f, turn}, bytes.NewReader(f.tail))), nil
}

// revoke takes the tarball away from whoever reads it, and returns the next turn.
func (f *form) revoke() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn++
	return f.turn
}

type turnReader struct {
	form *form
	turn int
}

func (t *turnReader) Read(p []byte) (int, error) {
	t.form.mu.Lock()
	defer t.form.mu.Unlock()
	if t.turn != t.form.turn {
		return 0, io.ErrClosedPipe
	}
	return t.form.tarball.Read(p)
}
