package npm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// maxPublication bounds a tarball that is published. It is held in memory together with its
// base64, which is a third longer. The public registry takes less.
const maxPublication = 256 << 20

// Publish adds a version. The same bytes again are no error, other bytes for a version that exists
// are [pantry.ErrExists]. A publication that contradicts itself is refused before anything is sent.
func (r *Registry) Publish(ctx context.Context, p pantry.Publication) error {
	ref := pantry.Ref{Registry: r.origin.registry, Name: p.Metadata.Name, Version: p.Metadata.Version}
	err := r.publish(transport.ForPackage(ctx, ref.Name), p)
	if err != nil {
		return &pantry.Error{Op: opPublish, Ref: ref, URL: r.url("/" + escapeName(ref.Name)), Err: err}
	}
	return nil
}

func (r *Registry) publish(ctx context.Context, p pantry.Publication) error {
	if err := checkPublication(p); err != nil {
		return fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	tarball, err := readTarball(p.Tarball)
	if err != nil {
		return err
	}
	have := integrity.Set{integrity.Sum(integrity.SHA512, tarball), integrity.Sum(integrity.SHA1, tarball)}
	if err := verify(tarball, p.Metadata.Artifact.Integrity); err != nil {
		return err
	}
	body, err := r.publicationOf(p, have, tarball)
	if err != nil {
		return err
	}
	answer, err := r.send(ctx, http.MethodPut, r.url("/"+escapeName(p.Metadata.Name)), body)
	r.forget(p.Metadata.Name)
	if err == nil {
		return r.published(ctx, p.Metadata, tarball, answer)
	}
	// Some registries say 403 where others say 409; a 403 may as well be about the credential.
	if errors.Is(err, pantry.ErrExists) || isStatus(err, http.StatusForbidden) {
		return r.compare(ctx, p.Metadata, tarball, err)
	}
	return err
}

// published believes an answer that says that it was done. Of one that says nothing of the kind, what the
// registry has is the proof: a page of a proxy is answered with status 200 too.
func (r *Registry) published(ctx context.Context, m pantry.Metadata, tarball, answer []byte) error {
	if err := confirm(answer); err != nil {
		return err
	}
	if says(answer) {
		return nil
	}
	silent := fmt.Errorf("%w: the registry does not say that it took the package", pantry.ErrInvalid)
	return r.compare(ctx, m, tarball, silent)
}

// says that the answer has a member "ok" or "success" that is true, or a text.
func says(answer []byte) bool {
	v, err := parse(answer)
	if err != nil {
		return false
	}
	for _, name := range []string{"success", "ok"} {
		if k := v.member(name).kind(); k == 't' || k == '"' {
			return true
		}
	}
	return false
}

// compare tells why a publication was refused by what the registry has: nothing there, and refused
// stands; the same bytes, and all is well; other bytes.
func (r *Registry) compare(ctx context.Context, m pantry.Metadata, tarball []byte, refused error) error {
	d, err := r.document(ctx, m.Name)
	if err != nil {
		return refused
	}
	if _, ok := d.index.byVersion[m.Version]; !ok {
		return refused
	}
	there, err := d.Metadata(m.Version)
	if err == nil && len(there.Artifact.Integrity) > 0 && verify(tarball, there.Artifact.Integrity) == nil {
		return nil
	}
	if errors.Is(refused, pantry.ErrExists) {
		return refused
	}
	return fmt.Errorf("%w (%v)", pantry.ErrExists, refused)
}

func checkPublication(p pantry.Publication) error {
	m := p.Metadata
	if err := checkName(m.Name); err != nil {
		return err
	}
	if _, err := semver.Parse(m.Version); err != nil || !usableVersion(m.Version) {
		return fmt.Errorf("%q is not a version", brief(m.Version))
	}
	if p.Tarball == nil {
		return errors.New("there is no tarball")
	}
	switch p.Access {
	case "", "public":
	case "restricted":
		if !strings.HasPrefix(m.Name, "@") {
			return errors.New("only a package with a scope can be restricted")
		}
	default:
		return fmt.Errorf("access %q: expected public or restricted", brief(p.Access))
	}
	if p.Tag != "" {
		return checkTag(p.Tag)
	}
	return nil
}

func readTarball(r io.ReadSeeker) ([]byte, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxPublication+1))
	if err == nil && len(data) > maxPublication {
		err = fmt.Errorf("%w: the tarball has more than %d bytes", pantry.ErrConfig, maxPublication)
	}
	return data, err
}

