package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/pack/glob"
)

// maxIgnoreFile bounds an ignore file, in bytes; those in use have some kilobytes.
const maxIgnoreFile = 1 << 20

// Names of ignore files. The second one counts in folders without the first.
const (
	npmIgnore = ".npmignore"
	gitIgnore = ".gitignore"
)

// usually is left out unless something asks for it, in every folder anew.
var usually = []string{
	npmIgnore, gitIgnore,
	"**/.git", "**/.svn", "**/.hg", "**/CVS",
	"**/.git/**", "**/.svn/**", "**/.hg/**", "**/CVS/**",
	"/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc",
	".*.swp", ".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/archived-packages/**",
}

// always is what is in every package, and what is in none, whatever else is said.
var always = []string{
	"/.git",
	"!/package.json", "!/readme{,.*[^~$]}", "!/copying{,.*[^~$]}", "!/license{,.*[^~$]}", "!/licence{,.*[^~$]}",
	"/.git", "/node_modules", ".npmrc",
	"/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lockb",
}

// rules are patterns; the last one that matches counts. A pattern leaves out, a negated one takes in.
type rules []*glob.Pattern

func parseRules(lines ...string) (rules, error) {
	var out rules
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := glob.Parse(line)
		if err != nil {
			return nil, fmt.Errorf("pattern %.60q: %w: %w", line, err, pantry.ErrConfig)
		}
		out = append(out, p)
	}
	return out, nil
}

// ignored reads the folder's ignore file: of the two that there may be the first one.
func (f *folder) ignored() (rules, error) {
	text, err := ignoreLines(f.abs)
	if err != nil {
		return nil, err
	}
	r, err := parseRules(text...)
	if err != nil {
		return nil, fmt.Errorf("the ignore file in %s: %w", f.abs, err)
	}
	return r, nil
}

func ignoreLines(dir string) ([]string, error) {
	for _, name := range []string{npmIgnore, gitIgnore} {
		data, err := readBounded(filepath.Join(dir, name), maxIgnoreFile)
		if err == nil {
			return lines(data), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, nil
}

func lines(data []byte) []string {
	return strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file: %w", file, pantry.ErrConfig)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes: %w", file, limit, pantry.ErrConfig)
	}
	return data, nil
}

// folder is a folder that is walked, with the rules that it adds to those above it.
type folder struct {
	parent *folder
	name   string
	path   string // from the package, slash-separated; "" for the package itself
	abs    string
	rules  []rules // in the order they are asked
	listed bool    // the folder was asked for itself, so that what is above cannot leave out all that is in it
}

// includes says whether entry, a path below the folder, goes into the package. partial takes entry for a
// folder of which something may go. base is the entry's name where entry is seen from a folder further up.
func (f *folder) includes(entry string, partial bool, base string) bool {
	included := true
	if f.parent != nil {
		above := base
		if above == "" {
			above = entry
		}
		included = f.parent.includes(f.name+"/"+entry, partial, above)
		if !included && !f.listed {
			return false
		}
	}
	for _, list := range f.rules {
		for _, p := range list {
			// A pattern that would change nothing need not be tried.
			if p.Negated() != included && applies(p, entry, partial, base) {
				included = p.Negated()
			}
		}
	}
	return included
}

func applies(p *glob.Pattern, entry string, partial bool, base string) bool {
	if p.Match("/"+entry) || p.Match(entry) {
		return true
	}
	if !partial {
		return false
	}
	holds := func(name string) bool {
		return p.Match("/"+name+"/") || p.Match(name+"/") ||
			p.Negated() && (p.MatchPrefix("/"+name) || p.MatchPrefix(name))
	}
	return holds(entry) || base != "" && p.Short() && holds(base)
}

// below opens a folder within f. required are the names of files in it that "files" lists one by one.
func (f *folder) below(name string, file bool, required []string) (*folder, error) {
	sub := &folder{
		parent: f, name: name, path: path.Join(f.path, name), abs: filepath.Join(f.abs, name),
		listed: file || f.includes(name+"/", false, ""),
	}
	ignore, err := sub.ignored()
	if err != nil {
		return nil, err
	}
	strict := []string{"/.git"}
	for _, r := range required {
		strict = append(strict, "!"+r)
	}
	return sub, sub.setRules(usually, ignore, strict)
}

func (f *folder) setRules(first []string, middle rules, last []string) error {
	head, err := parseRules(first...)
	if err != nil {
		return err
	}
	tail, err := parseRules(last...)
	if err != nil {
		return err
	}
	f.rules = []rules{head, middle, tail}
	return nil
}
