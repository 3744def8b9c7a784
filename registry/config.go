package registry

import (
	"time"

	"github.com/pantry-go/pantry"
)

// Config is one entry of "registries", with variables not yet expanded in strings that hold
// "${". Keys whose feature is not in this version are kept too: those that would make an answer
// safer are refused by name when the registry is opened, the others are listed by
// [Manager.Warnings]. None is ignored.
type Config struct {
	Name     string // required, unique
	Type     string // npm, custom, github, pkgx, adapter
	URL      string // "" means the type's well-known one
	Priority *int   // lower is asked first; nil means DefaultPriority
	Disabled bool   // enabled: false
	Auth     *Auth
	// Credentials are further ones, each for the URL it was written for (.npmrc has them per
	// host and path). Auth goes to the entry's own URL.
	Credentials []Credential
	// CredentialHelper is the NAME of a program docker-credential-NAME that is asked for the credential
	// where Auth is nil.
	CredentialHelper string
	// NoLookup says why no credential is looked for beyond Auth and Credentials; "" for no reason: it
	// is.
	NoLookup string

	Packages             []string // names this registry claims; "*" matches within a segment
	Mirrors              []Mirror
	Balance              string // failover, round-robin, weighted, latency
	Timeout              time.Duration
	Retries              *int
	Proxy                string
	NoProxy              string
	CAFile               string
	CertFile             string
	KeyFile              string
	CA                   []byte // PEM
	Headers              map[string]Value
	Cache                *Cache
	Fallback             Fallback // "" means the manager's
	HealthCheck          *HealthCheck
	MinimumReleaseAge    time.Duration
	Signatures           string // verify, require, off
	Insecure             bool   // allow plain http beyond loopback
	AllowMissingChecksum bool
	// TraceContext allows who traces requests to send the registry the trace's id. The manager itself
	// sends none.
	TraceContext bool

	// Assets are patterns for the assets of releases, by "owner/repo" in any case: type github.
	Assets   map[string]string
	MaxConns int // connections per host; 0 means the transport's default

	// Adapter is the definition of a registry of the type adapter: the name of one that is built
	// in, or a path. "" means the one of the registry's name.
	Adapter string
	// Command is the program of a registry of the type adapter, and its arguments.
	Command []string
	// Unapproved says that Command comes from where the user did not choose it, so that it is not
	// run.
	Unapproved bool

	// ClaimsOnly keeps the registry out of the search for names it does not claim: it answers
	// for names that Packages match, and when it is named itself ("github:owner/repo"). The
	// zero value is an ordinary registry.
	ClaimsOnly bool

	// Source is where the entry was written ("pantry.json:4:5", ".npmrc:1"), for messages.
	Source string
}

// DefaultPriority is the priority of an entry that gives none.
const DefaultPriority = 100

// Value is a string of the configuration that may hold ${VAR} or ${VAR:-default}. It is expanded
// when the registry is first needed.
type Value struct {
	Raw    pantry.Secret // as written
	Source string        // file:line:column and field, for errors
	// Literal says that Raw holds no variables: it is taken as it stands.
	Literal bool
}

// Auth says how to authenticate.
type Auth struct {
	Type               string // bearer, basic, oidc, custom
	Token              Value  // bearer, oidc; oidc without one asks the CI system
	Username, Password Value  // basic
	Name               string // custom: header name
	Value              Value  // custom: header value
}

// The values of Auth.Type. The last one is what .npmrc calls _auth and has no place in
// pantry.json.
const (
	AuthBearer  = "bearer"
	AuthBasic   = "basic"
	AuthOIDC    = "oidc"
	AuthCustom  = "custom"
	AuthEncoded = "encoded" // Token is base64 of "username:password"
)

// Credential is a credential for one URL.
type Credential struct {
	// Scope is the URL the credential is for: its origin (scheme, host, port) and path prefix.
	// It may hold ${VAR}.
	Scope string
	Auth  Auth
	// EncodedPassword says that Auth.Password is base64, as .npmrc writes _password. It is
	// decoded after variables are expanded.
	EncodedPassword bool
	// Source is where it was written, for messages, where Auth's values have no Source.
	Source string
}

// Cache says how old answers may be. nil means what they say, or the default of what says nothing.
type Cache struct {
	// TTL is how long an answer is used without asking again; 0 means not at all. That there is no
	// such package holds for at most httpcache.NegativeTTL.
	TTL *time.Duration
	// StaleIfError is for how long after that an old answer is used while the registry fails; 0
	// means not at all.
	StaleIfError *time.Duration
}

// Mirror is another place that has the content of a registry. It is no registry of its own: what it has
// counts as the registry's. The registry's credential does not go there; one that is for the mirror's
// URL does.
type Mirror struct {
	URL    string // may hold ${VAR}
	Weight int    // its part of the requests where Balance is "weighted"; 0 means 1, as the registry's own URL has
}

// HealthCheck asks a registry now and then whether it is there.
type HealthCheck struct{ Interval time.Duration }

// Fallback says how willing a manager is to go on to the next registry; see Outcome.
type Fallback string

// The four modes.
const (
	Failover     Fallback = "failover"
	Always       Fallback = "always"
	NotFoundOnly Fallback = "not-found"
	Never        Fallback = "never"
)
