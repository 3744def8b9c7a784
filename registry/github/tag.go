package github

import (
	"strings"

	"github.com/pantry-go/pantry/semver"
)

const (
	maxTag = 244 // bytes; what is left of a ref's 255 after "refs/tags/"
	// maxParts is how many numbers a version may have.
	maxParts = 8
)

// tagName is a tag taken apart.
type tagName struct {
	// prefix is what stands before the version, without the "v" right before it: "" for v1.2.3,
	// "jq-" for jq-1.7.1, "kustomize/" for kustomize/v5.4.2.
	prefix string
	// version is the version as SemVer writes it, or the whole tag when there is none in it.
	version string
	// plain says that the tag has a version.
	plain bool
}

// parseTag finds the version in a tag. Projects write it in more ways than SemVer has: what has
// one or two numbers gets zeros, what has more than three keeps the others as build metadata
// (1.2.3.4 is 1.2.3+4, which npm's order puts right), underscores may stand for dots.
func parseTag(tag string) tagName {
	for start := 0; start < len(tag); {
		if v := versionText(tag[start:]); v != "" && !(digits(lastWord(tag[:start])) && digits(tag[start:])) {
			return tagName{prefix: tag[:start], version: v, plain: true}
		}
		i := strings.IndexAny(tag[start:], "-_@/")
		if i < 0 {
			break
		}
		start += i + 1
	}
	return tagName{version: tag}
}

// lastWord is what stands before the separator that a prefix ends with. A number after a number
// is a piece of a date: 2024-12-30.
func lastWord(prefix string) string {
	prefix = strings.TrimRight(prefix, "-_@/")
	return prefix[strings.LastIndexAny(prefix, "-_@/")+1:]
}

// versionText is the version that s is, or "".
func versionText(s string) string {
	if len(s) > 1 && (s[0] == 'v' || s[0] == 'V') {
		s = s[1:]
		s = strings.TrimPrefix(s, ".") // v.1.2.3
	}
	parts, rest := versionParts(s)
	if len(parts) == 0 || len(parts) > maxParts {
		return ""
	}
	if len(parts) == 1 && rest != "" {
		return "" // 2024-12-30 and 7zip are no versions
	}
	text := parts[0]
	for i := 1; i < 3; i++ {
		text += "."
		if i < len(parts) {
			text += parts[i]
		} else {
			text += "0"
		}
	}
	if len(parts) > 3 {
		if strings.HasPrefix(rest, "+") {
			return ""
		}
		rest = prerelease(rest) + "+" + strings.Join(parts[3:], ".")
	} else {
		rest = prerelease(rest)
	}
	v, err := semver.ParseLoose(text + rest)
	if err != nil {
		return ""
	}
	if v.Build() != "" {
		return v.String() + "+" + v.Build()
	}
	return v.String()
}

// prerelease is what follows the numbers, as SemVer writes it.
func prerelease(rest string) string {
	if rest == "" || rest[0] == '-' || rest[0] == '+' {
		return strings.ReplaceAll(rest, "_", "-")
	}
	return "-" + strings.ReplaceAll(strings.TrimLeft(rest, "._~"), "_", "-")
}

// versionParts splits the numbers at the beginning of s, divided by dots, or all by underscores.
func versionParts(s string) (parts []string, rest string) {
	sep := byte('.')
	if i := strings.IndexAny(s, "._"); i >= 0 {
		sep = s[i]
	}
	for {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 {
			return parts, s
		}
		parts = append(parts, s[:n])
		s = s[n:]
		if len(s) < 2 || s[0] != sep || s[1] < '0' || s[1] > '9' || len(parts) > maxParts {
			return parts, s
		}
		s = s[1:]
	}
}

// usableTag says that a tag is one that git allows and that no path is made of ("..").
func usableTag(tag string) bool {
	if tag == "" || len(tag) > maxTag || strings.Contains(tag, "..") || strings.Contains(tag, "//") || strings.Contains(tag, "@{") {
		return false
	}
	if tag[0] == '/' || tag[0] == '-' || tag[0] == '.' || strings.HasSuffix(tag, "/") || strings.HasSuffix(tag, ".") || strings.HasSuffix(tag, ".lock") {
		return false
	}
	return !strings.ContainsFunc(tag, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`~^:?*[\`, r) || unsafeRune(r)
	})
}

// own says that a prefix is the repository's own: none, or its name with something between it
// and the version.
func own(prefix, repo string) bool {
	if prefix == "" {
		return true
	}
	name := strings.TrimRight(prefix, "-_@/")
	if len(name) == len(prefix) {
		return false
	}
	if i := strings.LastIndexAny(name, "/"); i >= 0 {
		name = name[i+1:]
	}
	return strings.EqualFold(name, repo)
}

// samePrefix compares a prefix with one that was configured, in which the "v" may stand.
func samePrefix(prefix, wanted string) bool {
	return strings.EqualFold(prefix, wanted) || strings.EqualFold(prefix+"v", wanted)
}

// isRange says that s is a wish that several versions can fulfil, rather than a version or tag.
// Versions with fewer numbers than SemVer's are no ranges here, since tags are written so.
func isRange(s string) bool {
	if versionText(s) != "" {
		return false
	}
	_, err := semver.ParseRange(s)
	return err == nil
}
