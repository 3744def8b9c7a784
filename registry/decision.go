package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
)

// Decision says how a question was answered: every registry in order, who was asked, what it
// said, who was passed over and why. It is a plain value without secrets; its JSON form is stable.
type Decision struct {
	// Name is the package; Wanted is the version, tag or range, as the asker put it.
	Name   string `json:"name"`
	Wanted string `json:"wanted,omitempty"`
	// Registry is who answered; Version is the version it gave, where one was asked for. Both
	// are "" when the question failed.
	Registry string `json:"registry,omitempty"`
	Version  string `json:"version,omitempty"`
	// Pattern is the claim that the name matches: only registries that claim it were asked.
	Pattern string `json:"pattern,omitempty"`
	// Attempts has every registry once, in the order of priority.
	Attempts []Attempt `json:"attempts"`
	// Unconfirmed names the first registry that could have held the name and was unavailable or
	// invalid, so that one behind it answered. "" means that the origin is certain.
	Unconfirmed string `json:"unconfirmed,omitempty"`
	// Stale says, in a sentence, that the registry that answered could not be asked, and that what it
	// said before had to do. The sentence is the same for every package. "" where it was not so.
	Stale string `json:"stale,omitempty"`
	// Locked is what the asker's lockfile has of the name, as "registry:name@version". Who has a lockfile
	// sets it.
	Locked []string `json:"locked,omitempty"`
	// Warnings are for the user, one sentence each.
	Warnings []string `json:"warnings,omitempty"`
	// Duration is how long it all took; JSON has it in milliseconds, as durationMs.
	Duration time.Duration `json:"-"`
}

// Attempt is one registry's part in a Decision.
type Attempt struct {
	Registry string `json:"registry"`
	Type     string `json:"type"`
	// URL is the registry's, without credentials.
	URL string `json:"url,omitempty"`
	// Asked says that it was sent a question, or known to be down, so that it was spared one.
	Asked bool `json:"asked"`
	// Probe says that its turn came after another one had settled the matter, only to tell who
	// else has the package.
	Probe   bool    `json:"probe,omitempty"`
	Outcome Outcome `json:"outcome"`
	// Reason says why it was passed over.
	Reason string `json:"reason,omitempty"`
	// Status is the HTTP status of a failed answer; 0 when there was none, or none is known.
	Status int `json:"status,omitempty"`
	// Cache is where the answer came from; "" where that is not known.
	Cache pantry.CacheState `json:"cache,omitempty"`
	// Backwards says in which way the answer is behind what the registry said before.
	Backwards string `json:"backwards,omitempty"`
	// Duration is how long it took to answer; JSON has it in milliseconds, as durationMs.
	Duration time.Duration `json:"-"`
	// Credential is the source of the credential that was sent, never its value. "" for none.
	Credential string `json:"credential,omitempty"`
	// CredentialNote says what kept a credential from being found.
	CredentialNote string `json:"credentialNote,omitempty"`
	// Error is what went wrong, on one line.
	Error string `json:"error,omitempty"`
	// Mode is the fallback that applied to the answer.
	Mode Fallback `json:"mode,omitempty"`
}

// MarshalJSON adds durationMs.
func (d Decision) MarshalJSON() ([]byte, error) {
	type plain Decision
	return json.Marshal(struct {
		plain
		Duration float64 `json:"durationMs"`
	}{plain(d), milliseconds(d.Duration)})
}

