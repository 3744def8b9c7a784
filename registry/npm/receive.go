package npm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// refusal is an error that the client is told as it stands.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func unprocessable(format string, args ...any) error {
	return &refusal{http.StatusUnprocessableEntity, fmt.Sprintf(format, args...)}
}

// publish takes a new version.
func (s *server) publish(w http.ResponseWriter, r *http.Request, name string) {
	publisher, ok := pantry.As[pantry.Publisher](s.registry)
	if !ok {
		s.refuse(w, http.StatusNotImplemented, "this registry takes no packages")
		return
	}
	err := s.receive(w, r, name, publisher)
	var no *refusal
	switch {
	case err == nil:
		s.answerJSON(w, r, http.StatusCreated, done{OK: true, Success: true, ID: name})
	case errors.As(err, &no):
		s.refuse(w, no.status, no.text)
	case errors.Is(err, pantry.ErrConfig):
		s.refuse(w, http.StatusBadRequest, "the registry refuses the package as it is")
	default:
		s.fail(w, r, err)
	}
}

func (s *server) receive(w http.ResponseWriter, r *http.Request, name string, publisher pantry.Publisher) error {
	body, err := s.readBody(w, r)
	if err != nil {
		return err
	}
	in, err := readPublication(body)
	if err != nil {
		return err
	}
	p, tags, err := in.publication(name)
	if err != nil {
		return err
	}
	if err := s.allowName(r, name); err != nil {
		return err
	}
	p.Tag = tags[0]
	if err := publisher.Publish(r.Context(), *p); err != nil {
		return err
	}
	for _, tag := range tags[1:] {
		tagger, ok := pantry.As[pantry.Tagger](s.registry)
		if !ok {
			return fmt.Errorf("%w: more than one tag", pantry.ErrUnsupported)
		}
		if err := tagger.SetTag(r.Context(), name, tag, p.Metadata.Version); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("a publication has at most %d bytes", s.options.MaxBody)}
	if r.ContentLength > s.options.MaxBody {
		return nil, tooLarge
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		// Room as the bytes come, not as they are promised: a header is cheap.
		body.Grow(int(min(r.ContentLength, 1<<20)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, badRequest("the request breaks off")
	}
	return body.Bytes(), nil
}

// allowName holds names that are not there yet to the rules for new ones.
func (s *server) allowName(r *http.Request, name string) error {
	bad := checkNewName(name)
	if bad == nil {
		return nil
	}
	if _, err := s.registry.Package(r.Context(), name); err == nil {
		return nil
	}
	return badRequest("%v", bad)
}

// incoming is a document that was sent to publish a version, looked at but not yet believed.
type incoming struct {
	name        string
	tags        map[string]string
	versions    map[string]value
	attachments map[string]value
}

func readPublication(body []byte) (*incoming, error) {
	v, err := parse(body)
	if err != nil || v.kind() != '{' {
		return nil, badRequest("the request is not a JSON object")
	}
	in := &incoming{}
	err = v.object(func(key, val value) (err error) {
		switch name, _ := key.text(); name {
		case "name":
			in.name, _ = val.text()
		case "dist-tags":
			in.tags, err = readTags(val)
		case "versions":
			in.versions, err = objects(val)
		case "_attachments":
			in.attachments, err = objects(val)
		}
		return err
	})
	if err != nil {
		return nil, badRequest("the request is not a publication: %v", err)
	}
	return in, nil
}

// objects reads an object of objects.
func objects(v value) (map[string]value, error) {
	out := make(map[string]value)
	err := v.object(func(key, val value) error {
		k, ok := key.text()
		if !ok || val.kind() != '{' {
			return errSyntax
		}
		out[k] = val
		return nil
	})
	return out, err
}

// publication checks what came and makes of it what a registry publishes, with the tags that are
// to point to it, at least one.
func (in *incoming) publication(name string) (*pantry.Publication, []string, error) {
	if in.name != name {
		return nil, nil, badRequest("the document is of %q, the request of %q", brief(in.name), name)
	}
	version, file, err := in.choose(name)
	if err != nil {
		return nil, nil, err
	}
	m, err := decodeManifest(in.versions[version])
	if err != nil {
		return nil, nil, badRequest("the description of the version: %v", err)
	}
	if m.Name != name || m.Version != version {
		return nil, nil, badRequest("the description is of %s@%s, not of %s@%s", brief(m.Name), brief(m.Version), name, version)
	}
	tarball, have, err := readAttachment(in.attachments[file], m.Dist)
	if err != nil {
		return nil, nil, err
	}
	p, err := publicationOf(name, version, tarball)
	if err != nil {
		return nil, nil, err
	}
	p.Metadata.Artifact = pantry.Artifact{Name: name, Version: version, Integrity: have, Size: int64(len(tarball))}
	tags, err := in.tagsOf(version)
	return p, tags, err
}

// choose finds the one tarball among the attachments and the version it is of. There may be other
// attachments, provenance for instance, and other versions: npm sends the whole document again
// when another publication was faster.
func (in *incoming) choose(name string) (version, file string, err error) {
	for _, f := range slices.Sorted(maps.Keys(in.attachments)) {
		v, ok := fileVersion(name, f)
		if !ok {
			continue
		}
		if file != "" {
			return "", "", badRequest("there are two tarballs")
		}
		version, file = v, f
	}
	if file == "" {
		// Deprecating, and changing owners, come as documents without attachments.
		return "", "", &refusal{http.StatusNotImplemented, "there is no tarball; changing what is published is not supported by this registry"}
	}
	if _, ok := in.versions[version]; !ok {
		return "", "", badRequest("the tarball is of version %s, which is not described", version)
	}
	if _, err := semver.Parse(version); err != nil {
		return "", "", badRequest("%q is not a version", version)
	}
	return version, file, nil
}

// tagsOf are the tags that the document points to version; latest where there are none.
func (in *incoming) tagsOf(version string) ([]string, error) {
	var tags []string
	for tag, v := range in.tags {
		if v != version {
			continue
		}
		if err := checkTag(tag); err != nil {
			return nil, badRequest("%v", err)
		}
		tags = append(tags, tag)
	}
	if len(tags) == 0 {
		return []string{"latest"}, nil
	}
	slices.Sort(tags)
	return tags, nil
}

// readAttachment decodes a tarball and holds it to its length and digests as they were sent.
func readAttachment(v value, sent *dist) (tarball []byte, have integrity.Set, err error) {
	if tarball, err = decodeBase64(v.member("data")); err != nil {
		return nil, nil, badRequest("the tarball is not a text in base64")
	}
	if length := v.member("length"); length != nil && string(length) != fmt.Sprint(len(tarball)) {
		return nil, nil, unprocessable("the tarball has %d bytes, not %s", len(tarball), brief(string(length)))
	}
	have = integrity.Set{integrity.Sum(integrity.SHA512, tarball), integrity.Sum(integrity.SHA1, tarball)}
	if sent == nil {
		return tarball, have, nil
	}
	for _, one := range []*dist{{Integrity: sent.Integrity}, {Shasum: sent.Shasum}} {
		want, err := one.digests()
		if err != nil {
			return nil, nil, badRequest("%v", err)
		}
		if err := verify(tarball, want); err != nil {
			return nil, nil, unprocessable("the tarball does not match its digests: %v", err)
		}
	}
	return tarball, have, nil
}

func decodeBase64(v value) ([]byte, error) {
	if v.kind() == '"' && bytes.IndexByte(v, '\\') < 0 {
		return base64.StdEncoding.AppendDecode(nil, v[1:len(v)-1]) // where it stands: it may be large
	}
	s, ok := v.text()
	if !ok {
		return nil, errSyntax
	}
	return base64.StdEncoding.DecodeString(s)
}

// publicationOf is [PublicationOf] of what was sent as one version.
func publicationOf(name, version string, tarball []byte) (*pantry.Publication, error) {
	p, err := PublicationOf(tarball)
	if err != nil {
		return nil, unprocessable("%s", brief(err.Error()))
	}
	if v, err := parse(p.Manifest); err != nil || describesExactly(v, name, version) != nil {
		return nil, unprocessable("package.json in the tarball: %v", errors.Join(err, describesExactly(v, name, version)))
	}
	return p, nil
}

// PublicationOf describes a tarball by the package.json in it, which is what an install will find. A
// description that is sent beside it has no say: where the two differ it would only hide what is
// installed.
func PublicationOf(tarball []byte) (*pantry.Publication, error) {
	var root rootFiles
	if err := archive.UnpackNPM(bytes.NewReader(tarball), &root, archive.Limits{}); err != nil {
		return nil, fmt.Errorf("the tarball cannot be unpacked: %w", err)
	}
	v, err := parse(root.manifest)
	var m *manifest
	if err == nil {
		m, err = decodeManifest(v)
	}
	if err != nil {
		return nil, fmt.Errorf("package.json in the tarball: %w", err)
	}
	meta := m.metadata()
	// npm builds what has a binding.gyp, unless a script says how else.
	meta.HasInstallScript = meta.HasInstallScript || root.gyp && v.member("gypfile").kind() != 'f'
	return &pantry.Publication{Metadata: *meta, Manifest: root.manifest, Tarball: bytes.NewReader(tarball)}, nil
}

// rootFiles takes from an archive what describes the package.
type rootFiles struct {
	manifest []byte
	gyp      bool
}

func (f *rootFiles) File(e archive.Entry, content io.Reader) (err error) {
	switch e.Path {
	case "package.json":
		if e.Size > maxManifest {
			return fmt.Errorf("package.json has more than %d bytes", maxManifest)
		}
		f.manifest, err = io.ReadAll(content)
	case "binding.gyp":
		f.gyp = true
	}
	return err
}
