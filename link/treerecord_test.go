package link_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

func TestTreeRecord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", someLock, ". a@1 b@1\na@1 c@1 bin=a:a.js bin=b:b.js\nb@1 c@2\nc@2 a@1"} {
		l := lockOf(t, text)
		tree, err := link.Hoist(l, link.HoistOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data := link.EncodeTree(l, tree)
		packages, got, err := link.ParseTree(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tree.Placements, got.Placements); d != "" && len(tree.Placements) > 0 {
			t.Error(d)
		}
		for _, p := range got.Placements {
			was, is := l.Packages[p.ID], packages.Packages[p.ID]
			want := &lockfile.Package{Registry: was.Registry, Name: was.Name, Version: was.Version, Integrity: was.Integrity, Bin: was.Bin}
			if d := cmp.Diff(want.Integrity.String()+want.Name+want.Version, is.Integrity.String()+is.Name+is.Version); d != "" || !cmp.Equal(want.Bin, is.Bin) {
				t.Errorf("%s: got %+v", p.ID, is)
			}
		}
		for n := range data {
			if _, _, err := link.ParseTree(data[:n]); !errors.Is(err, link.ErrTree) {
				t.Errorf("%d bytes: got %v", n, err)
			}
		}
		if _, _, err := link.ParseTree(append(bytes.Clone(data), 0)); !errors.Is(err, link.ErrTree) {
			t.Errorf("one more: got %v", err)
		}
	}
}

// A record leads nowhere but below node_modules, whatever it says.
func TestTreeRecordRefuses(t *testing.T) {
	t.Parallel()
	l := lockOf(t, ". a@1")
	for _, p := range []link.Placement{
		{Path: "../a", Name: "a"}, {Path: "node_modules/../a", Name: "a"}, {Path: "/node_modules/a", Name: "a"}, {Path: "a", Name: "a"},
		{Path: "node_modules/b", Name: "a"}, {Path: "node_modules/..", Name: ".."}, {Path: "node_modules/a", Name: ""},
		{Path: "node_modules/a", Name: "a", Link: "../a"}, {Path: "node_modules/a", Name: "a", Link: "node_modules/b"},
	} {
		for id := range l.Packages {
			p.ID = id
		}
		if _, tree, err := link.ParseTree(link.EncodeTree(l, &link.Tree{Placements: []link.Placement{p}})); !errors.Is(err, link.ErrTree) {
			t.Errorf("%+v: got %+v, %v", p, tree, err)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	l := lockOf(f, someLock)
	tree, err := link.Hoist(l, link.HoistOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(link.EncodeTree(l, tree))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, tree, err := link.ParseTree(data)
		if err != nil {
			return
		}
		if _, again, err := link.ParseTree(link.EncodeTree(l, tree)); err != nil || !cmp.Equal(again, tree) {
			t.Errorf("read again: %+v, %v", again, err)
		}
	})
}
