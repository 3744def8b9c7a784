package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/registry/pkg/model"

	"github.com/pantry-go/pantry/bench/replay"
	"github.com/pantry-go/pantry/lockfile"
)

// recorder is a registry that records what npm's answers, and repeats it.
type recorder struct {
	dir, url string
	current  atomic.Pointer[replay.Registry]
}

// serve starts a recorder that keeps answers in a folder. It stops with the program.
func serve(dir string) (*recorder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{dir: dir, url: "http://" + l.Addr().String()}
	r.forget()
	go func() {
		handler := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.current.Load().ServeHTTP(w, req) })
		s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		_ = s.Serve(l)
	}()
	return r, nil
}

// forget lets go of the answers in memory. They are still on disk.
func (r *recorder) forget() {
	r.current.Store(&replay.Registry{Upstream: model.RegistryURLNPM, Dir: r.dir, Base: r.url})
}

// project is one manifest being checked.
type project struct {
	settings
	manifest manifest
	registry string
}

func (p project) dir(client string) string { return filepath.Join(p.work, client, p.manifest.name) }

// check resolves the manifest with both clients, compares and builds.
func (p project) check(ctx context.Context) (result, error) {
	r := result{name: p.manifest.name}
	ours, err := p.resolvePantry(ctx)
	if err != nil {
		return r, err
	}
	theirs, err := p.resolveNPM(ctx)
	if err != nil {
		r.npm = err.Error()
		return r, nil
	}
	t, bundled, err := npmTree(theirs)
	if err != nil {
		return r, err
	}
	laid, err := pantryTree(ours)
	if err != nil {
		return r, err
	}
	a := t.graph()
	b, kinds := lockGraph(ours)
	r.places, r.bundled, r.packages = len(t), bundled, len(a)
	r.paths = compareTrees(t, laid)
	r.missing, r.extra = without(a, b), without(b, a)
	r.bindings = compareGraphs(a, b, kinds)
	if p.builds {
		r.builds, err = p.build(ctx)
	}
	return r, err
}

// copyTo makes a project folder with the manifest's files.
func (p project) copyTo(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(p.manifest.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == p.manifest.dir {
			return err
		}
		rel, err := filepath.Rel(p.manifest.dir, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
}

// resolveNPM returns npm's package-lock.json.
func (p project) resolveNPM(ctx context.Context) ([]byte, error) {
	dir := p.dir("npm")
	lock := filepath.Join(dir, "package-lock.json")
	if data, err := os.ReadFile(lock); err == nil && p.reuse {
		return data, nil
	}
	if err := p.copyTo(dir); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "nice", p.npm, "install", "--package-lock-only", "--ignore-scripts",
		"--no-audit", "--no-fund", "--loglevel=error", "--registry="+p.registry,
		"--cache="+filepath.Join(p.work, "npm-cache"))
	cmd.Dir = dir
	cmd.Env = environment(filepath.Join(p.work, "npm-home"))
	if _, err := output(cmd); err != nil {
		return nil, err
	}
	return os.ReadFile(lock)
}

// resolvePantry returns the lockfile Pantry makes.
func (p project) resolvePantry(ctx context.Context) (*lockfile.Lock, error) {
	dir := p.dir("pantry")
	if err := p.copyTo(dir); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(dir, lockfile.Name)); err != nil {
		return nil, err
	}
	if err := p.configure(dir, "hoisted"); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, p.pantry, "install", "--lockfile-only")
	cmd.Dir = dir
	cmd.Env = environment(filepath.Join(p.work, "pantry-home"))
	if _, err := output(cmd); err != nil {
		return nil, err
	}
	return lockfile.Read(filepath.Join(dir, lockfile.Name))
}

// configure points Pantry to the recorded registry, and has it lay packages out as layout says: hoisted,
// isolated, or isolated-project for the isolated one whose packages all stand in the project.
func (p project) configure(dir, layout string) error {
	linker, store, _ := strings.Cut(layout, "-")
	data, err := json.Marshal(map[string]any{
		"registries":    []map[string]string{{"name": "npm", "type": "npm", "url": p.registry}},
		"linker":        linker,
		"isolatedStore": cmp.Or(store, "auto"),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "pantry.json"), data, 0o644)
}

// environment is that of the clients and builds: nothing of the user's but the path.
func environment(home string) []string {
	_ = os.MkdirAll(home, 0o755)
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "NO_COLOR=1", "NO_UPDATE_NOTIFIER=1"}
}

// output runs cmd. Its error ends with the last lines the command wrote.
func output(cmd *exec.Cmd) (string, error) {
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err := cmd.Run()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		const last = 60
		err = fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, strings.Join(lines[max(0, len(lines)-last):], "\n"))
	}
	return b.String(), err
}

// versions says what was compared.
func versions(ctx context.Context, s settings) string {
	first := func(name string, args ...string) string {
		out, err := output(exec.CommandContext(ctx, name, args...))
		if err != nil {
			return "?"
		}
		line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
		return line
	}
	return fmt.Sprintf("npm %s, Node.js %s", first(s.npm, "--version", "--loglevel=silent"), first("node", "--version"))
}
