package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/publish"
	"github.com/pantry-go/pantry/registry"
)

// verdaccio starts a registry of that program, which knows no other registry, and returns its URL and the
// token of a user. The test is skipped where the program is not there.
func verdaccio(t *testing.T) (url, token string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: Node.js is not started")
	}
	modules := os.Getenv("TESTDEPS_NODE_MODULES")
	program := filepath.Join(modules, "verdaccio", "bin", "verdaccio")
	if _, err := os.Stat(program); modules == "" || err != nil {
		t.Skip("Verdaccio is not there: run scripts/testdeps, and set TESTDEPS_NODE_MODULES to its node_modules")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on PATH; scripts/test puts it there")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	text := `storage: ./storage
auth: {htpasswd: {file: ./htpasswd, max_users: 10}}
uplinks: {}
packages:
  '**': {access: $all, publish: $authenticated, unpublish: $authenticated}
web: {enable: false}
log: {type: stdout, format: json, level: warn}
`
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.Command(node, program, "--config", config, "--listen", address)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "VERDACCIO_STORAGE_PATH=", "http_proxy=", "https_proxy=")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	url = "http://" + address
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const pause = 20 * time.Millisecond
	for tick := time.NewTicker(pause); ; {
		if resp, err := http.Get(url + "/-/ping"); err == nil {
			_ = resp.Body.Close()
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("Verdaccio ended: %v\n%s", err, out.String())
		case <-ctx.Done():
			t.Fatal("Verdaccio does not answer")
		case <-tick.C:
		}
	}
	return url, account(t, url)
}

// account makes a user and returns a token.
func account(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/-/user/org.couchdb.user:kim", strings.NewReader(`{"name":"kim","password":"a secret, but not much of one","type":"user"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var d struct{ Token string }
	if err := json.Unmarshal(body, &d); err != nil || d.Token == "" {
		t.Fatalf("no token: %d %s", resp.StatusCode, body)
	}
	return d.Token
}

// TestVerdaccio: publish, publish again, other bytes, tags, and what an install then finds.
func TestVerdaccio(t *testing.T) {
	t.Parallel()
	url, token := verdaccio(t)
	m := registry.NewManager(registry.Options{})
	for name, auth := range map[string]*registry.Auth{
		"v": {Type: registry.AuthBearer, Token: registry.Value{Raw: pantry.NewSecret(token), Literal: true}}, "anonymous": nil,
	} {
		if err := m.Add(registry.Config{Name: name, Type: "npm", URL: url, Auth: auth}); err != nil {
			t.Fatal(err)
		}
	}
	run := func(o publish.Options, manifest string, files ...string) error {
		o.Registries = m
		if o.To == nil {
			o.To = []string{"v"}
		}
		_, err := publish.Run(t.Context(), packed(t, manifest, files...), o)
		return err
	}
	const one = `{"name":"@acme/ui","version":"1.0.0","description":"d","dependencies":{"a":"^1"},"bin":"cli.js"}`
	if err := run(publish.Options{To: []string{"anonymous"}}, one); !errors.Is(err, pantry.ErrDenied) {
		t.Errorf("without a credential: %v", err)
	}
	for range 2 {
		if err := run(publish.Options{}, one, "cli.js", "README.md"); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(publish.Options{}, one, "cli.js", "other"); !errors.Is(err, pantry.ErrExists) {
		t.Errorf("other bytes: %v", err)
	}
	if err := run(publish.Options{Tag: "next"}, `{"name":"@acme/ui","version":"2.0.0-beta.1"}`); err != nil {
		t.Error(err)
	}
	if err := run(publish.Options{}, `{"name":"@acme/ui","version":"0.9.0"}`); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a lower version: %v", err)
	}
	if err := run(publish.Options{Tag: "old"}, `{"name":"@acme/ui","version":"0.9.0"}`); err != nil {
		t.Error(err)
	}
	if err := m.SetTag(t.Context(), "v", "@acme/ui", "stable", "1.0.0"); err != nil {
		t.Error(err)
	}
	if err := m.DeleteTag(t.Context(), "v", "@acme/ui", "old"); err != nil {
		t.Error(err)
	}
	p, _, err := m.Find(t.Context(), registry.Request{Name: "@acme/ui", Registry: "v"})
	if err != nil {
		t.Fatal(err)
	}
	want := "[0.9.0 1.0.0 2.0.0-beta.1] map[latest:1.0.0 next:2.0.0-beta.1 stable:1.0.0]"
	if got := fmt.Sprint(p.Versions(), p.Tags()); got != want {
		t.Errorf("the registry has %s, want %s", got, want)
	}
	var tarball strings.Builder
	md, _, err := m.Download(t.Context(), registry.Request{Name: "@acme/ui", Version: "1.0.0", Registry: "v"}, &tarball)
	if err != nil {
		t.Fatal(err)
	}
	if md.Dependencies["a"] != "^1" || md.Bin["ui"] != "cli.js" || tarball.String() != string(packed(t, one, "cli.js", "README.md").Tarball) {
		t.Errorf("it came back as %+v", md)
	}

	// Warnings come and go; a version that goes takes its tags with it; the last one takes the package.
	if err := m.Deprecate(t.Context(), "v", "@acme/ui", []string{"0.9.0", "1.0.0"}, "use <2>"); err != nil {
		t.Fatal(err)
	}
	if err := m.Deprecate(t.Context(), "v", "@acme/ui", []string{"0.9.0"}, ""); err != nil {
		t.Fatal(err)
	}
	if err := m.Deprecate(t.Context(), "v", "@acme/ui", []string{"0.9.0", "7.0.0"}, "no"); !errors.Is(err, pantry.ErrVersionNotFound) {
		t.Errorf("no such version: %v", err)
	}
	for version, want := range map[string]string{"0.9.0": "", "1.0.0": "use <2>"} {
		md, _, err := m.Lookup(t.Context(), registry.Request{Name: "@acme/ui", Version: version, Registry: "v"})
		if err != nil || md.Deprecated != want {
			t.Errorf("%s is deprecated with %q, %v", version, md.Deprecated, err)
		}
	}
	if err := m.Unpublish(t.Context(), "v", "@acme/ui", "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if p, _, err = m.Find(t.Context(), registry.Request{Name: "@acme/ui", Registry: "v"}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Versions(), p.Tags()); got != "[0.9.0 2.0.0-beta.1] map[latest:0.9.0 next:2.0.0-beta.1]" {
		t.Errorf("the registry has %s", got)
	}
	if err := m.Unpublish(t.Context(), "v", "@acme/ui", "1.0.0"); !errors.Is(err, pantry.ErrVersionNotFound) {
		t.Errorf("again: %v", err)
	}
	if err := m.Unpublish(t.Context(), "v", "@acme/ui", ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Find(t.Context(), registry.Request{Name: "@acme/ui", Registry: "v"}); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
}
