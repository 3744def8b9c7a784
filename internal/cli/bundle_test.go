package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/bundle"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/internal/cli"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// TestBundleServe: the command says where it serves, serves, and ends without an error when it is
// interrupted.
func TestBundleServe(t *testing.T) {
	t.Parallel()
	pad := registrytest.Pkg{Name: "pad", Version: "1.0.0"}
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{"pad": {Kind: lockfile.Prod, Spec: "1", ID: "npm:pad@1.0.0"}}}
	l.Packages["npm:pad@1.0.0"] = &lockfile.Package{
		Registry: "npm", Name: "pad", Version: "1.0.0", Integrity: integrity.Set{integrity.Sum(integrity.SHA512, registrytest.Tarball(pad))},
	}
	text, err := l.Text()
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	_, err = bundle.Create(t.Context(), bundle.Options{Lock: text, Work: t.TempDir(), Source: func(string) (bundle.Source, error) {
		return bundle.Source{End: mirror.End{Name: "npm", Registry: registrytest.NewMemory("npm", pad)}, Type: "npm", NPMStyle: true}, nil
	}}, &data)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "b.zip"), data.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(ctx, cli.Env{Args: []string{"bundle", "serve", "b.zip"}, Dir: dir, Stdin: strings.NewReader(""), Stdout: in, Stderr: io.Discard})
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "npm:  ")
	if err != nil || !ok {
		t.Fatalf("got %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	resp, err := (&http.Client{Transport: &http.Transport{}}).Get(url + "pad")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), url+"pad/-/pad-1.0.0.tgz") {
		t.Errorf("%d %s, %v", resp.StatusCode, body, err)
	}
	interrupt()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}
