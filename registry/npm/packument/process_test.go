package packument_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry/registry/npm/packument"
)

// workerVariable makes this program a process that works in the folder it names.
const workerVariable = "PANTRY_TEST_PACKUMENT_WORKER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(workerVariable); dir != "" {
		work(dir)
	}
	os.Exit(m.Run())
}

// panicker fails where there is no test.
type panicker struct{}

func (panicker) Helper()                   {}
func (panicker) Fatal(a ...any)            { panic(fmt.Sprint(a...)) }
func (panicker) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// workNames are the packages that processes fight for.
var workNames = []string{"a", "b", "c"}

// work reads and writes until its standard input ends.
func work(dir string) {
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	s := packument.NewFolder(dir).Shelf(registryURL, "")
	for i := 0; ; i++ {
		if step(s); i == 20 {
			fmt.Println("at work")
		}
	}
}

// step does one thing. What is there has to be whole, whoever wrote it: its size tells what is in it.
func step(s *packument.Shelf) {
	name := workNames[rand.IntN(len(workNames))]
	switch rand.IntN(8) {
	case 0, 1:
		m := plainModel(name, []int{1, 50, 200, 1000}[rand.IntN(4)])
		if err := s.Put(m.build(panicker{}, &packument.Builder{})); err != nil {
			panic(err)
		}
	case 2:
		s.Remove(name)
	case 3:
		if p, ok := s.Load(name); ok {
			_ = s.Renew(p, time.UnixMilli(1e12), time.Minute, false) // it may be gone
		}
	default:
		if p, ok := s.Load(name); ok {
			m := plainModel(name, p.Len())
			if at, _ := p.Checked(); at.IsZero() {
				return // it was being renewed, and is not fresh
			}
			m.check(panicker{}, p)
		}
	}
}

// TestProcesses: processes that read, write and remove the same packuments, and are killed while
// they do, never see half of one.
func TestProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := packument.NewFolder(dir).Shelf(registryURL, "")
	const rounds, together = 3, 3
	for range rounds {
		var workers []*worker
		for range together {
			workers = append(workers, startWorker(t, dir))
		}
		for _, w := range workers {
			for range 30 + rand.IntN(60) {
				step(s)
			}
			w.kill(t)
		}
	}
	for range 200 {
		step(s)
	}
	left, err := os.ReadDir(filepath.Join(dir, "packuments-1", "tmp"))
	if err != nil || len(left) > rounds*together {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, file := range files(t, dir) {
		if name := filepath.Base(file); len(name) != 40 && !strings.Contains(file, "tmp") {
			t.Errorf("what is %s?", file)
		}
	}
}

// worker is a process that works until it is killed.
type worker struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// startWorker returns when the process is at work.
func startWorker(t *testing.T, dir string) *worker {
	t.Helper()
	w := &worker{cmd: exec.Command(os.Args[0])}
	w.cmd.Env = append(os.Environ(), workerVariable+"="+dir)
	w.cmd.Stderr = &w.stderr
	in, err := w.cmd.StdinPipe() // its end is the worker's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err == nil {
		_, err = out.Read(make([]byte, 1))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &w.stderr)
	}
	return w
}

// kill fails the test if the process had ended before.
func (w *worker) kill(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = w.cmd.Wait()
	if w.stderr.Len() > 0 {
		t.Error(w.stderr.String())
	}
}
