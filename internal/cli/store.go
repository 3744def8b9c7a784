package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

func (a *app) storeCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "store",
		Short: "Look after the store that all projects share",
	},
		a.storePathCommand(), a.storeStatusCommand(), a.storeVerifyCommand(), a.storePruneCommand(),
	)
}

// openStore opens the configured store.
func (a *app) openStore() (*store.Store, error) {
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	return store.Open(c.StoreDir)
}

func (a *app) storePathCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Print the store's folder",
		Args:  names(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			s, err := a.openStore()
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(map[string]string{"path": s.Dir()})
			}
			_, err = fmt.Fprintln(a.Stdout, s.Dir())
			return err
		},
	}
}

func (a *app) storeStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Count what is in the store",
		Args:  names(0, 0, "no argument"),
		RunE:  func(c *cobra.Command, _ []string) error { return a.storeStatus(c.Context()) },
	}
}

func (a *app) storeStatus(ctx context.Context) error {
	s, err := a.openStore()
	if err != nil {
		return err
	}
	st, err := s.Status(ctx)
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(struct {
			Path     string `json:"path"`
			Entries  int    `json:"entries"`
			Files    int    `json:"files"`
			Bytes    int64  `json:"bytes"`
			Damaged  int    `json:"damaged"`
			Linked   int    `json:"linked"`
			Homes    int    `json:"homes"`
			Projects int    `json:"projects"`
		}{s.Dir(), st.Entries, st.Files, st.Bytes, st.Damaged, st.Linked, st.Homes, st.Projects})
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "store\t%s\n", s.Dir())
	fmt.Fprintf(w, "packages and tools\t%d, %s, %s\n", st.Entries, count(st.Files, "file"), size(st.Bytes))
	fmt.Fprintf(w, "linked packages\t%d, %d of them without files of their own\n", st.Linked, st.Homes)
	fmt.Fprintf(w, "projects\t%d\n", st.Projects)
	if err := w.Flush(); err != nil {
		return err
	}
	if st.Damaged > 0 {
		a.warnf("%s cannot be read: pantry store verify says more", count(st.Damaged, "index"))
	}
	return nil
}

func (a *app) storeVerifyCommand() *cobra.Command {
	var repair bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check every file in the store",
		Long: `Verify reads every file in the store and compares it with what was written, and looks at all
linked packages. It ends with 4 if something is damaged and not repaired.`,
		Args: names(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error { return a.storeVerify(c.Context(), repair) },
	}
	c.Flags().BoolVar(&repair, "repair", false, "take out what is damaged; the next install fetches it again")
	return c
}

