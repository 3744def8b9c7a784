package link_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// pin gives every package without one a digest, of its name and version.
func pin(l *lockfile.Lock) *lockfile.Lock {
	for _, p := range l.Packages {
		if p.Integrity == nil {
			p.Integrity = digestOf(p.Name + "@" + p.Version)
		}
	}
	return l
}

func digestOf(s string) integrity.Set {
	return integrity.Set{integrity.Sum(integrity.SHA512, []byte(s))}
}

func isolate(t testing.TB, l *lockfile.Lock, o link.IsolateOptions) *link.Isolated {
	t.Helper()
	is, err := link.Isolate(l, o)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// keysOf returns the keys of an isolated layout by ID.
func keysOf(is *link.Isolated) map[lockfile.ID]string {
	out := map[lockfile.ID]string{}
	for _, p := range is.Packages {
		out[p.ID] = p.Key
	}
	return out
}

// describe writes an isolated layout down without its keys.
func describe(is *link.Isolated) string {
	of := map[string]lockfile.ID{}
	for _, p := range is.Packages {
		of[p.Key] = p.ID
	}
	var b strings.Builder
	for _, p := range is.Packages {
		fmt.Fprintf(&b, "%s %s", p.ID, p.Name)
		for _, to := range p.Links {
			fmt.Fprintf(&b, " %s=%s/%s", to.Name, of[to.Key], to.Package)
		}
		if len(p.Programs) > 0 {
			fmt.Fprintf(&b, " %v", p.Programs)
		}
		b.WriteByte('\n')
	}
	for _, d := range is.Direct {
		fmt.Fprintf(&b, "direct %s=%s/%s\n", d.Name, of[d.Key], d.Package)
	}
	for _, c := range is.Bins {
		fmt.Fprintf(&b, "bin %s %s %s\n", c.Name, c.Direct, c.Target)
	}
	for _, id := range is.Skipped {
		fmt.Fprintf(&b, "skipped %s\n", id)
	}
	return b.String()
}

func TestIsolate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lock    string
		options link.IsolateOptions
		want    string
	}{
		"nothing": {lock: "."},
		"dependencies": {lock: ". a@1\na@1 b@1 @s/c@1\nb@1 b@2", want: `
			npm:@s/c@1 @s/c
			npm:a@1 a @s/c=npm:@s/c@1/@s/c b=npm:b@1/b
			npm:b@1 b b=npm:b@2/b
			npm:b@2 b
			direct a=npm:a@1/a`},
		"alias": {lock: ". old=a@1 a@2\na@2 older=a@1", want: `
			npm:a@1 a
			npm:a@2 a older=npm:a@1/a
			direct a=npm:a@2/a
			direct old=npm:a@1/a`},
		"circle": {lock: ". a@1\na@1 b@1\nb@1 a@1", want: `
			npm:a@1 a b=npm:b@1/b
			npm:b@1 b a=npm:a@1/a
			direct a=npm:a@1/a`},
		"needs itself": {lock: ". a@1\na@1 a@1 self=a@1", want: `
			npm:a@1 a self=npm:a@1/a
			direct a=npm:a@1/a`},
		"bundled": {lock: ". a@1\na@1 b@1 bundle=b", want: `
			npm:a@1 a
			npm:b@1 b
			direct a=npm:a@1/a`},
		"peers": {lock: ". a@1 b@1 D:c@1\na@1 ^b@1 ~c@1 ~d@1\nb@1 d@1", options: link.IsolateOptions{Omit: map[lockfile.Kind]bool{lockfile.Dev: true}}, want: `
			npm:a@1 a b=npm:b@1/b d=npm:d@1/d
			npm:b@1 b d=npm:d@1/d
			npm:d@1 d
			direct a=npm:a@1/a
			direct b=npm:b@1/b`},
		"platform": {lock: ". a@1\na@1 ?b@1 ?c@1\nb@1 os=win32\nc@1 d@1\nd@1 os=win32", options: link.IsolateOptions{Platform: here}, want: `
			npm:a@1 a
			direct a=npm:a@1/a
			skipped npm:b@1
			skipped npm:c@1`},
		"omit": {lock: ". a@1 D:b@1\na@1 ?c@1\nb@1 d@1", options: link.IsolateOptions{Omit: map[lockfile.Kind]bool{lockfile.Dev: true, lockfile.Optional: true}}, want: `
			npm:a@1 a
			direct a=npm:a@1/a`},
		"commands": {lock: ". a@1 @s/b@1 old=c@1\na@1 bin=run:./bin/a.js bin=..:x bin=a:../x d@1\n@s/b@1 bin=@s/b:b.js bin=run:b.js\nc@1 bin=c:c.js bin=c2:c.js\nd@1 bin=d:d.js", want: `
			npm:@s/b@1 @s/b [b.js]
			npm:a@1 a d=npm:d@1/d [bin/a.js]
			npm:c@1 c [c.js]
			npm:d@1 d [d.js]
			direct @s/b=npm:@s/b@1/@s/b
			direct a=npm:a@1/a
			direct old=npm:c@1/c
			bin b @s/b b.js
			bin c old c.js
			bin c2 old c.js
			bin run @s/b b.js`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := strings.TrimPrefix(strings.ReplaceAll(tt.want, "\t", ""), "\n")
			if want != "" {
				want += "\n"
			}
			if got := describe(isolate(t, pin(lockOf(t, tt.lock)), tt.options)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestIsolateRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lock func(*lockfile.Lock)
		want error
		text string
	}{
		"package that does not run": {func(l *lockfile.Lock) { l.Packages["npm:a@1"].OS = []string{"win32"} }, pantry.ErrPolicy, "a@1"},
		"missing package":           {func(l *lockfile.Lock) { delete(l.Packages, "npm:b@1") }, pantry.ErrConfig, "npm:b@1"},
		"name that leads out":       {func(l *lockfile.Lock) { l.Packages["npm:b@1"].Name = "../b" }, pantry.ErrPolicy, `"../b"`},
		"dependency that leads out": {func(l *lockfile.Lock) {
			l.Packages["npm:a@1"].Dependencies["../x"] = lockfile.Dependency{ID: "npm:b@1"}
		}, pantry.ErrPolicy, `"../x"`},
		"wish that leads out": {func(l *lockfile.Lock) {
			l.Projects["."].Dependencies["a/../../x"] = lockfile.Wish{Kind: lockfile.Prod, ID: "npm:b@1"}
		}, pantry.ErrPolicy, "a/../../x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := pin(lockOf(t, ". a@1\na@1 b@1"))
			tt.lock(l)
			_, err := link.Isolate(l, link.IsolateOptions{Platform: here})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A package has no key as long as its digest, or one below it, is not known.
func TestIsolateUnpinned(t *testing.T) {
	t.Parallel()
	l := pin(lockOf(t, ". a@1 b@1 c@1\na@1 b@1\nb@1 x@1\nx@1 y@1\ny@1 x@1\nc@1 d@1"))
	l.Packages["npm:y@1"].Integrity = nil
	keys := keysOf(isolate(t, l, link.IsolateOptions{}))
	for id, key := range keys {
		if want := strings.ContainsAny(string(id), "cd"); (key != "") != want {
			t.Errorf("%s has the key %q", id, key)
		}
	}
	// One of a weaker digest has a key, which is not that of the stronger one.
	weak := integrity.Set{integrity.Sum(integrity.SHA1, []byte("y"))}
	strong := digestOf("y")
	l.Packages["npm:y@1"].Integrity = weak
	first := keysOf(isolate(t, l, link.IsolateOptions{}))
	l.Packages["npm:y@1"].Integrity = append(slices.Clone(weak), strong...)
	second := keysOf(isolate(t, l, link.IsolateOptions{}))
	l.Packages["npm:y@1"].Integrity = strong
	third := keysOf(isolate(t, l, link.IsolateOptions{}))
	for _, id := range []lockfile.ID{"npm:a@1", "npm:x@1", "npm:y@1"} {
		if len(first[id]) != 40 || first[id] == second[id] || second[id] != third[id] {
			t.Errorf("%s: %q, %q, %q", id, first[id], second[id], third[id])
		}
	}
}

// drawTwins is a lockfile whose packages are hardly told apart but by what they lead to.
func drawTwins(t *rapid.T) *lockfile.Lock {
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	n := rapid.IntRange(1, 12).Draw(t, "packages")
	id := func(i int) lockfile.ID { return lockfile.ID(fmt.Sprintf("npm:a@1(%d)", i)) }
	for i := range n {
		p := &lockfile.Package{Registry: "npm", Name: "a", Version: "1", Dependencies: map[string]lockfile.Dependency{}}
		p.Integrity = digestOf(rapid.SampledFrom([]string{"one", "one", "one", "two"}).Draw(t, "digest"))
		for _, name := range []string{"x", "y", "a"} {
			if to := rapid.IntRange(-n, n-1).Draw(t, name); to >= 0 {
				p.Dependencies[name] = lockfile.Dependency{ID: id(to)}
			}
		}
		l.Packages[id(i)] = p
		l.Projects["."].Dependencies[fmt.Sprint("wish", i)] = lockfile.Wish{Kind: lockfile.Prod, ID: id(i)}
	}
	return l
}

// unfold describes what id leads to, depth steps far. It is what a key stands for, said in no clever way.
func unfold(l *lockfile.Lock, depth int) map[lockfile.ID]string {
	seen := map[lockfile.ID]string{}
	numbers := map[string]string{}
	for range depth {
		next := map[lockfile.ID]string{}
		for id, p := range l.Packages {
			text := []string{p.Name, p.Integrity.String()}
			for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
				if to := p.Dependencies[name].ID; to != "" && !slices.Contains(p.Bundled, name) {
					text = append(text, name+" "+seen[to])
				}
			}
			whole, _ := json.Marshal(text)
			if numbers[string(whole)] == "" {
				numbers[string(whole)] = fmt.Sprint(len(numbers) + 1)
			}
			next[id] = numbers[string(whole)]
		}
		seen = next
	}
	return seen
}

// TestIsolateKeys: two packages have one key exactly if what they lead to is the same.
func TestIsolateKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawTwins(t)
		is, err := link.Isolate(l, link.IsolateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		keys, unfolded := keysOf(is), unfold(l, 2*len(l.Packages)+1)
		for a := range keys {
			for b := range keys {
				if (keys[a] == keys[b]) != (unfolded[a] == unfolded[b]) {
					t.Fatalf("%s and %s have the keys %s and %s", a, b, keys[a], keys[b])
				}
			}
		}
	})
}

// TestIsolateKeysOfCopies: keys depend neither on IDs nor on how often the lockfile says the same: of
// every package some copies are made, and every copy leads to any copies.
func TestIsolateKeysOfCopies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawTwins(t)
		copied := lockfile.New()
		copied.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
		copies, original := map[lockfile.ID][]lockfile.ID{}, map[lockfile.ID]lockfile.ID{}
		for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
			for range rapid.IntRange(1, 3).Draw(t, "copies") {
				c := lockfile.ID(fmt.Sprintf("%d:%s", rapid.IntRange(0, 1<<30).Draw(t, "id"), id))
				copies[id], original[c] = append(copies[id], c), id
			}
		}
		for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
			for _, c := range copies[id] {
				p := *l.Packages[id]
				p.Version = "of no consequence"
				p.Dependencies = map[string]lockfile.Dependency{}
				for _, name := range slices.Sorted(maps.Keys(l.Packages[id].Dependencies)) {
					d := l.Packages[id].Dependencies[name]
					if d.ID != "" {
						d.ID = rapid.SampledFrom(copies[d.ID]).Draw(t, "to")
					}
					p.Dependencies[name] = d
				}
				copied.Packages[c] = &p
				copied.Projects["."].Dependencies[fmt.Sprint("wish", len(copied.Packages))] = lockfile.Wish{Kind: lockfile.Dev, ID: c}
			}
		}
		is, err := link.Isolate(l, link.IsolateOptions{})
		again, err2 := link.Isolate(copied, link.IsolateOptions{})
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		keys := keysOf(is)
		for c, key := range keysOf(again) {
			if key != keys[original[c]] {
				t.Fatalf("%s has the key %s, and its copy %s has %s", original[c], keys[original[c]], c, key)
			}
		}
	})
}

