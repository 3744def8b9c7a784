package link_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// outline writes a tree as lines "path version", without the node_modules in paths.
func outline(l *lockfile.Lock, tree *link.Tree) string {
	var b strings.Builder
	for _, p := range tree.Placements {
		of := l.Packages[p.ID]
		fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(strings.ReplaceAll("/"+p.Path, "/node_modules/", " "), " "), of.Version)
		if p.Name != of.Name {
			fmt.Fprintf(&b, " of %s", of.Name)
		}
		if p.Link != "" {
			fmt.Fprintf(&b, " -> %s", strings.ReplaceAll(p.Link, "node_modules/", ""))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestHoist(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lock string
		omit []lockfile.Kind
		want string
	}{
		"nothing": {"", nil, ""},
		"flat": {`
			. a@1
			a@1 b@1
			b@1 c@1`, nil, `
			a 1
			b 1
			c 1`},
		"the first by name has the top": {`
			. a@1 b@1
			a@1 x@1
			b@1 x@2`, nil, `
			a 1
			b 1
			b x 2
			x 1`},
		"the project's own has the top": {`
			. a@1 x@2
			a@1 x@1`, nil, `
			a 1
			a x 1
			x 2`},
		"each conflict of its own": {`
			. a@1 b@1 c@1 x@1
			a@1 x@2
			b@1 x@2
			c@1 x@3`, nil, `
			a 1
			a x 2
			b 1
			b x 2
			c 1
			c x 3
			x 1`},
		"as high as the conflict": {`
			. a@1 x@1
			a@1 b@1
			b@1 c@1
			c@1 x@2`, nil, `
			a 1
			b 1
			c 1
			c x 2
			x 1`},
		"shared where it is nested": {`
			. a@1 b@2
			a@1 b@1 c@1
			b@1 d@1
			c@1 b@1
			d@1 b@1`, nil, `
			a 1
			a b 1
			b 2
			c 1
			c b 1
			d 1
			d b 1`},
		"not over what is used from above": {`
			. a@1 b@2 x@1
			a@1 b@1 x@1
			b@1 x@2`, nil, `
			a 1
			a b 1
			a b x 2
			b 2
			x 1`},
		"shallow before deep": {`
			. a@1 b@2 z@1
			a@1 b@1
			b@1 x@1
			z@1 x@2`, nil, `
			a 1
			a b 1
			a x 1
			b 2
			x 2
			z 1`},
		"order of names is npm's": {`
			. aa@1 a-b@1 a_b@1
			aa@1 x@1
			a-b@1 x@2
			a_b@1 x@3`, nil, `
			a-b 1
			a-b x 2
			a_b 1
			aa 1
			aa x 1
			x 3`},
		"circle": {`
			. a@1
			a@1 b@1
			b@1 a@1`, nil, `
			a 1
			b 1`},
		"itself": {`
			. a@1
			a@1 a@1`, nil, `
			a 1`},
		"an older self": {`
			. a@2
			a@2 a@1`, nil, `
			a 2
			a a 1`},
		"versions in a circle": {`
			. a@1
			a@1 b@1
			b@1 a@2
			a@2 b@2
			b@2 a@1`, nil, `
			a 1
			b 1
			b a 2
			b b 2
			b b a 1
			b b b 1 -> b`},
		"alias": {`
			. a@1 old=x@1 x@2
			a@1 older=x@0`, nil, `
			a 1
			old 1 of x
			older 0 of x
			x 2`},
		"scopes": {`
			. @s/a@1 @s/b@1
			@s/a@1 @t/x@1
			@s/b@1 @t/x@2`, nil, `
			@s/a 1
			@s/b 1
			@s/b @t/x 2
			@t/x 1`},
		"peer beside its dependent": {`
			. a@1
			a@1 ^p@1 q@1
			q@1 ^p@1`, nil, `
			a 1
			p 1
			q 1`},
		"peer of a nested package": {`
			. a@1 b@1 p@2
			a@1 p@1 q@1
			q@1 ^p@1
			b@1`, nil, `
			a 1
			a p 1
			b 1
			p 2
			q 1`},
		"peer that what is there satisfies": {`
			. a@1 p@2
			a@1 ^p@1`, nil, `
			a 1
			p 2`},
		"peers go before dependencies": {`
			. a@1 z@1
			a@1 p@1
			z@1 ^p@2`, nil, `
			a 1
			a p 1
			p 2
			z 1`},
		"peer not there": {`
			. a@1
			a@1`, nil, `
			a 1`},
		"not where its files are": {`
			. a@1 x@1
			a@1 bundle=x b@1 b@1
			b@1 c@1
			c@1 x@2
			`, nil, `
			a 1
			b 1
			c 1
			c x 2
			x 1`},
		"capitals": {`
			. a@1
			a@1 JSONStream@1 b@1
			b@1 jsonstream@1`, nil, `
			JSONStream 1
			a 1
			b 1
			b jsonstream 1`},
		"without dev": {`
			. a@1 D:b@1
			a@1 x@1
			b@1 x@1 y@1`, []lockfile.Kind{lockfile.Dev}, `
			a 1
			x 1`},
		"without dev, needed by others": {`
			. a@1 D:x@1
			a@1 x@1`, []lockfile.Kind{lockfile.Dev}, `
			a 1
			x 1`},
		"without optional": {`
			. a@1 ?:b@1
			a@1 ?x@1 y@1
			b@1 z@1`, []lockfile.Kind{lockfile.Optional}, `
			a 1
			y 1`},
		"without peer": {`
			. a@1 ^:b@1
			a@1 ^x@1 ^y@1 z@1
			z@1 y@1`, []lockfile.Kind{lockfile.Peer}, `
			a 1
			y 1
			z 1`},
		"an optional peer brings nothing": {`
			. a@1 D:ts@1
			a@1 ~ts@1`, []lockfile.Kind{lockfile.Dev}, `
			a 1`},
		"an optional peer is used": {`
			. a@1 ts@2
			a@1 b@1
			b@1 ~ts@2`, nil, `
			a 1
			b 1
			ts 2`},
		"not for this platform": {`
			. a@1
			a@1 ?w@1 ?l@1
			w@1 os=win32 x@1
			l@1 os=linux y@1`, nil, `
			a 1
			l 1
			y 1`},
		"needs one that is not for this platform": {`
			. a@1
			a@1 ?b@1
			b@1 c@1 x@1
			c@1 w@1
			w@1 os=win32`, nil, `
			a 1`},
		"optional of what is not needed": {`
			. ?:w@1 a@1
			w@1 os=win32 x@1
			a@1 y@1`, nil, `
			a 1
			y 1`},
		"instances with several peers": {`
			. p@1 a@1(p@1) b@1
			a@1(p@1) ^p@1
			b@1 p@2 a@1(p@2)
			a@1(p@2) ^p@2`, nil, `
			a 1
			b 1
			b p 2
			p 1`},
		"instances with several optional peers": {`
			. p@1 a@1(p@1) b@1
			a@1(p@1) ~p@1 x@1(p@1)
			x@1(p@1) ~p@1
			b@1 p@2 a@1(p@2)
			a@1(p@2) ~p@2 x@1(p@2)
			x@1(p@2) ~p@2`, nil, `
			a 1
			b 1
			b p 2
			p 1
			x 1`},
		"a tool is not in node_modules": {`
			. a@1 github:cli/cli=x@1`, nil, `
			a 1`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lockOf(t, tt.lock)
			o := link.HoistOptions{Platform: here, Omit: map[lockfile.Kind]bool{}}
			for _, k := range tt.omit {
				o.Omit[k] = true
			}
			got := outline(l, hoist(t, l, o))
			want := strings.TrimLeft(strings.ReplaceAll(tt.want, "\t", ""), "\n")
			if got != want && got != want+"\n" {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestHoistErrors(t *testing.T) {
	t.Parallel()
	broken := lockOf(t, ". a@1\na@1 b@1")
	delete(broken.Packages, "npm:b@1")
	evil := lockOf(t, ". a@1\na@1 ../../evil=b@1")
	hidden := lockOf(t, ". .bin=b@1")
	tests := map[string]struct {
		lock  *lockfile.Lock
		match error
		text  []string
	}{
		"a package is missing":   {broken, pantry.ErrConfig, []string{"npm:b@1"}},
		"a name that leads out":  {evil, pantry.ErrPolicy, []string{`"../../evil"`}},
		"a name that is ours":    {hidden, pantry.ErrPolicy, []string{`".bin"`}},
		"not for this platform":  {lockOf(t, ". w@1\nw@1 os=win32"), pantry.ErrPolicy, []string{"w@1", "linux x64 glibc", "win32"}},
		"needs one that is not":  {lockOf(t, ". a@1\na@1 b@1\nb@1 w@1\nw@1 os=win32"), pantry.ErrPolicy, []string{"w@1", "a@1 needs it"}},
		"a dev dependency needs": {lockOf(t, ". ?:w@1 D:a@1\na@1 w@1\nw@1 os=win32"), pantry.ErrPolicy, []string{"w@1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := link.Hoist(tt.lock, link.HoistOptions{Platform: here})
			if !errors.Is(err, tt.match) {
				t.Fatalf("got %v, want %v", err, tt.match)
			}
			for _, part := range tt.text {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
	if _, err := link.Hoist(lockOf(t, ". w@1\nw@1 os=win32"), link.HoistOptions{}); err != nil {
		t.Errorf("without a platform everything runs: %v", err)
	}
	omitted := lockOf(t, ". a@1 D:w@1\nw@1 os=win32")
	if _, err := link.Hoist(omitted, link.HoistOptions{Platform: here, Omit: map[lockfile.Kind]bool{lockfile.Dev: true}}); err != nil {
		t.Errorf("what is omitted need not run: %v", err)
	}
}

// A lockfile can ask for ever more copies: that ends.
func TestHoistEnds(t *testing.T) {
	t.Parallel()
	l := lockfile.New()
	const names, versions = 12, 4
	for i := range names {
		for v := range versions {
			p := &lockfile.Package{Registry: "npm", Name: fmt.Sprint("p", i), Version: fmt.Sprint(v), Dependencies: map[string]lockfile.Dependency{}}
			for k := range names {
				to := (i*7 + v*5 + k*3 + i*k) % versions
				p.Dependencies[fmt.Sprint("p", k)] = lockfile.Dependency{ID: lockfile.MakeID("npm", fmt.Sprint("p", k), fmt.Sprint(to))}
			}
			l.Packages[lockfile.MakeID("npm", p.Name, p.Version)] = p
		}
	}
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{"p0": {Kind: lockfile.Prod, ID: "npm:p0@0"}}}
	if _, err := link.Hoist(l, link.HoistOptions{}); !errors.Is(err, pantry.ErrPolicy) {
		t.Errorf("got %v", err)
	}
}

func TestSkippedIsTold(t *testing.T) {
	t.Parallel()
	l := lockOf(t, ". a@1 ?:w@1\na@1 ?b@1 ?w@1\nb@1 w@1\nw@1 os=win32")
	tree := hoist(t, l, link.HoistOptions{Platform: here})
	if got := fmt.Sprint(tree.Skipped); got != "[npm:b@1 npm:w@1]" {
		t.Errorf("skipped %s", got)
	}
}
