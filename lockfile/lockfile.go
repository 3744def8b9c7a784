// Package lockfile is pantry.lock: which packages a project got, from which registry, and what
// their bytes hash to.
//
// A [Lock] is a graph. It does not say where a package is placed on disk, and it holds the name of
// a registry rather than its address: a URL stands in it only where none can be derived, so that
// no host leaks into a repository and a mirror may serve what is locked.
//
// The text is line oriented and sorted, one fact per line, so that one change is one line of a
// diff and two branches merge as often as they can:
//
//	# pantry.lock, version 1. Made by "pantry install"; do not edit by hand.
//	override semver ^7.5.2
//	project .
//	  prod lodash ^4.17.21 npm:lodash@4.17.21
//	package npm:lodash@4.17.21
//	  integrity sha512-…
//	package npm:vite@8.0.0
//	  integrity sha512-…
//	  bin vite bin/vite.js
//	  dep esbuild ^0.27.0 npm:esbuild@0.27.1
//	  optional fsevents ~2.3.3 npm:fsevents@2.3.3
//	  peer react ^18 npm:react@18.3.1
//
// Fields are separated by one space. A field that holds a space, a quote or a control character,
// or that is empty, is written as a JSON string. JSON or YAML as a whole were not taken: both
// need several lines for one fact, and reading them costs several times as long.
//
// Everything in the text is checked when it is read. Names become paths later, so a name or path
// that could leave its folder is an error here.
package lockfile

import (
	"github.com/pantry-go/pantry/integrity"
)

// Version is the format version this package writes, and the only one it reads.
const Version = 1

// Name is the lockfile's file name.
const Name = "pantry.lock"

// ID identifies a package of the lockfile: "registry:name@version", and where peers make a
// difference "registry:name@version(peer@version)(other@version)", peers in order of their names.
// What stands in the parentheses is opaque to this package; it may be a hash.
type ID string

// Lock is a whole lockfile: a graph. It says nothing about where a package is placed on disk.
// It is not safe for concurrent use while it is changed.
type Lock struct {
	// Projects holds what each project wished and what it got; "." is the root. (Workspaces
	// will be more projects, by their relative slash-separated path.)
	Projects map[string]*Project
	// Overrides are the overrides that were in force, as "selector" -> "spec", so that a change
	// of them is noticed.
	Overrides map[string]string
	// Packages holds every package by its ID.
	Packages map[ID]*Package
}

// New returns an empty Lock whose maps can be written to.
func New() *Lock {
	return &Lock{
		Projects:  map[string]*Project{},
		Overrides: map[string]string{},
		Packages:  map[ID]*Package{},
	}
}

// Kind is the part of the manifest a wish stands in.
type Kind string

// The kinds, in the order of their strength: a name in several is the first of them.
const (
	Prod     Kind = "prod"
	Optional Kind = "optional"
	Dev      Kind = "dev"
	Peer     Kind = "peer"
)

// Project is one manifest's wishes.
type Project struct {
	// Dependencies is by the name a package is installed under, or, for one that is not
	// installed under a name ("github:cli/cli"), by registry and name.
	Dependencies map[string]Wish
}

// Wish is one dependency of a project.
type Wish struct {
	Kind Kind
	Spec string // as the manifest says it
	ID   ID     // "" for an optional or peer dependency that is not there at all
}

// Package is one resolved package.
type Package struct {
	Registry string // configured name of the registry that answered: the origin
	Name     string // as the registry knows it
	Version  string
	// Integrity of the artifact; SHA-512 once it was downloaded.
	Integrity integrity.Set
	// URL is set only where it cannot be derived from registry, name and version. It carries
	// no user information.
	URL string
	// Unconfirmed: a registry of higher priority was unavailable when this origin was chosen.
	// It names that registry; "" means confirmed.
	Unconfirmed string

	// Dependencies maps the names under which the package requires others to what they are:
	// dependencies, optional ones and peers.
	Dependencies map[string]Dependency

	// Bin maps command names to paths inside the package; see [CleanBin].
	Bin map[string]string
	// OS, CPU and Libc restrict where the package runs; see [Package.Supports].
	OS, CPU, Libc    []string
	Engines          map[string]string
	Bundled          []string // names whose files are inside the artifact
	HasInstallScript bool
	Deprecated       string // the registry's message; "" means not deprecated
	// Tool is set for a program; nil for a package of node_modules.
	Tool *Tool
	// Optional: only optional dependencies lead here; failure to install it is no error.
	Optional bool
	// Dev: only dev dependencies of projects lead here.
	Dev bool
	// Nested is how many node_modules deep it stands where packages are hoisted, if its peers keep
	// it from standing higher: as they would be chosen for it alone, they could not stand there. The
	// graph does not tell that. 0 for most, else 2 to 100.
	Nested int
}

// Dependency is an edge.
type Dependency struct {
	ID       ID // "" for an optional dependency or a peer that is not there at all
	Spec     string
	Optional bool // from optionalDependencies
	Peer     bool // from peerDependencies: provided by the surroundings, not owned
}

// MakeID returns the ID without peers.
func MakeID(registry, name, version string) ID { return ID(registry + ":" + name + "@" + version) }
