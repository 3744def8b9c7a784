package registry

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/httpcache"
	"github.com/pantry-go/pantry/transport"
)

// Options of a Manager. The zero value is useful.
type Options struct {
	// Fallback is the mode of registries that have none. "" means Failover.
	Fallback Fallback
	// Kinds are the registry types. nil means Kinds().
	Kinds []Kind
	// Getenv looks up the variables of ${VAR}, and those of proxies. nil means os.LookupEnv.
	Getenv func(string) (string, bool)
	// Run runs a program that holds a credential (gh auth token, a credential helper). nil runs none.
	Run credential.Runner
	// Credentials are asked, in order, for the credential of a registry for which the configuration and
	// the environment have none, when it is first needed.
	Credentials []credential.Source
	// Warn is told, once each, what keeps a credential from being found or is wrong with the place it is
	// kept in. It may be called by several goroutines. nil means that nobody is told.
	Warn func(message string)
	// UserAgent is sent with every request. "" means the transport's own.
	UserAgent string
	// Observe is told about every request on the wire; it may be called by several goroutines
	// at once. nil means nobody is told.
	Observe func(transport.Exchange)
	// ObserveBody is told, in the same way, when the body of an answer has ended.
	ObserveBody func(transport.Transfer)
	// ObserveBreaker is told, in the same way, when a host is not asked for a while, since it fails.
	ObserveBreaker func(transport.BreakerOpening)
	// ObserveDecision is told, in the same way, how each question for a package was answered, by
	// the goroutine that asked. The decision must not be changed, nor read later.
	ObserveDecision func(Decision)
	// Distrusted is told, in the same way, that a mirror of a registry is not asked any more, since it
	// served wrong bytes. The mirror's URL has no secrets.
	Distrusted func(registry, mirror string, why transport.Distrust)
	// CacheDir is a folder where registries keep what they said, for questions that allow its use
	// (see [pantry.Asking]), and which mirrors are not to be asked; "" keeps nothing.
	CacheDir string
	// Now is the clock that durations are measured with, and the age of what is kept. nil means
	// time.Now.
	Now func() time.Time
	// Transport may change what an entry's client is made of, after variables were expanded.
	Transport func(Config, *transport.Options)
	// MaxArtifact bounds what Download reads, in bytes. 0 means DefaultMaxArtifact.
	MaxArtifact int64
}

// DefaultMaxArtifact bounds an artifact: well above the largest packages of the npm world (some
// hundred MB) and small enough that an endless body ends.
const DefaultMaxArtifact = 2 << 30

// Manager holds registries and asks them. Safe for concurrent use: a question works on the
// registries as they are when it is asked, and no lock is held while it waits for an answer.
type Manager struct {
	o      Options
	kept   *httpcache.Folder // nil: nothing is kept
	warned sync.Map          // messages that Warn was told
	mu     sync.Mutex        // held by writers
	state  atomic.Pointer[state]
}

// state is immutable.
type state struct {
	entries []*Entry // by priority, then in the order they were added
	def     string   // name of the default registry; "" means the first enabled one
	mode    Fallback // of entries without one

	replaced chan struct{} // closed when there is another state
}

