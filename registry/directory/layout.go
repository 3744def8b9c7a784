package directory

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// The names of the layout.
const (
	markerName   = "pantry-directory.json"
	packagesDir  = "packages"
	versionsDir  = "versions"
	tagsName     = "tags.json"
	artifactsDir = "artifacts/sha512"
	tempDir      = "tmp"
	lockName     = "lock"
	recordSuffix = ".json"
)

// layoutVersion is the version of the layout that is written, and the only one that is read.
const layoutVersion = 1

// maxSegment bounds a name or version as it is written: file systems take 255 bytes, and there is
// a suffix.
const maxSegment = 240

// escape writes a name or version as one path segment.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '+', c == '~', c == '@',
			c == '.' && i > 0 && i < len(s)-1:
			b.WriteByte(c)
		case c >= 'A' && c <= 'Z':
			b.WriteByte('!')
			b.WriteByte(c - 'A' + 'a')
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	out := b.String()
	if stem, _, _ := strings.Cut(out, "."); reservedByWindows(stem) {
		return fmt.Sprintf("%%%02x%s", s[0], out[1:])
	}
	return out
}

// reservedByWindows says that Windows takes a file of this name, with any extension, for a device.
func reservedByWindows(stem string) bool {
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '0' && stem[3] <= '9'
}

// unescape is the inverse of escape; ok is false for what escape never writes.
func unescape(segment string) (s string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		switch c := segment[i]; {
		case c == '!' && i+1 < len(segment) && segment[i+1] >= 'a' && segment[i+1] <= 'z':
			i++
			b.WriteByte(segment[i] - 'a' + 'A')
		case c == '%' && i+2 < len(segment):
			var n byte
			if _, err := fmt.Sscanf(segment[i+1:i+3], "%02x", &n); err != nil {
				return "", false
			}
			b.WriteByte(n)
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	s = b.String()
	return s, s != "" && escape(s) == segment
}

// CheckName says why name cannot be the name of a package in a directory, or returns nil.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }):
		return fmt.Errorf("%q holds a character that names cannot have", name)
	case len(escape(name)) > maxSegment:
		return fmt.Errorf("the name has more than %d bytes", maxSegment)
	}
	segments := strings.Split(name, "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." || s == "@" || strings.HasPrefix(s, "@") && (i > 0 || len(segments) == 1) {
			return fmt.Errorf("%q is not the name of a package", name)
		}
	}
	return nil
}

func checkVersion(version string) error {
	if version == "" || len(escape(version)) > maxSegment || !utf8.ValidString(version) ||
		strings.ContainsFunc(version, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return fmt.Errorf("%w: %q is not a version", pantry.ErrConfig, version)
	}
	return nil
}

func packagePath(name string) string { return packagesDir + "/" + escape(name) }

func recordPath(name, version string) string {
	return path.Join(packagePath(name), versionsDir, escape(version)+recordSuffix)
}

func tagsPath(name string) string { return packagePath(name) + "/" + tagsName }

// ArtifactPath is where the bytes with a SHA-512 are, relative to the directory.
func ArtifactPath(d integrity.Digest) string {
	hex := d.Hex()
	return path.Join(artifactsDir, hex[:2], hex)
}
