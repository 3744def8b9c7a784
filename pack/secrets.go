package pack

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
)

const (
	// maxScanned bounds how much of a file is looked through, in bytes: enough for what people write, and
	// for the bundles that tools make of it.
	maxScanned = 32 << 20
	// maxFound bounds how many secrets of a file are told.
	maxFound = 10
	// minVariety is how many different characters a token has at least; "npm_xxxxxxxx" is an example.
	minVariety = 8
)

// Secret is what looks like one.
type Secret struct {
	Path string
	Line int    // from 1; 0 where the whole file is meant
	What string // "a token of GitHub"; never the secret
}

func (s Secret) String() string {
	where := strconv.Quote(s.Path)
	if where[1:len(where)-1] == s.Path {
		where = s.Path
	}
	if s.Line > 0 {
		where += ":" + strconv.Itoa(s.Line)
	}
	return where + ": " + s.What
}

// SecretsError says that a package holds secrets. It matches [pantry.ErrPolicy].
type SecretsError struct {
	Name, Version string
	Found         []Secret
}

func (e *SecretsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s is not packed, since it holds what looks like a secret", e.Name, e.Version)
	const most = 20
	for i, s := range e.Found {
		if i == most {
			fmt.Fprintf(&b, "\nand %d more", len(e.Found)-most)
			break
		}
		b.WriteString("\n" + s.String())
	}
	return b.String()
}

// Is matches pantry.ErrPolicy.
func (e *SecretsError) Is(target error) bool { return target == pantry.ErrPolicy }

// Hint tells how to leave the file out, or in.
func (e *SecretsError) Hint() string {
	return fmt.Sprintf("leave the file out with \"files\" in package.json or .npmignore, and replace a secret that others have seen; if it is none: --allow-secret %s", e.Found[0].Path)
}

// token is a kind of secret that can be told by its looks.
type token struct {
	what string
	mark string // something that is in every one, to look for first
	re   func() *regexp.Regexp
}

func lazily(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// tokens may have a group: what has to vary. Their forms are those that the services document.
var tokens = sync.OnceValue(func() []token {
	return []token{
		{"a private key", "PRIVATE KEY", lazily(`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----`)},
		{"a token of npm", "npm_", lazily(`\bnpm_([A-Za-z0-9]{36})\b`)},
		{"a token of GitHub", "gh", lazily(`\bgh[pousr]_([A-Za-z0-9]{36,255})\b`)},
		{"a token of GitHub", "github_pat_", lazily(`\bgithub_pat_([A-Za-z0-9_]{22,255})\b`)},
		{"a token of GitLab", "glpat-", lazily(`\bglpat-([A-Za-z0-9_-]{20,255})`)},
		{"an access key of AWS", "AKIA", lazily(`\bAKIA([A-Z2-7]{16})\b`)},
		{"an access key of AWS", "ASIA", lazily(`\bASIA([A-Z2-7]{16})\b`)},
		{"a secret key of AWS", "ecret", lazily(`(?i)aws_?secret_?(?:access_?)?key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`)},
		{"a token of Slack", "xox", lazily(`\bxox[abprs]-([A-Za-z0-9-]{20,255})`)},
		{"a key of Stripe", "_live_", lazily(`\b[sr]k_live_([A-Za-z0-9]{24,255})\b`)},
		{"a token of PyPI", "pypi-", lazily(`\bpypi-(AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,})`)},
		{"a token of Pantry", "pty_", lazily(`\bpty_([A-Za-z0-9]{30,255})\b`)},
	}
})

// FindSecrets looks for secrets in a file: what the file is by its name, and tokens in its text. Files of
// bundled packages have been published before and are not looked at.
func FindSecrets(file string, content []byte) []Secret {
	if strings.HasPrefix(file, "node_modules/") {
		return nil
	}
	if what := secretFile(path.Base(file)); what != "" && len(content) > 0 {
		return []Secret{{file, 0, what}}
	}
	content = content[:min(len(content), maxScanned)]
	var found []Secret
	add := func(at int, what string) {
		s := Secret{file, 1 + bytes.Count(content[:at], []byte("\n")), what}
		if !slices.Contains(found, s) && len(found) < maxFound {
			found = append(found, s)
		}
	}
	for _, t := range tokens() {
		if !bytes.Contains(content, []byte(t.mark)) {
			continue
		}
		for _, m := range t.re().FindAllSubmatchIndex(content, 10*maxFound) {
			if len(m) < 4 || variety(content[m[2]:m[3]]) {
				add(m[0], t.what)
			}
		}
	}
	for _, c := range configFiles() {
		if !c.name().MatchString(path.Base(file)) {
			continue
		}
		for _, m := range c.re().FindAllSubmatchIndex(content, 10*maxFound) {
			if value := content[m[2]:m[3]]; !bytes.Contains(value, []byte("$")) {
				add(m[2], c.what)
			}
		}
	}
	slices.SortFunc(found, func(a, b Secret) int { return a.Line - b.Line })
	return found
}

// configFile is a file whose credentials are known by their keys. re has one group, the value.
type configFile struct {
	what     string
	name, re func() *regexp.Regexp
}

var configFiles = sync.OnceValue(func() []configFile {
	return []configFile{
		{"a credential written out", lazily(`(?i)^pantry\.jsonc?$`), lazily(`"(?:token|password|value)"\s*:\s*"([^"]+)"`)},
		{"a credential written out", lazily(`(?i)npmrc$`), lazily(`(?m)(?:^|:)_(?:authToken|auth|password)[ \t]*=[ \t]*["']?([^\s"']+)`)},
		{"a credential written out", lazily(`(?i)^\.yarnrc\.ya?ml$`), lazily(`(?m)npmAuth(?:Token|Ident):[ \t]*["']?([^\s"']+)`)},
	}
})

// secretFile says what a file is by its name, if that is a secret.
func secretFile(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return "a private key"
	case ".netrc", "_netrc", ".git-credentials", ".pypirc", ".htpasswd":
		return "a file of credentials"
	}
	if rest, ok := strings.CutPrefix(name, ".env"); ok && (rest == "" || rest[0] == '.') {
		switch strings.TrimPrefix(rest[strings.LastIndex(rest, ".")+1:], ".") {
		case "example", "sample", "template", "dist", "defaults":
		default:
			return "a file of environment variables"
		}
	}
	switch path.Ext(name) {
	case ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk":
		return "a store of keys"
	}
	return ""
}

// variety says that a token is more than a placeholder.
func variety(token []byte) bool {
	if bytes.HasSuffix(token, []byte("EXAMPLE")) { // as in the documentation of AWS
		return false
	}
	seen := map[byte]bool{}
	for _, c := range token {
		seen[c] = true
	}
	return len(seen) >= minVariety
}
