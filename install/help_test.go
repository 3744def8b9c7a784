package install_test

import (
	"context"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// site is a registry on this machine that can be made to misbehave.
type site struct {
	*registrytest.Scripted
	Server *httptest.Server
	Memory *registrytest.Memory
	Config registry.Config
}

// newSite serves packages; typ is npm or custom.
func newSite(t testing.TB, typ, name string, priority int, text string) *site {
	t.Helper()
	mem := registrytest.NewMemory(name, packages(t, text)...)
	s := registrytest.NewScripted(npm.Handler(mem, npm.HandlerOptions{}))
	if typ == "custom" {
		s.SetHandler(custom.Handler(mem, custom.HandlerOptions{}))
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); srv.Close() })
	return &site{s, srv, mem, registry.Config{Name: name, Type: typ, URL: srv.URL, Priority: &priority}}
}

// asked lists the names of packages that requests were about, without artifacts.
func (s *site) asked() []string {
	names := map[string]bool{}
	for _, r := range s.Requests() {
		path := strings.TrimPrefix(strings.TrimPrefix(r.Path, "/packages"), "/")
		if strings.Contains(path, "/-/") || strings.HasSuffix(path, "/tarball") {
			continue
		}
		path = strings.ReplaceAll(strings.ReplaceAll(path, "%2f", "/"), "%2F", "/")
		scope, rest, scoped := strings.Cut(path, "/")
		if scoped && strings.HasPrefix(scope, "@") {
			name, _, _ := strings.Cut(rest, "/")
			names[scope+"/"+name] = true
			continue
		}
		names[scope] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// packages reads one package from each line "NAME@VERSION WORD...": a word is a dependency NAME@RANGE
// with a prefix for its kind (? optional, ^ peer, ~ optional peer, ! bundled), or bin:NAME=PATH, os:OS,
// tag:TAG, script, sha1 or nodigest.
func packages(t testing.TB, text string) []registrytest.Pkg {
	t.Helper()
	var out []registrytest.Pkg
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		p := registrytest.Pkg{
			Dependencies: map[string]string{}, OptionalDependencies: map[string]string{}, PeerDependencies: map[string]string{},
			Bin: map[string]string{}, Files: map[string]string{},
		}
		p.Name, p.Version = cut(words[0])
		p.Files["index.js"] = "module.exports = " + fmt.Sprintf("%q", words[0]) + "\n"
		p.Files["lib/deep/x.js"] = words[0]
		for _, w := range words[1:] {
			word(&p, w)
		}
		out = append(out, p)
	}
	return out
}

func word(p *registrytest.Pkg, w string) {
	key, value, _ := strings.Cut(w, ":")
	switch {
	case key == "bin":
		name, target, _ := strings.Cut(value, "=")
		p.Bin[name] = target
		if filepath.IsLocal(target) {
			p.Files[target] = "#!/usr/bin/env node\n"
		}
	case key == "os":
		p.OS = append(p.OS, value)
	case key == "tag":
		p.Tags = append(p.Tags, value)
	case w == "script":
		p.Scripts = map[string]string{"install": "exit 1"}
	case w == "nodigest":
		p.NoIntegrity = true
	case w == "sha1":
		sum := sha1.Sum(registrytest.Tarball(*p))
		d, err := integrity.New(integrity.SHA1, sum[:])
		if err != nil {
			panic(err)
		}
		p.Integrity = integrity.Set{d}
	default:
		name, rng := cut(strings.TrimLeft(w, "?^~!"))
		switch w[0] {
		case '?':
			p.OptionalDependencies[name] = rng
		case '^':
			p.PeerDependencies[name] = rng
		case '~':
			p.PeerDependencies[name] = rng
			p.OptionalPeers = append(p.OptionalPeers, name)
		case '!':
			p.Dependencies[name] = rng
			p.BundledDependencies = append(p.BundledDependencies, name)
			p.Files["node_modules/"+name+"/package.json"] = fmt.Sprintf(`{"name":%q,"version":"0.0.1"}`, name)
		default:
			p.Dependencies[name] = rng
		}
	}
}

// cut splits NAME@REST at the first "@" after the first byte; "_" in REST is a space.
func cut(s string) (name, rest string) {
	i := strings.IndexByte(s[1:], '@') + 1
	return s[:i], strings.ReplaceAll(s[i+1:], "_", " ")
}

// here is the platform that tests install for.
var here = lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"}

// place is a project and a store, and the registries that its installs ask.
type place struct {
	t       testing.TB
	dir     string
	store   string
	manager *registry.Manager
	options []func(*install.Options)
}

func newPlace(t testing.TB, sites ...*site) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{t: t, dir: filepath.Join(dir, "project"), store: filepath.Join(dir, "store")}
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.registries(registry.Failover, sites...)
	return p
}

