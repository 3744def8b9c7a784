package custom

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

const (
	maxNewVersion  = 64      // bytes; the convention's bound
	maxPackageJSON = 4 << 20 // bytes of package.json inside a tarball
)

// publishedDoc is the answer to a publication.
type publishedDoc struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
	versionDoc
}

func (h *handler) publish(w http.ResponseWriter, r *http.Request) {
	publisher, ok := pantry.As[pantry.Publisher](h.registry)
	if !ok {
		h.fail(w, r, fmt.Errorf("publish: %w", pantry.ErrUnsupported))
		return
	}
	up, err := h.receive(w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer up.close()
	m, err := h.check(r, up)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	status := http.StatusCreated
	if old, err := h.registry.Metadata(r.Context(), m.Name, m.Version); err == nil && holds(old, m) {
		status = http.StatusOK
	}
	if r.URL.Query().Get("dry-run") == "1" {
		status = http.StatusOK
	} else if err := h.store(r, publisher, up, m); err != nil {
		h.fail(w, r, err)
		return
	}
	h.published(w, r, m, status)
}

// holds says that the version old is there with the bytes of m.
func holds(old, m *pantry.Metadata) bool {
	have, ok := old.Artifact.Integrity.Find(integrity.SHA512)
	want, _ := m.Artifact.Integrity.Find(integrity.SHA512)
	return ok && old.Version == m.Version && have == want
}

func (h *handler) store(r *http.Request, to pantry.Publisher, up *upload, m *pantry.Metadata) error {
	if _, err := up.tarball.Seek(0, io.SeekStart); err != nil {
		return err
	}
	err := to.Publish(r.Context(), pantry.Publication{
		Metadata: *m, Manifest: up.packed, Tarball: up.tarball, Tag: up.tag,
	})
	if errors.Is(err, pantry.ErrIntegrity) {
		return problem(http.StatusUnprocessableEntity, "checksum_mismatch", "the registry found other bytes than were sent")
	}
	return err
}

func (h *handler) published(w http.ResponseWriter, r *http.Request, m *pantry.Metadata, status int) {
	doc, err := h.located(r, m)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	body, err := encode(publishedDoc{Success: true, Message: "Published " + m.Name + "@" + m.Version, versionDoc: doc})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", strings.TrimSuffix(doc.TarballURL, "/tarball"))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// check makes sure that the metadata is that of the tarball, and returns it completed.
func (h *handler) check(r *http.Request, up *upload) (*pantry.Metadata, error) {
	var d versionDoc
	if err := json.Unmarshal(up.metadata, &d); err != nil || kind(up.metadata) != '{' {
		return nil, problem(http.StatusBadRequest, "bad_json", "the metadata is no JSON object of the convention")
	}
	if err := h.checkNew(r, d.Name, d.Version, up.tag); err != nil {
		return nil, err
	}
	digests, err := up.verify(&d)
	if err != nil {
		return nil, err
	}
	if up.packed, err = packageJSON(up.tarball); err != nil {
		return nil, err
	}
	var packed versionDoc
	if err := json.Unmarshal(up.packed, &packed); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, "manifest_mismatch", "package.json in the tarball cannot be read")
	}
	if packed.Name != d.Name || packed.Version != d.Version {
		return nil, problem(http.StatusUnprocessableEntity, "manifest_mismatch", "the tarball holds %s at %s",
			quote(packed.Name), quote(packed.Version))
	}
	m := d.describe()
	if field := complete(m, packed.describe()); field != "" {
		return nil, problem(http.StatusUnprocessableEntity, "manifest_mismatch",
			"%s of the metadata are not those of package.json in the tarball", field)
	}
	m.Artifact = pantry.Artifact{Name: m.Name, Version: m.Version, Integrity: digests, Size: up.size}
	return m, nil
}

// complete fills what m leaves out with what the tarball says. It returns what of an install m
// says differently, which would let a package pass for another one.
func complete(m, packed *pantry.Metadata) string {
	for _, t := range []struct {
		field      string
		said, real *map[string]string
	}{
		{"dependencies", &m.Dependencies, &packed.Dependencies},
		{"optionalDependencies", &m.OptionalDependencies, &packed.OptionalDependencies},
		{"peerDependencies", &m.PeerDependencies, &packed.PeerDependencies},
	} {
		if len(*t.said) == 0 {
			*t.said = *t.real
		}
		if !maps.Equal(*t.said, *t.real) {
			return t.field
		}
	}
	if len(m.Bin) == 0 {
		m.Bin = packed.Bin
	}
	m.Description = cmp.Or(m.Description, packed.Description)
	m.License = cmp.Or(m.License, packed.License)
	m.HasInstallScript = m.HasInstallScript || packed.HasInstallScript
	return ""
}

