package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/npm"
)

func (a *app) infoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "info NAME[@VERSION]",
		Aliases: []string{"view", "show"},
		Short:   "Show what a registry says about a package",
		Long: `Info prints the metadata of one version: the latest, or that of a version, range or tag.
The registries are asked in order, as for an install.`,
		Example: `  pantry info lodash
  pantry info lodash@^4.17.0 --json
  pantry info acme:@acme/ui@next`,
		Args: names(1, 1, "one package"),
		RunE: func(c *cobra.Command, args []string) error { return a.info(c.Context(), args[0]) },
	}
	a.ageFlags(c)
	return c
}

// info is the metadata of one version as --json prints it. Members without omitempty are always
// there.
type info struct {
	pantry.Metadata

	Artifact        *struct{}         `json:"artifact,omitempty"` // hides Metadata's: its members stand below
	Description     string            `json:"description"`
	Homepage        string            `json:"homepage"`
	Repository      string            `json:"repository"`
	License         string            `json:"license"`
	Dependencies    map[string]string `json:"dependencies"`
	DevDependencies map[string]string `json:"devDependencies"`
	Tarball         string            `json:"tarball"`
	Checksum        string            `json:"checksum"` // "sha512:HEX", the strongest digest
	Integrity       string            `json:"integrity"`
	Size            int64             `json:"size,omitempty"`
	Registry        string            `json:"registry"`
	Versions        []string          `json:"versions"`
	Tags            map[string]string `json:"tags"`
}

func newInfo(m *pantry.Metadata, p pantry.Package, registryName string) info {
	return info{
		Metadata:    *m,
		Description: m.Description, Homepage: m.Homepage, Repository: m.Repository, License: m.License,
		Dependencies: orEmpty(m.Dependencies), DevDependencies: orEmpty(m.DevDependencies),
		Tarball: m.Artifact.URL, Checksum: checksum(m.Artifact.Integrity), Integrity: m.Artifact.Integrity.String(),
		Size: m.Artifact.Size, Registry: registryName, Versions: p.Versions(), Tags: orEmpty(p.Tags()),
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// checksum is the strongest digest of a set in the form of the REST convention.
func checksum(s integrity.Set) string {
	d := s.Strongest()
	if len(d) == 0 {
		return ""
	}
	return d[0].Algorithm().String() + ":" + d[0].Hex()
}

// wholeDocuments are the registry types with npm's asked for whole package documents: only those
// tell descriptions and dates, and one request for all is faster than two.
func wholeDocuments() []registry.Kind {
	kinds := registry.Kinds()
	for i := range kinds {
		if kinds[i].Type == "npm" {
			kinds[i].Open = openWhole
		}
	}
	return kinds
}

func openWhole(o registry.OpenOptions) (pantry.Registry, error) {
	c, err := o.Client()
	if err != nil {
		return nil, err
	}
	return npm.New(npm.Options{
		Name: o.Name, Client: c, AllowMissingChecksum: o.AllowMissingChecksum, FullMetadata: true,
	})
}

func (a *app) info(ctx context.Context, arg string) error {
	ctx, m, err := a.questions(ctx, registry.Options{Kinds: wholeDocuments()})
	if err != nil {
		return err
	}
	w, err := a.wish(m, arg)
	if err != nil {
		return err
	}
	f, err := w.find(ctx, m)
	if err != nil {
		return err
	}
	md, err := f.pkg.Metadata(f.version)
	if err != nil {
		return err
	}
	a.warn(f.decision)
	i := newInfo(md, f.pkg, f.decision.Registry)
	if a.flags.json {
		return a.printJSON(i)
	}
	return i.print(a.Stdout)
}

// print tells a person.
func (i info) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s@%s\n", clean(i.Name), clean(i.Version))
	if i.Description != "" {
		fmt.Fprintln(w, clean(i.Description))
	}
	if i.Deprecated != "" {
		fmt.Fprintln(w, "DEPRECATED:", clean(i.Deprecated))
	}
	fmt.Fprintln(w)
	row := func(label, value string) {
		if value = clean(value); value != "" {
			fmt.Fprintf(w, "%s\t%s\n", label, value)
		}
	}
	row("registry", i.Registry)
	row("license", i.License)
	row("author", i.Author)
	row("homepage", i.Homepage)
	row("repository", i.Repository)
	row("published", dateOf(i.Published))
	row("versions", fmt.Sprint(len(i.Versions)))
	row("tarball", i.Tarball)
	row("integrity", i.Integrity)
	if i.Size > 0 {
		row("size", size(i.Size))
	}
	row("keywords", strings.Join(i.Keywords, ", "))
	if i.HasInstallScript {
		row("scripts", "wants to run a script when it is installed")
	}
	for _, t := range []struct {
		head   string
		values map[string]string
	}{
		{"tags", i.Tags}, {"bins", i.Bin}, {"engines", i.Engines},
		{"dependencies", i.Dependencies}, {"optional dependencies", i.OptionalDependencies},
		{"peer dependencies", i.PeerDependencies}, {"development dependencies", i.DevDependencies},
	} {
		printMap(w, t.head, t.values)
	}
	return w.Flush()
}

func printMap(w io.Writer, head string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", head)
	for _, k := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(w, "  %s\t%s\n", clean(k), clean(values[k]))
	}
}

func dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
