package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// maxAnswer bounds an answer of the upstream; the largest packuments have some 100 MB.
	maxAnswer = 1 << 30
	// tries is how often the upstream is asked before a failure is passed on.
	tries = 4
)

// Packument returns the packument of a package, abbreviated or not, with the tarballs at Base. It counts as no
// request of a client.
func (r *Registry) Packument(ctx context.Context, name string, abbreviated bool) ([]byte, error) {
	doc, err := r.stored(ctx, name, abbreviated)
	if err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(doc, []byte(`"tarball":"`+placeholder), []byte(`"tarball":"`+r.Base+"/")), nil
}

// Tarball opens the tarball at a path such as "ms/-/ms-2.1.3.tgz". It counts as no request of a client. The
// caller closes it.
func (r *Registry) Tarball(ctx context.Context, path string) (io.ReadCloser, error) {
	return r.openTarball(ctx, path)
}

// document returns a packument ready to be sent, and makes it if nobody asked for it before.
func (r *Registry) document(ctx context.Context, name string, abbreviated bool) (*document, error) {
	key := fmt.Sprintf("%s %t", name, abbreviated)
	if d, ok := r.docs.Load(key); ok {
		return d.(*document), nil
	}
	defer r.lock("document " + key)()
	if d, ok := r.docs.Load(key); ok {
		return d.(*document), nil
	}
	body, err := r.Packument(ctx, name, abbreviated)
	if err != nil {
		return nil, err
	}
	d := &document{ctype: "application/json"}
	if abbreviated {
		d.ctype = corgi
	}
	sum := sha256.Sum256(body)
	d.etag = `"` + hex.EncodeToString(sum[:12]) + `"`
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err = z.Write(body); err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, err
	}
	d.gzip = bytes.Clone(b.Bytes())
	r.counts.made.Add(1)
	r.docs.Store(key, d)
	return d, nil
}

// stored returns a packument as it is kept, asking the upstream if it is not there yet. That the upstream has no
// such package is kept too.
func (r *Registry) stored(ctx context.Context, name string, abbreviated bool) ([]byte, error) {
	file := func(form string) string {
		return filepath.Join(r.Dir, "packuments", url.PathEscape(name)+form)
	}
	form := ".full"
	if abbreviated {
		form = ".abbreviated"
	}
	if data, err := os.ReadFile(file(form)); err == nil {
		return data, nil
	}
	defer r.lock("packument " + name)()
	if data, err := os.ReadFile(file(form)); err == nil {
		return data, nil
	}
	if _, err := os.Stat(file(".absent")); err == nil {
		return nil, fs.ErrNotExist
	}
	if err := os.MkdirAll(filepath.Join(r.Dir, "packuments"), 0o755); err != nil {
		return nil, err
	}
	data, err := r.ask(ctx, "/"+strings.ReplaceAll(name, "/", "%2f"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, r.save(file(".absent"), nil))
	} else if err != nil {
		return nil, err
	}
	full, short, err := normalise(name, data)
	if err != nil {
		return nil, fmt.Errorf("the upstream's packument of %s: %w", name, err)
	}
	if err := errors.Join(r.save(file(".full"), full), r.save(file(".abbreviated"), short)); err != nil {
		return nil, err
	}
	if abbreviated {
		return short, nil
	}
	return full, nil
}

func (r *Registry) openTarball(ctx context.Context, path string) (*os.File, error) {
	file := filepath.Join(r.Dir, "tarballs", url.PathEscape(path))
	if f, err := os.Open(file); err == nil {
		return f, nil
	}
	defer r.lock("tarball " + path)()
	if f, err := os.Open(file); err == nil {
		return f, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	data, err := r.ask(ctx, "/"+path)
	if err != nil {
		return nil, err
	}
	if err := r.save(file, data); err != nil {
		return nil, err
	}
	return os.Open(file)
}

// ask sends a request upstream, again where the failure may pass. The client that made us ask may go away
// meanwhile: its neighbours want the answer too.
func (r *Registry) ask(ctx context.Context, path string) (data []byte, err error) {
	if r.Upstream == "" {
		return nil, fs.ErrNotExist
	}
	r.counts.upstream.Add(1)
	for try := range tries {
		var again bool
		if data, again, err = r.askOnce(context.WithoutCancel(ctx), path); !again {
			return data, err
		}
		time.Sleep(time.Duration(try+1) * 500 * time.Millisecond)
	}
	return nil, err
}

func (r *Registry) askOnce(ctx context.Context, path string) (data []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Upstream+path, nil)
	if err != nil {
		return nil, false, err
	}
	client := r.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, false, fs.ErrNotExist
	case resp.StatusCode != http.StatusOK:
		return nil, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, fmt.Errorf("the upstream answered %s", resp.Status)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		return nil, false, fmt.Errorf("the upstream's answer to %s is larger than %d bytes", path, maxAnswer)
	}
	return data, err != nil, err
}
