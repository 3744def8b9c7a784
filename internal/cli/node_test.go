package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const nodeHeader = `#ifndef SRC_NODE_VERSION_H_
#define NODE_MAJOR_VERSION 20
#define NODE_MINOR_VERSION 3
#define NODE_PATCH_VERSION 11

#define NODE_VERSION_IS_RELEASE 1
`

func TestHeaderVersion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		header string
		later  time.Duration // of the program
		want   string
	}{
		"of one day":      {nodeHeader, 3 * time.Hour, "v20.3.11"},
		"another time":    {nodeHeader, 30 * time.Hour, ""},
		"no header":       {"", 0, ""},
		"a nightly build": {strings.Replace(nodeHeader, "RELEASE 1", "RELEASE 0", 1), 0, ""},
		"no number":       {strings.Replace(nodeHeader, "20", "twenty", 1), 0, ""},
		"cut short":       {nodeHeader[:60], 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			program := filepath.Join(dir, "bin", "node")
			header := filepath.Join(dir, "include", "node", "node_version.h")
			now := time.Now()
			for path, at := range map[string]time.Time{program: now.Add(tt.later), header: now} {
				if path == header && tt.header == "" {
					continue
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(tt.header), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
			link := filepath.Join(dir, "node")
			if err := os.Symlink(program, link); err != nil {
				t.Fatal(err)
			}
			if got := headerVersion(link); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The node of this machine says of itself what is read without starting it.
func TestNodeVersion(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		t.Skip("SKIP: Node.js is not on PATH")
	}
	if got, want := nodeVersion(), strings.TrimSpace(string(out)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
