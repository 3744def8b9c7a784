package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/pantry-go/pantry/bench/report"
	"github.com/pantry-go/pantry/bench/tree"
)

// fixture is a project that is installed.
type fixture struct {
	name     string
	manifest []byte
	npm      *tree.Tree            // what npm makes of it; nil if npm refuses
	first    map[string]*tree.Tree // by client: the first tree found right
	unlike   map[string]int        // by client: lines that differ from npm's tree
	failed   map[string]error      // by client: why it is left out from now on
}

// maxChains is how often a chain is begun again since the replay registry was not ready.
const maxChains = 5

var errNotReady = errors.New("the replay registry had to fetch or to compress first")

// chain runs a client's scenarios one after the other in a folder of its own, beginning with nothing:
//
//	cold -> noop -> warm -> warmnolock -> add -> coldlock
//
// A scenario that was not asked for is left out, but for cold, without which there is nothing to begin with. Runs
// during which the registry had to go upstream are thrown away with their whole chain.
func (b *bench) chain(ctx context.Context, f *fixture, c client, rep int) ([]report.Row, error) {
	for range maxChains {
		rows, err := b.chainOnce(ctx, f, c, rep)
		if !errors.Is(err, errNotReady) {
			return rows, err
		}
		log.Printf("%s %s: the replay registry is being filled; once more", f.name, c.name)
	}
	return nil, errNotReady
}

func (b *bench) chainOnce(ctx context.Context, f *fixture, c client, rep int) (rows []report.Row, err error) {
	p := place{filepath.Join(b.work, c.name)}
	if err := os.MkdirAll(p.project(), 0o755); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.base)) }()
	if err := os.WriteFile(filepath.Join(p.project(), "package.json"), f.manifest, 0o644); err != nil {
		return nil, err
	}
	for name, content := range c.files {
		if err := os.WriteFile(filepath.Join(p.project(), name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	for _, s := range scenarios() {
		chosen := slices.Contains(b.scenarios, s.name)
		wanted := chosen && rep > 0
		if !wanted && s.name != "cold" && !(chosen && s.name == "add") {
			continue
		}
		row, err := b.step(ctx, f, c, s, p, rep)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.name, err)
		}
		if wanted {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// step runs one scenario, and returns its row only if everything about it is as it should be.
func (b *bench) step(ctx context.Context, f *fixture, c client, s scenario, p place, rep int) (report.Row, error) {
	if err := s.prepare(c, p); err != nil {
		return report.Row{}, err
	}
	before, err := save(c, p)
	if err != nil {
		return report.Row{}, err
	}
	counts := b.replay.Counts()
	took, err := process{s.command(c), p.project(), environment(c, p), p.log(), b.timeout}.run(ctx)
	if err != nil {
		return report.Row{}, err
	}
	asked := b.replay.Counts().Sub(counts)
	if !asked.Ready() {
		return report.Row{}, errNotReady
	}
	row := report.Row{
		Run: b.run.ID, Fixture: f.name, Scenario: s.name, Client: c.name, Rep: rep,
		Wall: took.Wall, User: took.User, System: took.System, Peak: took.Peak,
		Requests: report.Requests{Packuments: asked.Packuments, NotModified: asked.NotModified, Tarballs: asked.Tarballs, Other: asked.Other, Bytes: asked.Bytes},
	}
	if !b.live {
		if err := s.asked(row.Requests); err != nil {
			return row, err
		}
	}
	after, err := save(c, p)
	if err != nil {
		return row, err
	}
	if name := before.changed(after); name != "" && s.frozen {
		return row, fmt.Errorf("%s was changed", name)
	}
	if !after.locked(c) {
		return row, errors.New("there is no lockfile")
	}
	t, err := b.check(ctx, f, c, s, p, rep == 0)
	if err != nil {
		return row, err
	}
	row.Packages, row.Files, row.UnlikeNPM = len(t.Packages), t.Files, f.unlike[c.name]
	if s.name == "add" {
		err = before.restore(p)
	}
	return row, err
}

// environment is all that a client knows of the machine.
func environment(c client, p place) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home(), "TMPDIR=" + p.temp(), "LANG=C.UTF-8", "NO_COLOR=1"}, c.env...)
}
