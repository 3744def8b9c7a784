package registry

import (
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/modelcontextprotocol/registry/pkg/model"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/httpcache"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/transport"
)

// Kind is a registry type.
type Kind struct {
	// Type is the value of "type" in the configuration.
	Type string
	// DefaultURL is the well-known URL; "" means that an entry has to give one.
	DefaultURL string
	// OwnURL says for a type without a well-known URL that an entry may do without one all the same,
	// and where it leads then, as far as that is known before it is opened. nil means that it may not.
	OwnURL func(Config) string
	// NPMStyle says that the registry holds packages with npm's dependencies. Dependencies of
	// such packages are looked for among npm-style registries only.
	NPMStyle bool
	// TokenVariables are the environment variables whose token goes to the registry at its
	// well-known URL, and nowhere else, where the entry gives no credential of its own.
	TokenVariables []string
	// TokenCommand prints such a token where no variable holds one; it is run when the registry is
	// first needed.
	TokenCommand []string
	// Open makes the registry of one entry. It sends no request.
	Open func(OpenOptions) (pantry.Registry, error)
	// Serve is the server side of the protocol over any registry; nil when there is none.
	Serve func(pantry.Registry) http.Handler
}

// OpenOptions is what a Kind makes a registry of.
type OpenOptions struct {
	// Name is the entry's name. Metadata.Registry is set to it.
	Name string
	// Client makes the entry's HTTP client. Variables are expanded then, so its error may be
	// one of configuration.
	Client func() (*transport.Client, error)
	// ClientAt makes a client with the entry's credentials for another URL of the same service.
	ClientAt func(url string) (*transport.Client, error)
	// AllowMissingChecksum accepts artifacts without a digest.
	AllowMissingChecksum bool
	// Expand puts the values of variables into a text of the entry's; field is its key.
	Expand func(text, field string) (string, error)
	// Auth is the entry's "auth" with variables expanded, by the names of its keys, for those who
	// do not send it by HTTP; empty when there is none.
	Auth func() (map[string]pantry.Secret, error)
	// CacheDir, Now, Getenv and Run are those of the manager's Options.
	CacheDir string
	Now      func() time.Time
	Getenv   func(string) (string, bool)
	Run      credential.Runner
	// Config is the entry as configured, variables not expanded.
	Config Config
}

// Well-known URLs of the types that have one; npm's is model.RegistryURLNPM.
const (
	gitHubURL = "https://api.github.com" // GitHub's REST API
	pkgxURL   = "https://dist.pkgx.dev"  // pkgx's bottles

	// gitHubPackagesURL is where GitHub Packages speaks npm's protocol.
	gitHubPackagesURL = "https://npm.pkg.github.com"
)

// Kinds lists the registry types. A new type is one package and one line here.
func Kinds() []Kind {
	return []Kind{
		{Type: "npm", DefaultURL: model.RegistryURLNPM, NPMStyle: true, Open: openNPM, Serve: serveNPM},
		{Type: "custom", NPMStyle: true, Open: openCustom, Serve: serveCustom},
		{Type: "github", DefaultURL: gitHubURL, TokenVariables: []string{"GITHUB_TOKEN", "GH_TOKEN"}, TokenCommand: []string{"gh", "auth", "token"}, Open: openGitHub},
		{Type: "pkgx", DefaultURL: pkgxURL, Open: openPkgx},
		{Type: "adapter", OwnURL: adapterURL, Open: openAdapter},
		{Type: "directory", NPMStyle: true, Open: openDirectory},
	}
}

// NPM is the preset of npm's public registry.
func NPM() Config { return preset("npm", model.RegistryURLNPM, 20) }

// Pkgx is the preset of pkgx.
func Pkgx() Config { return preset("pkgx", pkgxURL, 10) }

// GitHub is the preset of github.com.
func GitHub() Config { return preset("github", gitHubURL, 30) }

func preset(name, url string, priority int) Config {
	return Config{Name: name, Type: name, URL: url, Priority: &priority, Source: "preset"}
}

func openNPM(o OpenOptions) (pantry.Registry, error) {
	c, err := o.Client()
	if err != nil {
		return nil, err
	}
	return newNPM(o, c)
}

func newNPM(o OpenOptions, c *transport.Client) (*npm.Registry, error) {
	staleIfError, configured := httpcache.DefaultStaleIfError, o.Config.staleIfError()
	if configured != nil {
		staleIfError = *configured
	}
	return npm.New(npm.Options{
		Name: o.Name, Client: c, AllowMissingChecksum: o.AllowMissingChecksum, CacheDir: o.CacheDir, Now: o.Now,
		TTL: o.Config.ttl(), StaleIfError: staleIfError, StaleAnyway: configured != nil,
	})
}

func openCustom(o OpenOptions) (pantry.Registry, error) {
	c, err := o.Client()
	if err != nil {
		return nil, err
	}
	return custom.New(custom.Options{Name: o.Name, Client: c, AllowMissingChecksum: o.AllowMissingChecksum})
}

// openGitHub reads releases, and for names with a scope GitHub Packages where the entry is GitHub itself.
func openGitHub(o OpenOptions) (pantry.Registry, error) {
	c, err := o.Client()
	if err != nil {
		return nil, err
	}
	opts := github.Options{
		Name: o.Name, Client: c, AllowMissingChecksum: o.AllowMissingChecksum,
		Asset: func(name string) string {
			for repo, pattern := range o.Config.Assets {
				if strings.EqualFold(repo, name) {
					return pattern
				}
			}
			return ""
		},
	}
	if c.BaseURL() == gitHubURL {
		packages, err := o.ClientAt(gitHubPackagesURL)
		if err != nil {
			return nil, err
		}
		if opts.Packages, err = newNPM(o, packages); err != nil {
			return nil, err
		}
	}
	return github.New(opts)
}

func openPkgx(o OpenOptions) (pantry.Registry, error) {
	c, err := o.Client()
	if err != nil {
		return nil, err
	}
	return pkgx.New(pkgx.Options{Name: o.Name, Client: c, Platform: tools(), AllowMissingChecksum: o.AllowMissingChecksum})
}

// tools is the platform that tools are for: this one.
func tools() pantry.Platform { return pantry.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }

func serveNPM(r pantry.Registry) http.Handler    { return npm.Handler(r, npm.HandlerOptions{}) }
func serveCustom(r pantry.Registry) http.Handler { return custom.Handler(r, custom.HandlerOptions{}) }

func findKind(kinds []Kind, typ string) (Kind, bool) {
	for _, k := range kinds {
		if k.Type == typ {
			return k, true
		}
	}
	return Kind{}, false
}

func typesOf(kinds []Kind) []string {
	types := make([]string, len(kinds))
	for i, k := range kinds {
		types[i] = k.Type
	}
	return types
}
