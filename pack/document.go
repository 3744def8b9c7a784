package pack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/pack/glob"
	"github.com/pantry-go/pantry/semver"
)

// maxName is npm's bound for names, in characters.
const maxName = 214

// document is what packing needs of a package.json.
type document struct {
	*manifest.Manifest

	Files         []string
	Main, Browser string
	BinDir        string // directories.bin: a folder of programs
	PublishConfig PublishConfig
	Repository    bool // there is one
	marked        bool // it begins with a byte order mark
	workspaces    []string
	dependencies  map[string]string // of all, as written
	dev, peer     map[string]string
}

// PublishConfig is what a package.json says about publishing.
type PublishConfig struct {
	Registry string // URL
	Tag      string
	Access   string
}

// readDocument reads a package.json.
func readDocument(file string) (*document, []byte, error) {
	data, err := readBounded(file, manifest.MaxSize)
	if os.IsNotExist(err) {
		err := fmt.Errorf("there is no package.json in %s: %w", filepath.Dir(file), pantry.ErrConfig)
		return nil, nil, pantry.WithHint(err, "name the folder of a package, or a tarball")
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := parseDocument(file, data)
	return d, data, err
}

func parseDocument(file string, data []byte) (*document, error) {
	bare := bytes.TrimPrefix(data, []byte("\ufeff"))
	marked := len(bare) < len(data)
	data = bare
	m, err := manifest.ParsePackageJSON(file, data)
	if err != nil {
		return nil, err
	}
	d := &document{Manifest: m, marked: marked}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", file, err, pantry.ErrConfig)
	}
	if raw, ok := all["files"]; ok && string(raw) != "null" {
		if json.Unmarshal(raw, &d.Files) != nil {
			return nil, fmt.Errorf(`%s: "files": expected a list of patterns: %w`, file, pantry.ErrConfig)
		}
		if d.Files == nil {
			d.Files = []string{}
		}
	}
	// What is of another type is of no account to npm either.
	_ = json.Unmarshal(all["main"], &d.Main)
	_ = json.Unmarshal(all["browser"], &d.Browser)
	_ = json.Unmarshal(all["publishConfig"], &d.PublishConfig)
	_ = json.Unmarshal(all["dependencies"], &d.dependencies)
	_ = json.Unmarshal(all["devDependencies"], &d.dev)
	_ = json.Unmarshal(all["peerDependencies"], &d.peer)
	var directories struct{ Bin string }
	if json.Unmarshal(all["directories"], &directories) == nil && len(d.Bin) == 0 {
		d.BinDir = directories.Bin
	}
	d.Repository = len(all["repository"]) > 2 && string(all["repository"]) != "null"
	var packages struct{ Packages []string }
	if json.Unmarshal(all["workspaces"], &d.workspaces) != nil && json.Unmarshal(all["workspaces"], &packages) == nil {
		d.workspaces = packages.Packages
	}
	return d, nil
}

// check says why the package cannot be one, or not be published as it is.
func (d *document) check(file string) error {
	fail := func(hint, format string, args ...any) error {
		err := fmt.Errorf("%s: %s: %w", file, fmt.Sprintf(format, args...), pantry.ErrConfig)
		if hint == "" {
			return err
		}
		return pantry.WithHint(err, "%s", hint)
	}
	switch {
	case d.marked:
		return fail("save it as UTF-8 without one", "it begins with a byte order mark, which is no JSON to registries")
	case d.Name == "":
		return fail("", `"name" is missing`)
	case len(d.Name) > maxName:
		return fail("", `"name" has more than %d characters`, maxName)
	case d.Version == "":
		return fail("", `"version" is missing`)
	}
	if err := manifest.CheckName(d.Name); err != nil {
		return fail("a name is written like left-pad or @scope/name", `"name": %v`, err)
	}
	if _, err := semver.Parse(d.Version); err != nil || d.Version[0] < '0' || d.Version[0] > '9' {
		return fail("a version is written like 1.2.3 or 1.2.3-beta.1", `"version": %.60q is no version`, d.Version)
	}
	for section, wishes := range map[string]map[string]string{
		"dependencies": d.dependencies, "optionalDependencies": d.OptionalDependencies, "peerDependencies": d.peer,
	} {
		for _, name := range slices.Sorted(maps.Keys(wishes)) {
			protocol, _, ok := strings.Cut(wishes[name], ":")
			if ok && (protocol == "workspace" || protocol == "catalog") {
				return fail("write the version or range that those who install it should get",
					"%s: %.60q is %.60q, which nobody could install", section, name, wishes[name])
			}
		}
	}
	return nil
}

// programs are patterns of the files that are needed to use the package at all.
func (d *document) programs() []string {
	var out []string
	for _, file := range []string{d.Browser, d.Main} {
		if file != "" {
			out = append(out, cleanPath(file)) // npm overlooks "./main.js" here
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Bin)) {
		out = append(out, cleanPath(d.Bin[name]))
	}
	if d.BinDir != "" {
		out = append(out, cleanPath(d.BinDir)+"/**")
	}
	return out
}

func cleanPath(file string) string { return path.Clean("/" + strings.ReplaceAll(file, `\`, "/"))[1:] }

// bundledNames are the dependencies that are to be inside the package: not those for development, nor
// those that others have to bring.
func (d *document) bundledNames() []string {
	var out []string
	for _, name := range d.Bundled {
		_, optional := d.OptionalDependencies[name]
		_, needed := d.dependencies[name]
		if optional || needed {
			out = append(out, name)
		}
	}
	return out
}

// needs are the dependencies of a package that is bundled.
func (d *document) needs() []string {
	all := maps.Clone(d.dependencies)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, d.OptionalDependencies) // a bundled package's peers are its users' affair
	return slices.Sorted(maps.Keys(all))
}

// inherited returns the lines of the ignore files above a package that is a workspace of a project, from
// the project's folder down.
func inherited(dir string) ([]string, error) {
	for root := filepath.Dir(dir); ; root = filepath.Dir(root) {
		if d, _, err := readDocument(filepath.Join(root, "package.json")); err == nil && d.hasWorkspace(root, dir) {
			return ignoredAbove(root, dir)
		}
		if root == filepath.Dir(root) {
			return nil, nil
		}
	}
}

func (d *document) hasWorkspace(root, dir string) bool {
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return false
	}
	has := false
	for _, text := range d.workspaces {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "./"), "/")
		bare := strings.TrimLeft(text, "!")
		p, err := glob.Parse("/" + strings.TrimPrefix(bare, "/"))
		if err == nil && p.Match("/"+filepath.ToSlash(rel)) {
			has = len(text) == len(bare)
		}
	}
	return has
}

func ignoredAbove(root, dir string) ([]string, error) {
	rel, err := filepath.Rel(root, filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	out, err := ignoreLines(root)
	if err != nil || rel == "." {
		return out, err
	}
	at := root
	for _, name := range strings.Split(rel, string(filepath.Separator)) {
		at = filepath.Join(at, name)
		more, err := ignoreLines(at)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}
