package github_test

import (
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/transport"
)

func TestLibc(t *testing.T) {
	t.Parallel()
	elf := func(loader string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("\x7fELF\x02\x01\x01\x00" + loader + "\x00")}
	}
	some := &fstest.MapFile{}
	for want, roots := range map[string][]fstest.MapFS{
		"glibc": {
			{"bin/sh": elf("/lib64/ld-linux-x86-64.so.2"), "lib/ld-musl-x86_64.so.1": some},
			{"lib64/ld-linux-x86-64.so.2": some}, {"lib/aarch64-linux-gnu/ld-linux-aarch64.so.1": some}, {"bin/sh": elf("static"), "lib/ld-linux.so.2": some},
		},
		"musl": {{"bin/sh": elf("/lib/ld-musl-x86_64.so.1"), "lib64/ld-linux-x86-64.so.2": some}, {"lib/ld-musl-aarch64.so.1": some}},
		"":     {{}, {"bin/sh": &fstest.MapFile{Data: []byte("#!/bin/other\n/ld-linux")}}, {"bin/sh": elf("")}},
	} {
		for i, root := range roots {
			if got := github.LibcIn(root); got != want {
				t.Errorf("%q %d: %q", want, i, got)
			}
		}
	}
}

// TestThisMachine: a registry that is told nothing chooses for the machine it runs on.
func TestThisMachine(t *testing.T) {
	t.Parallel()
	own := "tool-" + runtime.GOOS + "-" + runtime.GOARCH
	s := start(t, githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{{Tag: "v1", Assets: []githubtest.Asset{{Name: own}, {Name: "tool-plan9-386"}}}}})
	c, err := transport.New(transport.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	r, err := github.New(github.Options{Client: c})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Metadata(t.Context(), "acme/tool", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range m.Tool.Builds {
		if b.Platform.OS == runtime.GOOS && b.Platform.Arch == runtime.GOARCH && b.File == own && m.Artifact.URL == b.Artifact.URL {
			return
		}
	}
	t.Errorf("no build for this machine in %+v", m.Tool.Builds)
}
