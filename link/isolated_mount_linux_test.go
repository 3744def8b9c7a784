package link_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pantry-go/pantry/link"
)

// These run in a process of their own: see TestMounts.

// node_modules is a file system of its own: links change one by one, and files are copied.
func TestMountedIsolated(t *testing.T) {
	for where, layout := range layouts {
		t.Run(where, func(t *testing.T) {
			p := mounting(t)
			p.mount("node_modules", "")
			p.write("node_modules/foreign/index.js", "npm's")
			p.write("node_modules/@s/b/index.js", "npm's")
			p.write("node_modules/.pantry/a@1-00000000/index.js", "whose?")
			if r := p.applyIsolated(". a@1 @s/b@1\na@1 x@1 bin=a:a.js", layout); r.Linked != 3 {
				t.Errorf("got %+v", r)
			}
			if r := p.applyIsolated(". a@2 @s/b@1\na@2 x@1", layout); r.Linked != 1 || r.Kept != 2 {
				t.Errorf("got %+v", r)
			}
			p.apply(". a@2 @s/b@1\na@2 x@1")
			if found, _ := filepath.Glob(filepath.Join(p.dir, "node_modules/.pantry/*/")); len(found) != 1 { // the record
				t.Errorf("left: %v", found)
			}
			p.applyIsolated(someLock, layout)
			// A record that is of no use makes everything there a stranger's.
			if err := os.Remove(filepath.Join(p.dir, "node_modules/.pantry/layout")); err != nil {
				t.Fatal(err)
			}
			p.applyIsolated(someLock, layout)
		})
	}
}

// The project is on another file system than the store.
func TestMountedIsolatedElsewhere(t *testing.T) {
	p := mounting(t)
	p.mount(".", "")
	o := p.isolated(lockOf(t, someLock))
	o.InProject, o.Method = true, link.Hardlink
	if _, err := link.ApplyIsolated(t.Context(), o); !errors.Is(err, syscall.EXDEV) || !strings.Contains(err.Error(), "at registry \"npm\"") {
		t.Errorf("got %v", err)
	}
	if p.exists("node_modules") || len(leftovers(t, p.dir)) > 0 {
		t.Error("something was left")
	}
	p.applyIsolated(someLock, inProject)
	p.applyIsolated(someLock)
}

// A full disk leaves what is there as it is, and nothing else.
func TestMountedIsolatedFull(t *testing.T) {
	p := mounting(t)
	p.mount(".", "size=256k")
	big := strings.Repeat("x", 200<<10)
	p.shelf.put("npm:big@1", map[string]string{"big.js": big})
	p.shelf.put("npm:a@2", map[string]string{"big.js": big})
	for _, before := range []string{"", ". a@1 b@1"} {
		p.applyIsolated(before, inProject)
		had := p.files()
		o := p.isolated(lockOf(t, ". a@2 b@2 big@1"))
		o.InProject = true
		_, err := link.ApplyIsolated(t.Context(), o)
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), p.dir) {
			t.Errorf("got %v", err)
		}
		diff(t, had, p.files())
		if left := leftovers(t, p.dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	p.applyIsolated(". a@2 b@2 big@1")
}

func TestMountedIsolatedReadOnly(t *testing.T) {
	p := mounting(t)
	p.mount(".", "")
	p.applyIsolated(". a@1", inProject)
	remount(t, p.dir, syscall.MS_RDONLY)
	defer remount(t, p.dir, 0)
	p.applyIsolated(". a@1", inProject) // nothing to do
	for _, lock := range []string{". a@2", ". a@1 b@1", ""} {
		had := p.files()
		o := p.isolated(lockOf(t, lock))
		o.InProject = true
		_, err := link.ApplyIsolated(t.Context(), o)
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), p.dir) {
			t.Errorf("got %v", err)
		}
		diff(t, had, p.files())
	}
}
