package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/registry/directory"
)

// mirrorFlags are those of pantry mirror.
type mirrorFlags struct {
	lockfile, sbom           string
	all, deps, dryRun, check bool
	latest, concurrency      int
}

func (a *app) mirrorCommand() *cobra.Command {
	var f mirrorFlags
	c := &cobra.Command{
		Use:   "mirror FROM TO [NAME[@VERSION]...]",
		Short: "Copy packages from one registry to another, or to a folder",
		Long: `Mirror copies packages with all that the target can hold: bytes, metadata, tags, deprecations,
times, signatures and attestations. What the target has already is skipped, what it has with
other bytes is reported and left alone, and a run that was interrupted is finished by the next.

FROM and TO are names of configured registries, or folders: ./mirror, /srv/mirror, dir:mirror.
FROM may be a bundle, too: ./pantry-bundle.zip.
A name may be a pattern (@acme/*), and a version a range or tag; without one, all are copied.`,
		Example: `  pantry mirror npm ./mirror lodash@^4 "@types/*"
  pantry mirror npm ./mirror --lockfile pantry.lock
  pantry mirror ./mirror acme --all --dry-run`,
		Args: names(2, -1, "where to copy from and where to copy to"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.mirror(c.Context(), args[0], args[1], args[2:], f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.lockfile, "lockfile", "", "copy what `FILE` pins: a pantry.lock or package-lock.json")
	fl.StringVar(&f.sbom, "sbom", "", "copy what `FILE` lists: CycloneDX or SPDX, as JSON")
	fl.BoolVar(&f.all, "all", false, "copy every package, where the registry can list them")
	fl.IntVar(&f.latest, "latest", 0, "of each package copy the highest `N` versions only")
	fl.BoolVar(&f.deps, "with-dependencies", false, "copy what the copied versions need, too")
	fl.BoolVar(&f.dryRun, "dry-run", false, "tell what would be copied, and copy nothing")
	fl.BoolVar(&f.check, "verify", false, "read what a folder has already, and replace what is damaged")
	fl.IntVar(&f.concurrency, "concurrency", 0, "work on `N` packages at once (default 8)")
	return c
}

func (a *app) mirror(ctx context.Context, from, to string, specs []string, f mirrorFlags) error {
	if f.latest < 0 || f.concurrency < 0 {
		return usagef("--latest and --concurrency: expected a number from 1")
	}
	if from == to {
		return usagef("%s to %s: expected two registries", clean(from), clean(to))
	}
	o := mirror.Options{WithDependencies: f.deps, DryRun: f.dryRun, Verify: f.check, Concurrency: f.concurrency}
	var err error
	var purl string
	if o.From, purl, err = a.mirrorFrom(from, &o); err != nil {
		return err
	}
	var left []mirror.Left
	if o.Items, left, err = a.mirrorItems(specs, f, o.From, purl); err != nil {
		return err
	}
	if o.To, err = a.mirrorTo(to, f.dryRun); err != nil {
		return err
	}
	show := a.newMirrorProgress()
	o.Progress = show.event
	rep, err := mirror.Run(ctx, o)
	show.stop()
	rep.LeftOut = append(left, rep.LeftOut...)
	if err != nil {
		if rep.Copied > 0 && !f.dryRun {
			a.warnf("stopped after %s; the same command goes on from there", counted(rep.Copied, "version"))
		}
		return err
	}
	return a.mirrorReport(rep)
}

// mirrorFrom opens where to copy from. purl is the type of package URLs that are of it.
func (a *app) mirrorFrom(arg string, o *mirror.Options) (end mirror.End, purl string, err error) {
	path, ok := a.folderArg(arg)
	if st, err := os.Stat(path); ok && err == nil && st.Mode().IsRegular() {
		b, err := a.openBundle(arg) // open until the process ends
		if err != nil {
			return end, "", err
		}
		return mirror.End{Name: arg, Registry: b.Packages()}, "npm", nil
	}
	if ok {
		d, err := directory.Open(arg, path, false)
		return mirror.End{Name: arg, Registry: d}, "npm", err
	}
	e, err := a.mirrorEntry(arg)
	if err != nil {
		return end, "", err
	}
	o.AllowMissingIntegrity = e.Config().AllowMissingChecksum
	purl = e.Type()
	switch {
	case e.NPMStyle():
		purl = "npm"
	case purl == "adapter":
		// One whose definition cannot be read is not open.
		if d, err := adapter.Load(cmp.Or(e.Config().Adapter, e.Name())); err == nil {
			purl = d.Ecosystem()
		}
	}
	return mirror.End{Name: e.Name(), Registry: e, Allow: e.Allow}, purl, nil
}

func (a *app) mirrorTo(arg string, dryRun bool) (mirror.End, error) {
	path, ok := a.folderArg(arg)
	if !ok {
		e, err := a.mirrorEntry(arg)
		if err != nil {
			return mirror.End{}, err
		}
		return mirror.End{Name: e.Name(), Registry: e, Allow: e.Allow}, nil
	}
	if _, err := os.Stat(path); dryRun && errors.Is(err, fs.ErrNotExist) {
		return mirror.End{Name: arg, Registry: directory.Empty(arg, path)}, nil
	}
	d, err := directory.Open(arg, path, !dryRun)
	return mirror.End{Name: arg, Registry: d}, err
}

// folderArg tells a folder from the name of a registry.
func (a *app) folderArg(arg string) (path string, ok bool) {
	path, ok = strings.CutPrefix(arg, "dir:")
	if !ok {
		path = arg
		slashed := filepath.ToSlash(arg)
		ok = filepath.IsAbs(arg) || slashed == "." || slashed == ".." || strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../")
	}
	return a.atDir(path), ok
}

// atDir is a path that is meant from the folder that the command works in.
func (a *app) atDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(a.dir(), path)
}

func (a *app) mirrorEntry(arg string) (*registry.Entry, error) {
	if a.routes == nil {
		m, err := a.asking(registry.Options{})
		if err != nil {
			return nil, err
		}
		a.routes = m
	}
	e, ok := a.routes.Get(arg)
	switch {
	case !ok:
		var known []string
		for _, e := range a.routes.All() {
			known = append(known, e.Name())
		}
		return nil, pantry.WithHint(fmt.Errorf("%w: no registry is named %q", pantry.ErrConfig, clean(arg)),
			"configured registries: %s; a folder is written ./%s", strings.Join(known, ", "), clean(arg))
	case !e.Enabled():
		return nil, pantry.WithHint(fmt.Errorf("%w: registry %q is disabled", pantry.ErrConfig, e.Name()), "enable it: pantry registry enable %s", e.Name())
	}
	return e, e.Err()
}

// mirrorItems is what the command line asks for.
func (a *app) mirrorItems(specs []string, f mirrorFlags, from mirror.End, purl string) (items []mirror.Item, left []mirror.Left, err error) {
	for _, s := range specs {
		it, err := mirror.ParseItem(s)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, it)
	}
	if f.all {
		items = append(items, mirror.Item{Name: "*"})
	}
	for i := range items {
		items[i].Latest = f.latest
	}
	if f.lockfile != "" {
		more, out, err := a.lockedItems(f.lockfile, from)
		if err != nil {
			return nil, nil, err
		}
		items, left = append(items, more...), append(left, out...)
	}
	if f.sbom != "" {
		data, err := readNamed(a.atDir(f.sbom), mirror.MaxDocument)
		if err != nil {
			return nil, nil, err
		}
		more, out, err := mirror.FromSBOM(data, purl)
		if err != nil {
			return nil, nil, err
		}
		items, left = append(items, more...), append(left, out...)
	}
	if len(items) == 0 && f.lockfile == "" && f.sbom == "" {
		return nil, nil, usagef("expected what to copy: names, --lockfile, --sbom or --all")
	}
	return items, left, nil
}

