// Command bench compares installs with those of npm and bun, side by side, from a local replay
// registry. See the README's section on benchmarks.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/registry/pkg/model"

	"github.com/pantry-go/pantry/bench/replay"
)

var (
	fixtures  = flag.String("fixtures", "vite", "comma-separated folders of bench/fixtures")
	names     = flag.String("clients", "pantry,bun,npm", "comma-separated clients; ratios are to the others")
	scenarios = flag.String("scenarios", "cold,warm,noop", "comma-separated: cold, coldlock, warm, noop")
	reps      = flag.Int("reps", 5, "measured repetitions")
	cache     = flag.String("cache", ".cache/bench", "where the replay registry and the clients are kept")
	work      = flag.String("work", "", "where projects are installed; default a folder in memory (/dev/shm) if there is one")
	binary    = flag.String("pantry", "bin/pantry", "the pantry to measure")
	out       = flag.String("out", "", "write one JSON line per run to this file")
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == measureArg {
		if err := measure(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

// bench is one whole comparison.
type bench struct {
	base    string
	replay  *replay.Registry
	work    string
	clients []client
	rows    []row
}

// row is one measured run.
type row struct {
	Fixture  string  `json:"fixture"`
	Scenario string  `json:"scenario"`
	Client   string  `json:"client"`
	Rep      int     `json:"rep"`
	Wall     float64 `json:"wall"` // seconds
	CPU      float64 `json:"cpu"`  // seconds, user and system
	RSS      float64 `json:"rss"`  // MiB at the peak
}

func run(ctx context.Context) error {
	b := &bench{}
	if err := b.startRegistry(); err != nil {
		return err
	}
	var err error
	if b.work, err = workDir(); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	if b.clients, err = chooseClients(ctx, b.base, b.work, strings.Split(*names, ",")); err != nil {
		return err
	}
	for _, fixture := range strings.Split(*fixtures, ",") {
		if err := b.fixture(ctx, fixture); err != nil {
			return fmt.Errorf("%s: %w", fixture, err)
		}
	}
	if *out != "" {
		if err := b.save(*out); err != nil {
			return err
		}
	}
	b.print(os.Stdout)
	return nil
}

func (b *bench) startRegistry() error {
	dir := filepath.Join(*cache, "registry")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.base = "http://" + l.Addr().String()
	b.replay = &replay.Registry{Upstream: model.RegistryURLNPM, Dir: dir, Base: b.base}
	go func() {
		if err := http.Serve(l, b.replay); err != nil { //nolint:gosec // loopback, for the length of a benchmark
			log.Print(err)
		}
	}()
	return nil
}

func workDir() (string, error) {
	parent := *work
	if parent == "" {
		if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
			parent = "/dev/shm"
		}
	}
	return os.MkdirTemp(parent, "pantry-bench-")
}

// fixture measures every scenario with every client, one client after the other in each repetition.
// A first repetition that is not counted fills the replay registry and makes the lockfiles.
func (b *bench) fixture(ctx context.Context, name string) error {
	manifest, err := os.ReadFile(filepath.Join("bench", "fixtures", name, "package.json"))
	if err != nil {
		return err
	}
	for rep := range *reps + 1 {
		for _, scenario := range strings.Split(*scenarios, ",") {
			for _, c := range b.clients {
				r, err := b.once(ctx, c, name, scenario, manifest)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", c.name, scenario, err)
				}
				r.Rep = rep
				if rep > 0 {
					b.rows = append(b.rows, r)
				}
			}
		}
	}
	return nil
}

// once prepares a scenario and runs the client once.
func (b *bench) once(ctx context.Context, c client, fixture, scenario string, manifest []byte) (row, error) {
	project := filepath.Join(b.work, c.name, fixture)
	if err := os.MkdirAll(project, 0o755); err != nil {
		return row{}, err
	}
	if err := os.WriteFile(filepath.Join(project, "package.json"), manifest, 0o644); err != nil {
		return row{}, err
	}
	for name, content := range c.files {
		if err := os.WriteFile(filepath.Join(project, name), []byte(content), 0o644); err != nil {
			return row{}, err
		}
	}
	if err := b.prepare(ctx, c, project, scenario); err != nil {
		return row{}, err
	}
	before := b.replay.Misses()
	r, err := c.run(ctx, project)
	if err != nil {
		return row{}, err
	}
	if n := b.replay.Misses() - before; n > 0 && scenario == "cold" {
		log.Printf("%s %s %s: filled the replay registry with %d answers", fixture, scenario, c.name, n)
		return b.once(ctx, c, fixture, scenario, manifest)
	}
	r.Fixture, r.Scenario, r.Client = fixture, scenario, c.name
	return r, nil
}

// prepare brings the project into the state in which the scenario begins.
func (b *bench) prepare(ctx context.Context, c client, project, scenario string) error {
	remove := func(paths ...string) error {
		var errs []error
		for _, p := range paths {
			errs = append(errs, os.RemoveAll(p))
		}
		return errors.Join(errs...)
	}
	modules, lock := filepath.Join(project, "node_modules"), filepath.Join(project, c.lock)
	if scenario != "cold" {
		if _, err := os.Stat(filepath.Join(modules)); err != nil {
			if _, err := c.run(ctx, project); err != nil { // makes the lockfile and fills the cache
				return err
			}
		}
	}
	switch scenario {
	case "cold":
		return remove(modules, lock, c.home)
	case "coldlock":
		return remove(modules, c.home)
	case "warm":
		return remove(modules)
	case "noop":
		return nil
	}
	return fmt.Errorf("unknown scenario %q", scenario)
}

// client is a package manager as it is run.
type client struct {
	name  string
	home  string // its home and caches
	lock  string // its lockfile
	files map[string]string
	args  []string
	env   []string
}

func (c client) run(ctx context.Context, project string) (row, error) {
	if err := os.MkdirAll(c.home, 0o755); err != nil {
		return row{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return row{}, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{measureArg}, c.args...)...)
	cmd.Dir = project
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "NO_COLOR=1"}, c.env...)
	var output bytes.Buffer
	cmd.Stderr = &output
	syscall.Sync()
	measured, err := cmd.Output()
	if err != nil {
		return row{}, fmt.Errorf("%w\n%s%s", err, measured, &output)
	}
	var r row
	return r, json.Unmarshal(measured, &r)
}

