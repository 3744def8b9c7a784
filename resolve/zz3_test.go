package resolve_test

import (
	"context"
	"fmt"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRelockReal(t *testing.T) {
	count := 0
	defer func() { fmt.Println("checked", count) }()
	locks, _ := filepath.Glob("/dev/shm/fidelity/w/pantry/*/pantry.lock")
	for _, f := range locks {
		data, _ := os.ReadFile(f)
		old, err := lockfile.Parse("x", data)
		if err != nil {
			t.Error(err)
			continue
		}
		p, err := manifest.ReadProject(filepath.Dir(f))
		if err != nil {
			t.Fatal(err)
		}
		count++
		res, err := resolve.Resolve(context.Background(), p.Manifest(), none{}, resolve.Options{Old: old})
		if err != nil {
			t.Error(f, err)
			continue
		}
		a, b := strings.Split(string(old.Format()), "\n"), strings.Split(string(res.Lock.Format()), "\n")
		if string(old.Format()) != string(res.Lock.Format()) {
			os.WriteFile("/tmp/relock.txt", res.Lock.Format(), 0o644)
			am, bm := map[string]int{}, map[string]int{}
			for _, l := range a {
				am[l]++
			}
			for _, l := range b {
				bm[l]++
			}
			n := 0
			for _, l := range a {
				if bm[l] < am[l] {
					n++
					if n < 8 {
						fmt.Println("  -", l)
					}
				}
			}
			for _, l := range b {
				if am[l] < bm[l] {
					n++
					if n < 16 {
						fmt.Println("  +", l)
					}
				}
			}
			fmt.Println(filepath.Base(filepath.Dir(f)), len(a), len(b), "differ", n)
		}
	}
}
