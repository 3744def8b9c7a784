package pack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// maxFiles bounds the files of a package, and the entries of folders that are looked at for them: as
// many as [archive.Limits] lets an install unpack.
const maxFiles = 200_000

// lister collects the files of a package.
type lister struct {
	ctx     context.Context
	root    string
	files   []string // slash-separated, from root
	skipped []string
	bundled []string        // names, the root's own
	seen    map[string]bool // packages that are bundled, by path
	entries int
}

// list finds what goes into the package in root, with the packages that it bundles.
func list(ctx context.Context, root string, d *document) (*lister, error) {
	l := &lister{ctx: ctx, root: root, seen: map[string]bool{}}
	f := &folder{abs: root}
	required, err := f.open(d, true)
	if err != nil {
		return nil, err
	}
	if err := l.walk(f, required, ""); err != nil {
		return nil, err
	}
	if err := l.bundle("", d, d.bundledNames()); err != nil {
		return nil, err
	}
	slices.Sort(l.files)
	l.files = slices.Compact(l.files)
	slices.Sort(l.bundled)
	return l, nil
}

// open makes the rules of a package's own folder. own says that it is the one to pack and none that it
// bundles. required are files that "files" lists one by one.
func (f *folder) open(d *document, own bool) (required []string, err error) {
	strict := slices.Clone(always)
	var middle rules
	if d.Files != nil {
		var asked []string
		if asked, required, strict, err = f.asked(d.Files, strict); err != nil {
			return nil, err
		}
		if middle, err = parseRules(append([]string{"*"}, asked...)...); err != nil {
			return nil, fmt.Errorf(`package.json: "files": %w`, err)
		}
	} else if own {
		if middle, err = f.ignored(); err != nil {
			return nil, err
		}
	}
	for _, file := range d.programs() {
		strict = append(strict, "!/"+file)
	}
	var first []string
	if own {
		first = usually
		above, err := inherited(f.abs)
		if err != nil {
			return nil, err
		}
		first = append(slices.Clip(first), above...)
	}
	if err := f.setRules(first, middle, strict); err != nil {
		return nil, fmt.Errorf("package.json: %w", err)
	}
	return required, nil
}

// asked makes rules of "files". What is a file goes in whatever else is said; folders and patterns can be
// narrowed down by ignore files below.
func (f *folder) asked(files, strict []string) (asked, required, _ []string, err error) {
	for _, file := range files {
		if strings.HasPrefix(file, "./") {
			file = file[1:]
		}
		if strings.HasSuffix(file, "/*") {
			file += "*"
		}
		take := "!" + file
		st, err := os.Lstat(filepath.Join(f.abs, filepath.FromSlash(strings.TrimLeft(file, "!"))))
		switch {
		case err != nil: // a pattern
			asked = append(asked, take)
		case st.Mode().IsRegular():
			strict = append([]string{take}, strict...)
			required = append(required, strings.TrimPrefix(file, "/"))
		case st.IsDir():
			asked = append(asked, take, take+"/**")
		}
	}
	return asked, required, strict, nil
}

// walk collects what is in f. at is put in front of paths.
func (l *lister) walk(f *folder, required []string, at string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.abs)
	if err != nil {
		return err
	}
	if l.entries += len(entries); l.entries > maxFiles {
		err := fmt.Errorf("%s holds more than %d files: %w", l.root, maxFiles, pantry.ErrConfig)
		return pantry.WithHint(err, `say what goes into the package with "files" in package.json`)
	}
	for _, e := range entries {
		name := e.Name()
		file, dir := f.includes(name, false, ""), f.includes(name, true, "")
		to := path.Join(at, f.path, name)
		switch {
		case !file && !dir:
		case strings.Contains(name, "*"): // no system but Unix could unpack it
			l.skipped = append(l.skipped, to)
		case e.IsDir() && dir:
			inner := within(required, name)
			sub, err := f.below(name, file, inner)
			if err != nil {
				return err
			}
			if err := l.walk(sub, inner, at); err != nil {
				return err
			}
		case e.IsDir():
		case e.Type().IsRegular() && file:
			l.files = append(l.files, to)
		case !e.Type().IsRegular() && file:
			l.skipped = append(l.skipped, to)
		}
	}
	return nil
}

// within are the files of required that stand in the folder.
func within(required []string, folder string) []string {
	var out []string
	for _, r := range required {
		if path.Dir(path.Clean(r)) == folder {
			out = append(out, path.Base(r))
		}
	}
	return out
}

// bundle collects the packages that the package at a path bundles, with all they need.
func (l *lister) bundle(at string, d *document, names []string) error {
	for _, name := range names {
		to, err := l.find(at, name)
		if err != nil {
			return err
		}
		if to == "" {
			if _, optional := d.OptionalDependencies[name]; optional {
				continue
			}
			err := fmt.Errorf("the package bundles %q, which %s needs and which is not installed: %w", name, orThis(at), pantry.ErrConfig)
			return pantry.WithHint(err, "run pantry install first")
		}
		if at == "" {
			l.bundled = append(l.bundled, name)
		}
		if l.seen[to] {
			continue
		}
		l.seen[to] = true
		f := &folder{abs: filepath.Join(l.root, filepath.FromSlash(to))}
		sub, _, err := readDocument(filepath.Join(f.abs, "package.json"))
		if err != nil {
			return err
		}
		required, err := f.open(sub, false)
		if err != nil {
			return err
		}
		if err := l.walk(f, required, to); err != nil {
			return err
		}
		if err := l.bundle(to, sub, sub.needs()); err != nil {
			return err
		}
	}
	return nil
}

func orThis(at string) string {
	if at == "" {
		return "it"
	}
	return at
}

// find looks a package up as Node.js does, but not above the root. "" means that it is not there.
func (l *lister) find(at, name string) (string, error) {
	for dir := at; ; dir = parentPackage(dir) {
		to := path.Join(dir, "node_modules", name)
		st, err := os.Lstat(filepath.Join(l.root, filepath.FromSlash(to)))
		switch {
		case err == nil && st.IsDir():
			return to, nil
		case err == nil:
			err := fmt.Errorf("the package bundles %q, and %s is a link: %w", name, to, pantry.ErrConfig)
			return "", pantry.WithHint(err, "bundled packages must be folders of the project: pantry install --linker hoisted")
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case dir == "":
			return "", nil
		}
	}
}

// parentPackage is the package in whose node_modules a package stands.
func parentPackage(at string) string {
	i := strings.LastIndex(at, "node_modules/")
	return strings.TrimSuffix(at[:max(i, 0)], "/")
}