func (a *app) storeVerify(ctx context.Context, repair bool) error {
	s, err := a.openStore()
	if err != nil {
		return err
	}
	show, end := a.verifyProgress()
	r, err := s.VerifyAll(ctx, store.VerifyOptions{Repair: repair, Progress: show, Waiting: a.waitForInstalls})
	end()
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if err := a.printVerified(r); err != nil {
		return err
	}
	left := 0
	for _, p := range r.Problems {
		if !p.Repaired {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	err = fmt.Errorf("the store %s is damaged in %s: %w", s.Dir(), count(left, "place"), pantry.ErrIntegrity)
	return pantry.WithHint(err, "pantry store verify --repair takes out what is damaged; then pantry install fetches it again")
}

// damage is something damaged as verify prints it.
type damage struct {
	Digest   string `json:"digest,omitempty"`
	Key      string `json:"key,omitempty"`
	Name     string `json:"name,omitempty"`
	Version  string `json:"version,omitempty"`
	Path     string `json:"path"`
	Problem  string `json:"problem"`
	Repaired bool   `json:"repaired"`
}

func (a *app) printVerified(r store.VerifyReport) error {
	if a.flags.json {
		all := []damage{}
		for _, p := range r.Problems {
			d := damage{Key: p.Key, Name: p.Name, Version: p.Version, Path: p.Path, Problem: p.Err.Error(), Repaired: p.Repaired}
			if !p.Digest.IsZero() {
				d.Digest = p.Digest.String()
			}
			all = append(all, d)
		}
		return a.printJSON(struct {
			Entries    int      `json:"entries"`
			Linked     int      `json:"linked"`
			Files      int      `json:"files"`
			Bytes      int64    `json:"bytes"`
			Unfinished int      `json:"unfinished"`
			Damaged    []damage `json:"damaged"`
		}{r.Entries, r.Linked, r.Files, r.Bytes, r.Unfinished, all})
	}
	for _, p := range r.Problems {
		done := ""
		if p.Repaired {
			done = ", taken out"
		}
		fmt.Fprintf(a.Stdout, "damaged: %s%s\n  %s\n", p.Path, done, printable(p))
	}
	_, err := fmt.Fprintf(a.Stdout, "checked %s and %s: %s, %s\n", count(r.Entries, "package"), count(r.Linked, "linked package"), count(r.Files, "file"), size(r.Bytes))
	if r.Unfinished > 0 {
		a.warnf("%s without all that is needed: an install was interrupted, and the next one finishes it", count(r.Unfinished, "linked package"))
	}
	return err
}

// printable says what is wrong with something, without what a terminal would obey.
func printable(p store.Problem) string {
	text := strings.TrimPrefix(p.Err.Error(), store.ErrDamaged.Error()+": ")
	switch {
	case p.Name != "" && p.Version != "":
		text = p.Name + "@" + p.Version + ": " + text
	case p.Name != "":
		text = p.Name + ": " + text
	}
	return clean(text)
}

// verifyProgress keeps a line on the terminal up to date.
func (a *app) verifyProgress() (show func(done, total int), end func()) {
	if !a.Terminal || a.flags.quiet || a.flags.json {
		return nil, func() {}
	}
	const every = 50 // packages: some times a second
	show = func(done, total int) {
		if done%every == 0 {
			fmt.Fprintf(a.Stderr, "\rchecking %d of %d", done, total)
		}
	}
	return show, func() { fmt.Fprint(a.Stderr, "\r\x1b[K") }
}

// waitForInstalls tells why nothing happens.
func (a *app) waitForInstalls() {
	if !a.flags.quiet && !a.flags.json {
		fmt.Fprintln(a.Stderr, "pantry: waiting for installs that use the store")
	}
}

func (a *app) storePruneCommand() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use:   "prune",
		Short: "Take out of the store what no project needs",
		Long: `Prune keeps what the lockfiles of all projects that were installed with this store list, and what
their node_modules leads to, and takes out everything else. A project whose folder is gone needs nothing.`,
		Args: names(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error { return a.storePrune(c.Context(), dryRun) },
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be taken out")
	return c
}

func (a *app) storePrune(ctx context.Context, dryRun bool) error {
	s, err := a.openStore()
	if err != nil {
		return err
	}
	var projects int
	decide := func(dirs []string) (func(integrity.Digest) bool, []string, error) {
		projects = len(dirs)
		return needed(s, dirs)
	}
	r, err := s.Prune(ctx, store.PruneOptions{Decide: decide, DryRun: dryRun, Waiting: a.waitForInstalls})
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(struct {
			DryRun      bool     `json:"dryRun"`
			Entries     int      `json:"entries"`
			Files       int      `json:"files"`
			Bytes       int64    `json:"bytes"`
			Linked      int      `json:"linked"`
			Forgotten   []string `json:"forgottenProjects"`
			Projects    int      `json:"projects"`
			KeptEntries int      `json:"keptEntries"`
			KeptLinked  int      `json:"keptLinked"`
		}{dryRun, r.Entries, r.Files, r.Bytes, r.Linked, append([]string{}, r.Projects...), projects, r.KeptEntries, r.KeptLinked})
	}
	done := "took out"
	if dryRun {
		done = "would take out"
	}
	for _, dir := range r.Projects {
		fmt.Fprintf(a.Stdout, "project gone: %q\n", dir)
	}
	fmt.Fprintf(a.Stdout, "%s %s (%s, %s) and %s\n", done, count(r.Entries, "package"), count(r.Files, "file"), size(r.Bytes), count(r.Linked, "linked package"))
	_, err = fmt.Fprintf(a.Stdout, "%s and %s stay for %s\n", count(r.KeptEntries, "package"), count(r.KeptLinked, "linked package"), count(projects, "project"))
	return err
}

// needed finds out what projects need: what their lockfiles list, and the linked packages that their
// node_modules leads to. A project that cannot be understood is an error, since it may need anything.
func needed(s *store.Store, dirs []string) (keep func(integrity.Digest) bool, roots []string, err error) {
	keeps := map[integrity.Digest]bool{}
	for _, dir := range dirs {
		l, err := lockfile.Read(filepath.Join(dir, lockfile.Name))
		if err == nil {
			err = lockedDigests(s, l, keeps)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("what the project %s needs is not known: %w", dir, err)
			return nil, nil, pantry.WithHint(err, "mend or remove its %s", lockfile.Name)
		}
		keys, err := linkedFrom(filepath.Join(dir, "node_modules"))
		if err != nil {
			return nil, nil, fmt.Errorf("what the project %s needs is not known: %w", dir, err)
		}
		roots = append(roots, keys...)
	}
	return func(d integrity.Digest) bool { return keeps[d] }, roots, nil
}

// lockedDigests adds the SHA-512 of every artifact that a lockfile lists and the store knows.
func lockedDigests(s *store.Store, l *lockfile.Lock, keeps map[integrity.Digest]bool) error {
	add := func(set integrity.Set) error {
		for _, d := range set {
			switch d, err := s.Resolve(d); {
			case err == nil:
				keeps[d] = true
			case !errors.Is(err, store.ErrMissing):
				return err
			}
		}
		return nil
	}
	for _, p := range l.Packages {
		if err := add(p.Integrity); err != nil {
			return err
		}
		if p.Tool == nil {
			continue
		}
		for _, b := range p.Tool.Builds {
			if err := add(b.Integrity); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkedFrom finds the linked packages that the links in a node_modules lead to: those of scopes too, and
// those of packages that are laid out in node_modules/.pantry.
func linkedFrom(modules string) (keys []string, err error) {
	err = eachLink(modules, false, &keys)
	private := filepath.Join(modules, ".pantry")
	folders, err2 := os.ReadDir(private)
	if err2 != nil && !errors.Is(err2, fs.ErrNotExist) {
		err = errors.Join(err, err2)
	}
	for _, folder := range folders {
		if folder.IsDir() && err == nil {
			err = eachLink(filepath.Join(private, folder.Name(), "node_modules"), true, &keys)
		}
	}
	return keys, err
}

// eachLink adds the linked packages that the links in a folder lead to. inside says that the packages in
// it may have such links in a node_modules of their own.
func eachLink(dir string, inside bool, keys *[]string) error {
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range all {
		path := filepath.Join(dir, e.Name())
		switch {
		case err != nil:
		case e.Type()&fs.ModeSymlink != 0:
			var to string
			to, err = os.Readlink(path)
			if key, ok := store.KeyOf(to); ok {
				*keys = append(*keys, key)
			}
		case e.IsDir() && strings.HasPrefix(e.Name(), "@"):
			err = eachLink(path, inside, keys)
		case e.IsDir() && inside:
			err = eachLink(filepath.Join(path, "node_modules"), false, keys)
		}
	}
	return err
}