func (a *app) lockedItems(file string, from mirror.End) ([]mirror.Item, []mirror.Left, error) {
	data, err := readNamed(a.atDir(file), mirror.MaxDocument)
	if err != nil {
		return nil, nil, err
	}
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n\ufeff"), []byte("{")) {
		return mirror.FromPackageLock(data)
	}
	l, err := lockfile.Parse(file, data)
	if err != nil {
		return nil, nil, err
	}
	origin := from.Name
	if from.Allow == nil {
		origin = "" // a folder or a bundle may hold packages of any
	}
	items, left := mirror.FromLockfile(l, origin)
	return items, left, nil
}

// readNamed reads a file that the user named.
func readNamed(path string, most int64) ([]byte, error) {
	data, err := readBounded(path, most)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", pantry.ErrConfig, path, most)
	}
	return data, nil
}

// mirrorReport prints what was done. Something that failed makes the exit code 1.
func (a *app) mirrorReport(rep *mirror.Report) error {
	if a.flags.json {
		if err := a.printJSON(rep); err != nil {
			return err
		}
	} else {
		a.tellMirror(rep)
	}
	if len(rep.Failed) > 0 {
		return &exitError{exitFailed}
	}
	return nil
}

func (a *app) tellMirror(rep *mirror.Report) {
	const most = 5 // of what was left out, unless more is wanted
	for i, l := range rep.LeftOut {
		if i == most && !a.flags.verbose {
			a.warnf("%d more are not copied; --verbose lists them", len(rep.LeftOut)-i)
			break
		}
		a.warnf("%s is not copied: %s", clean(id(l.Name, l.Version)), clean(l.Reason))
	}
	for _, n := range rep.NotCarried {
		a.warnf("%s of %s: not carried, %s has no place for that or makes its own", n.What, counted(n.Versions, "version"), clean(rep.To))
	}
	a.tellFailures(rep.Failed)
	verb := "copied"
	if rep.DryRun {
		verb = "would copy"
	}
	line := fmt.Sprintf("%s %s of %s from %s to %s", verb, counted(rep.Copied, "version"), counted(rep.Packages, "package"), clean(rep.From), clean(rep.To))
	if rep.Bytes > 0 {
		line += ", " + size(rep.Bytes)
	}
	for _, n := range []struct {
		count int
		what  string
	}{{rep.Skipped, "already there"}, {rep.Updated, "updated"}, {rep.Tags, "tags set"}, {len(rep.Failed), "failed"}} {
		if n.count > 0 {
			line += fmt.Sprintf("; %d %s", n.count, n.what)
		}
	}
	fmt.Fprintln(a.Stdout, line)
}

// tellFailures prints what was not copied: each hint once, and not thousands of lines.
func (a *app) tellFailures(failed []mirror.Failure) {
	const most = 20
	hints := map[string]bool{}
	for i, f := range failed {
		if i == most && !a.flags.verbose {
			fmt.Fprintf(a.Stderr, "pantry: error: %d more failed; --verbose lists them\n", len(failed)-i)
			break
		}
		text := f.Reason
		if what := id(f.Name, f.Version); !strings.Contains(text, what) {
			text = what + ": " + text
		}
		fmt.Fprintf(a.Stderr, "pantry: error: %s\n", clean(text))
		if f.Hint != "" && !hints[f.Hint] {
			hints[f.Hint] = true
			fmt.Fprintf(a.Stderr, "pantry: hint: %s\n", clean(f.Hint))
		}
	}
}

func id(name, version string) string {
	if version == "" {
		return name
	}
	return name + "@" + version
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
