package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) downloadCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "download NAME[@VERSION]",
		Short: "Download a package's file, verified",
		Long: `Download writes the file of one version, as the registry has it. The file appears whole,
after its checksum was verified, or not at all.`,
		Example: `  pantry download lodash@4.17.21
  pantry download @acme/ui -o ui.tgz
  pantry download lodash -o - | tar -tz`,
		Args: names(1, 1, "one package"),
		RunE: func(c *cobra.Command, args []string) error { return a.download(c.Context(), args[0], out) },
	}
	a.ageFlags(c)
	c.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`, into a folder, or with - to standard output (default NAME-VERSION.tgz)")
	return c
}

// downloaded is what --json prints.
type downloaded struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Registry  string `json:"registry"`
	File      string `json:"file"`
	Size      int64  `json:"size"`
	Integrity string `json:"integrity"`
}

func (a *app) download(ctx context.Context, arg, out string) error {
	if out == "-" && a.flags.json {
		return usagef("--json and -o - both want standard output")
	}
	ctx, m, err := a.questions(ctx, registry.Options{})
	if err != nil {
		return err
	}
	w, err := a.wish(m, arg)
	if err != nil {
		return err
	}
	r := registry.Request{Name: w.name, Version: w.wanted, Registry: w.registry}
	if !w.exact() {
		f, err := w.find(ctx, m)
		if err != nil {
			return err
		}
		a.warn(f.decision)
		r = registry.Request{Name: w.name, Version: f.version, Registry: f.decision.Registry}
	}
	t, err := a.openTarget(out)
	if err != nil {
		return err
	}
	defer t.abort()
	md, d, err := m.Download(ctx, r, t)
	if err != nil {
		return whenOffline(ctx, err)
	}
	a.warn(d)
	if err := t.commit(fileName(md)); err != nil {
		return err
	}
	done := downloaded{
		Name: md.Name, Version: md.Version, Registry: md.Registry,
		File: t.shown, Size: t.size, Integrity: md.Artifact.Integrity.String(),
	}
	switch {
	case a.flags.json:
		return a.printJSON(done)
	case out != "-":
		_, err = fmt.Fprintf(a.Stdout, "%s  %s@%s from %s, %s\n",
			done.File, clean(done.Name), clean(done.Version), done.Registry, size(done.Size))
	}
	return err
}

// fileName is the name that the registry gives the file, else the one that npm pack gives:
// scope-name-version.tgz. What could be a path, or hide the file, is replaced.
func fileName(md *pantry.Metadata) string {
	s := md.Artifact.File
	if s == "" {
		s = strings.TrimPrefix(md.Name, "@") + "-" + md.Version + ".tgz"
	}
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+~@", r) {
			return r
		}
		return '-'
	}, s)
	return strings.TrimLeft(s, ".-")
}

// shownPath is a path as the user can open it from where the command was started.
func (a *app) shownPath(path string) string {
	if rel, err := filepath.Rel(a.Dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
