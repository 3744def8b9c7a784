package config

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// The types of this file are the format of a pantry.json: the decoder, the JSON Schema, the
// editor and Show all read their fields and tags. A tag `jsonschema` bounds a value, and its
// words are those of JSON Schema; a tag `env` names the variable that sets a setting.

// file is a pantry.json.
type file struct {
	// Where an editor finds the JSON Schema of this file. Not read.
	Schema string `json:"$schema,omitempty"`
	// The package registries of this project. "npm" is there without being listed.
	Registries []entry `json:"registries,omitempty" jsonschema:"maxItems=200"`

	Settings

	// Packages the project needs: a name, or registry:name, and a range, tag or version.
	Dependencies map[string]string `json:"dependencies,omitempty"`
	// Packages needed to develop the project.
	DevDependencies map[string]string `json:"devDependencies,omitempty"`
	// Packages the project can do without.
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
	// Versions that replace what packages ask for, as package.json's overrides.
	Overrides map[string]any `json:"overrides,omitempty"`
}

// Settings are what is configured besides registries.
type Settings struct {
	// DefaultRegistry is the name of the registry that commands such as publish use when none
	// is given; "" means the first enabled one. The variable may also hold a URL, which is then
	// that of the registry npm.
	DefaultRegistry string `json:"defaultRegistry,omitempty" env:"PANTRY_REGISTRY"`
	// Fallback says whether another registry is asked after one that failed, for registries that do
	// not say so themselves. The default is failover.
	Fallback registry.Fallback `json:"fallback,omitempty" env:"PANTRY_FALLBACK" jsonschema:"enum=failover,enum=always,enum=not-found,enum=never"`
	// Linker is the layout of node_modules: hoisted (flat, as npm's) or isolated (a package finds what it
	// declares and nothing else). The default is what the project used before: isolated where there is a
	// pnpm-lock.yaml, else hoisted.
	Linker string `json:"linker,omitempty" env:"PANTRY_LINKER" jsonschema:"enum=hoisted,enum=isolated"`
	// IsolatedStore is where the packages of an isolated layout are: machine (in the store that all
	// projects share, so that node_modules holds a few links) or project (in node_modules/.pantry, for
	// tools that refuse files outside the project). The default, auto, is project where a dependency is
	// known to need it, else machine.
	IsolatedStore string `json:"isolatedStore,omitempty" env:"PANTRY_ISOLATED_STORE" jsonschema:"enum=auto,enum=machine,enum=project"`
	// PrivateCopies are patterns of packages that write into themselves: a project gets files of its own
	// for them instead of links into the store. The default is none.
	PrivateCopies []string `json:"privateCopies,omitempty" env:"PANTRY_PRIVATE_COPIES"`
	// StoreDir is the folder of the store that all projects share. A relative path is one from the
	// folder of the file that names it. The default is pantry/store in the user's data folder.
	StoreDir string `json:"storeDir,omitempty" env:"PANTRY_STORE_DIR"`
	// CacheDir is the folder where answers of registries are kept for a while, for all projects. A
	// relative path is one from the folder of the file that names it. The default is pantry in the
	// user's cache folder.
	CacheDir string `json:"cacheDir,omitempty" env:"PANTRY_CACHE_DIR"`
	// Offline never uses the network: what is not there is an error. The default is false.
	Offline bool `json:"offline,omitempty" env:"PANTRY_OFFLINE"`
	// FrozenLockfile refuses to change the lockfile. The default is true where the variable CI is
	// set and there is a lockfile, and false elsewhere.
	FrozenLockfile bool `json:"frozenLockfile,omitempty" env:"PANTRY_FROZEN_LOCKFILE"`
	// Omit lists the kinds of dependencies that are not installed. The default is none.
	Omit []string `json:"omit,omitempty" env:"PANTRY_OMIT" jsonschema:"enum=dev,enum=optional,enum=peer"`
	// Concurrency bounds the downloads at one time; 0 leaves it to the installation.
	Concurrency int `json:"concurrency,omitempty" env:"PANTRY_CONCURRENCY" jsonschema:"minimum=0,maximum=1024"`
}

