// Package manifest reads what a project wishes for: package.json, and pantry.json beside it, which
// adds what package.json cannot say. It also reads single wishes: what stands in a manifest
// ([ParseDependency]) and what a user types ([ParseSpec]).
//
// Reading is as tolerant as npm where npm is tolerant on purpose, and says file:line:column where
// something is wrong. Saving changes the bytes of one entry and nothing else: comments, order,
// indentation, line ends and unknown fields stay as they are, so a manifest is never decoded,
// changed and encoded again.
//
// Names become paths and parts of URLs later; all of them are checked here.
package manifest

import (
	"github.com/pantry-go/pantry/lockfile"
)

// Names of the files that make up a project's manifest.
const (
	PackageJSON = "package.json"
	PantryJSON  = "pantry.json"
	PantryJSONC = "pantry.jsonc"
)

// Kind is the part of a manifest that a wish stands in.
type Kind = lockfile.Kind

// Manifest is what one project or package says about itself. Absent fields are zero.
type Manifest struct {
	// File is where it was read, for messages: package.json where there is one.
	File string

	Name    string
	Version string
	Private bool

	// Dependencies and its like map install names to what is wished for, as written without the
	// white space around it. A name stands in one of the three: optional goes before prod and
	// prod before dev, as in npm. What pantry.json says as "acme:thing": "^1" stands here as
	// "thing": "acme:thing@^1" if the name can be installed under, else as it was written
	// ("github:cli/cli").
	Dependencies         map[string]string
	DevDependencies      map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	// OptionalPeers names the peers that need not be there, sorted. A name may stand here without
	// standing in PeerDependencies; it is an optional peer "*".
	OptionalPeers []string
	// Bundled names the dependencies whose files are published inside the package.
	Bundled []string
	// Overrides are npm's "overrides" and yarn's "resolutions". Only those of the root project
	// count.
	Overrides Overrides

	// Bin maps command names to paths as written; [lockfile.CleanBin] makes them safe.
	Bin     map[string]string
	Scripts map[string]string
	Engines map[string]string
	// OS, CPU and Libc restrict where the package runs, by npm's rules.
	OS, CPU, Libc []string

	// Workspaces are the patterns of folders that hold further projects.
	Workspaces []string
	// Unsupported holds a sentence for each thing that the manifest asks for and Pantry cannot
	// do. Ignoring them would install something else than was asked for.
	Unsupported []string
}
