package link_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pantry-go/pantry/link"
)

const mountVariable = "TEST_LINK_MOUNTS"

// TestMounts runs the tests below in a process that may mount file systems that nobody else sees, where
// the system allows that.
func TestMounts(t *testing.T) {
	t.Parallel()
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("unshare is not there")
	}
	if out, err := exec.Command(unshare, "--mount", "mount", "-t", "tmpfs", "none", t.TempDir()).CombinedOutput(); err != nil {
		t.Skipf("file systems cannot be mounted: %v: %s", err, out)
	}
	cmd := exec.Command(unshare, "--mount", os.Args[0], "-test.v", "-test.run=^TestMounted")
	cmd.Env = append(os.Environ(), mountVariable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestMountedReadOnly") {
		t.Errorf("%v\n%s", err, out)
	}
}

// mount puts a file system of its own at path, below the project.
func (p *project) mount(path, options string) {
	p.t.Helper()
	full := filepath.Join(p.dir, path)
	if err := os.MkdirAll(full, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := syscall.Mount("none", full, "tmpfs", 0, options); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := syscall.Unmount(full, syscall.MNT_DETACH); err != nil {
			p.t.Error(err)
		}
	})
}

func mounting(t *testing.T) *project {
	t.Helper()
	if os.Getenv(mountVariable) == "" {
		t.Skip("runs in a process of its own: see TestMounts")
	}
	return newProject(t)
}

// The project is on another file system than the store.
func TestMountedElsewhere(t *testing.T) {
	p := mounting(t)
	p.mount(".", "")
	o := p.options(lockOf(t, ". a@1\na@1 bin=a:a.js"))
	o.Method = link.Hardlink
	if _, err := link.Apply(t.Context(), o); !errors.Is(err, syscall.EXDEV) || !strings.Contains(err.Error(), "a@1") {
		t.Errorf("got %v", err)
	}
	if p.exists("node_modules") || len(leftovers(t, p.dir)) > 0 {
		t.Error("something was left")
	}
	p.apply(". a@1\na@1 bin=a:a.js")
	p.apply(". a@2 b@1\na@2 bin=a:a.js")
	diff(t, map[string]string{"a": "../a/a.js"}, p.commands("node_modules/.bin"))
}

// node_modules is a file system of its own, as in a container with a volume there.
func TestMountedModules(t *testing.T) {
	p := mounting(t)
	p.mount("node_modules", "")
	p.write("node_modules/foreign/index.js", "npm's")
	p.write("node_modules/.package-lock.json", "npm's")
	if r := p.apply(". a@1 @s/b@1\na@1 bin=a:a.js"); r.Linked != 2 {
		t.Errorf("got %+v", r)
	}
	if r := p.apply(". a@2 @s/b@1"); r.Linked != 1 || r.Kept != 1 {
		t.Errorf("got %+v", r)
	}
}

// A full disk leaves what is there as it is, and nothing else.
func TestMountedFull(t *testing.T) {
	p := mounting(t)
	p.mount(".", "size=256k")
	big := strings.Repeat("x", 200<<10)
	p.shelf.put("npm:big@1", map[string]string{"big.js": big})
	p.shelf.put("npm:a@2", map[string]string{"big.js": big})
	for _, before := range []string{"", ". a@1 b@1"} {
		p.apply(before)
		had := p.files()
		_, err := link.Apply(t.Context(), p.options(lockOf(t, ". a@2 b@2 big@1")))
		// which file was the one too many depends on who was first
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), p.dir) {
			t.Errorf("got %v", err)
		}
		diff(t, had, p.files())
		if left := leftovers(t, p.dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	p.apply(". a@1 b@2")
}

func TestMountedReadOnly(t *testing.T) {
	p := mounting(t)
	p.mount(".", "")
	p.apply(". a@1")
	remount(t, p.dir, syscall.MS_RDONLY)
	defer remount(t, p.dir, 0)
	p.apply(". a@1") // nothing to do
	for _, lock := range []string{". a@2", ". a@1 b@1", ""} {
		had := p.files()
		_, err := link.Apply(t.Context(), p.options(lockOf(t, lock)))
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), p.dir) {
			t.Errorf("got %v", err)
		}
		diff(t, had, p.files())
	}
	fresh := p.dir
	p.dir = filepath.Join(fresh, "node_modules/a") // a project without node_modules
	_, err := link.Apply(t.Context(), p.options(lockOf(t, ". a@1")))
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), p.dir) {
		t.Errorf("got %v", err)
	}
	p.dir = fresh
}

func remount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
		t.Fatal(err)
	}
}