func verify(data []byte, want integrity.Set) error {
	h := integrity.NewHasher(want)
	_, _ = h.Write(data)
	return h.Verify()
}

// publicationOf makes the document that is sent.
func (r *Registry) publicationOf(p pantry.Publication, have integrity.Set, tarball []byte) ([]byte, error) {
	m := p.Metadata
	version, access, err := r.versionDocument(p, have, tarball)
	if err != nil {
		return nil, err
	}
	if p.Access != "" {
		access = p.Access
	}
	tag := p.Tag
	if tag == "" {
		tag = "latest"
	}
	_, base, _ := splitName(m.Name)
	return json.Marshal(publication{
		ID: m.Name, Name: m.Name, Description: m.Description,
		DistTags: map[string]string{tag: m.Version},
		Versions: map[string]json.RawMessage{m.Version: version},
		Access:   access,
		Attachments: map[string]attachment{base + "-" + m.Version + ".tgz": {
			ContentType: "application/octet-stream",
			Data:        base64.StdEncoding.EncodeToString(tarball),
			Length:      int64(len(tarball)),
		}},
	})
}

// versionDocument is the package.json as it was given, where it was, with what a registry wants
// added. access is the visibility that its publishConfig asks for.
func (r *Registry) versionDocument(p pantry.Publication, have integrity.Set, tarball []byte) (doc json.RawMessage, access string, err error) {
	m := p.Metadata
	wire := manifestOf(&m, r.ArtifactURL(m.Name, m.Version))
	wire.Dist = distOf(have, wire.Dist.Tarball)
	if len(p.Manifest) == 0 {
		doc, err = json.Marshal(wire)
		return doc, "", err
	}
	v, err := parse(p.Manifest)
	if err == nil {
		err = describesExactly(v, m.Name, m.Version)
	}
	var members map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(v, &members)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%w: package.json: %w", pantry.ErrConfig, err)
	}
	id, err := json.Marshal(wire.ID)
	if err != nil {
		return nil, "", err
	}
	members["_id"] = id
	if members["dist"], err = json.Marshal(wire.Dist); err != nil {
		return nil, "", err
	}
	if name, text := readmeOf(tarball); name != "" && members["readme"] == nil {
		if members["readme"], err = json.Marshal(text); err == nil {
			members["readmeFilename"], err = json.Marshal(name)
		}
		if err != nil {
			return nil, "", err
		}
	}
	doc, err = json.Marshal(members)
	return doc, line(v.member("publishConfig").member("access")), err
}

// maxReadme bounds the readme that is sent along, in bytes: npm's own registry shows no more.
const maxReadme = 64 << 10

// readmeOf finds what registries show of a package: the readme in its tarball, of which most do not look
// there themselves. name is "" where there is none.
func readmeOf(tarball []byte) (name, text string) {
	_ = archive.UnpackNPMBytes(tarball, archive.SinkFunc(func(e archive.Entry, content io.Reader) error {
		lower := strings.ToLower(e.Path)
		if !strings.HasPrefix(lower, "readme") || strings.Contains(lower, "/") || name != "" && lower != "readme.md" {
			return nil
		}
		data, err := io.ReadAll(io.LimitReader(content, maxReadme))
		name, text = e.Path, strings.ToValidUTF8(string(data), "")
		return err
	}), archive.Limits{}) // a tarball that cannot be read has none
	return name, text
}

// describesExactly says what is wrong when a package.json is of another package or version.
func describesExactly(v value, name, version string) error {
	if got := line(v.member("name")); got != name {
		return fmt.Errorf("its name is %q, not %q", brief(got), name)
	}
	if got := line(v.member("version")); got != version {
		return fmt.Errorf("its version is %q, not %q", brief(got), version)
	}
	return nil
}

// fileVersion takes the version out of the file name of a tarball, which may have the scope in
// front, as npm's attachments do.
func fileVersion(name, file string) (version string, ok bool) {
	_, base, _ := splitName(name)
	file = path.Base(file)
	prefix, suffix := base+"-", ".tgz"
	if len(file) <= len(prefix)+len(suffix) || file[:len(prefix)] != prefix || file[len(file)-len(suffix):] != suffix {
		return "", false
	}
	version = file[len(prefix) : len(file)-len(suffix)]
	return version, usableVersion(version)
}
