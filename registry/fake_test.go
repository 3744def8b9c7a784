package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry"
)

// call is one question that a fake was asked.
type call struct{ registry, verb, name string }

// journal is what several fakes were asked, in order.
type journal struct {
	mu    sync.Mutex
	calls []call
}

func (j *journal) add(registry, verb, name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call{registry, verb, name})
}

func (j *journal) take() []call {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.calls
	j.calls = nil
	return c
}

// fake is a registry that answers every name with the outcome it is told to, and writes down what
// it was asked.
type fake struct {
	name    string
	journal *journal
	outcome registry.Outcome
	refuses string // names with this prefix are not in its grammar
	hits    []string
	body    string // of artifacts; the digest is always that of "bytes of NAME"
	bare    bool   // artifacts have no digest
	hang    chan struct{}
}

// sent is an error with a credential, as package transport makes them.
type sent struct{ error }

func (s sent) CredentialSource() string { return "the test's token" }
func (s sent) Unwrap() error            { return s.error }

var errOdd = errors.New("something odd")

func (f *fake) err() error {
	switch f.outcome {
	case registry.Found, "":
		return nil
	case registry.NameNotFound:
		return fmt.Errorf("asked: %w", pantry.ErrNotFound)
	case registry.VersionNotFound:
		return fmt.Errorf("asked: %w", pantry.ErrVersionNotFound)
	case registry.DeniedAnonymous:
		return fmt.Errorf("asked: %w", pantry.ErrDenied)
	case registry.DeniedCred:
		return fmt.Errorf("asked: %w", sent{pantry.ErrDenied})
	case registry.Unavailable:
		return fmt.Errorf("asked: %w", pantry.ErrUnavailable)
	case registry.Invalid:
		return fmt.Errorf("asked: %w", pantry.ErrInvalid)
	case registry.Integrity:
		return fmt.Errorf("asked: %w", pantry.ErrIntegrity)
	}
	return errOdd
}

func (f *fake) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	f.journal.add(f.name, "metadata", name)
	if f.hang != nil {
		select {
		case <-f.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.metadata(name), nil
}

func (f *fake) metadata(name string) *pantry.Metadata {
	m := &pantry.Metadata{Name: name, Version: "1.0.0", Description: "from " + f.name, Registry: f.name}
	m.Artifact = pantry.Artifact{Name: name, Version: "1.0.0", URL: "https://registry.example.com/" + name}
	if !f.bare {
		m.Artifact.Integrity = integrity.Set{integrity.Sum(integrity.SHA512, []byte("bytes of "+name))}
	}
	return m
}

func (f *fake) Package(ctx context.Context, name string) (pantry.Package, error) {
	f.journal.add(f.name, "package", name)
	if err := f.err(); err != nil && f.outcome != registry.VersionNotFound {
		return nil, err
	}
	if f.outcome == registry.VersionNotFound {
		return fakePackage{f, name, "0.1.0"}, nil
	}
	return fakePackage{f, name, "1.0.0"}, nil
}

func (f *fake) Open(_ context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	f.journal.add(f.name, "open", a.Name)
	body := f.body
	if body == "" {
		body = "bytes of " + a.Name
	}
	return io.NopCloser(strings.NewReader(body)), nil
}

func (f *fake) CheckName(name string) error {
	if f.refuses != "" && strings.HasPrefix(name, f.refuses) {
		return errors.New("no name of mine begins so")
	}
	return nil
}

func (f *fake) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	f.journal.add(f.name, "search", q.Text)
	if f.hang != nil {
		select {
		case <-f.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	var out []pantry.Metadata
	for _, h := range f.hits {
		out = append(out, *f.metadata(h))
	}
	return out, nil
}

func (f *fake) Publish(_ context.Context, p pantry.Publication) error {
	f.journal.add(f.name, "publish", p.Metadata.Name)
	return f.err()
}

func (f *fake) SetTag(_ context.Context, name, _, _ string) error {
	f.journal.add(f.name, "tag", name)
	return f.err()
}

func (f *fake) DeleteTag(_ context.Context, name, _ string) error {
	f.journal.add(f.name, "untag", name)
	return f.err()
}

type fakePackage struct {
	f       *fake
	name    string
	version string
}

func (p fakePackage) Name() string            { return p.name }
func (p fakePackage) Versions() []string      { return []string{p.version} }
func (p fakePackage) Tags() map[string]string { return map[string]string{"latest": p.version} }
func (p fakePackage) Metadata(version string) (*pantry.Metadata, error) {
	if version != p.version {
		return nil, pantry.ErrVersionNotFound
	}
	return p.f.metadata(p.name), nil
}

// readOnly hides what a fake can do besides reading.
type readOnly struct{ pantry.Registry }

func ptr[T any](v T) *T { return &v }
