package install_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// childVariable makes the test binary a process that does one install.
const childVariable = "TEST_INSTALL_CHILD"

// childWork is what such a process is to do.
type childWork struct {
	Dir, Store, URL string
	Add             string // a spec; "" installs
	Layout          install.Layout
}

// layouts are those that tests of processes run with.
var layouts = map[string]install.Layout{
	"hoisted":                 {Linker: install.Hoisted},
	"isolated on the machine": {Linker: install.Isolated, Store: install.OnMachine},
	"isolated in the project": {Linker: install.Isolated, Store: install.InProject},
}

// inLayout is an option for an install.
func inLayout(l install.Layout) func(*install.Options) {
	return func(o *install.Options) { o.Linker, o.IsolatedStore = l.Linker, l.Store }
}

func forEachLayout(t *testing.T, test func(t *testing.T, l install.Layout)) {
	t.Helper()
	for name, l := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

func TestMain(m *testing.M) {
	if work := os.Getenv(childVariable); work != "" {
		if err := child(work); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child installs, and writes a byte for each event.
func child(text string) error {
	var w childWork
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return err
	}
	m := registry.NewManager(registry.Options{})
	if err := m.Add(registry.Config{Name: "npm", Type: "npm", URL: w.URL}); err != nil {
		return err
	}
	o := install.Options{Dir: w.Dir, StoreDir: w.Store, Registries: m, Platform: here, Concurrency: 4,
		Events: func(install.Event) { _, _ = os.Stdout.WriteString(".") }}
	inLayout(w.Layout)(&o)
	var err error
	if w.Add == "" {
		_, err = install.Install(context.Background(), o)
	} else {
		var spec manifest.Spec
		if spec, err = manifest.ParseSpec(w.Add, func(string) bool { return false }); err == nil {
			_, err = install.Add(context.Background(), o, []manifest.Spec{spec}, install.Addition{})
		}
	}
	return err
}

func childCommand(ctx context.Context, w childWork) *exec.Cmd {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // strings only
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	return cmd
}

// someNames is how many names somePackages has.
const someNames = 9

// somePackages are packages in two versions with some conflicts. Each has 5 files in lib.
func somePackages(t testing.TB) []registrytest.Pkg {
	var text strings.Builder
	for i := range someNames {
		fmt.Fprintf(&text, "p%d@1.0.0 p%d@1 p%d@%d bin:cmd%d=cli.js\np%d@2.0.0 p%d@2\n",
			i, (i+1)%someNames, i*7%someNames, i%2+1, i, i, (i+3)%someNames)
	}
	pkgs := packages(t, text.String())
	for i := range pkgs {
		delete(pkgs[i].Files, "lib/deep/x.js")
		for n := range 5 {
			pkgs[i].Files[fmt.Sprintf("lib/%d.js", n)] = strings.Repeat(pkgs[i].Name+pkgs[i].Version, 200)
		}
	}
	return pkgs
}

// TestKilled kills cold installs at any moment. The next install gives the same lockfile and the same
// files as one that nothing happened to, and nothing is left in the project.
func TestKilled(t *testing.T) {
	t.Parallel()
	forEachLayout(t, testKilled)
}

func testKilled(t *testing.T, l install.Layout) {
	s := newSite(t, "npm", "npm", 20, "")
	s.Memory.Add(somePackages(t)...)
	reference := newPlace(t, s)
	reference.options = append(reference.options, inLayout(l))
	reference.wishes("p0@1 p5@2")
	reference.must()
	want := reference.comparable()

	kills := 20
	if testing.Short() {
		kills = 5
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	events := 2*len(reference.lock().Packages) + 1 // as many as an install has: each is resolved and fetched
	finished := 0
	for range kills {
		p := newPlace(t, s)
		p.options = append(p.options, inLayout(l))
		p.wishes("p0@1 p5@2")
		if killed := killOne(t, childWork{Dir: p.dir, Store: p.store, URL: s.Server.URL, Layout: l}, random.IntN(events), time.Duration(random.IntN(3000))*time.Microsecond); !killed {
			finished++
		}
		checkPackages(t, p)
		p.must()
		if diff := cmp.Diff(want, p.comparable()); diff != "" || t.Failed() {
			t.Fatal(diff)
		}
	}
	if finished > kills/2 {
		t.Errorf("%d of %d installs ended before they were killed", finished, kills)
	}
}

// comparable is what must be the same whatever came before.
func (p *place) comparable() map[string]string {
	out := p.files(false)
	maps.DeleteFunc(out, func(path, _ string) bool {
		base := filepath.Base(path)
		return base == "state.json" || // has times
			temporary.MatchString(base) // goes after a while
	})
	for path, content := range out { // links into the store
		out[path] = strings.ReplaceAll(content, p.store, "STORE")
	}
	return out
}

var temporary = regexp.MustCompile(`^\.(pantry\.lock|state\.json)\d+$`)

// Temporary files of processes that were killed go when they are old enough to be nobody's.
func TestTemporaryFilesGo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
	p.wishes("c@1")
	p.must()
	old := time.Now().Add(-time.Hour)
	goes := []string{".pantry.lock1234567890", ".package.json8234567890123456789", ".pantry.json12345678901", "node_modules/.pantry/.state.json1234567890"}
	stays := []string{".pantry.lock", ".pantry.lock12", ".pantry.lock1234567890x", ".package.json.swp", ".other1234567890", "package.json1234567890"}
	for _, name := range append(goes, stays...) {
		p.write(name, "{")
		if err := os.Chtimes(filepath.Join(p.dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	stays = append(stays, ".pantry.lock1234567891")
	p.write(".pantry.lock1234567891", "somebody writes it now")
	p.must(func(o *install.Options) { o.Force = true })
	files := p.files(false)
	for _, name := range goes {
		if _, ok := files[name]; ok {
			t.Errorf("%s stays", name)
		}
	}
	for _, name := range stays {
		if _, ok := files[name]; !ok {
			t.Errorf("%s is gone", name)
		}
	}
}

// killOne starts an install and kills it a moment after the n-th event. It is false when the install
// ended before.
func killOne(t *testing.T, w childWork, n int, after time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := childCommand(ctx, w)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadFull(out, make([]byte, n))
	timer := time.AfterFunc(after, cancel)
	defer timer.Stop()
	_, _ = io.Copy(io.Discard, out) // until it ends, one way or the other
	err = cmd.Wait()
	if err != nil && ctx.Err() == nil {
		t.Fatalf("the install failed: %v: %s", err, stderr.String())
	}
	return err != nil
}

// checkPackages checks that every package that is there is whole.
func checkPackages(t *testing.T, p *place) {
	t.Helper()
	root := filepath.Join(p.dir, "node_modules")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "package.json" {
			return err
		}
		if entries, err := os.ReadDir(filepath.Join(filepath.Dir(path), "lib")); err != nil || len(entries) != 5 {
			t.Errorf("%s has %d files in lib: %v", path, len(entries), err)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	links, _ := filepath.Glob(filepath.Join(root, "p*"))
	for _, link := range links {
		checkLinked(t, link, seen)
	}
}

// checkLinked checks the package that a link leads to, and those that it has links to.
func checkLinked(t *testing.T, link string, seen map[string]bool) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(link)
	if err != nil {
		t.Errorf("%s leads nowhere: %v", link, err)
	}
	if err != nil || seen[dir] {
		return
	}
	seen[dir] = true
	if entries, err := os.ReadDir(filepath.Join(dir, "lib")); err != nil || len(entries) != 5 {
		t.Errorf("%s has %d files in lib: %v", dir, len(entries), err)
	}
	beside, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "p*"))
	for _, link := range beside {
		checkLinked(t, link, seen)
	}
}

// runAll runs processes at once and fails if one of them does.
func runAll(t *testing.T, work []childWork) {
	t.Helper()
	var wg sync.WaitGroup
	for i, w := range work {
		wg.Go(func() {
			cmd := childCommand(t.Context(), w)
			cmd.Stdout = io.Discard
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); err != nil {
				t.Errorf("process %d: %v: %s", i, err, stderr.String())
			}
		})
	}
	wg.Wait()
}

// Eight processes in one project: none is disturbed, and nothing that one of them adds is lost.
func TestProcessesInOneProject(t *testing.T) {
	t.Parallel()
	forEachLayout(t, testProcessesInOneProject)
}

func testProcessesInOneProject(t *testing.T, l install.Layout) {
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.options = append(p.options, inLayout(l))
	p.wishes("@s/d@1")
	var work []childWork
	for _, add := range []string{"a@^1.0.0", "b@^1.0.0", "c", "", "c", "a@^1.0.0", "", "b@^1.0.0"} {
		work = append(work, childWork{Dir: p.dir, Store: p.store, URL: s.Server.URL, Add: add, Layout: l})
	}
	runAll(t, work)
	if l.Linker == install.Hoisted {
		p.wantTree("@s/d 1.0.0, a 1.1.0, b 1.2.0, c 1.0.0")
	}
	for _, name := range []string{"a", "b", "c", "@s/d"} {
		if _, err := os.Stat(filepath.Join(p.dir, "node_modules", name, "package.json")); err != nil {
			t.Error(err)
		}
	}
	p.must(frozen, func(o *install.Options) { o.Force = true })
	for _, name := range []string{`"a": "^1.0.0"`, `"b": "^1.0.0"`, `"c": "^1.0.0"`, `"@s/d": "1"`} {
		if !strings.Contains(p.read("package.json"), name) {
			t.Errorf("package.json lost %s: %s", name, p.read("package.json"))
		}
	}
}

// Eight projects of one store at once: all get what one alone would.
func TestProcessesWithOneStore(t *testing.T) {
	t.Parallel()
	forEachLayout(t, testProcessesWithOneStore)
}

func testProcessesWithOneStore(t *testing.T, l install.Layout) {
	s := newSite(t, "npm", "npm", 20, "")
	s.Memory.Add(somePackages(t)...)
	store := filepath.Join(t.TempDir(), "store")
	var work []childWork
	var places []*place
	for range 8 {
		p := newPlace(t, s)
		p.store = store
		p.options = append(p.options, inLayout(l))
		p.wishes("p0@1 p5@2")
		places = append(places, p)
		work = append(work, childWork{Dir: p.dir, Store: store, URL: s.Server.URL, Layout: l})
	}
	runAll(t, work)
	want := places[0].comparable()
	for _, p := range places[1:] {
		if diff := cmp.Diff(want, p.comparable()); diff != "" {
			t.Error(diff)
		}
		checkPackages(t, p)
	}
	s.Server.Close()
	places[0].remove("node_modules")
	places[0].must(offline) // everything is in the store
}

// A cancelled install ends soon and leaves nothing behind, whatever it was doing.
func TestCancelled(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path, sends string }{
		"while metadata hangs":    {"/c", ""},
		"within metadata":         {"/c", `{"name":"c",`},
		"while an artifact hangs": {"/c/-/*", ""},
		"within an artifact":      {"/c/-/*", "\x1f\x8b\x08\x00\x00\x00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			p := newPlace(t, s)
			p.wishes("a@^1.0.0")
			p.must()
			p.wishes("a@2 c@1")
			before := p.files(true)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.Set(registrytest.Rule{Path: tt.path, Fault: registrytest.Answer(func(w http.ResponseWriter, r *http.Request) {
				if tt.sends != "" {
					w.Header().Set("Content-Length", "1000")
					_, _ = io.WriteString(w, tt.sends)
					_ = http.NewResponseController(w).Flush()
				}
				cancel()
				<-r.Context().Done()
			})})
			start := time.Now()
			_, err := install.Install(ctx, p.opts())
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			p.same(before, true)
			s.Set()
			p.must()
			p.wantTree("a 2.0.0, b 2.0.0, c 1.0.0")
		})
	}
}

