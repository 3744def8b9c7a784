package lockfile

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what one field may hold, in bytes. They are far above what registries hold: npm allows
// 214 bytes for a name and node-semver 256 for a version.
const (
	maxName    = 512
	maxSegment = 255 // what file systems take as one name
	maxVersion = 256
	maxBinPath = 1024
	maxField   = 64 << 10
)

var (
	errEmpty     = errors.New("it is empty")
	errTooLong   = errors.New("it is too long")
	errUTF8      = errors.New("it is not UTF-8")
	errControl   = errors.New("it holds a control character")
	errBackslash = errors.New(`it holds "\" or ":"`)
	errSegment   = errors.New(`it has an empty, "." or ".." segment, or one that is too long`)
	errSpace     = errors.New("a segment begins or ends with a space")
)

// CheckName says why name cannot be a name that packages are installed or required under, or
// returns nil. Such a name becomes a path below node_modules, so it is one segment, or a scope and
// one segment, neither hidden nor node_modules itself. A name with a registry in front of it
// ("github:cli/cli") is not installed under a name; after the colon it may have any number of
// safe segments.
func CheckName(name string) error {
	if registry, rest, ok := strings.Cut(name, ":"); ok {
		if registry == "" {
			return errors.New("the registry before the colon is missing")
		}
		if err := checkRegistry(registry); err != nil {
			return err
		}
		return checkSafe(rest, maxName)
	}
	if err := checkSafe(name, maxName); err != nil {
		return err
	}
	scope, base, scoped := strings.Cut(name, "/")
	switch {
	case scoped && (scope[0] != '@' || len(scope) == 1 || strings.Contains(base, "/")):
		return errors.New(`only "@scope/name" may hold a slash`)
	case !scoped:
		base = scope
	}
	if base[0] == '.' || strings.EqualFold(base, "node_modules") {
		return errors.New("the name is reserved")
	}
	return nil
}

// checkSafe accepts slash-separated segments none of which can lead out of a folder, on any
// operating system.
func checkSafe(s string, most int) error {
	if err := checkText(s, most); err != nil {
		return err
	}
	for start := 0; start <= len(s); {
		end := start
		for ; end < len(s) && s[end] != '/'; end++ {
			if s[end] == '\\' || s[end] == ':' {
				return errBackslash
			}
		}
		if err := checkSegment(s[start:end]); err != nil {
			return err
		}
		start = end + 1
	}
	return nil
}

func checkSegment(seg string) error {
	if seg == "" || len(seg) > maxSegment {
		return errSegment
	}
	first, last := seg[0], seg[len(seg)-1]
	switch {
	case first == ' ' || last == ' ':
		return errSpace
	case first == '.' && last == '.' && strings.Trim(seg, ".") == "":
		return errSegment // "." and "..", and what Windows makes of longer ones
	}
	return nil
}

// checkText accepts one to most bytes of printable UTF-8.
func checkText(s string, most int) error {
	if s == "" {
		return errEmpty
	}
	if len(s) > most {
		return errTooLong
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == 0x7f {
			return errControl
		} else if c >= utf8.RuneSelf {
			return checkRunes(s[i:])
		}
	}
	return nil
}

// checkRunes refuses, beside control characters, the invisible ones that turn the direction of
// text or hide in it, and line separators.
func checkRunes(s string) error {
	if !utf8.ValidString(s) {
		return errUTF8
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return errControl
		}
	}
	return nil
}

// checkRegistry accepts the name of a registry; "" is a package that is from none.
func checkRegistry(s string) error {
	if s == "" {
		return nil
	}
	if strings.ContainsAny(s, "/@() ") {
		return fmt.Errorf("registry %q is no name", s)
	}
	return checkSafe(s, maxSegment)
}

func checkVersion(s string) error { return checkSafe(s, maxVersion) }

func checkURL(s string) error {
	if err := checkText(s, maxField); err != nil {
		return err
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("it cannot be read")
	}
	if u.User != nil {
		return errors.New("it holds user information")
	}
	return nil
}

func checkBin(name, target string) error {
	if err := checkSafe(name, maxSegment); err != nil {
		return fmt.Errorf("command name %q: %w", name, err)
	}
	if strings.Contains(name, "/") {
		return fmt.Errorf("command name %q holds a slash", name)
	}
	if err := checkSafe(target, maxBinPath); err != nil {
		return fmt.Errorf("path %q of command %q: %w", target, name, err)
	}
	return nil
}

// CleanBin makes a command of a package as it stands in a lockfile out of what a manifest says:
// the scope of a name is dropped ("@acme/tool" is tool), a leading "./" or "/" of a path and empty
// and "." segments in it too, as npm does. A name that is not one safe segment, and a path that
// leaves the package, are errors.
func CleanBin(name, target string) (cleanName, cleanTarget string, err error) {
	if strings.HasPrefix(name, "@") {
		if _, base, ok := strings.Cut(name, "/"); ok {
			name = base
		}
	}
	p := strings.ReplaceAll(target, `\`, "/")
	p = path.Clean(strings.TrimLeft(p, "/"))
	if err := checkBin(name, p); err != nil {
		return "", "", err
	}
	return name, p, nil
}
