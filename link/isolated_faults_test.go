package link_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

func TestIsolatedNodeModulesIsNoFolder(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	elsewhere := t.TempDir()
	root := filepath.Join(p.dir, "node_modules")
	if err := os.Symlink(elsewhere, root); err != nil {
		t.Fatal(err)
	}
	_, err := link.ApplyIsolated(t.Context(), p.isolated(lockOf(t, ". a@1")))
	if !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), root) || pantry.Hint(err) == "" {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(elsewhere); len(left) > 0 || len(leftovers(t, p.dir)) > 0 {
		t.Error("something was changed")
	}
}

// Whatever fails before everything is there changes nothing, and is told.
func TestIsolatedFailureChangesNothing(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	faults := map[string]func(p *project, o *link.ApplyIsolatedOptions, cancel func()) error{
		"entry": func(p *project, o *link.ApplyIsolatedOptions, _ func()) error {
			o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
				if id == "npm:c@1" {
					return nil, errBroken
				}
				return p.shelf.entry(ctx, id)
			}
			return errBroken
		},
		"another entry": func(p *project, o *link.ApplyIsolatedOptions, _ func()) error {
			o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) { return p.shelf.entry(ctx, "npm:a@2") }
			return integrity.ErrMismatch
		},
		"begin": func(_ *project, o *link.ApplyIsolatedOptions, _ func()) error {
			o.Begin = func() error { return errBroken }
			return errBroken
		},
		"cancelled": func(p *project, o *link.ApplyIsolatedOptions, cancel func()) error {
			var n atomic.Int32
			o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
				if n.Add(1) == 2 {
					cancel()
				}
				return p.shelf.entry(ctx, id)
			}
			return context.Canceled
		},
		"unpinned": func(_ *project, o *link.ApplyIsolatedOptions, _ func()) error {
			o.Lock.Packages["npm:c@1"].Integrity = nil
			o.Isolated, _ = link.Isolate(o.Lock, link.IsolateOptions{})
			return pantry.ErrConfig
		},
	}
	for _, state := range []string{"nothing", "ours", "foreign"} {
		for where, layout := range layouts {
			for fault, prepare := range faults {
				t.Run(state+", "+fault+" "+where, func(t *testing.T) {
					t.Parallel()
					p := newProject(t)
					switch state {
					case "ours":
						p.applyIsolated(". a@1 b@1\na@1 x@2 bin=a:a.js", layout)
					case "foreign":
						p.write("node_modules/a/index.js", "npm's")
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					o := p.isolated(lockOf(t, ". a@2 c@1\na@2 bin=a:b.js"))
					layout(&o)
					want := prepare(p, &o, cancel)
					before := p.files()
					_, err := link.ApplyIsolated(ctx, o)
					if !errors.Is(err, want) || want == integrity.ErrMismatch && !strings.Contains(fmt.Sprint(err), "c@1") {
						t.Errorf("got %v", err)
					}
					diff(t, before, p.files())
					if left := leftovers(t, p.dir); len(left) > 0 || state == "nothing" && p.exists("node_modules") {
						t.Errorf("left behind: %v", left)
					}
				})
			}
		}
	}
}

// In the store, the folder of a package has the name that its package.json says: one of another name could
// not be found there.
func TestIsolatedOtherName(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	o := p.isolated(lockOf(t, ". a@1"))
	o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
		e, err := p.shelf.entry(ctx, id)
		other := *e
		other.Name = "b"
		return &other, err
	}
	_, err := link.ApplyIsolated(t.Context(), o)
	if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(fmt.Sprint(err), `"b"`) || p.exists("node_modules") {
		t.Errorf("got %v", err)
	}
}

// Begin comes once, before the first change, and only where there is one.
func TestIsolatedBegin(t *testing.T) {
	t.Parallel()
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			for i, tt := range []struct {
				lock string
				want int
			}{{". a@1", 1}, {". a@1", 0}, {". a@2 b@1", 1}, {"", 1}} {
				before, calls := p.files(), 0
				p.applyIsolated(tt.lock, layout, func(o *link.ApplyIsolatedOptions) {
					o.Begin = func() error {
						calls++
						now := p.files()
						maps.DeleteFunc(now, func(path, _ string) bool { return strings.HasPrefix(path, "node_modules/.pantry/work-") })
						diff(t, before, now)
						return nil
					}
				})
				if calls != tt.want {
					t.Errorf("step %d: %d calls", i, calls)
				}
			}
		})
	}
}

