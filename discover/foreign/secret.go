package foreign

import (
	"regexp"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// plain stands, in an Auth that is being made, for a value that the file has as plain text. No
// reference to a variable looks like it.
const plain = "\x00"

// reference is the whole of a value that is a variable, as npm, yarn, pnpm and bun write it; its
// groups are the name, and a default.
var reference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:\?|:?-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))$`)
})

// secret is a value that may be secret: a reference to a variable, or [plain] after the place of what
// stands there was noted. Where it is no secret, as a user name beside a password, harmless is true and
// nothing is noted; it is not copied either.
func (r *reader) secret(value string, line int, what string, harmless bool) registry.Value {
	if value == "" {
		return registry.Value{}
	}
	if m := reference().FindStringSubmatch(value); m != nil && m[2] == "" {
		return variable(m[1] + m[3])
	}
	if name, ok := strings.CutPrefix(value, "%"); ok && strings.HasSuffix(name, "%") { // NuGet's
		if m := reference().FindStringSubmatch("${" + strings.TrimSuffix(name, "%") + "}"); m != nil {
			return variable(m[1])
		}
	}
	if !harmless {
		r.result.Secrets = append(r.result.Secrets, Secret{r.file, line, what, mask(value)})
	}
	return registry.Value{Raw: pantry.NewSecret(plain)}
}

func variable(name string) registry.Value {
	return registry.Value{Raw: pantry.NewSecret("${" + name + "}")}
}

// variableOf is the variable that a registry's credential is expected in.
func variableOf(name, suffix string) string {
	v := upper(name) + "_" + suffix
	if v[0] >= '0' && v[0] <= '9' {
		return "REGISTRY_" + v
	}
	return v
}

// upper is a name as variables have it.
func upper(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToUpper(name))
}

// mask shows of a secret what kind it is, where everybody's secrets of that kind begin alike.
func mask(value string) string {
	for _, prefix := range []string{"npm_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "pypi-", "cio"} {
		if strings.HasPrefix(value, prefix) {
			return prefix + "…"
		}
	}
	return "…"
}

// text puts variables in a text that is no secret, a URL, the way Pantry writes them.
func text(s string) string {
	return optional().ReplaceAllString(s, "$${${1}:-${2}}")
}

// optional is a variable that yarn or npm write otherwise than Pantry: ${VAR-default}, ${VAR?}.
var optional = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?:\?|-([^}]*))\}`)
})
