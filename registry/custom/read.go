package custom

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// Metadata returns one version: an exact one, one by its tag, or with "" the default one. A tag
// costs a request for the package first, since most servers know nothing of tags in the place of
// a version.
func (r *Registry) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	m, err := r.lookup(ctx, name, version)
	if err != nil {
		return nil, r.readError(name, version, err)
	}
	return m, nil
}

func (r *Registry) readError(name, version string, err error) error {
	e := &pantry.Error{Op: opRead, Ref: pantry.Ref{Registry: r.name, Name: line(name), Version: line(version)}, Err: err}
	if checkName(name) == nil {
		e.URL = transport.RedactURL(r.packageURL(name))
	}
	return e
}

func (r *Registry) lookup(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	if _, err := semver.Parse(version); err == nil {
		return r.exact(ctx, name, version, false)
	}
	d, at, err := r.packageDoc(ctx, name)
	if err != nil {
		return nil, err
	}
	tagged := d.Tags[version]
	switch {
	case version == "", version == "latest" && tagged == "", tagged == d.Version:
		return r.metadata(&d.versionDoc, at)
	case tagged != "":
		return r.exact(ctx, name, tagged, true)
	case !usableVersion(version):
		return nil, pantry.ErrVersionNotFound
	case len(d.Tags) > 0 || isRange(version):
		return r.exact(ctx, name, version, true) // a version of another scheme than SemVer, perhaps
	}
	return r.resolve(ctx, name, version)
}

// isRange says that a server asked to resolve s could answer with some version that satisfies it.
func isRange(s string) bool {
	_, err := semver.ParseRange(s)
	return err == nil
}

// packageDoc reads what is known of the package and its default version.
func (r *Registry) packageDoc(ctx context.Context, name string) (*packageDoc, *url.URL, error) {
	var d packageDoc
	at, err := r.get(ctx, r.packageURL(name), &d)
	if err == nil {
		err = d.describes(name, "")
	}
	if err != nil {
		return nil, nil, err
	}
	return &d, at, nil
}

// exact reads a version by its number. known says that the name is there.
func (r *Registry) exact(ctx context.Context, name, version string, known bool) (*pantry.Metadata, error) {
	if !usableVersion(version) {
		return nil, pantry.ErrVersionNotFound
	}
	d, at, err := r.versionDoc(ctx, name, r.packageURL(name, version), known)
	if err == nil {
		err = d.describes(name, version)
	}
	if err != nil {
		return nil, err
	}
	return r.metadata(d, at)
}

// resolve asks the server what a tag stands for, which one that lists no tags may still know.
func (r *Registry) resolve(ctx context.Context, name, tag string) (*pantry.Metadata, error) {
	d, at, err := r.versionDoc(ctx, name, r.packageURL(name, tag)+"?resolve=1", true)
	if err == nil {
		err = d.describes(name, "")
	}
	if err != nil {
		return nil, err
	}
	return r.metadata(d, at)
}

func (r *Registry) versionDoc(ctx context.Context, name, u string, known bool) (*versionDoc, *url.URL, error) {
	var d versionDoc
	at, err := r.get(ctx, u, &d)
	switch {
	case err == nil:
		return &d, at, nil
	case errors.Is(err, pantry.ErrNotFound) && known:
		return nil, nil, fmt.Errorf("%w: %w", pantry.ErrVersionNotFound, err)
	case errors.Is(err, pantry.ErrNotFound):
		return nil, nil, r.whichMissing(ctx, name, err)
	}
	return nil, nil, err
}

// whichMissing makes the error of a version that is not there, which says the name is there only
// if it is.
func (r *Registry) whichMissing(ctx context.Context, name string, missing error) error {
	_, _, err := r.packageDoc(ctx, name)
	switch {
	case err == nil:
		return fmt.Errorf("%w: %w", pantry.ErrVersionNotFound, missing)
	case errors.Is(err, pantry.ErrNotFound):
		return missing
	}
	return err
}

// Package returns the tags and versions of name. The metadata of a version is asked for when it
// is needed, and kept.
func (r *Registry) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, err := r.readPackage(ctx, name)
	if err != nil {
		return nil, r.readError(name, "", err)
	}
	return p, nil
}

func (r *Registry) readPackage(ctx context.Context, name string) (*packageInfo, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	d, at, err := r.packageDoc(ctx, name)
	if err != nil {
		return nil, err
	}
	versions := d.Versions
	if len(versions) == 0 || len(d.Tags) == 0 {
		// A server that gives both in one answer need not be asked again.
		if versions, err = r.versions(ctx, name, d.Version); err != nil {
			return nil, err
		}
	}
	return r.newPackage(ctx, d, at, versions), nil
}

// versions reads the list of versions. A server without one, or whose route for one version
// catches the word "versions" (as that of the documentation's example does), is left with the
// version that is known.
func (r *Registry) versions(ctx context.Context, name, known string) ([]string, error) {
	var d struct {
		Name     string    `json:"name"`
		Version  string    `json:"version"`
		Versions *[]string `json:"versions"`
	}
	_, err := r.get(ctx, r.packageURL(name, "versions"), &d)
	switch {
	case errors.Is(err, pantry.ErrNotFound), errors.Is(err, pantry.ErrUnsupported):
		return []string{known}, nil
	case err != nil:
		return nil, err
	case d.Versions == nil && d.Name == name && d.Version == "versions":
		return []string{known}, nil
	case d.Versions == nil:
		return nil, fmt.Errorf("%w: the list of versions has no \"versions\"", pantry.ErrInvalid)
	case len(*d.Versions) == 0:
		return nil, fmt.Errorf("%w: the registry lists no version of it", pantry.ErrNotFound)
	}
	return *d.Versions, nil
}
