// Command fidelity checks that projects get from Pantry what npm gives them.
//
// It resolves real manifests with npm and with Pantry at the same moment, from one recorded copy of
// the registry's answers, compares the trees path by path and the graphs package by package, runs the
// projects' own build or test commands on Pantry's installs in both layouts, and writes what it
// found to docs/fidelity.md. Run it in the repository's top folder: make fidelity. It exits with 1 where
// it found a difference without a reason.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// settings are the command line.
type settings struct {
	only    []string // manifests; none means all
	work    string   // where projects are made; removed at the end unless it was named
	cache   string   // the recorded answers
	pantry  string
	npm     string
	linkers []string
	builds  bool
	reuse   bool
	out     string
}

func main() {
	log.SetFlags(0)
	var s settings
	only := flag.String("only", "", "comma-separated `NAMES` of manifests; default all")
	linkers := flag.String("linkers", "hoisted,isolated,isolated-project",
		"comma-separated layouts to build in; isolated-project is isolated with all packages in the project")
	flag.StringVar(&s.work, "work", "", "`FOLDER` for the projects; default one that is removed at the end, in memory if possible")
	flag.StringVar(&s.cache, "cache", ".cache/fidelity", "`FOLDER` with the recorded answers of the registry; what is in it is not asked for again")
	flag.StringVar(&s.pantry, "pantry", "bin/pantry", "the `PROGRAM` to check")
	flag.StringVar(&s.npm, "npm", "npm", "the `PROGRAM` to compare with")
	flag.BoolVar(&s.builds, "builds", true, "run the projects' own build and test commands")
	flag.BoolVar(&s.reuse, "reuse", false, "take npm's lockfiles that are in -work already")
	flag.StringVar(&s.out, "out", "docs/fidelity.md", "`FILE` to write; empty writes none")
	flag.Parse()
	s.only, s.linkers = fields(*only), fields(*linkers)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		stop()
		log.Fatal(err)
	}
}

func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// result is what was found out about one manifest.
type result struct {
	name     string
	npm      string // "" or why npm resolved nothing
	places   int    // in npm's tree
	bundled  int    // places in npm's tree inside other packages' files
	packages int
	paths    []difference // trees
	missing  []string     // packages that only npm has
	extra    []string     // packages that only Pantry has
	bindings []binding
	builds   []build
}

func run(ctx context.Context, s settings) error {
	manifests, err := findManifests(s.only)
	if err != nil {
		return err
	}
	if s.work == "" {
		if s.work, err = os.MkdirTemp(memory(), "pantry-fidelity-"); err != nil {
			return err
		}
		defer os.RemoveAll(s.work)
	}
	if s.work, err = filepath.Abs(s.work); err != nil {
		return err
	}
	if strings.ContainsRune(s.pantry, filepath.Separator) {
		if s.pantry, err = filepath.Abs(s.pantry); err != nil {
			return err
		}
	}
	registry, err := serve(s.cache)
	if err != nil {
		return err
	}
	var results []result
	for _, m := range manifests {
		registry.forget()
		p := project{settings: s, manifest: m, registry: registry.url}
		r, err := p.check(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		r.print()
		results = append(results, r)
	}
	if s.out != "" {
		if err := os.WriteFile(s.out, report(results, versions(ctx, s)), 0o644); err != nil {
			return err
		}
	}
	return verdict(results)
}

// memory is a folder for temporary files that is in memory, or "" for the usual one.
func memory() string {
	const shm = "/dev/shm"
	if st, err := os.Stat(shm); err == nil && st.IsDir() {
		return shm
	}
	return ""
}

// manifest is a project to check: a folder with a package.json and the files its build needs.
type manifest struct {
	name string
	dir  string
}

// findManifests lists the benchmark's fixtures and the manifests beside this program.
func findManifests(only []string) ([]manifest, error) {
	var all []manifest
	for _, parent := range []string{"bench/fixtures", "fidelity/manifests"} {
		found, err := filepath.Glob(filepath.Join(parent, "*", "package.json"))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			dir := filepath.Dir(file)
			if name := filepath.Base(dir); len(only) == 0 || slices.Contains(only, name) {
				all = append(all, manifest{name, dir})
			}
		}
	}
	if len(all) == 0 || len(only) > 0 && len(all) != len(only) {
		return nil, fmt.Errorf("found %d of the manifests %s: run in the repository's top folder", len(all), strings.Join(only, ", "))
	}
	return all, nil
}
