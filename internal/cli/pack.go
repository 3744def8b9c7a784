package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/pack"
)

func (a *app) packCommand() *cobra.Command {
	var o packOptions
	var out string
	c := &cobra.Command{
		Use:   "pack [DIR]",
		Short: "Make the tarball of a package",
		Long: `Pack puts a package into a tarball by npm's rules of what goes in, and tells what that is.
Files that look like secrets stop it.`,
		Example: `  pantry pack
  pantry pack packages/ui -o ui.tgz
  pantry pack --dry-run`,
		Args: atMostOne,
		RunE: func(c *cobra.Command, args []string) error { return a.pack(c.Context(), args, o, out) },
	}
	c.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`, into a folder, or with - to standard output (default NAME-VERSION.tgz)")
	o.flags(c)
	return c
}

// atMostOne takes one argument or none.
func atMostOne(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("expected one folder, got %d", len(args))
	}
	return nil
}

// packOptions go with pack and publish.
type packOptions struct {
	dryRun, ignoreScripts bool
	allowSecrets          []string
}

func (o *packOptions) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "tell what would be done, and do all but that")
	c.Flags().BoolVar(&o.ignoreScripts, "ignore-scripts", false, "run no scripts of the package")
	c.Flags().StringArrayVar(&o.allowSecrets, "allow-secret", nil, "take `FILE` of the package although it looks like a secret")
}

// packed is what --json prints of a tarball.
type packed struct {
	Name         string      `json:"name"`
	Version      string      `json:"version"`
	File         string      `json:"file,omitempty"`
	Size         int         `json:"size"`
	UnpackedSize int64       `json:"unpackedSize"`
	Integrity    string      `json:"integrity"`
	Shasum       string      `json:"shasum"`
	Files        []pack.File `json:"files"`
	Bundled      []string    `json:"bundled,omitempty"`
	Skipped      []string    `json:"skipped,omitempty"`
}

func describePacked(p *pack.Package) packed {
	return packed{
		Name: p.Name, Version: p.Version, Size: len(p.Tarball), UnpackedSize: p.Unpacked,
		Integrity: digest(p, integrity.SHA512).String(), Shasum: digest(p, integrity.SHA1).Hex(),
		Files: p.Files, Bundled: p.Bundled, Skipped: p.Skipped,
	}
}

func digest(p *pack.Package, alg integrity.Algorithm) integrity.Digest {
	d, _ := p.Integrity.Find(alg)
	return d
}

func (a *app) pack(ctx context.Context, args []string, o packOptions, out string) error {
	if out == "-" && a.flags.json {
		return usagef("--json and -o - both want standard output")
	}
	p, err := lifecycle{a, a.packageDir(args), "pack", o.ignoreScripts}.pack(ctx, o)
	if err != nil {
		return err
	}
	shown := p.FileName()
	if !o.dryRun {
		t, err := a.openTarget(out)
		if err != nil {
			return err
		}
		defer t.abort()
		if _, err = t.Write(p.Tarball); err == nil {
			err = t.commit(p.FileName())
		}
		if err != nil {
			return err
		}
		shown = t.shown
	}
	a.preview(p)
	switch {
	case a.flags.json:
		d := describePacked(p)
		if !o.dryRun {
			d.File = shown
		}
		return a.printJSON(d)
	case out != "-":
		_, err = fmt.Fprintln(a.Stdout, shown)
	}
	return err
}

// packageDir is the folder that an argument names.
func (a *app) packageDir(args []string) string {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(a.dir(), dir)
	}
	return dir
}

// preview tells what is in a package.
func (a *app) preview(p *pack.Package) {
	if a.flags.quiet || a.flags.json {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s\n", clean(p.Name), clean(p.Version))
	bundled := 0
	for _, f := range p.Files {
		if strings.HasPrefix(f.Path, "node_modules/") {
			bundled++
			continue
		}
		fmt.Fprintf(&b, "  %8s  %s\n", size(f.Size), clean(f.Path))
	}
	if bundled > 0 {
		fmt.Fprintf(&b, "  bundled   %s: %s\n", count(bundled, "file"), clean(strings.Join(p.Bundled, ", ")))
	}
	for _, path := range p.Skipped {
		fmt.Fprintf(&b, "  left out  %s, which is no file\n", clean(path))
	}
	fmt.Fprintf(&b, "  %s, %s packed, %s unpacked\n", count(len(p.Files), "file"), size(int64(len(p.Tarball))), size(p.Unpacked))
	fmt.Fprintf(&b, "  %s\n", digest(p, integrity.SHA512))
	_, _ = fmt.Fprint(a.Stderr, b.String())
}

// isTarball says that an argument names a file rather than the folder of a package.
func isTarball(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir()
}
