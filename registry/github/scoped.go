package github

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pantry-go/pantry"
)

// noPackages is the error of a scoped name where GitHub Packages is not asked.
func (r *Registry) noPackages(op, name, version string) error {
	err := fmt.Errorf("%w: names with a scope are npm packages in GitHub Packages, which this registry is not set up to ask", pantry.ErrUnsupported)
	return &pantry.Error{
		Op: op, Ref: pantry.Ref{Registry: r.name, Name: clip(line(name)), Version: clip(line(version))},
		Err: pantry.WithHint(err, "releases are called OWNER/REPO, without @"),
	}
}

// needsToken adds what people miss most often about GitHub Packages.
func needsToken(err error) error {
	if !errors.Is(err, pantry.ErrDenied) {
		return err
	}
	if source, sent := pantry.CredentialSent(err); sent {
		return pantry.WithHint(err, "GitHub Packages takes a classic token with the scope read:packages, or the GITHUB_TOKEN of GitHub Actions; check the one from %s", source)
	}
	return pantry.WithHint(err, "GitHub Packages wants a token even for public packages: a classic one with the scope read:packages")
}

func (r *Registry) scopedMetadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	if r.packages == nil {
		return nil, r.noPackages(opRead, name, version)
	}
	m, err := r.packages.Metadata(ctx, packagesName(name), version)
	return m, needsToken(err)
}

func (r *Registry) scopedPackage(ctx context.Context, name string) (pantry.Package, error) {
	if r.packages == nil {
		return nil, r.noPackages(opRead, name, "")
	}
	p, err := r.packages.Package(ctx, packagesName(name))
	if err != nil {
		return nil, needsToken(err)
	}
	return p, nil
}

func (r *Registry) scopedOpen(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	if r.packages == nil {
		return nil, r.noPackages(opDownload, a.Name, a.Version)
	}
	a.Name = packagesName(a.Name)
	body, err := r.packages.Open(ctx, a)
	if err != nil {
		return nil, needsToken(err)
	}
	return body, nil
}

// Publish adds a version of a package with a scope to GitHub Packages. Releases are not made here.
func (r *Registry) Publish(ctx context.Context, p pantry.Publication) error {
	name := p.Metadata.Name
	if !scoped(name) {
		err := fmt.Errorf("%w: releases are not made from here", pantry.ErrUnsupported)
		return &pantry.Error{
			Op: opPublish, Ref: pantry.Ref{Registry: r.name, Name: clip(line(name)), Version: clip(line(p.Metadata.Version))},
			Err: pantry.WithHint(err, "upload the file to a release with: gh release upload TAG FILE"),
		}
	}
	if r.packages == nil {
		return r.noPackages(opPublish, name, p.Metadata.Version)
	}
	pub, ok := pantry.As[pantry.Publisher](r.packages)
	if !ok {
		return &pantry.Error{Op: opPublish, Ref: pantry.Ref{Registry: r.name, Name: name}, Err: pantry.ErrUnsupported}
	}
	return needsToken(pub.Publish(ctx, p))
}

// SetTag moves a tag of a package in GitHub Packages. Those of a repository are git's.
func (r *Registry) SetTag(ctx context.Context, name, tag, version string) error {
	t, err := r.tagger(opSetTag, name)
	if err != nil {
		return err
	}
	return needsToken(t.SetTag(ctx, packagesName(name), tag, version))
}

// DeleteTag removes a tag of a package in GitHub Packages.
func (r *Registry) DeleteTag(ctx context.Context, name, tag string) error {
	t, err := r.tagger(opDelTag, name)
	if err != nil {
		return err
	}
	return needsToken(t.DeleteTag(ctx, packagesName(name), tag))
}

func (r *Registry) tagger(op, name string) (pantry.Tagger, error) {
	if scoped(name) && r.packages == nil {
		return nil, r.noPackages(op, name, "")
	}
	if scoped(name) {
		if t, ok := pantry.As[pantry.Tagger](r.packages); ok {
			return t, nil
		}
	}
	return nil, &pantry.Error{
		Op: op, Ref: pantry.Ref{Registry: r.name, Name: clip(line(name))},
		Err: fmt.Errorf("%w: the tags of a repository are git's", pantry.ErrUnsupported),
	}
}