// entry is one of "registries".
type entry struct {
	// Name of the registry, unique, and the prefix that asks it alone: acme:thing.
	Name string `json:"name" jsonschema:"maxLength=64"`
	// Type of the registry. Required, but for npm, github and pkgx.
	Type string `json:"type,omitempty" jsonschema:"enum=npm,enum=custom,enum=github,enum=pkgx,enum=adapter,enum=directory"`
	// URL of the registry. Required for the types custom and directory; that of a directory begins with file:///.
	URL string `json:"url,omitempty"`
	// Priority: a registry with a lower one is asked first. Any integer; the default is 100.
	// Private registries are best at 1 to 10, public ones from 11.
	Priority int `json:"priority,omitempty"`
	// Enabled is whether the registry is used. The default is true.
	Enabled bool `json:"enabled,omitempty"`
	// Auth says how to prove who asks. The default, and null, is not to.
	Auth *auth `json:"auth,omitempty" jsonschema:"nullable"`
	// CredentialHelper is the name of a program that is asked for the credential, by docker's protocol:
	// pass runs docker-credential-pass. Stands instead of auth.
	CredentialHelper string `json:"credentialHelper,omitempty" jsonschema:"maxLength=64"`

	// Packages are the names this registry claims: nobody else is asked for them. "*" stands for
	// anything within a segment, as in @acme/*.
	Packages []string `json:"packages,omitempty" jsonschema:"maxItems=500"`
	// Mirrors are URLs of the same content in other places. The registry's credential does not go
	// there.
	Mirrors []mirror `json:"mirrors,omitempty" jsonschema:"maxItems=100"`
	// Balance says whether the registry's own URL or a mirror is asked first: the own one and the
	// others when it fails (failover, the default), one after the other, as their weights say, or
	// the quicker one.
	Balance string `json:"balance,omitempty" jsonschema:"enum=failover,enum=round-robin,enum=weighted,enum=latency"`
	// Timeout is how long to wait for an answer to begin. The default is 30s.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Retries are the attempts after the first. The default is 2.
	Retries int `json:"retries,omitempty" jsonschema:"minimum=0,maximum=20"`
	// Proxy is the URL of an HTTP, HTTPS or SOCKS5 proxy. The default is the environment's.
	Proxy string `json:"proxy,omitempty"`
	// NoProxy lists hosts that are reached without the proxy, separated by commas.
	NoProxy string `json:"noProxy,omitempty"`
	// CAFile is a file of certificates, in PEM, that are trusted besides the system's.
	CAFile string `json:"caFile,omitempty"`
	// CertFile is a client certificate in PEM.
	CertFile string `json:"certFile,omitempty"`
	// KeyFile is the key of the client certificate, in PEM.
	KeyFile string `json:"keyFile,omitempty"`
	// Headers are sent with every request to this registry.
	Headers map[string]pantry.Secret `json:"headers,omitempty" jsonschema:"maxProperties=100"`
	// Cache says how long answers may be kept.
	Cache *cache `json:"cache,omitempty" jsonschema:"nullable"`
	// Fallback says whether another registry is asked after this one failed. The default is the
	// file's own.
	Fallback string `json:"fallback,omitempty" jsonschema:"enum=failover,enum=always,enum=not-found,enum=never"`
	// HealthCheck asks the registry now and then whether it is there.
	HealthCheck *healthCheck `json:"healthCheck,omitempty" jsonschema:"nullable"`
	// MinimumReleaseAge refuses versions that are younger. The default is 0s.
	MinimumReleaseAge time.Duration `json:"minimumReleaseAge,omitempty"`
	// Signatures says whether signatures are checked where offered, required, or ignored.
	Signatures string `json:"signatures,omitempty" jsonschema:"enum=verify,enum=require,enum=off"`
	// Insecure allows plain http to a host that is not this machine. The default is false.
	Insecure bool `json:"insecure,omitempty"`
	// TraceContext sends the id of the trace (W3C traceparent) to the registry where OpenTelemetry
	// is set up. The default is false.
	TraceContext bool `json:"traceContext,omitempty"`
	// Assets are patterns for the assets of GitHub releases, by owner/repo: the one that matches is
	// taken ("*" stands for anything). For the type github.
	Assets map[string]string `json:"assets,omitempty" jsonschema:"maxProperties=500"`
	// Adapter is how to read a registry of the type adapter: crates, go, pypi, rubygems, or the path of
	// a definition. The default is the registry's name, if it is one of these.
	Adapter string `json:"adapter,omitempty"`
	// Command is a program that reads a registry of the type adapter, and its arguments. It is run
	// only where the user's own configuration names it.
	Command []string `json:"command,omitempty" jsonschema:"maxItems=100"`
	// AllowMissingChecksum accepts packages for which the registry gives no checksum. The default
	// is false.
	AllowMissingChecksum bool `json:"allowMissingChecksum,omitempty"`
}