// NewManager returns a manager without registries.
func NewManager(o Options) *Manager {
	if o.Kinds == nil {
		o.Kinds = Kinds()
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Fallback == "" {
		o.Fallback = Failover
	}
	if o.MaxArtifact <= 0 {
		o.MaxArtifact = DefaultMaxArtifact
	}
	m := &Manager{o: o}
	if o.CacheDir != "" {
		m.kept = httpcache.NewFolder(o.CacheDir, httpcache.FolderOptions{Now: o.Now})
	}
	m.state.Store(&state{mode: o.Fallback, replaced: make(chan struct{})})
	return m
}

// update replaces the state by what change makes of it, or leaves it when that fails.
func (m *Manager) update(change func(state) (state, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.state.Load()
	s, err := change(*old)
	if err != nil {
		return err
	}
	s.replaced = make(chan struct{})
	m.state.Store(&s)
	close(old.replaced)
	return nil
}

// Add adds a registry behind those of the same priority. Every mistake in c is in the error,
// which matches pantry.ErrConfig; nothing is added then. Variables are not expanded yet, but
// for those in "packages".
func (m *Manager) Add(c Config) error {
	return m.update(func(s state) (state, error) { return m.added(s, []Config{c}, nil) })
}

// AddRegistry adds a registry that is there already, under c's name, type ("" means custom),
// priority, claims and modes. c needs no URL.
func (m *Manager) AddRegistry(c Config, r pantry.Registry) error {
	if c.Type == "" {
		c.Type = "custom"
	}
	if r == nil {
		return &ConfigError{Source: c.Source, Registry: c.Name, Problem: "no registry was given"}
	}
	return m.update(func(s state) (state, error) { return m.added(s, []Config{c}, r) })
}

// Load replaces all registries by those of a configuration and sets the default ("" means the
// first enabled one). Every mistake is in the error, and nothing is changed then.
func (m *Manager) Load(configs []Config, defaultName string) error {
	return m.update(func(s state) (state, error) {
		s.entries = nil
		s.def = defaultName
		n, err := m.added(s, configs, nil)
		if defaultName != "" && !slices.ContainsFunc(configs, func(c Config) bool { return c.Name == defaultName }) {
			all := make([]string, len(configs))
			for i, c := range configs {
				all[i] = c.Name
			}
			err = errors.Join(err, &ConfigError{
				Field: "defaultRegistry", Problem: "no registry is named " + quote(defaultName) + didYouMean(defaultName, all),
			})
		}
		return n, err
	})
}

// added returns the state with more entries, checked alone and together.
func (m *Manager) added(s state, configs []Config, given pantry.Registry) (state, error) {
	var errs []error
	s.entries = slices.Clone(s.entries)
	for _, c := range configs {
		errs = append(errs, checkConfig(c, m.o.Kinds, given != nil)...)
		patterns, bad := parseClaims(c, m.o.Getenv)
		errs = append(errs, bad...)
		for _, e := range s.entries {
			if strings.EqualFold(e.Name(), c.Name) && c.Name != "" {
				errs = append(errs, duplicate(e, c))
			}
		}
		s.entries = append(s.entries, m.newEntry(c, patterns, given))
	}
	sort.SliceStable(s.entries, func(i, j int) bool { return s.entries[i].Priority() < s.entries[j].Priority() })
	errs = append(errs, checkClaims(s.entries, s.mode)...)
	return s, errors.Join(errs...)
}

func duplicate(e *Entry, c Config) error {
	problem := "the name is taken"
	if e.config.Source != "" {
		problem += " by the registry of " + e.config.Source
	}
	if e.Name() != c.Name {
		problem += fmt.Sprintf(" (%s: names differ in more than capitals)", quote(e.Name()))
	}
	return &ConfigError{Source: c.Source, Registry: c.Name, Field: "name", Problem: problem}
}

// Remove removes a registry. Lookups that are under way may still ask it.
func (m *Manager) Remove(name string) error {
	return m.update(func(s state) (state, error) {
		i, err := s.index(name)
		if err != nil {
			return s, err
		}
		s.entries = slices.Delete(slices.Clone(s.entries), i, i+1)
		if s.def == name {
			s.def = ""
		}
		return s, nil
	})
}

// SetEnabled enables or disables a registry. A disabled one keeps its claims: names that it alone
// claims are asked of nobody.
func (m *Manager) SetEnabled(name string, enabled bool) error {
	return m.update(func(s state) (state, error) {
		i, err := s.index(name)
		if err != nil {
			return s, err
		}
		s.entries = slices.Clone(s.entries)
		s.entries[i] = s.entries[i].with(enabled)
		return s, nil
	})
}

// SetDefault sets the default registry; "" means the first enabled one.
func (m *Manager) SetDefault(name string) error {
	return m.update(func(s state) (state, error) {
		if name != "" {
			if _, err := s.index(name); err != nil {
				return s, err
			}
		}
		s.def = name
		return s, nil
	})
}

// Get returns the registry with a name, enabled or not.
func (m *Manager) Get(name string) (*Entry, bool) { return m.state.Load().get(name) }

// ByType returns the first enabled registry of a type.
func (m *Manager) ByType(typ string) (*Entry, bool) {
	for _, e := range m.state.Load().entries {
		if e.Enabled() && e.Type() == typ {
			return e, true
		}
	}
	return nil, false
}

// Default returns the registry set as default, enabled or not, else the first enabled one that is
// asked for all names (see Config.ClaimsOnly).
func (m *Manager) Default() (*Entry, bool) { return m.state.Load().defaultEntry() }

// All returns the registries in the order they are asked, disabled ones too. The slice is the
// caller's.
func (m *Manager) All() []*Entry { return slices.Clone(m.state.Load().entries) }

// Warnings says which keys of enabled registries have no effect.
func (m *Manager) Warnings() []string {
	var out []string
	for _, e := range enabled(m.state.Load().entries) {
		if c := e.config; c.Balance != "" && len(c.Mirrors) == 0 {
			out = append(out, (&ConfigError{
				Source: c.Source, Registry: e.Name(), Field: "balance", Problem: "has no effect without mirrors",
			}).Error())
		}
		for _, key := range withoutEffect(e.config) {
			out = append(out, (&ConfigError{
				Source: e.config.Source, Registry: e.Name(), Field: key, Problem: "has no effect in this version",
			}).Error())
		}
	}
	return out
}

func (s *state) get(name string) (*Entry, bool) {
	for _, e := range s.entries {
		if e.Name() == name {
			return e, true
		}
	}
	return nil, false
}

func (s *state) index(name string) (int, error) {
	for i, e := range s.entries {
		if e.Name() == name {
			return i, nil
		}
	}
	return 0, s.unknown(name)
}

// unknown is the error of a name that no registry has.
func (s *state) unknown(name string) error {
	known := names(s.entries)
	hint := "no registry is configured"
	if len(known) > 0 {
		hint = "configured registries: " + strings.Join(known, ", ")
	}
	return &ConfigError{Problem: "no registry is named " + quote(name) + didYouMean(name, known), Next: hint}
}

func (s *state) defaultEntry() (*Entry, bool) {
	if s.def != "" {
		return s.get(s.def)
	}
	for _, e := range s.entries {
		if e.Enabled() && !e.reserved("") {
			return e, true
		}
	}
	return nil, false
}
