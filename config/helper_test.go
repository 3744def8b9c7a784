package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pantry-go/pantry/config"
)

// world is a home folder, a project and an environment to load a configuration in.
type world struct {
	t          testing.TB
	home, dir  string
	env        map[string]string
	flags      map[string]string
	gitTracked func(string) bool
}

// newWorld writes files: names that begin with ~/ are below the home folder, others in the
// project.
func newWorld(t testing.TB, files map[string]string) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{t: t, home: filepath.Join(root, "home"), dir: filepath.Join(root, "project"), env: map[string]string{}}
	for _, dir := range []string{w.home, w.dir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		w.write(name, text)
	}
	return w
}

func (w *world) path(name string) string {
	if len(name) > 2 && name[:2] == "~/" {
		return filepath.Join(w.home, name[2:])
	}
	return filepath.Join(w.dir, name)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := w.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func (w *world) options() config.Options {
	return config.Options{
		Dir: w.dir, Home: w.home, ConfigDir: filepath.Join(w.home, ".config", "pantry"),
		Env: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		Environ: func() []string {
			var all []string
			for k, v := range w.env {
				all = append(all, k+"="+v)
			}
			return all
		},
		Flags: w.flags, GitTracked: w.gitTracked,
	}
}

func (w *world) load() (*config.Config, error) { return config.Load(w.options()) }

func (w *world) mustLoad() *config.Config {
	w.t.Helper()
	c, err := w.load()
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// project loads a project with one pantry.json.
func project(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return newWorld(t, map[string]string{"pantry.json": text}).load()
}

// sample is a pantry.json with every key.
const sample = `{
  "registries": [
    {
      "name": "acme", // identifier, required, unique
      "type": "custom",
      "url": "https://packages.acme.example",
      "priority": 10, // lower is tried first
      "enabled": true,
      "auth": {
        "type": "bearer",
        "token": "${ACME_TOKEN}",
        "username": "", "password": "",
        "name": "", "value": ""
      },

      "packages": ["@acme/*"],
      "mirrors": ["https://eu.acme.example"],
      "balance": "latency",
      "timeout": "30s", "retries": 3,
      "proxy": "socks5://proxy.acme.example:1080", "noProxy": "localhost",
      "caFile": "", "certFile": "", "keyFile": "",
      "headers": {"X-Team": "web"},
      "cache": {"ttl": "5m", "staleIfError": "7d"},
      "fallback": "failover",
      "healthCheck": {"interval": "30s"},
      "minimumReleaseAge": "0s",
      "signatures": "verify",
      "insecure": false, "allowMissingChecksum": false, "traceContext": false,
    },
    {"name": "npm", "type": "npm", "priority": 20},
  ],
  "defaultRegistry": "acme",
  "dependencies": {"lodash": "^4.17.21", "github:cli/cli": "^2.60.0", "pkgx:deno.land": "2"},
  "devDependencies": {},
}
`
