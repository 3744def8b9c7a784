package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/npmtree"
	"github.com/pantry-go/pantry/resolve"
	"os"
	"runtime/pprof"
	"syscall"
	"testing"
	"time"
)

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type none struct{}

func (none) Package(context.Context, resolve.Want) (resolve.Answer, error) {
	return resolve.Answer{}, errors.New("asked")
}
func TestLocked(t *testing.T) {
	data, _ := os.ReadFile("/dev/shm/fidelity/large.lock")
	old, err := lockfile.Parse("x", data)
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll("/dev/shm/fidelity/lp", 0o755)
	pj, _ := os.ReadFile("/dev/shm/fidelity/large.package.json")
	os.WriteFile("/dev/shm/fidelity/lp/package.json", pj, 0o644)
	p, err := manifest.ReadProject("/dev/shm/fidelity/lp")
	if err != nil {
		t.Fatal(err)
	}
	f, _ := os.Create("/dev/shm/fidelity/locked.prof")
	pprof.StartCPUProfile(f)
	best := time.Hour
	t0 := cpu()
	for range 100 {
		s := time.Now()
		npmtree.BuildLocked(old, func(string) bool { return false })
		best = min(best, time.Since(s))
	}
	fmt.Println("hoist cpu", (cpu()-t0)/100, "best wall", best)
	best = time.Hour
	t0 = cpu()
	for range 100 {
		s := time.Now()
		if _, err := resolve.Resolve(context.Background(), p.Manifest(), none{}, resolve.Options{Old: old}); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(s))
	}
	fmt.Println("locked cpu", (cpu()-t0)/100, "best wall", best)
	pprof.StopCPUProfile()
}
func BenchmarkHoistReal(b *testing.B) {
	data, _ := os.ReadFile("/dev/shm/fidelity/large.lock")
	old, _ := lockfile.Parse("x", data)
	b.ReportAllocs()
	for b.Loop() {
		npmtree.BuildLocked(old, func(string) bool { return false })
	}
}
func BenchmarkLockedReal(b *testing.B) {
	data, _ := os.ReadFile("/dev/shm/fidelity/large.lock")
	old, _ := lockfile.Parse("x", data)
	p, _ := manifest.ReadProject("/dev/shm/fidelity/lp")
	b.ReportAllocs()
	for b.Loop() {
		resolve.Resolve(context.Background(), p.Manifest(), none{}, resolve.Options{Old: old})
	}
}