// auth is how to authenticate. Values are best given as ${VAR}.
type auth struct {
	// Type of the authentication.
	Type string `json:"type" jsonschema:"enum=bearer,enum=basic,enum=oidc,enum=custom"`
	// Token of bearer and oidc. Of oidc it can be left out: the CI system is asked for one then.
	Token pantry.Secret `json:"token,omitempty"`
	// Username of basic.
	Username pantry.Secret `json:"username,omitempty"`
	// Password of basic.
	Password pantry.Secret `json:"password,omitempty"`
	// Name of the header, of custom.
	Name string `json:"name,omitempty"`
	// Value of the header, of custom.
	Value pantry.Secret `json:"value,omitempty"`
}

// mirror is a URL, or an object where more is to be said.
type mirror struct {
	// URL of the mirror.
	URL string `json:"url"`
	// Weight is the mirror's part of the requests where balance is weighted. The registry's own URL has
	// 1. The default is 1.
	Weight int `json:"weight,omitempty" jsonschema:"minimum=1,maximum=1000"`
}

type cache struct {
	// TTL is how long an answer is used without asking again, in the place of what it says.
	TTL *time.Duration `json:"ttl,omitempty"`
	// StaleIfError is how long after that an old answer is used while the registry fails.
	StaleIfError *time.Duration `json:"staleIfError,omitempty"`
}

type healthCheck struct {
	// Interval between two questions.
	Interval time.Duration `json:"interval,omitempty"`
}

// field is one key of an object of the format.
type field struct {
	key      string
	env      string
	index    []int
	required bool // its tag has no omitempty
	rules    rules
}

// rules bound a value, as the tag jsonschema says.
type rules struct {
	enum               []string
	minimum, maximum   int64
	maxLength, maxItem int
}

// Each list of keys is made once, when it is first needed: reading tags costs more than decoding.
var (
	fileFields     = sync.OnceValue(func() []field { return readFields(fileType) })
	settingsFields = sync.OnceValue(func() []field { return readFields(settingsType) })
	entryFields    = sync.OnceValue(func() []field { return readFields(entryType) })
	authFields     = sync.OnceValue(func() []field { return readFields(authType) })
)

var (
	fileType     = reflect.TypeFor[file]()
	settingsType = reflect.TypeFor[Settings]()
	entryType    = reflect.TypeFor[entry]()
	authType     = reflect.TypeFor[auth]()
)

// fieldsOf lists the keys of a struct of the format, in order. Embedded structs are flat.
func fieldsOf(t reflect.Type) []field {
	switch t {
	case fileType:
		return fileFields()
	case settingsType:
		return settingsFields()
	case entryType:
		return entryFields()
	case authType:
		return authFields()
	}
	return readFields(t)
}

func readFields(t reflect.Type) []field {
	var fs []field
	for _, f := range reflect.VisibleFields(t) {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || key == "" {
			continue
		}
		required := !strings.HasSuffix(f.Tag.Get("json"), ",omitempty")
		fs = append(fs, field{key, f.Tag.Get("env"), f.Index, required, rulesOf(f.Tag.Get("jsonschema"))})
	}
	return fs
}

func rulesOf(tag string) rules {
	r := rules{minimum: minInt, maximum: maxInt}
	for _, part := range strings.Split(tag, ",") {
		word, value, _ := strings.Cut(part, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch word {
		case "enum":
			r.enum = append(r.enum, value)
		case "minimum":
			r.minimum = n
		case "maximum":
			r.maximum = n
		case "maxLength":
			r.maxLength = int(n)
		case "maxItems", "maxProperties":
			r.maxItem = int(n)
		}
	}
	return r
}

// The bounds of int, whatever its size.
const (
	maxInt = int64(^uint(0) >> 1)
	minInt = -maxInt - 1
)

func keysOf(fs []field) []string {
	keys := make([]string, len(fs))
	for i, f := range fs {
		keys[i] = f.key
	}
	return keys
}

func findField(fs []field, key string) (field, bool) {
	for _, f := range fs {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}
