package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// orDefault is a registry's name, or that of the default one for "".
func (m *Manager) orDefault(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	s := m.state.Load()
	e, ok := s.defaultEntry()
	if !ok {
		return "", s.nobody(Request{}, plan{}, func(*Entry) bool { return true })
	}
	return e.Name(), nil
}

// named opens an enabled registry for a question about one package, or says why it may not be
// asked.
func (m *Manager) named(name, pkg string) (*Entry, pantry.Registry, error) {
	s := m.state.Load()
	if err := checkPackageName(pkg); err != nil {
		return nil, nil, err
	}
	e, ok := s.get(name)
	if !ok {
		return nil, nil, s.unknown(name)
	}
	if !e.Enabled() {
		return e, nil, &refusal{pantry.ErrConfig, "registry " + quote(e.Name()) + " is disabled",
			"enable it: pantry registry enable " + e.Name()}
	}
	if err := s.mayHear(e, pkg); err != nil {
		return e, nil, err
	}
	o, err := e.opener.get()
	return e, o.registry, err
}

// Open opens an artifact at a registry, by the registry's name. The bytes are not verified.
// a.Name must be set: a name that other registries claim is refused (pantry.ErrPolicy).
func (m *Manager) Open(ctx context.Context, registryName string, a pantry.Artifact) (io.ReadCloser, error) {
	e, r, err := m.named(registryName, a.Name)
	if err != nil {
		return nil, wrap("open", e, registryName, a.Name, a.Version, err)
	}
	return r.Open(ctx, a)
}

// Download looks a version up and writes its artifact to w, verified. The bytes reach w before
// they are known to be right: when the error is not nil, what w got must be thrown away. A version
// without a digest is refused (pantry.ErrPolicy) unless its registry allows that. The metadata
// returned has the artifact's SHA-512 in its Integrity.
//
// The registry that knows the version owns it: when its bytes are missing or wrong, nobody else is
// asked for them. Where they were a mirror's the registry's other mirrors are, provided that w can begin
// again: it has Reset, as a bytes.Buffer, or Seek and Truncate, as a file.
func (m *Manager) Download(ctx context.Context, r Request, w io.Writer) (*pantry.Metadata, Decision, error) {
	md, d, err := m.Lookup(ctx, r)
	if err != nil {
		return nil, d, err
	}
	set, err := m.copyArtifact(ctx, md, w)
	if err == nil {
		md.Artifact.Integrity = set
		return md, d, nil
	}
	if cerr := ctx.Err(); cerr != nil && !errors.Is(err, pantry.ErrIntegrity) {
		err = cerr
	}
	d.spoilt(ctx, err)
	err = matching(classify(ctx, err), err)
	return nil, d, &LookupError{Decision: d, Err: err, download: true}
}

// spoilt changes a decision whose answer turned out to be worth nothing.
func (d *Decision) spoilt(ctx context.Context, err error) {
	for i, a := range d.Attempts {
		if a.Registry == d.Registry {
			d.Attempts[i].Outcome = classify(ctx, err)
			d.Attempts[i].Error = detail(err)
		}
	}
	d.Registry, d.Version, d.Unconfirmed = "", "", ""
}

func (m *Manager) copyArtifact(ctx context.Context, md *pantry.Metadata, w io.Writer) (integrity.Set, error) {
	a := md.Artifact
	e, r, err := m.named(md.Registry, md.Name)
	if err != nil {
		return nil, err
	}
	fail := func(err error) error { return wrap("download", e, md.Registry, md.Name, md.Version, err) }
	if len(a.Integrity) == 0 && !e.config.AllowMissingChecksum {
		return nil, fail(&refusal{pantry.ErrPolicy, "the registry gives no checksum for it",
			fmt.Sprintf(`if you trust registry %s, set "allowMissingChecksum": true on it`, e.Name())})
	}
	again := restarter(w)
	for {
		body, err := r.Open(ctx, a)
		if err != nil {
			return nil, err
		}
		set, elsewhere, err := m.copyVerified(body, a, w)
		if err == nil {
			return set, nil
		}
		if !elsewhere || !again() {
			return nil, fail(err)
		}
	}
}

// copyVerified writes a body to w and closes it. elsewhere says that it may be opened again, and be
// right.
func (m *Manager) copyVerified(body io.ReadCloser, a pantry.Artifact, w io.Writer) (set integrity.Set, elsewhere bool, err error) {
	defer body.Close()
	h := integrity.NewHasher(a.Integrity)
	n, err := io.Copy(io.MultiWriter(h, w), io.LimitReader(body, m.o.MaxArtifact+1))
	switch {
	case err != nil:
		return nil, false, err
	case n > m.o.MaxArtifact:
		return nil, false, &refusal{kind: pantry.ErrInvalid, msg: fmt.Sprintf("the artifact is larger than %d bytes", m.o.MaxArtifact)}
	}
	err = h.Verify()
	elsewhere = pantry.Judge(body, err)
	if err != nil {
		return nil, elsewhere, err
	}
	if _, ok := a.Integrity.Find(integrity.SHA512); ok {
		return a.Integrity, false, nil
	}
	return append(integrity.Set{h.SHA512()}, a.Integrity...), false, nil
}

