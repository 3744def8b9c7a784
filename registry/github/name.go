package github

import (
	"errors"
	"fmt"
	"strings"
)

// GitHub's bounds of names, in bytes.
const (
	maxOwner = 39
	maxRepo  = 100
)

// checkRepo says why name cannot be OWNER/REPO.
func checkRepo(name string) error {
	owner, repo, ok := strings.Cut(name, "/")
	switch {
	case name == "":
		return errors.New("the name is empty")
	case !ok:
		return fmt.Errorf("%s is not OWNER/REPO", quote(name))
	case !isOwner(owner):
		return fmt.Errorf("%s cannot be the owner of a repository", quote(owner))
	case !isRepo(repo):
		return fmt.Errorf("%s cannot be the name of a repository", quote(repo))
	}
	return nil
}

// isOwner takes what GitHub calls a login: letters, digits and hyphens, and the underscore of
// accounts that an enterprise manages.
func isOwner(s string) bool {
	return s != "" && len(s) <= maxOwner && s[0] != '-' && s[0] != '_' &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '-' && r != '_' && !alphanumeric(r) })
}

func isRepo(s string) bool {
	return s != "" && len(s) <= maxRepo && s != "." && s != ".." && !strings.HasSuffix(strings.ToLower(s), ".git") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r != '-' && r != '_' && r != '.' && !alphanumeric(r) })
}

// repoOf is the part of a checked name after the slash.
func repoOf(name string) string { return name[strings.IndexByte(name, '/')+1:] }

// scoped says that a name is one of GitHub Packages.
func scoped(name string) bool { return strings.HasPrefix(name, "@") }

// packagesName writes a scoped name as GitHub Packages knows it: the scope is the owner's login
// in lower case.
func packagesName(name string) string {
	scope, rest, ok := strings.Cut(name, "/")
	if !ok {
		return name
	}
	return strings.ToLower(scope) + "/" + rest
}
