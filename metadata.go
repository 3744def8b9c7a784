package pantry

import (
	"time"

	"github.com/pantry-go/pantry/integrity"
)

// Metadata describes one version of one package, in the same shape whatever registry it is from.
// Odd spellings of the wire are normalised by the registry types before they get here. Zero
// values mean "not said".
type Metadata struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Description string   `json:"description,omitempty"`
	Homepage    string   `json:"homepage,omitempty"`
	Repository  string   `json:"repository,omitempty"` // a URL where one can be made out
	License     string   `json:"license,omitempty"`    // SPDX where the registry gives it
	Author      string   `json:"author,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`

	// Dependencies holds what an install needs, without the names that are in
	// OptionalDependencies (registries repeat those in both).
	Dependencies         map[string]string `json:"dependencies,omitempty"`
	DevDependencies      map[string]string `json:"devDependencies,omitempty"`
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
	PeerDependencies     map[string]string `json:"peerDependencies,omitempty"`
	// OptionalPeers names the peers that need not be there (peerDependenciesMeta.optional). A
	// name may stand here without standing in PeerDependencies; it is an optional peer "*".
	OptionalPeers []string `json:"optionalPeers,omitempty"`
	// BundledDependencies names dependencies whose files are inside the artifact.
	BundledDependencies []string `json:"bundledDependencies,omitempty"`

	// Bin maps command names to paths inside the package. Names and paths are as the registry
	// gave them: whoever links them validates them.
	Bin     map[string]string `json:"bin,omitempty"`
	Engines map[string]string `json:"engines,omitempty"`
	// OS, CPU and Libc restrict where the package runs, by npm's rules ("!x" excludes x).
	OS   []string `json:"os,omitempty"`
	CPU  []string `json:"cpu,omitempty"`
	Libc []string `json:"libc,omitempty"`

	// Deprecated is the message of a deprecated version; "" means it is not deprecated.
	Deprecated string `json:"deprecated,omitempty"`
	// HasInstallScript says that the version wants to run a script when it is installed.
	HasInstallScript bool `json:"hasInstallScript,omitempty"`
	// Published is when the version was published; zero when the registry does not say.
	Published time.Time `json:"published,omitzero"`

	// Artifact is where the bytes are; of a tool, the build for the registry's platform.
	Artifact Artifact `json:"artifact"`
	// Tool is set for packages that are programs for a platform rather than files for Node.js.
	Tool *Tool `json:"tool,omitempty"`
	// Registry is the configured name of the registry that answered.
	Registry string `json:"registry,omitempty"`
}

// Tool is what is known of a package that is a program.
type Tool struct {
	// Builds has one artifact for each platform there is one for.
	Builds []Build `json:"builds,omitempty"`
	// Provides lists the programs, as paths in the unpacked artifact ("bin/node"); empty where
	// the registry does not say, and they are to be found in the artifact.
	Provides []string `json:"provides,omitempty"`
	// Env holds the environment that the tool needs when it runs. "{{prefix}}" stands for the
	// folder it is unpacked in.
	Env map[string]string `json:"env,omitempty"`
	// Companions are packages that are wanted beside the tool when it is asked for by name.
	Companions map[string]string `json:"companions,omitempty"`
}

// Build is a tool's artifact for one platform.
type Build struct {
	Platform Platform `json:"platform"`
	Artifact Artifact `json:"artifact"`
	// File is the artifact's file name; its extension tells how to unpack it.
	File string `json:"file"`
	// Strip is how many leading path segments to drop when unpacking; -1 drops a single top
	// folder if there is one.
	Strip int `json:"strip"`
	// Executable names the one program of an artifact that is a bare or compressed binary.
	Executable string `json:"executable,omitempty"`
	// Why says how the build was chosen among others, for explain.
	Why string `json:"why,omitempty"`
}

// Platform is where a program runs: GOOS and GOARCH in Go's words, and on Linux the C library
// ("glibc", "musl"; "" where the program brings its own or does not care).
type Platform struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	Libc string `json:"libc,omitempty"`
}

// String is os/arch, with the C library after a slash.
func (p Platform) String() string {
	s := p.OS + "/" + p.Arch
	if p.Libc != "" {
		s += "/" + p.Libc
	}
	return s
}

// Artifact locates and identifies the bytes of one version.
type Artifact struct {
	// Name and Version are whose bytes they are; errors need them.
	Name    string `json:"-"`
	Version string `json:"-"`
	// URL is absolute and without user information.
	URL string `json:"tarball,omitempty"`
	// Integrity is what the bytes must hash to; empty when the registry gave nothing.
	Integrity integrity.Set `json:"integrity,omitempty"`
	// Size is the number of bytes to download; 0 means not known. It is a hint.
	Size int64 `json:"size,omitempty"`
	// File is the name that the registry gives the bytes as a file, where it does.
	File string `json:"-"`
}
