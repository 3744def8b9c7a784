package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/modelcontextprotocol/registry/pkg/model"

	"github.com/pantry-go/pantry/bench/replay"
	"github.com/pantry-go/pantry/bench/report"
	"github.com/pantry-go/pantry/bench/tree"
)

// bench is one whole comparison.
type bench struct {
	options
	base     string // what clients are told is the registry
	replay   *replay.Registry
	catalog  *catalog
	work     string // below which projects are
	programs map[string]string
	versions map[string]string
	run      report.Run
	results  report.Results
	out      *report.Writer // nil: nothing is kept
	refused  []string
}

// errRefused is what a run ends with when some client did not do what it should.
var errRefused = errors.New("no times for these")

func run(ctx context.Context, o options) (err error) {
	b := &bench{options: o}
	if b.work, err = workDir(o.work); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	if b.programs, b.versions, err = programs(ctx, o); err != nil {
		return err
	}
	stop, err := b.startRegistry()
	if err != nil {
		return err
	}
	defer stop()
	if err := b.begin(ctx); err != nil {
		return err
	}
	for _, name := range o.fixtures {
		if err := b.fixture(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if b.out != nil {
		if err := b.out.Close(); err != nil {
			return err
		}
	}
	fmt.Print(report.Summarise(&b.results).Brief())
	if len(b.refused) > 0 {
		return fmt.Errorf("%w: %q", errRefused, b.refused)
	}
	return nil
}

// startRegistry serves the replay registry on loopback. With -live it serves the check alone, from an empty folder,
// since the live registry may know more than was kept.
func (b *bench) startRegistry() (stop func(), err error) {
	dir := filepath.Join(b.cache, "replay")
	if b.live {
		dir = filepath.Join(b.work, "replay")
	}
	files := filepath.Join(b.cache, "files")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.MkdirAll(files, 0o755)); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.replay = &replay.Registry{Upstream: model.RegistryURLNPM, Dir: dir, Base: "http://" + l.Addr().String(), Latency: b.latency}
	b.catalog = &catalog{replay: b.replay, dir: files}
	b.base = b.replay.Base
	if b.live {
		b.base = model.RegistryURLNPM
	}
	server := &http.Server{Handler: b.replay, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Print(err)
		}
	}()
	return func() { _ = server.Close() }, nil
}

// begin writes down what the rows have in common.
func (b *bench) begin(ctx context.Context) (err error) {
	b.run = report.Run{
		ID: time.Now().UTC().Format(time.RFC3339), Machine: facts(ctx, b.work), Clients: maps.Clone(b.versions), Reps: b.reps,
		Latency: float64(b.latency) / float64(time.Millisecond), Live: b.live, Several: b.several,
	}
	b.results.Runs = map[string]report.Run{b.run.ID: b.run}
	if b.options.out == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(b.options.out), 0o755); err != nil {
		return err
	}
	if b.out, err = report.Append(b.options.out); err != nil {
		return err
	}
	return b.out.Write(b.run)
}

// fixture measures every client, one after the other in each repetition, a different one first each time. A
// repetition 0 that is not counted fills the replay registry and looks into every file.
func (b *bench) fixture(ctx context.Context, name string) error {
	manifest, err := os.ReadFile(filepath.Join("bench", "fixtures", name, "package.json"))
	if err != nil {
		return err
	}
	f := &fixture{name: name, manifest: manifest, first: map[string]*tree.Tree{}, unlike: map[string]int{}, failed: map[string]error{}}
	all := clients(b.clientNames(name), b.programs, b.base)
	if !b.live && slices.ContainsFunc(all, func(c client) bool { return c.family == "pantry" }) {
		if f.npm, err = b.npmTree(ctx, f, clients([]string{"npm"}, b.programs, b.base)[0]); err != nil {
			return err
		}
	}
	for rep := range b.reps + 1 {
		for i := range all {
			c := all[(i+rep)%len(all)]
			if f.failed[c.name] != nil {
				continue
			}
			rows, wrong := b.chain(ctx, f, c, rep)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := b.keep(rows); err != nil {
				return err
			}
			if wrong != nil {
				if err := b.refuse(f, c, rep, wrong); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// keep adds rows to the results.
func (b *bench) keep(rows []report.Row) error {
	for _, r := range rows {
		if r.Refused == "" {
			log.Printf("%-7s %-15s %-10s %2d  %8.3f s  cpu %7.3f s  %5.0f MiB  %5d packuments %5d tarballs", r.Fixture, r.Client, r.Scenario, r.Rep,
				r.Wall, r.User+r.System, r.Peak, r.Packuments, r.Tarballs)
		}
		b.results.Rows = append(b.results.Rows, r)
		if b.out != nil {
			if err := b.out.Write(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse leaves a client out of the rest of a fixture. All of its times there are void.
func (b *bench) refuse(f *fixture, c client, rep int, reason error) error {
	log.Printf("%s %s: refused: %v", f.name, c.name, reason)
	f.failed[c.name] = reason
	b.refused = append(b.refused, f.name+" "+c.name)
	var rows []report.Row
	for _, s := range b.scenarios {
		rows = append(rows, report.Row{Run: b.run.ID, Fixture: f.name, Scenario: s, Client: c.name, Rep: rep, Refused: reason.Error()})
	}
	return b.keep(rows)
}