// checkNew is stricter than reading: a new name is in lower case, a version is SemVer.
func (h *handler) checkNew(r *http.Request, name, version, tag string) error {
	if err := checkName(name); err != nil {
		return problem(http.StatusBadRequest, "bad_name", "%v", err)
	}
	if !plainName(name) {
		if _, err := h.registry.Metadata(r.Context(), name, ""); err != nil {
			return problem(http.StatusBadRequest, "bad_name", "a new name has lower-case letters, digits, '.', '_' and '-' only")
		}
	}
	if _, err := semver.Parse(version); err != nil || len(version) > maxNewVersion {
		return problem(http.StatusBadRequest, "bad_version", "%s is no semantic version of at most %d characters", quote(version), maxNewVersion)
	}
	if tag != "" && checkTag(tag) != nil {
		return problem(http.StatusBadRequest, "bad_tag", "%s cannot be a tag", quote(tag))
	}
	return nil
}

// plainName says that name is one that may be new.
func plainName(name string) bool {
	for s := range strings.SplitSeq(strings.TrimPrefix(name, "@"), "/") {
		for i, c := range []byte(s) {
			alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
			if !alnum && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
				return false
			}
		}
	}
	return true
}

// packageJSON reads the whole tarball, which refuses what must not be in one, and returns its
// package.json.
func packageJSON(tarball io.ReadSeeker) ([]byte, error) {
	if _, err := tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var found []byte
	sink := archive.SinkFunc(func(e archive.Entry, content io.Reader) error {
		if e.Path != "package.json" {
			_, err := io.Copy(io.Discard, content)
			return err
		}
		if e.Size > maxPackageJSON {
			return problem(http.StatusUnprocessableEntity, "bad_archive", "package.json has more than %d bytes", maxPackageJSON)
		}
		var err error
		found, err = io.ReadAll(content)
		return err
	})
	err := archive.UnpackNPM(tarball, sink, archive.Limits{})
	switch {
	case errors.Is(err, archive.ErrRefused), errors.Is(err, archive.ErrCorrupt):
		return nil, problem(http.StatusUnprocessableEntity, "bad_archive", "%v", err)
	case err != nil:
		return nil, err
	case found == nil:
		return nil, problem(http.StatusUnprocessableEntity, "bad_archive", "the tarball has no package.json")
	}
	return found, nil
}

func (h *handler) setTag(w http.ResponseWriter, r *http.Request, name, tag string) {
	var d tagDoc
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSmallBody))
	switch {
	case err != nil:
		err = bodyError(err)
	case json.Unmarshal(body, &d) != nil || !usableVersion(d.Version):
		err = problem(http.StatusBadRequest, "bad_json", `the body is not {"version": "…"}`)
	default:
		err = h.changeTag(name, tag, func(t pantry.Tagger) error { return t.SetTag(r.Context(), name, tag, d.Version) })
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	doc, _ := encode(map[string]any{"success": true, "tag": tag, "version": d.Version})
	_, _ = w.Write(doc)
}

func (h *handler) deleteTag(w http.ResponseWriter, r *http.Request, name, tag string) {
	err := h.changeTag(name, tag, func(t pantry.Tagger) error {
		if tag == "latest" {
			return problem(http.StatusConflict, "tag_locked", "the tag latest can be moved, not removed")
		}
		err := t.DeleteTag(r.Context(), name, tag)
		if errors.Is(err, pantry.ErrNotFound) {
			return problem(http.StatusNotFound, "tag_not_found", "there is no tag %s of %s", quote(tag), name)
		}
		return err
	})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *handler) changeTag(name, tag string, change func(pantry.Tagger) error) error {
	tagger, ok := pantry.As[pantry.Tagger](h.registry)
	if !ok {
		return fmt.Errorf("tags: %w", pantry.ErrUnsupported)
	}
	if checkTag(tag) != nil {
		return problem(http.StatusBadRequest, "bad_tag", "%s cannot be a tag of %s", quote(tag), name)
	}
	return change(tagger)
}
