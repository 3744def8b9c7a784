package npm_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// npmClient runs npm's own client in a home of its own against one registry.
type npmClient struct {
	t        *testing.T
	npm      string
	home     string
	registry string
}

func newNPMClient(t *testing.T, registry string) npmClient {
	t.Helper()
	if testing.Short() {
		t.Skip("npm's own client takes seconds")
	}
	path, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed")
	}
	c := npmClient{t: t, npm: path, home: t.TempDir(), registry: registry}
	host := strings.TrimPrefix(registry, "http:")
	c.write(".npmrc", "registry="+registry+"/\n"+host+"/:_authToken=test\nupdate-notifier=false\naudit=false\nfund=false\nfetch-retries=0\n")
	return c
}

func (c npmClient) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run returns what npm prints to standard output, run in a folder of the home.
func (c npmClient) run(dir string, args ...string) (string, error) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.npm, args...)
	cmd.Dir = filepath.Join(c.home, dir)
	// Nothing of the machine's configuration may take part.
	cmd.Env = []string{"HOME=" + c.home, "PATH=" + os.Getenv("PATH"), "npm_config_userconfig=" + filepath.Join(c.home, ".npmrc"), "npm_config_cache=" + filepath.Join(c.home, "cache")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		c.t.Logf("npm %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), err
}

func (c npmClient) must(dir string, args ...string) string {
	c.t.Helper()
	out, err := c.run(dir, args...)
	if err != nil {
		c.t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// TestRealNPM: npm's own client takes the handler for a registry.
func TestRealNPM(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory",
		registrytest.Pkg{Name: "@s/lib", Version: "1.0.0", Files: map[string]string{"index.js": "exports.x = 1\n"}},
		registrytest.Pkg{Name: "@s/lib", Version: "1.2.0", Description: "a library", Files: map[string]string{"index.js": "exports.x = 2\n"}},
		registrytest.Pkg{
			Name: "app", Version: "2.0.0", Dependencies: map[string]string{"@s/lib": "^1.0.0"}, Bin: map[string]string{"app": "cli.js"},
			Files: map[string]string{"cli.js": "#!/usr/bin/env node\nconsole.log('x =', require('@s/lib').x)\n"},
		},
	)
	srv := httptest.NewServer(npm.Handler(m, npm.HandlerOptions{}))
	t.Cleanup(srv.Close)
	c := newNPMClient(t, srv.URL)

	var view struct {
		Version  string   `json:"version"`
		Versions []string `json:"versions"`
	}
	if err := json.Unmarshal([]byte(c.must("", "view", "@s/lib", "--json")), &view); err != nil {
		t.Fatal(err)
	}
	if view.Version != "1.2.0" || len(view.Versions) != 2 {
		t.Errorf("npm view: %+v", view)
	}
	if out := c.must("", "search", "library", "--json"); !strings.Contains(out, `"@s/lib"`) {
		t.Errorf("npm search: %s", out)
	}

	c.write("project/package.json", `{"name":"project","version":"1.0.0","private":true}`)
	c.must("project", "install", "--ignore-scripts", "app")
	installed, err := os.ReadFile(filepath.Join(c.home, "project/node_modules/@s/lib/index.js"))
	if err != nil || string(installed) != "exports.x = 2\n" {
		t.Errorf("npm install: %q, %v", installed, err)
	}
	if _, err := os.Stat(filepath.Join(c.home, "project/node_modules/.bin/app")); err != nil {
		t.Error(err)
	}

	c.write("new/package.json", `{"name":"@s/new","version":"1.0.0","bin":"./cli.js","dependencies":{"@s/lib":"1"},"optionalDependencies":{"app":"2"}}`)
	c.write("new/cli.js", "#!/usr/bin/env node\n")
	c.must("new", "publish")
	meta, err := m.Metadata(t.Context(), "@s/new", "latest")
	if err != nil {
		t.Fatal(err)
	}
	if meta.Bin["new"] == "" || meta.Dependencies["@s/lib"] != "1" || len(meta.Dependencies) != 1 || meta.OptionalDependencies["app"] != "2" {
		t.Errorf("npm publish: %+v", meta)
	}
	c.write("new/cli.js", "#!/usr/bin/env node\n// other bytes\n")
	if _, err := c.run("new", "publish"); err == nil {
		t.Error("npm published other bytes over a version")
	}
	c.write("new/package.json", `{"name":"@s/new","version":"1.1.0-rc.1"}`)
	c.must("new", "publish", "--tag", "next")
	c.must("", "dist-tag", "add", "@s/new@1.0.0", "stable")
	if out := c.must("", "dist-tag", "ls", "@s/new"); out != "latest: 1.0.0\nnext: 1.1.0-rc.1\nstable: 1.0.0\n" {
		t.Errorf("npm dist-tag: %q", out)
	}
}