// MarshalJSON adds durationMs.
func (a Attempt) MarshalJSON() ([]byte, error) {
	type plain Attempt
	return json.Marshal(struct {
		plain
		Duration float64 `json:"durationMs"`
	}{plain(a), milliseconds(a.Duration)})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Asked returns the attempts that were real questions, in order, probes not among them.
func (d Decision) Asked() []Attempt {
	var out []Attempt
	for _, a := range d.Attempts {
		if a.Asked && !a.Probe {
			out = append(out, a)
		}
	}
	return out
}

// Others names the registries that a probe found to have what the deciding one did not.
func (d Decision) Others() []string {
	var out []string
	for _, a := range d.Attempts {
		if a.Probe && a.Outcome == Found {
			out = append(out, a.Registry)
		}
	}
	return out
}

// answers are the attempts that count for the outcome: those that were asked, and those that could
// not be because of a mistake.
func (d Decision) answers() []Attempt {
	var out []Attempt
	for _, a := range d.Attempts {
		if a.Outcome != PassedOver && !a.Probe {
			out = append(out, a)
		}
	}
	return out
}

// LookupError is the error of a question to several registries. errors.Is matches Err, which is
// what decides: pantry.ErrNotFound when everybody who was asked said so (ErrVersionNotFound when
// one has the name), pantry.ErrDenied, ErrUnavailable or ErrInvalid when that is everybody's
// answer or stopped the search, ErrIncomplete when answers are missing, pantry.ErrPolicy or
// ErrConfig when nobody could be asked, or the context's error.
type LookupError struct {
	Decision Decision
	Err      error

	download bool // it was found, and its bytes were the trouble
}

func (e *LookupError) Unwrap() error { return e.Err }

// Error lists every registry that was asked, in order, with its answer.
func (e *LookupError) Error() string {
	d := e.Decision
	answers := d.answers()
	if len(answers) == 0 {
		return printable(d.wish()) + ": " + e.Err.Error()
	}
	var asked []string
	failed := ""
	for _, a := range answers {
		if !a.Asked {
			failed = "; could not ask " + a.Registry + ": " + a.Error
			continue
		}
		s := a.Registry
		if a.URL != "" {
			s += " (" + a.URL + ")"
		}
		asked = append(asked, s+": "+a.answer())
	}
	s := e.head(answers[len(answers)-1])
	if len(asked) > 0 {
		s += "; asked " + strings.Join(asked, "; ")
	}
	s += failed
	if others := d.Others(); len(others) > 0 {
		s += "; " + strings.Join(others, " and ") + " would have it"
	}
	return s
}

func (e *LookupError) head(last Attempt) string {
	wish, name := printable(e.Decision.wish()), printable(e.Decision.Name)
	switch {
	case last.Outcome == Integrity:
		return wish + " was refused"
	case e.download:
		return wish + " could not be downloaded"
	case errors.Is(e.Err, pantry.ErrVersionNotFound) && e.Decision.Wanted == "":
		return "package " + name + " has no version to take"
	case errors.Is(e.Err, pantry.ErrVersionNotFound):
		return "package " + name + " has no version that satisfies " + quote(e.Decision.Wanted)
	case errors.Is(e.Err, pantry.ErrNotFound):
		return "package " + name + " not found in any registry"
	}
	return wish + " could not be looked up"
}

// wish is the name with what was wanted of it.
func (d Decision) wish() string {
	if d.Wanted == "" {
		return d.Name
	}
	return d.Name + "@" + d.Wanted
}

// answer is what a registry said, for people.
func (a Attempt) answer() string {
	switch a.Outcome {
	case Found:
		return "found"
	case NameNotFound:
		return "not found"
	case VersionNotFound:
		return "has the package, but not this version"
	case DeniedAnonymous:
		said := "access denied, and no credential is configured"
		if a.CredentialNote != "" {
			said = "access denied, and no credential was found: " + a.CredentialNote
		}
		return withDetail(said, a.Error)
	case DeniedCred:
		return withDetail("access denied with the credential of "+a.Credential, a.Error)
	case Unavailable:
		return withDetail("unavailable", strings.TrimPrefix(a.Error, pantry.ErrUnavailable.Error()+": "))
	case Invalid:
		s := pantry.ErrInvalid.Error()
		return withDetail(s, strings.TrimPrefix(a.Error, s+": "))
	case Integrity:
		return "wrong bytes: " + a.Error
	case PassedOver:
		return "not asked: " + a.Reason
	}
	return withDetail("failed", a.Error)
}

func withDetail(s, detail string) string {
	if detail == "" || detail == s {
		return s
	}
	return s + " (" + detail + ")"
}

// Hint says what to try next.
func (e *LookupError) Hint() string {
	d := e.Decision
	asked := d.answers()
	if len(asked) == 0 {
		return pantry.Hint(e.Err)
	}
	last := asked[len(asked)-1]
	if others := d.Others(); len(others) > 0 {
		return fmt.Sprintf(`%s owns the name; "fallback": "always" on that registry would allow %s to answer`, last.Registry, others[0])
	}
	for _, a := range asked {
		switch a.Outcome {
		case DeniedCred:
			return fmt.Sprintf("check the credential of registry %s: %s", a.Registry, a.Credential)
		case DeniedAnonymous:
			return fmt.Sprintf(`give registry %s a credential: pantry registry login %[1]s, or "auth"`, a.Registry)
		case Unavailable, Invalid:
			return "try: pantry registry ping " + a.Registry
		case Integrity:
			return fmt.Sprintf("what registry %s serves is not what it announces: try again later, and tell its owner if that stays so", a.Registry)
		}
	}
	switch {
	case last.Outcome == NameNotFound:
		return "check the spelling, or try: pantry search " + printable(d.Name)
	case last.Outcome == VersionNotFound:
		return "try: pantry versions " + printable(d.Name)
	}
	return pantry.Hint(e.Err)
}