// restarter returns what has w forget all that it gets from now on; it says whether that is possible.
func restarter(w io.Writer) func() bool {
	switch w := w.(type) {
	case interface{ Reset() }:
		return func() bool { w.Reset(); return true }
	case interface {
		io.Seeker
		Truncate(size int64) error
	}:
		start, err := w.Seek(0, io.SeekCurrent)
		return func() bool {
			if err != nil || w.Truncate(start) != nil {
				return false
			}
			_, err := w.Seek(start, io.SeekStart)
			return err == nil
		}
	}
	return func() bool { return false }
}

// Publish publishes to a registry by its name; "" is the default one. A name that other registries
// claim is refused (pantry.ErrPolicy), and so is a registry that takes no publications
// (pantry.ErrUnsupported).
func (m *Manager) Publish(ctx context.Context, registryName string, p pantry.Publication) error {
	name, version := p.Metadata.Name, p.Metadata.Version
	e, r, err := m.target(registryName, name)
	if err != nil {
		return wrap("publish", e, registryName, name, version, err)
	}
	pub, ok := pantry.As[pantry.Publisher](r)
	if !ok {
		return wrap("publish", e, registryName, name, version, cannot(e, "take publications"))
	}
	return pub.Publish(ctx, p)
}

// SetTag moves a tag to a version at a registry by its name; "" is the default one. Claims are
// obeyed as by Publish.
func (m *Manager) SetTag(ctx context.Context, registryName, name, tag, version string) error {
	return m.tag(registryName, name, version, func(t pantry.Tagger) error { return t.SetTag(ctx, name, tag, version) })
}

// DeleteTag removes a tag; see SetTag.
func (m *Manager) DeleteTag(ctx context.Context, registryName, name, tag string) error {
	return m.tag(registryName, name, "", func(t pantry.Tagger) error { return t.DeleteTag(ctx, name, tag) })
}

// Deprecate warns of versions at a registry by its name; "" is the default one. Claims are obeyed as by
// Publish.
func (m *Manager) Deprecate(ctx context.Context, registryName, name string, versions []string, message string) error {
	e, r, err := m.target(registryName, name)
	if err != nil {
		return wrap("deprecate", e, registryName, name, "", err)
	}
	d, ok := pantry.As[pantry.Deprecator](r)
	if !ok {
		return wrap("deprecate", e, registryName, name, "", cannot(e, "deprecate versions"))
	}
	return d.Deprecate(ctx, name, versions, message)
}

// Unpublish removes a version, or with "" all of a package, from a registry by its name; "" is the default
// one. Claims are obeyed as by Publish.
func (m *Manager) Unpublish(ctx context.Context, registryName, name, version string) error {
	e, r, err := m.target(registryName, name)
	if err != nil {
		return wrap("unpublish", e, registryName, name, version, err)
	}
	u, ok := pantry.As[pantry.Unpublisher](r)
	if !ok {
		return wrap("unpublish", e, registryName, name, version, cannot(e, "remove versions"))
	}
	return u.Unpublish(ctx, name, version)
}

func (m *Manager) tag(registryName, name, version string, do func(pantry.Tagger) error) error {
	e, r, err := m.target(registryName, name)
	if err != nil {
		return wrap("tag", e, registryName, name, version, err)
	}
	t, ok := pantry.As[pantry.Tagger](r)
	if !ok {
		return wrap("tag", e, registryName, name, version, cannot(e, "change tags"))
	}
	return do(t)
}

// target opens the registry, or the default one, that a package is written to.
func (m *Manager) target(registryName, pkg string) (*Entry, pantry.Registry, error) {
	registryName, err := m.orDefault(registryName)
	if err != nil {
		return nil, nil, err
	}
	e, r, err := m.named(registryName, pkg)
	if err != nil {
		return e, nil, err
	}
	if c, ok := pantry.As[pantry.NameChecker](r); ok {
		if err := c.CheckName(pkg); err != nil {
			return e, nil, &refusal{kind: pantry.ErrConfig, msg: "the registry cannot hold the name: " + printable(err.Error())}
		}
	}
	return e, r, nil
}

func cannot(e *Entry, what string) error {
	return &refusal{kind: pantry.ErrUnsupported, msg: "registries of type " + e.Type() + " cannot " + what}
}

// wrap adds what was being done to an error of the manager's own.
func wrap(op string, e *Entry, registryName, name, version string, err error) error {
	if e != nil {
		registryName = e.Name()
	}
	return &pantry.Error{Op: op, Ref: pantry.Ref{Registry: registryName, Name: printable(name), Version: printable(version)}, Err: err}
}
