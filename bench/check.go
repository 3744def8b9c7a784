package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/pantry-go/pantry/bench/tree"
	"github.com/pantry-go/pantry/lockfile"
)

// check returns the tree that a run has left, if it is right: whole by itself, and equal to the first one of this
// client. How far Pantry's first tree is from npm's is noted; with -strict it must be the same.
func (b *bench) check(ctx context.Context, f *fixture, c client, s scenario, p place, contents bool) (*tree.Tree, error) {
	t, err := tree.Inspect(ctx, p.project(), tree.Options{Layout: c.layout, Registry: b.catalog, Platform: lockfile.Current(), Contents: contents})
	if err != nil {
		return nil, err
	}
	first := f.first[c.name]
	if first == nil {
		f.first[c.name] = t
		return t, b.likeNPM(f, c, t)
	}
	if s.name == "add" {
		return t, addedOnly(first, t)
	}
	if d := tree.Diff(first.Packages, t.Packages); len(d) > 0 {
		return nil, differs("the client's first tree", d)
	}
	if t.Files != first.Files {
		return nil, fmt.Errorf("the packages have %d files, which should be %d", t.Files, first.Files)
	}
	return t, nil
}

// maxDiff is how many differing packages are listed.
const maxDiff = 12

func differs(from string, lines []string) error {
	more := ""
	if n := len(lines) - maxDiff; n > 0 {
		lines, more = lines[:maxDiff], fmt.Sprintf("\n  and %d more", n)
	}
	return fmt.Errorf("the tree differs from %s:\n  %s%s", from, strings.Join(lines, "\n  "), more)
}

// likeNPM compares a tree of Pantry's with what npm makes of the same packuments: the places where it is hoisted, else
// the versions. The differences go to a file in the cache folder.
func (b *bench) likeNPM(f *fixture, c client, t *tree.Tree) error {
	if f.npm == nil || c.family != "pantry" {
		return nil
	}
	d := tree.Diff(f.npm.Versions, t.Versions)
	if c.layout == tree.Hoisted {
		d = tree.Diff(f.npm.Packages, t.Packages)
	}
	f.unlike[c.name] = len(d)
	dir := filepath.Join(b.cache, "unlike-npm")
	file := filepath.Join(dir, f.name+"-"+c.name)
	if len(d) == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if b.strict {
		return differs("npm's", d)
	}
	log.Printf("warning: %s %s: the tree differs from npm's in %d lines, which are in %s", f.name, c.name, len(d), file)
	return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte(strings.Join(d, "\n")+"\n"), 0o644))
}

// addedOnly checks that everything is there that was, and what was added.
func addedOnly(first, now *tree.Tree) error {
	found := false
	var lost []string
	for _, line := range tree.Diff(first.Versions, now.Versions) {
		if strings.HasPrefix(line, "-") {
			lost = append(lost, line)
		}
		found = found || line == "+ "+added
	}
	if len(lost) > 0 {
		return differs("what it was before", lost)
	}
	if !found {
		return fmt.Errorf("%s was not added", added)
	}
	return nil
}

// npmTree returns what npm makes of a fixture, from the cache folder if it was found out before. It is nil, with a
// warning, where npm refuses to install it.
func (b *bench) npmTree(ctx context.Context, f *fixture, npm client) (*tree.Tree, error) {
	sum := sha256.Sum256(append([]byte(b.versions["npm"]), f.manifest...))
	file := filepath.Join(b.cache, "replay", "npm", f.name+"-"+hex.EncodeToString(sum[:6])+".json")
	t := &tree.Tree{}
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, t) == nil {
		return t, nil
	}
	log.Printf("%s: asking npm for its tree, once", f.name)
	f.first = map[string]*tree.Tree{}
	if _, err := b.chain(ctx, f, npm, 0); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		log.Printf("warning: %s: npm has no tree to compare with: %v", f.name, err)
		return nil, nil
	}
	data, err := json.MarshalIndent(f.first[npm.name], "", " ")
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644))
	return f.first[npm.name], err
}
