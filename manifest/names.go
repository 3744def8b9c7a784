package manifest

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/semver"
)

// Bounds in bytes. The first is npm's for names, the second node-semver's for versions.
const (
	maxName    = 214
	maxVersion = 256
	maxSpec    = 4096
)

var (
	errTooLong = errors.New("it is too long")
	errControl = errors.New("it holds a control character")
	errEmpty   = errors.New("it is empty")
)

// CheckName says why no npm-style package can have the name, or returns nil. Names that npm
// accepts only for old packages (capitals, "~'!()*") are accepted.
func CheckName(name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("invalid package name %q: %w", clip(name), err)
	}
	return nil
}

func checkName(name string) error {
	if err := checkText(name, maxName); err != nil {
		return err
	}
	base := name
	if name[0] == '@' {
		scope, rest, ok := strings.Cut(name[1:], "/")
		if !ok || scope == "" || rest == "" {
			return errors.New(`a scoped name is "@scope/name"`)
		}
		if !isURISafe(scope) {
			return errors.New("the scope holds a character that URLs cannot")
		}
		base = rest
	}
	switch {
	case base[0] == '.', base[0] == '-' && base == name, base[0] == '_' && base == name:
		return errors.New(`it begins with ".", "-" or "_"`)
	case strings.EqualFold(base, "node_modules"), strings.EqualFold(base, "favicon.ico"):
		return errors.New("it is reserved")
	case !isURISafe(base):
		return errors.New("it holds a character that URLs cannot")
	}
	return nil
}

// checkKey accepts the name of a wish: an npm name or, where prefixed, "registry:name" whose name
// is any that can be a path.
func checkKey(name string, prefixed bool) error {
	registry, pkg, ok := strings.Cut(name, ":")
	if !ok {
		return CheckName(name)
	}
	if !prefixed {
		return fmt.Errorf("invalid package name %q: a registry can be named in %s only", clip(name), PantryJSON)
	}
	return checkForeign(registry, pkg)
}

// checkForeign accepts a package of a registry that need not be an npm-style one.
func checkForeign(registry, pkg string) error {
	if !isPrefix(registry) {
		return fmt.Errorf("%q is no name of a registry", clip(registry))
	}
	if len(pkg) > maxName {
		return fmt.Errorf("invalid package name %q: %w", clip(pkg), errTooLong)
	}
	if err := lockfile.CheckName(registry + ":" + pkg); err != nil {
		return fmt.Errorf("invalid package name %q: %w", clip(pkg), err)
	}
	return nil
}

// CheckTag says why name cannot be a dist-tag, or returns nil: it must not read as a range, and
// hold nothing that URLs cannot.
func CheckTag(name string) error {
	err := checkText(name, maxVersion)
	if err == nil && !isURISafe(name) {
		err = errors.New("it holds a character that URLs cannot")
	}
	if err == nil {
		if _, rangeErr := semver.ParseRange(name); rangeErr == nil {
			err = errors.New("it reads as a version or range")
		}
	}
	if err != nil {
		return fmt.Errorf("invalid tag %q: %w", clip(name), err)
	}
	return nil
}

// checkValue accepts what may stand for a wish; "" is any version.
func checkValue(s string) error {
	if s == "" {
		return nil
	}
	return checkText(s, maxSpec)
}

// checkText accepts one to most bytes of UTF-8 without control characters and the invisible ones
// that change the direction of text.
func checkText(s string, most int) error {
	switch {
	case s == "":
		return errEmpty
	case len(s) > most:
		return errTooLong
	case !utf8.ValidString(s):
		return errors.New("it is not UTF-8")
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r > 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return errControl
		}
	}
	return nil
}

// isURISafe says that JavaScript's encodeURIComponent leaves s as it is.
func isURISafe(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-_.!~*'()", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// isPrefix says whether s can be a registry's name or a protocol in front of a colon.
func isPrefix(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && strings.IndexByte("-_.+", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
