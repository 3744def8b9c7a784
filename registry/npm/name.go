package npm

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxName bounds a name. New names have at most 214 characters, old ones may have more.
const maxName = 512

// checkName says why a registry of this protocol cannot hold name. It is as tolerant as a reader
// has to be: names of the early days have capitals and characters that new names must not have.
func checkName(name string) error {
	scope, base, scoped := splitName(name)
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name has more than %d bytes", maxName)
	case scoped && (scope == "" || base == ""):
		return fmt.Errorf("%q is not of the form @scope/name", brief(name))
	case strings.HasPrefix(base, "."), strings.HasPrefix(scope, "."), strings.HasPrefix(name, "_"):
		return fmt.Errorf("%q starts with a character that names cannot start with", brief(name))
	case base == "node_modules" && !scoped, base == "favicon.ico" && !scoped:
		return fmt.Errorf("%q is reserved", base)
	}
	for _, part := range []string{scope, base} {
		if i := strings.IndexFunc(part, func(r rune) bool { return !nameRune(r) }); i >= 0 {
			return fmt.Errorf("%q holds a character that names cannot have", brief(name))
		}
	}
	return nil
}

// nameRune accepts what a URL path holds unescaped, the rule for the oldest names.
func nameRune(r rune) bool {
	return alphanumeric(r) || strings.ContainsRune("-_.!~*'()", r)
}

// checkNewName holds a name that is published for the first time to the rules of today
// (npm's validate-npm-package-name).
func checkNewName(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	switch {
	case len(name) > 214:
		return errors.New("the name has more than 214 characters")
	case strings.ToLower(name) != name:
		return fmt.Errorf("%q has capital letters", name)
	case strings.ContainsAny(name, "~'!()*"):
		return fmt.Errorf("%q has one of the characters ~'!()*", name)
	case strings.HasPrefix(name, "-"):
		return fmt.Errorf("%q starts with a hyphen", name)
	}
	return nil
}

// splitName takes "@scope/base" apart. Without a scope, base is the name.
func splitName(name string) (scope, base string, scoped bool) {
	if !strings.HasPrefix(name, "@") {
		return "", name, false
	}
	scope, base, _ = strings.Cut(name[1:], "/")
	return scope, base, true
}

// escapeName makes a name one path segment. The slash of a scope has to be escaped: there are
// registries that know a scoped name in this form only.
func escapeName(name string) string {
	scope, base, scoped := splitName(name)
	if !scoped {
		return url.PathEscape(base)
	}
	return "@" + url.PathEscape(scope) + "%2f" + url.PathEscape(base)
}

// artifactPath is the conventional path of a version's tarball. Here the slash of a scope stands
// for itself, and the file name goes without the scope.
func artifactPath(name, version string) string {
	scope, base, scoped := splitName(name)
	path := url.PathEscape(base) + "/-/" + url.PathEscape(base+"-"+version+".tgz")
	if scoped {
		path = "@" + url.PathEscape(scope) + "/" + path
	}
	return "/" + path
}
