package manifest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pantry-go/pantry"
)

// protocol reads a value "protocol:rest" that is neither a path nor an npm alias.
func (p *specParser) protocol(name, protocol, rest, value string) (Spec, error) {
	lower := strings.ToLower(protocol)
	switch {
	case lower == "http", lower == "https":
		return p.remote(name, value)
	case isGitProtocol(lower), isGitHost(lower):
		return p.git(name, value)
	case isForeignProtocol(lower):
		return Spec{}, p.failf("it uses the %s: protocol of other package managers: %w", lower, pantry.ErrUnsupported)
	case p.knows(protocol) && !strings.HasPrefix(rest, "//"):
		s, err := p.prefixed(protocol, rest)
		if name != "" && err == nil {
			s.Name = name
		}
		return s, err
	case lower == "jsr":
		return Spec{}, p.failf("it uses the jsr: protocol: %w", pantry.ErrUnsupported)
	}
	return Spec{}, p.fail(unknownPrefix(protocol))
}

func unknownPrefix(prefix string) error {
	err := fmt.Errorf("%q is neither a configured registry nor a protocol known here: %w", clip(prefix), pantry.ErrUnsupported)
	return pantry.WithHint(err, `"pantry registry list" shows the registries`)
}

// git is an error always: repositories have to be built, which runs what is in them.
func (p *specParser) git(name, value string) (Spec, error) {
	err := fmt.Errorf("it is a git repository: %w", pantry.ErrUnsupported)
	repo, _, _ := strings.Cut(strings.TrimPrefix(value, "github:"), "#")
	if isShorthand(repo) {
		err = pantry.WithHint(err, "a release of it can be installed: pantry install github:%s", repo)
	} else {
		err = pantry.WithHint(err, "use a published version")
	}
	return Spec{Type: GitSpec, Name: name}, p.fail(err)
}

// remote reads an http or https URL: a tarball, unless it is the page of a repository, which npm
// clones.
func (p *specParser) remote(name, value string) (Spec, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "":
		return Spec{}, p.failf("the URL cannot be read")
	case u.User != nil:
		return Spec{}, p.fail(pantry.WithHint(errors.New("the URL holds user information"),
			"configure a registry with auth for %s, so that no credential stands in a manifest", u.Host))
	case isRepositoryPage(u):
		return p.git(name, value)
	}
	return Spec{Type: RemoteSpec, Name: name, URL: value}, nil
}

// isRepositoryPage follows the rules of npm's hosted-git-info for the hosts it knows.
func isRepositoryPage(u *url.URL) bool {
	path := strings.TrimPrefix(u.Path, "/")
	segments := strings.Split(path, "/")
	third := ""
	if len(segments) > 2 {
		third = segments[2]
	}
	owned := len(segments) > 1 && segments[0] != "" && segments[1] != ""
	switch host := strings.TrimPrefix(strings.ToLower(u.Host), "www."); {
	case host == "github.com":
		return owned && (third == "" || third == "tree")
	case u.Scheme != "https":
		return false
	case host == "gitlab.com":
		return owned && !strings.Contains(path, "/-/") && !strings.Contains(path, "/archive.tar.gz")
	case host == "bitbucket.org":
		return owned && third != "get"
	case host == "git.sr.ht":
		return owned && third != "archive"
	case host == "gist.github.com":
		return segments[0] != "" && third != "raw"
	}
	return false
}

// cutPrefix splits "prefix:rest". A single letter before a slash is a drive of Windows.
func cutPrefix(s string) (prefix, rest string, ok bool) {
	prefix, rest, ok = strings.Cut(s, ":")
	if !ok || !isPrefix(prefix) || isDrive(s) {
		return "", "", false
	}
	return prefix, rest, true
}

func isDrive(s string) bool {
	return len(s) > 2 && s[1] == ':' && (s[2] == '/' || s[2] == '\\') && isPrefix(s[:1])
}

// isTransport says that the word before a colon is a URL's scheme or a path's, whatever a
// registry may be called.
func isTransport(prefix string) bool {
	switch lower := strings.ToLower(prefix); lower {
	case "file", "http", "https":
		return true
	default:
		return isGitProtocol(lower) || isForeignProtocol(lower)
	}
}

func isGitProtocol(s string) bool { return s == "git" || s == "ssh" || strings.HasPrefix(s, "git+") }

func isGitHost(s string) bool {
	switch s {
	case "github", "gitlab", "bitbucket", "gist", "sourcehut":
		return true
	}
	return false
}

// isForeignProtocol knows the protocols that only pnpm, yarn or bun understand.
func isForeignProtocol(s string) bool {
	switch s {
	case "workspace", "catalog", "link", "portal", "patch", "exec":
		return true
	}
	return false
}

// isSCP recognises git@host.example:owner/repo.
func isSCP(s string) bool {
	user, rest, ok := strings.Cut(s, "@")
	if !ok || user == "" {
		return false
	}
	host, path, ok := strings.Cut(rest, ":")
	dot := strings.IndexByte(host, '.')
	return ok && path != "" && dot > 0 && dot < len(host)-1
}

// isShorthand recognises owner/repo[#ref], which npm takes for a repository at GitHub.
func isShorthand(s string) bool {
	repo, _, _ := strings.Cut(s, "#")
	owner, name, ok := strings.Cut(repo, "/")
	return ok && owner != "" && name != "" && owner[0] != '.' && !strings.ContainsAny(repo, ":@ \t\\") && !strings.Contains(name, "/")
}

// isPath recognises what npm takes for a path at once: "./x", ".", "~/x", "/x", "C:\x".
func isPath(s string) bool {
	return strings.HasPrefix(s, ".") || strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~/") || isDrive(s) || strings.HasPrefix(s, `\\`)
}

func isTarball(s string) bool {
	lower := strings.ToLower(s)
	return strings.HasSuffix(lower, ".tgz") || strings.HasSuffix(lower, ".tar.gz") || strings.HasSuffix(lower, ".tar")
}

// localPath undoes what is wrong with file: URLs in the wild, as npm does: "//x" and "///x" are
// "/x", and "/../x" is "../x".
func localPath(s string) string {
	rest := strings.TrimLeft(s, "/")
	if len(rest) == len(s) {
		return s
	}
	switch first, _, _ := strings.Cut(rest, "/"); first {
	case ".", "..", "~":
		return rest
	}
	return "/" + rest
}

// shown is a wish as messages show it: without credentials, and not too long.
func shown(s string) string { return clip(hideUser(s)) }

// hideUser takes the user information out of a URL, for messages.
func hideUser(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	end := len(rest)
	if _, err := url.Parse("x://" + rest); err == nil {
		end = strings.IndexAny(rest+"/", "/?#") // the rest may hold an "@" of its own
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		return scheme + "://***" + rest[at:]
	}
	return s
}