// measureArg makes this program run the command that follows and print what it took. A process of its
// own does that because the peak memory of a child counts that of the parent it was forked from.
const measureArg = "-measure"

func measure(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	r := row{Wall: time.Since(start).Seconds(), CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.RSS = float64(u.Maxrss) / 1024
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// chooseClients returns the clients by name. The peers are installed from npm with the pantry that is
// measured.
func chooseClients(ctx context.Context, base, work string, names []string) ([]client, error) {
	pantry, err := filepath.Abs(*binary)
	if err != nil {
		return nil, err
	}
	var out []client
	for _, name := range names {
		home := filepath.Join(work, name+"-home")
		c := client{name: name, home: home}
		switch name {
		case "pantry":
			c.lock = "pantry.lock"
			c.args = []string{pantry, "install", "--quiet"}
			c.files = map[string]string{"pantry.json": fmt.Sprintf("{\"registries\": [{\"name\": \"npm\", \"type\": \"npm\", \"url\": %q}]}\n", base)}
		case "bun":
			dir, err := installPeer(ctx, pantry, "@oven/bun-linux-x64")
			if err != nil {
				return nil, err
			}
			c.lock = "bun.lock"
			c.args = []string{filepath.Join(dir, "bin", "bun"), "install", "--ignore-scripts", "--linker=hoisted", "--registry=" + base}
		case "npm":
			dir, err := installPeer(ctx, pantry, "npm")
			if err != nil {
				return nil, err
			}
			c.lock = "package-lock.json"
			c.args = []string{"node", filepath.Join(dir, "bin", "npm-cli.js"), "install", "--ignore-scripts", "--no-audit", "--no-fund", "--registry=" + base}
		default:
			return nil, fmt.Errorf("unknown client %q", name)
		}
		out = append(out, c)
	}
	return out, nil
}

// installPeer installs a package of npm into the cache folder, once, and returns its folder.
func installPeer(ctx context.Context, pantry, name string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(*cache, "clients", strings.ReplaceAll(name, "/", "+")))
	if err != nil {
		return "", err
	}
	pkg := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
	if _, err := os.Stat(pkg); err == nil {
		return pkg, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, pantry, "install", "-C", dir, name)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install %s: %w\n%s", name, err, output)
	}
	return pkg, nil
}

func (b *bench) save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	for _, r := range b.rows {
		if err := enc.Encode(r); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// print writes a Markdown table: medians, and the ratio of pantry to each peer.
func (b *bench) print(w *os.File) {
	fmt.Fprintln(w, "| fixture | scenario | client | wall s | cpu s | peak MiB | pantry's wall / this |")
	fmt.Fprintln(w, "|---|---|---|---:|---:|---:|---:|")
	for _, fixture := range strings.Split(*fixtures, ",") {
		for _, scenario := range strings.Split(*scenarios, ",") {
			ours := b.median(fixture, scenario, "pantry", func(r row) float64 { return r.Wall })
			for _, c := range b.clients {
				wall := b.median(fixture, scenario, c.name, func(r row) float64 { return r.Wall })
				fmt.Fprintf(w, "| %s | %s | %s | %.3f | %.3f | %.0f | %.2f |\n", fixture, scenario, c.name, wall,
					b.median(fixture, scenario, c.name, func(r row) float64 { return r.CPU }),
					b.median(fixture, scenario, c.name, func(r row) float64 { return r.RSS }), ours/wall)
			}
		}
	}
}

func (b *bench) median(fixture, scenario, client string, of func(row) float64) float64 {
	var v []float64
	for _, r := range b.rows {
		if r.Fixture == fixture && r.Scenario == scenario && r.Client == client {
			v = append(v, of(r))
		}
	}
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)/2]
}
