package install

import (
	"context"
	"io"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

// Registries answers for packages: a [registry.Manager] is one.
type Registries interface {
	// Find returns the package that answers for a request, with how that was decided.
	Find(ctx context.Context, req registry.Request) (pantry.Package, registry.Decision, error)
	// Lookup returns one version's metadata.
	Lookup(ctx context.Context, req registry.Request) (*pantry.Metadata, registry.Decision, error)
	// Open returns an artifact's bytes from the registry of that name.
	Open(ctx context.Context, registryName string, a pantry.Artifact) (io.ReadCloser, error)
	// Get returns the registry of that name.
	Get(name string) (*registry.Entry, bool)
	// ByType returns the first enabled registry of a type.
	ByType(typ string) (*registry.Entry, bool)
}

// Options of an install. Dir, Registries and StoreDir are required.
type Options struct {
	// Dir is the project's folder.
	Dir        string
	Registries Registries
	// StoreDir is where unpacked packages are kept, shared by projects.
	StoreDir string

	// Registry is the only registry to ask for packages whose registry the manifest does not name; ""
	// leaves it to their order.
	Registry string
	// Frozen installs exactly what the lockfile says, and fails where the manifest says otherwise.
	Frozen bool
	// FrozenIfLocked is Frozen where there is a lockfile: what CI gets by default. Without a lockfile the
	// install resolves, and warns.
	FrozenIfLocked bool
	// Offline uses what the store has, and what registries said before, and sends no request.
	Offline bool
	// Asking says how old what registries said before may be, where packages are resolved. The zero
	// value is pantry.AskIfStale. A package that is added is asked for again then.
	Asking pantry.Asking
	// Concurrency is how many packages are fetched at once; 0 is package fetch's default.
	Concurrency int
	// LockOnly resolves and writes the lockfile, and installs nothing.
	LockOnly bool
	// Force lays everything out again, whatever the records say.
	Force bool
	// Omit leaves out what only these kinds of wishes lead to.
	Omit map[lockfile.Kind]bool
	// Method is how files get into the project; "" is link.Auto.
	Method link.Method
	// Linker is the layout of node_modules; "" keeps the one the project has. See [ChooseLayout].
	Linker Linker
	// IsolatedStore is where the packages of an isolated layout are; "" is Auto.
	IsolatedStore IsolatedStore
	// Copies says which packages, by name, get files of their own because they write into themselves;
	// nil means none.
	Copies func(name string) bool
	// Settings is a fingerprint of the configuration that the outcome depends on, so that an
	// install does its work again when it changes.
	Settings string

	// Platform to install for; the zero value is this machine's.
	Platform lockfile.Platform
	// NodeVersion returns the version of the Node.js that is used; nil or "": engines are not
	// looked at.
	NodeVersion func() string
	// AllowMissingIntegrity says for which registries artifacts without a digest are accepted.
	AllowMissingIntegrity func(registry string) bool
	// Events is told what happens, from several goroutines at once; may be nil.
	Events func(Event)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Addition changes a project's wishes.
type Addition struct {
	// Kind is where new wishes are written; "" is lockfile.Prod.
	Kind lockfile.Kind
	// Exact writes the exact version instead of a caret range.
	Exact bool
}

// EventType tells events apart.
type EventType string

// The events.
const (
	// EventResolved: a package was chosen.
	EventResolved EventType = "resolved"
	// EventFetched: a package came over the network into the store.
	EventFetched EventType = "fetched"
	// EventStored: a package was in the store already.
	EventStored EventType = "stored"
	// EventLinking: everything is there; node_modules is being laid out.
	EventLinking EventType = "linking"
	// EventLeftOut: an optional dependency that no registry has was left out.
	EventLeftOut EventType = "left-out"
	// EventWarning: something the user should know.
	EventWarning EventType = "warning"
)

// Event is something that happened during an install.
type Event struct {
	Type     EventType `json:"event"`
	Registry string    `json:"registry,omitempty"`
	Name     string    `json:"name,omitempty"`
	Version  string    `json:"version,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"`
	Code     string    `json:"code,omitempty"`
	Message  string    `json:"message,omitempty"`
}

// Report is what an install did.
type Report struct {
	// UpToDate: nothing was to be done, and nothing was touched.
	UpToDate bool     `json:"upToDate"`
	Added    []Change `json:"added"`
	Removed  []Change `json:"removed"`
	// Direct lists the project's own dependencies that were added or changed, with their specs.
	Direct []Change `json:"direct"`
	// Packages is how many packages the project has now.
	Packages int `json:"packages"`
	Linked   int `json:"linked"`
	// Registries tells for each registry how many packages are from it.
	Registries map[string]RegistryShare `json:"registries"`
	Warnings   []Event                  `json:"warnings,omitempty"`
	// Scripts lists the packages that wanted to run a script at install, and did not.
	Scripts  []Change      `json:"scriptsNotRun,omitempty"`
	Skipped  int           `json:"skipped"` // optional packages for other platforms
	LeftOut  int           `json:"leftOut"` // optional dependencies that no registry has
	Duration time.Duration `json:"-"`
	Seconds  float64       `json:"seconds"`
}

// Change is a package that came, changed or went.
type Change struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Registry string `json:"registry"`
	// Was is the version before; "" for a new one.
	Was  string `json:"was,omitempty"`
	Spec string `json:"spec,omitempty"`
}

// RegistryShare is one registry's part of an install.
type RegistryShare struct {
	Packages   int   `json:"packages"`
	Downloaded int   `json:"downloaded"`
	Bytes      int64 `json:"bytes"`
}