// TestIsolateKeysOfChanges: a change of a package changes its key and those of what leads to it, and no
// others.
func TestIsolateKeysOfChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawTwins(t)
		before, err := link.Isolate(l, link.IsolateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		changed := rapid.SampledFrom(slices.Sorted(maps.Keys(l.Packages))).Draw(t, "changed")
		p := l.Packages[changed]
		switch rapid.SampledFrom([]string{"digest", "name", "program", "new link", "link", "link's name"}).Draw(t, "what") {
		case "digest":
			p.Integrity = digestOf("another")
		case "name":
			p.Name += "x"
		case "program":
			p.Bin = map[string]string{"x": "x.js"}
		case "new link":
			p.Dependencies["new"] = lockfile.Dependency{ID: rapid.SampledFrom(slices.Sorted(maps.Keys(l.Packages))).Draw(t, "to")}
		case "link":
			name, ok := anyLink(t, p)
			if !ok {
				return
			}
			delete(p.Dependencies, name)
		case "link's name":
			name, ok := anyLink(t, p)
			if !ok {
				return
			}
			p.Dependencies["renamed"] = p.Dependencies[name]
			delete(p.Dependencies, name)
		}
		after, err := link.Isolate(l, link.IsolateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		was, is := keysOf(before), keysOf(after)
		for id := range l.Packages {
			leads := l.Reachable([]lockfile.ID{id}, func(from lockfile.ID, d lockfile.Dependency) bool { return d.ID != "" })[changed]
			if leads != (was[id] != is[id]) {
				t.Fatalf("%s changed, and the key of %s went from %s to %s", changed, id, was[id], is[id])
			}
		}
	})
}

// anyLink draws one of a package's links.
func anyLink(t *rapid.T, p *lockfile.Package) (string, bool) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
		if p.Dependencies[name].ID != "" && !slices.Contains(p.Bundled, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return rapid.SampledFrom(names).Draw(t, "link"), true
}