// newManager makes a manager that gives up soon.
func newManager(t testing.TB, mode registry.Fallback, configs ...registry.Config) *registry.Manager {
	t.Helper()
	m := registry.NewManager(registry.Options{
		Fallback: mode,
		Getenv:   func(string) (string, bool) { return "", false },
		Transport: func(_ registry.Config, o *transport.Options) {
			none := 0
			o.Retries, o.Timeout = &none, 10*time.Second
		},
	})
	if err := m.Load(configs, ""); err != nil {
		t.Fatal(err)
	}
	return m
}

// registries makes sites the registries of the next installs.
func (p *place) registries(mode registry.Fallback, sites ...*site) {
	p.t.Helper()
	var configs []registry.Config
	for _, s := range sites {
		configs = append(configs, s.Config)
	}
	p.manager = newManager(p.t, mode, configs...)
}

func (p *place) opts(edit ...func(*install.Options)) install.Options {
	o := install.Options{Dir: p.dir, Registries: p.manager, StoreDir: p.store, Platform: here}
	for _, f := range append(slices.Clone(p.options), edit...) {
		f(&o)
	}
	return o
}

func (p *place) install(edit ...func(*install.Options)) (*install.Report, error) {
	return install.Install(context.Background(), p.opts(edit...))
}

func (p *place) must(edit ...func(*install.Options)) *install.Report {
	p.t.Helper()
	return p.ok(p.install(edit...))
}

func (p *place) ok(r *install.Report, err error) *install.Report {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v\nhint: %s", err, pantry.Hint(err))
	}
	return r
}

// add adds what stands on a command line.
func (p *place) add(a install.Addition, args ...string) (*install.Report, error) {
	p.t.Helper()
	var specs []manifest.Spec
	for _, arg := range args {
		s, err := manifest.ParseSpec(arg, func(prefix string) bool { _, ok := p.manager.Get(prefix); return ok })
		if err != nil {
			p.t.Fatal(err)
		}
		specs = append(specs, s)
	}
	return install.Add(context.Background(), p.opts(), specs, a)
}

func (p *place) write(path, text string) {
	p.t.Helper()
	full := filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// wishes writes a package.json of NAME@RANGE words; D: in front makes one a dev dependency, ?: an
// optional one.
func (p *place) wishes(words string) {
	p.t.Helper()
	m := map[string]map[string]string{}
	for _, w := range strings.Fields(words) {
		section := "dependencies"
		if kind, rest, ok := strings.Cut(w, ":"); ok && len(kind) == 1 {
			section = map[string]string{"D": "devDependencies", "?": "optionalDependencies"}[kind]
			w = rest
		}
		name, rng := cut(w)
		if m[section] == nil {
			m[section] = map[string]string{}
		}
		m[section][name] = rng
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("package.json", string(data)+"\n")
}

func (p *place) read(path string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, path))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

func (p *place) remove(paths ...string) {
	p.t.Helper()
	for _, path := range paths {
		if err := os.RemoveAll(filepath.Join(p.dir, path)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *place) lock() *lockfile.Lock {
	p.t.Helper()
	l, err := lockfile.Read(filepath.Join(p.dir, lockfile.Name))
	if err != nil {
		p.t.Fatal(err)
	}
	return l
}

// tree lists what is installed: "a 1.0.0", "a b 2.0.0".
func (p *place) tree() string {
	p.t.Helper()
	var out []string
	root := filepath.Join(p.dir, "node_modules")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "package.json" {
			return err
		}
		var m struct{ Name, Version string }
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		rel, _ := filepath.Rel(root, filepath.Dir(path))
		name := strings.ReplaceAll(filepath.ToSlash(rel), "/node_modules/", " ")
		if last := name[strings.LastIndexByte(name, ' ')+1:]; last != m.Name {
			name += "=" + m.Name
		}
		out = append(out, name+" "+m.Version)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (p *place) wantTree(want string) {
	p.t.Helper()
	if got := p.tree(); got != want {
		p.t.Errorf("installed: %s\n    want: %s", got, want)
	}
}

// files is all that is in the project: contents, where links lead, and when each was changed.
func (p *place) files(times bool) map[string]string {
	p.t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(p.dir, path)
		content := ""
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		case !d.IsDir():
			var data []byte
			data, err = os.ReadFile(path)
			content = string(data)
		}
		if times {
			content += "\n" + info.ModTime().String()
		}
		out[rel] = content
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// same fails unless the project is as it was.
func (p *place) same(before map[string]string, times bool) {
	p.t.Helper()
	after := p.files(times)
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if now, ok := after[path]; !ok {
			p.t.Errorf("%s is gone", path)
		} else if now != before[path] {
			p.t.Errorf("%s was changed:\n%.300s\n%.300s", path, before[path], now)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[path]; !ok {
			p.t.Errorf("%s came", path)
		}
	}
}

// changes writes changes as "a 1.0.0 npm".
func changes(list []install.Change) string {
	var out []string
	for _, c := range list {
		s := c.Name + " " + c.Version + " " + c.Registry
		if c.Spec != "" {
			s += " " + c.Spec
		}
		if c.Was != "" {
			s += " was " + c.Was
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}
