package pkgx

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// Installed is a bottle that is unpacked.
type Installed struct {
	Project string
	Version string
	// Prefix is the folder with bin, lib and so on.
	Prefix string
	// Runtime is the environment that the recipe asks for: [pantry.Tool] Env.
	Runtime map[string]string
}

// EnvOptions is what Env needs to know of the machine.
type EnvOptions struct {
	// Platform is whose variables are made. The zero value is Linux.
	Platform pantry.Platform
	// Exists says whether there is a folder. nil takes all to exist.
	Exists func(path string) bool
	// Getenv is the environment to build upon. nil is an empty one.
	Getenv func(name string) (value string, ok bool)
}

// lists are the variables that list folders, and the folders of a bottle that belong in them.
var lists = []struct {
	name    string
	folders []string
	library bool   // not of a C library, which has to be the machine's own
	only    string // on this os; "!os" on all others
	system  []string
}{
	{name: "PATH", folders: []string{"bin", "sbin"}},
	{name: "MANPATH", folders: []string{"man", "share/man"}, only: "!windows", system: []string{"/usr/share/man"}},
	{name: "PKG_CONFIG_PATH", folders: []string{"share/pkgconfig", "lib/pkgconfig"}},
	{name: "XDG_DATA_DIRS", folders: []string{"share"}, only: "!windows", system: []string{"/usr/local/share", "/usr/share"}},
	{name: "ACLOCAL_PATH", folders: []string{"share/aclocal"}},
	{name: "LIBRARY_PATH", folders: []string{"lib", "lib64"}, library: true, only: "!windows"},
	{name: "LD_LIBRARY_PATH", folders: []string{"lib", "lib64"}, library: true, only: "!windows"},
	{name: "DYLD_FALLBACK_LIBRARY_PATH", folders: []string{"lib", "lib64"}, library: true, only: "darwin"},
	{name: "CPATH", folders: []string{"include"}, library: true, only: "!windows"},
	{name: "LIB", folders: []string{"lib"}, only: "windows"},
	{name: "INCLUDE", folders: []string{"include"}, only: "windows"},
}

// cLibrary is the project whose libraries must not be put before those of the machine: the
// machine's loader would take them for every program, and need not fit.
const cLibrary = "gnu.org/glibc"

// Env makes the environment that installed bottles run in, the earlier ones first. It gives the
// variables to set; the parts of each are to be joined by the separator of the platform's lists
// (":", on Windows ";"). What Getenv has for a variable is its last part, or a part of its only
// one, so that nothing is to be added.
//
// A variable of a recipe is set only where Getenv and the earlier bottles give it no value, unless its
// own value speaks of itself ($NAME or ${NAME}), which adds to what is there. Other variables that it
// speaks of are filled in too, and ${NAME:-text} is text where NAME is unset or empty. One that
// speaks of a bottle that is not installed is left out.
func Env(installed []Installed, o EnvOptions) map[string][]string {
	e := environment{installed: installed, EnvOptions: o, values: make(map[string][]string)}
	if e.Exists == nil {
		e.Exists = func(string) bool { return true }
	}
	if e.Getenv == nil {
		e.Getenv = func(string) (string, bool) { return "", false }
	}
	e.folders()
	for _, b := range installed {
		e.runtime(b)
	}
	return e.values
}

type environment struct {
	EnvOptions
	installed []Installed
	values    map[string][]string
}

func (e *environment) windows() bool { return e.Platform.OS == "windows" }

func (e *environment) separator() string {
	if e.windows() {
		return ";"
	}
	return ":"
}

func (e *environment) applies(only string) bool {
	if other, not := strings.CutPrefix(only, "!"); not {
		return e.Platform.OS != other
	}
	return only == "" || e.Platform.OS == only
}

// folders fills in the lists.
func (e *environment) folders() {
	for _, l := range lists {
		if !e.applies(l.only) {
			continue
		}
		var parts []string
		for _, b := range e.installed {
			if l.library && b.Project == cLibrary {
				continue
			}
			for _, folder := range l.folders {
				parts = e.add(parts, filepath.Join(b.Prefix, filepath.FromSlash(folder)))
			}
		}
		e.list(l.name, parts, l.system)
	}
	cmake := slices.ContainsFunc(e.installed, func(b Installed) bool { return b.Project == "cmake.org" })
	if cmake {
		var parts []string
		for _, b := range e.installed {
			parts = e.add(parts, b.Prefix)
		}
		e.list("CMAKE_PREFIX_PATH", parts, nil)
	}
}

