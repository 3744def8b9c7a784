package link_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/link"
)

func TestApplyTools(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "it's a program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$A $B $*\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	apply := func(ps ...link.Program) {
		t.Helper()
		if err := link.ApplyTools(dir, ps); err != nil {
			t.Fatal(err)
		}
	}
	names := func() []string {
		entries, err := os.ReadDir(filepath.Join(dir, ".pantry"))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	if err := os.MkdirAll(filepath.Join(dir, ".pantry", "bin-left-by-a-kill"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []pantry.Variable{{Name: "A", Value: "it's", Prepend: true}, {Name: "B", Value: "$(b)"}}
	apply(link.Program{Name: "one", Path: program}, link.Program{Name: "two", Path: program, Env: env})
	if got := names(); !slices.Equal(got, []string{".gitignore", "bin"}) {
		t.Errorf("in .pantry: %q", got)
	}
	for name, want := range map[string]string{"one": "x set y\n", "two": "it's:x set y\n"} {
		cmd := exec.Command(filepath.Join(dir, ".pantry", "bin", name), "y")
		cmd.Env = []string{"A=x", "B=set"}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%s: %q, %v, want %q", name, out, err, want)
		}
	}
	for _, bad := range []link.Program{{Name: "../sh", Path: program}, {Name: "", Path: program},
		{Name: "p", Path: program, Env: []pantry.Variable{{Name: "A;id"}}}} {
		if err := link.ApplyTools(dir, []link.Program{bad}); err == nil {
			t.Errorf("%+v was linked", bad)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, ".pantry", "bin", "one")); err != nil {
		t.Errorf("a refused program took the others away: %v", err)
	}
	apply()
	if got := names(); !slices.Equal(got, []string{".gitignore"}) {
		t.Errorf("in .pantry: %q", got)
	}
}
