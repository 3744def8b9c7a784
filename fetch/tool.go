package fetch

import (
	"context"
	"io"
	"net/url"
	"path"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/store"
)

// ToolRequest asks for the artifact of a tool: one of its builds.
type ToolRequest struct {
	// Registry is the configured name, which Open is given and errors tell.
	Registry string
	// Artifact is what to download. Its Name and Version are for messages and for Open: nothing in the
	// artifact of a tool says whose it is, so that its digest alone vouches for it.
	Artifact pantry.Artifact
	// File, Strip and Executable say how to unpack it, as in pantry.Build and archive.ArtifactOptions.
	// File "" means the last segment of the path of the URL.
	File       string
	Strip      int
	Executable string
}

// FetchTool is [Fetcher.Fetch] for tools. It unpacks by archive.UnpackArtifact, and looks for no
// package.json. Entry.Name and Entry.Version are "".
//
// One artifact may be unpacked in several ways. The entry is kept by the artifact's SHA-512 together
// with what of File, Strip and Executable makes a difference for it (archive.ArtifactOptions.Layout),
// as a variant of package store: requests that differ in that get entries of their own, and download
// anew. Weaker digests, such as the SHA-256 of a release, are aliases of the SHA-512 and so lead to
// every variant.
//
// Errors are those of Fetch; besides, an artifact of a kind that cannot be unpacked matches
// pantry.ErrUnsupported.
func (f *Fetcher) FetchTool(ctx context.Context, req ToolRequest) (Result, error) {
	return f.get(ctx, req.order())
}

// order is a request of either kind.
type order struct {
	Request
	tool *archive.ArtifactOptions // nil for a package
}

func (r ToolRequest) order() order {
	o := &archive.ArtifactOptions{File: r.File, Strip: r.Strip, Executable: r.Executable}
	if u, err := url.Parse(r.Artifact.URL); o.File == "" && err == nil && u.Path != "" && u.Path != "/" {
		o.File = path.Base(u.Path)
	}
	return order{Request{Registry: r.Registry, Artifact: r.Artifact}, o}
}

// variant says which of the store's entries of an artifact is wanted.
func (o order) variant() string {
	if o.tool == nil {
		return ""
	}
	return o.tool.Layout()
}

func (o order) key() flightKey {
	a := o.Artifact
	return flightKey{o.Registry, a.Name, a.Version, a.URL, a.Integrity.String(), o.variant()}
}

// wanted says what the answer should have been.
func (o order) wanted() string {
	if o.tool == nil {
		return "a tarball"
	}
	if o.tool.File == "" {
		return "an artifact"
	}
	return "the artifact " + printable(o.tool.File)
}

// contents unpacks an artifact of one kind into the store.
type contents interface {
	// unpack reads r, and unpackBytes what is in memory. One of them is called, once.
	unpack(r io.Reader, lim archive.Limits) error
	unpackBytes(packed []byte, lim archive.Limits) error
	// check says what is wrong with what was unpacked.
	check() error
}

func (o order) contents(w *store.Writer) contents {
	if o.tool == nil {
		return &packageContents{sink{Writer: w}, o.Artifact}
	}
	t := toolContents{w, *o.tool}
	t.opts.Temp = w.TempDir()
	w.SetVariant(o.variant())
	return t
}

// packageContents is a package of npm's.
type packageContents struct {
	sink
	artifact pantry.Artifact
}

func (c *packageContents) unpack(r io.Reader, lim archive.Limits) error {
	return archive.UnpackNPM(r, &c.sink, lim)
}

func (c *packageContents) unpackBytes(packed []byte, lim archive.Limits) error {
	return archive.UnpackNPMBytes(packed, &c.sink, lim)
}

// check compares the name and version inside with those that were asked for.
func (c *packageContents) check() error {
	name, version, err := c.identity()
	if err != nil {
		return err
	}
	if err := checkPackage(name, version, c.artifact); err != nil {
		return err
	}
	c.SetPackage(name, version)
	return nil
}

// toolContents is a tool.
type toolContents struct {
	w    *store.Writer
	opts archive.ArtifactOptions
}

func (c toolContents) unpack(r io.Reader, lim archive.Limits) error {
	return archive.UnpackArtifact(r, c.opts, c.w, lim)
}

func (c toolContents) unpackBytes(packed []byte, lim archive.Limits) error {
	return archive.UnpackArtifactBytes(packed, c.opts, c.w, lim)
}

func (toolContents) check() error { return nil }

// name is the name of the package whose files the store is to hold; tools have none there.
func (o order) name() string {
	if o.tool == nil {
		return o.Artifact.Name
	}
	return ""
}