// Entry is asked for what is not there, and for everything by force.
func TestIsolatedAsksFor(t *testing.T) {
	t.Parallel()
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			for i, tt := range []struct {
				lock  string
				force bool
				want  int32
			}{{". a@1 b@1\na@1 x@1", false, 3}, {". a@1 b@1\na@1 x@1", false, 0}, {". a@1 b@1\na@1 x@1", true, 3}, {". a@1 c@1\na@1 x@1", false, 1}} {
				var asked atomic.Int32
				p.applyIsolated(tt.lock, layout, func(o *link.ApplyIsolatedOptions) {
					o.Force = tt.force
					o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
						asked.Add(1)
						return p.shelf.entry(ctx, id)
					}
				})
				if asked.Load() != tt.want {
					t.Errorf("step %d: asked for %d packages", i, asked.Load())
				}
			}
			// Another project finds everything in the store, but not in itself.
			other := &project{t: t, dir: p.dir + "2", shelf: p.shelf}
			if err := os.Mkdir(other.dir, 0o755); err != nil {
				t.Fatal(err)
			}
			var asked atomic.Int32
			other.applyIsolated(". a@1\na@1 x@1", layout, func(o *link.ApplyIsolatedOptions) {
				o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
					asked.Add(1)
					return p.shelf.entry(ctx, id)
				}
			})
			if want := map[string]int32{"in the project": 2}[name]; asked.Load() != want {
				t.Errorf("asked for %d packages", asked.Load())
			}
		})
	}
}

// What the store lost is put there again, although nothing is missing in the project.
func TestIsolatedStoreLost(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.applyIsolated(someLock)
	o := p.isolated(lockOf(t, someLock))
	for _, pkg := range o.Isolated.Packages {
		if pkg.Name == "x" {
			if err := os.RemoveAll(filepath.Dir(filepath.Dir(p.shelf.store.LinkedDir(pkg.Key, "x")))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r := p.applyIsolated(someLock); r.Linked != 2 || r.Kept != 7 || r.Fresh {
		t.Errorf("got %+v", r)
	}
}

// Several projects are laid out at once from one store.
func TestIsolatedAtOnce(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	o := p.isolated(lockOf(t, someLock))
	projects := make([]*project, 6)
	var group sync.WaitGroup
	for i := range projects {
		projects[i] = &project{t: t, dir: fmt.Sprint(p.dir, i), shelf: p.shelf}
		if err := os.Mkdir(projects[i].dir, 0o755); err != nil {
			t.Fatal(err)
		}
		mine := o
		mine.Dir, mine.InProject = projects[i].dir, i%3 == 2
		group.Go(func() {
			if _, err := link.ApplyIsolated(t.Context(), mine); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, each := range projects {
		mine := o
		mine.InProject = i%3 == 2
		each.checkIsolated(t, mine)
	}
}

// A command that was being changed when somebody pulled the plug is taken away with the rest.
func TestInterruptedCommands(t *testing.T) {
	t.Parallel()
	const was, then = ". a@1 b@1\na@1 bin=a:a.js", ". b@1"
	for name, apply := range map[string]func(*project, string) link.Report{
		"hoisted":    func(p *project, lock string) link.Report { return p.apply(lock) },
		"in store":   func(p *project, lock string) link.Report { return p.applyIsolated(lock) },
		"in project": func(p *project, lock string) link.Report { return p.applyIsolated(lock, inProject) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			apply(p, was)
			record := p.read("node_modules/.pantry/layout")
			p.write("node_modules/.pantry/layout", strings.Replace(record, `"../a/a.js"`, `""`, 1))
			if apply(p, then); p.exists("node_modules/.bin/a") || record == p.read("node_modules/.pantry/layout") {
				t.Error("the command is still there")
			}
		})
	}
}
