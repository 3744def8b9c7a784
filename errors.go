package pantry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pantry-go/pantry/integrity"
)

// What went wrong, for decisions: match with errors.Is.
var (
	// ErrNotFound: the registry does not have the name.
	ErrNotFound = errors.New("not found")
	// ErrVersionNotFound: the registry has the name, but not the version. It matches ErrNotFound too.
	ErrVersionNotFound error = versionNotFound{}
	// ErrDenied: the registry refused (HTTP 401, 403). [CredentialSent] tells whether it was
	// shown a credential.
	ErrDenied = errors.New("access denied")
	// ErrUnavailable: no answer, or a failure on the registry's side (DNS, refused, TLS,
	// timeout, 429 after retries, 5xx).
	ErrUnavailable = errors.New("registry unavailable")
	// ErrInvalid: an answer that is not one of the protocol (not JSON, wrong shape, HTML).
	ErrInvalid = errors.New("not a registry answer")
	// ErrUnsupported: the registry or its type cannot do this.
	ErrUnsupported = errors.New("not supported")
	// ErrIntegrity: bytes that are not what they should be.
	ErrIntegrity = integrity.ErrMismatch
	// ErrExists: the version is there already, with other bytes.
	ErrExists = errors.New("version already exists")
	// ErrPolicy: refused by verification or policy, not by a registry.
	ErrPolicy = errors.New("refused by policy")
	// ErrConfig: a mistake in configuration, manifest, lockfile or usage.
	ErrConfig = errors.New("configuration error")
)

type versionNotFound struct{}

func (versionNotFound) Error() string        { return "version not found" }
func (versionNotFound) Is(target error) bool { return target == ErrNotFound }

// Ref names a package at a registry, as far as it is known.
type Ref struct {
	Registry string // configured name
	Name     string
	Version  string
}

// String is registry:name@version, leaving out what is not known.
func (r Ref) String() string {
	var b strings.Builder
	if r.Registry != "" {
		b.WriteString(r.Registry)
		b.WriteByte(':')
	}
	b.WriteString(r.Name)
	if r.Version != "" {
		b.WriteByte('@')
		b.WriteString(r.Version)
	}
	return b.String()
}

// Error says what failed, for which package, at which registry.
type Error struct {
	// Op is what was being done: "read metadata", "download", "publish", "search".
	Op string
	// Ref is the package and registry, as far as known.
	Ref Ref
	// URL is what was asked, without credentials; may be "".
	URL string
	// Err is why.
	Err error
}

func (e *Error) Error() string {
	s := e.Op
	if r := e.Ref; r.Name != "" {
		s += " " + Ref{Name: r.Name, Version: r.Version}.String()
	}
	if e.Ref.Registry != "" {
		s += fmt.Sprintf(" at registry %q", e.Ref.Registry)
	}
	return s + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hinter is an error that knows one next step for the user. Only the command line prints it.
type Hinter interface{ Hint() string }

// Hint returns the first hint along err's chain, or "".
func Hint(err error) string {
	var h Hinter
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// WithHint gives err a next step for the user. It is err for errors.Is and errors.As, and reads
// the same.
func WithHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }
func (h *hinted) Hint() string  { return h.hint }

// CredentialSent returns where the credential came from that a registry refused: a field of
// configuration, a file, a variable; never its value. ok is false when none was sent.
func CredentialSent(err error) (source string, ok bool) {
	var c interface{ CredentialSource() string }
	if errors.As(err, &c) {
		s := c.CredentialSource()
		return s, s != ""
	}
	return "", false
}