func (e *environment) add(parts []string, folder string) []string {
	if slices.Contains(parts, folder) || !e.Exists(folder) {
		return parts
	}
	return append(parts, folder)
}

// list sets a variable that is a list: the bottles' parts, then those of the system that would be
// lost by setting it, then what it was.
func (e *environment) list(name string, parts, system []string) {
	if len(parts) == 0 {
		return
	}
	parts = append(parts, system...)
	if old, _ := e.Getenv(name); old != "" {
		parts = append(parts, old)
	}
	e.values[name] = parts
}

// get is a variable as it is so far.
func (e *environment) get(name string) (string, bool) {
	if parts, ok := e.values[name]; ok {
		return strings.Join(parts, e.separator()), true
	}
	return e.Getenv(name)
}

// runtime sets the variables that a recipe asks for, in the order of their names.
func (e *environment) runtime(b Installed) {
	v, _ := parseVersion(b.Version)
	own := versionToken(v, "version")
	token := func(name string) (string, bool) {
		switch name {
		case "prefix":
			return b.Prefix, true
		case "home":
			return e.home()
		}
		if s, ok := own(name); ok {
			return s, true
		}
		return e.other(name)
	}
	names := make([]string, 0, len(b.Runtime))
	for name := range b.Runtime {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value, ok := expand(b.Runtime[name], token)
		if !ok || !validVariable(name) {
			continue
		}
		value, itself := substitute(value, name, e.get)
		if old, _ := e.get(name); old != "" && !itself {
			continue
		}
		e.values[name] = []string{value}
	}
}

func (e *environment) home() (string, bool) {
	if e.windows() {
		return e.Getenv("USERPROFILE")
	}
	return e.Getenv("HOME")
}

// other knows deps.PROJECT.prefix, deps.PROJECT.version and so on.
func (e *environment) other(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "deps.")
	if !ok {
		return "", false
	}
	for _, b := range e.installed {
		what, ok := strings.CutPrefix(rest, b.Project+".")
		if !ok {
			continue
		}
		if what == "prefix" {
			return b.Prefix, true
		}
		v, _ := parseVersion(b.Version)
		if s, ok := versionToken(v, "version")(what); ok {
			return s, true
		}
	}
	return "", false
}

// substitute fills in the variables of a value as a shell does. Where one is empty, the separator
// beside it goes too: an empty part of a list means the current folder to many programs. itself
// says whether the value speaks of name.
func substitute(value, name string, get func(string) (string, bool)) (s string, itself bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "$")
		b.WriteString(before)
		if !found {
			return b.String(), itself
		}
		variable, fallback, after, ok := reference(rest)
		if !ok {
			b.WriteByte('$')
			value = rest
			continue
		}
		itself = itself || variable == name
		text, _ := get(variable)
		if text == "" {
			text = fallback
		}
		b.WriteString(text)
		value = after
		if text != "" {
			continue
		}
		if value != "" && strings.ContainsRune(":;", rune(value[0])) {
			value = value[1:]
		} else if done := b.String(); value == "" && done != "" && strings.ContainsRune(":;", rune(done[len(done)-1])) {
			b.Reset()
			b.WriteString(done[:len(done)-1])
		}
	}
}

// reference reads what follows a dollar sign: NAME, {NAME} or {NAME:-fallback}.
func reference(s string) (name, fallback, after string, ok bool) {
	if inner, braced := strings.CutPrefix(s, "{"); braced {
		inside, after, closed := strings.Cut(inner, "}")
		name, fallback, _ = strings.Cut(inside, ":-")
		return name, fallback, after, closed && validVariable(name)
	}
	end := 0
	for end < len(s) && validVariable(s[:end+1]) {
		end++
	}
	return s[:end], "", s[end:], end > 0
}