// Another install is waited for, and not longer than the context says.
func TestWaitsForTheProject(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.wishes("c@1")
	inside, goOn := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		var once sync.Once
		_, err := p.install(func(o *install.Options) {
			o.Events = func(install.Event) { once.Do(func() { close(inside); <-goOn }) }
		})
		done <- err
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := install.Install(ctx, p.opts()); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), p.dir) {
		t.Errorf("got %v", err)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !p.must().UpToDate {
		t.Error("not up to date")
	}
}

// A store that cannot be written to still serves a project whose packages it has.
func TestReadOnlyStore(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.wishes("c@1")
	p.must()
	locks := filepath.Join(p.store, "locks")
	if err := errors.Join(os.RemoveAll(locks), os.WriteFile(locks, nil, 0o444)); err != nil { // no folder for locks
		t.Fatal(err)
	}
	p.remove("node_modules")
	p.must(frozen)
	p.wantTree("c 1.0.0")
}

func TestProjectIsNotThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
	p.dir = filepath.Join(p.dir, "not", "there")
	if _, err := p.install(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), p.dir) {
		t.Errorf("got %v", err)
	}
	p.dir = filepath.Join(filepath.Dir(p.store), "project")
	p.wishes("c@1")
	p.write("node_modules", "a file")
	before := p.files(true)
	if _, err := p.install(); err == nil || !strings.Contains(err.Error(), "node_modules") {
		t.Errorf("got %v", err)
	}
	p.same(before, true)
	p.remove("node_modules")
	p.write("pantry.lock/x", "a folder")
	if _, err := p.install(); err == nil || !strings.Contains(err.Error(), lockfile.Name) {
		t.Errorf("got %v", err)
	}
}
