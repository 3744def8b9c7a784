package pkgx

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"runtime"
	"strings"

	"github.com/mikelolasagasti/xz"
	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// readIndex reads the recipes from where says, as Options.Index does.
func (r *Registry) readIndex(ctx context.Context, where string) (*index, error) {
	switch {
	case where == "":
		x, err := r.readRemote(ctx, r.base+"/"+indexFile)
		if errors.Is(err, pantry.ErrNotFound) {
			if other, err := r.readRemote(ctx, r.base+"/pantry.tgz"); !errors.Is(err, pantry.ErrNotFound) {
				return other, err
			}
		}
		return x, err
	case strings.HasPrefix(where, "https://"), strings.HasPrefix(where, "http://"):
		return r.readRemote(ctx, where)
	}
	x, err := r.readLocal(ctx, where)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: recipes in %s: %w", pantry.ErrConfig, quote(where), err)
	}
	return x, err
}

// readRemote gets the packed recipes whole, so that a transfer that breaks off can be repeated,
// and unpacks them as a stream.
func (r *Registry) readRemote(ctx context.Context, u string) (*index, error) {
	h := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	resp, data, err := r.client.GetAll(ctx, u, h, r.limits.packed)
	if err != nil {
		return nil, err
	}
	where := transport.RedactURL(u)
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answered %d", pantry.ErrInvalid, where, resp.StatusCode)
	}
	x, err := r.readArchive(ctx, bytes.NewReader(data))
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: the recipes at %s: %w", pantry.ErrInvalid, where, err)
	}
	return x, err
}

func (r *Registry) readLocal(ctx context.Context, where string) (*index, error) {
	info, err := os.Stat(where)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return r.gather(ctx, func(c *collector) error { return c.folder(os.DirFS(where)) })
	}
	f, err := os.Open(where)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return r.readArchive(ctx, f)
}

// readArchive reads a tar that is compressed by xz or gzip.
func (r *Registry) readArchive(ctx context.Context, packed io.Reader) (*index, error) {
	// More than the largest dictionary of the xz program's presets is refused.
	const maxDictionary = 64 << 20
	var magic [6]byte
	n, err := io.ReadFull(packed, magic[:])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	packed = io.MultiReader(bytes.NewReader(magic[:n]), packed)
	var plain io.Reader
	switch {
	case string(magic[:]) == "\xfd7zXZ\x00":
		plain, err = xz.NewReader(packed, maxDictionary)
	case magic[0] == 0x1f && magic[1] == 0x8b:
		plain, err = gzip.NewReader(packed)
	default:
		err = errors.New("they are packed by neither xz nor gzip")
	}
	if err != nil {
		return nil, err
	}
	return r.gather(ctx, func(c *collector) error { return c.archive(&bounded{r: plain, left: r.limits.unpacked}) })
}

// bounded fails after left bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("they are larger than they may be")
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// collector parses recipes while the next ones are unpacked.
type collector struct {
	ctx     context.Context
	limits  limits
	found   []*candidate // in the order in which they were read
	work    chan *candidate
	skipped int
}

type candidate struct {
	project string
	data    []byte
	recipe  *recipe // nil: malformed
}

// gather runs read, which puts recipes into the collector it is given.
func (r *Registry) gather(ctx context.Context, read func(*collector) error) (*index, error) {
	g, inner := errgroup.WithContext(ctx)
	c := &collector{ctx: inner, limits: r.limits, work: make(chan *candidate, 64)}
	for range min(runtime.GOMAXPROCS(0), 4) {
		g.Go(func() error {
			for w := range c.work {
				w.recipe, _ = parseRecipe(w.project, w.data)
				w.data = nil
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(c.work)
		return read(c)
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var recipes []*recipe
	for _, w := range c.found {
		if w.recipe == nil {
			c.skipped++
			continue
		}
		recipes = append(recipes, w.recipe)
	}
	if len(recipes) == 0 {
		return nil, errors.New("there is no recipe in them that can be read")
	}
	return newIndex(recipes, c.skipped), nil
}

func (c *collector) archive(r io.Reader) error {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// What comes after the end of the tar belongs to the compressed file, whose checksum
			// comes last.
			_, err := io.Copy(io.Discard, r)
			return err
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := c.add(h.Name, h.Size, t); err != nil {
			return err
		}
	}
}

func (c *collector) folder(root fs.FS) error {
	return fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if _, ok := projectOf(p); !ok {
			return c.ctx.Err()
		}
		f, err := root.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return c.add(p, info.Size(), f)
	})
}

// projectOf is the project whose recipe the file is: projects/{project}/package.yml, in the root
// or in one folder below it, as in archives of repositories.
func projectOf(file string) (string, bool) {
	file = path.Clean(file)
	if !strings.HasPrefix(file, "projects/") {
		_, file, _ = strings.Cut(file, "/")
	}
	rest, inside := strings.CutPrefix(file, "projects/")
	project, name := path.Split(rest)
	project = strings.TrimSuffix(project, "/")
	return project, inside && (name == "package.yml" || name == "package.yaml") && validProject(project)
}

// add takes a file if it is a recipe.
func (c *collector) add(name string, size int64, content io.Reader) error {
	project, ok := projectOf(name)
	switch {
	case !ok:
		return c.ctx.Err()
	case size > c.limits.recipe:
		c.skipped++
		return nil
	case len(c.found) >= c.limits.recipes:
		return errors.New("there are more of them than there may be")
	}
	data, err := io.ReadAll(io.LimitReader(content, c.limits.recipe))
	if err != nil {
		return err
	}
	w := &candidate{project: project, data: data}
	c.found = append(c.found, w)
	select {
	case c.work <- w:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}
