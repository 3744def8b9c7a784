package adapter

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// maxEntries bounds lists and maps of one version: packages with ten thousand dependencies are jokes.
const maxEntries = 10_000

// record is what an adapter found out about one version, under the names of pantry.Metadata's JSON
// members. Values are what JSON makes of them, and null where nothing is known.
type record map[string]any

// Fields of a record, besides those of the artifact.
var (
	textFields  = []string{"name", "version", "description", "homepage", "repository", "license", "author", "deprecated", "published"}
	listFields  = []string{"keywords", "optionalPeers", "bundledDependencies", "os", "cpu", "libc"}
	tableFields = []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "bin", "engines"}
)

// recordFields are the names that metadata can be given under.
func recordFields() []string {
	return slices.Concat(textFields, listFields, tableFields, []string{"hasInstallScript"})
}

// metadata reads a record. Texts of the wrong kind are left out, as a registry's oddities are no
// reason to refuse a version; dependencies of the wrong kind are an error that matches
// pantry.ErrInvalid, since what is left of them would be another package.
func (r record) metadata() (*pantry.Metadata, error) {
	m := &pantry.Metadata{
		Name: r.text("name"), Version: r.text("version"), Description: r.text("description"), Homepage: r.text("homepage"),
		Repository: repositoryURL(r.text("repository")), License: r.text("license"), Author: r.text("author"),
		Keywords: r.list("keywords"), OptionalPeers: r.list("optionalPeers"), BundledDependencies: r.list("bundledDependencies"),
		OS: r.list("os"), CPU: r.list("cpu"), Libc: r.list("libc"), Deprecated: r.text("deprecated"),
	}
	if yes, _ := r["deprecated"].(bool); yes {
		m.Deprecated = "deprecated"
	}
	m.HasInstallScript, _ = r["hasInstallScript"].(bool)
	m.Published = r.time("published")
	for field, to := range map[string]*map[string]string{
		"dependencies": &m.Dependencies, "devDependencies": &m.DevDependencies,
		"optionalDependencies": &m.OptionalDependencies, "peerDependencies": &m.PeerDependencies,
		"bin": &m.Bin, "engines": &m.Engines,
	} {
		t, err := r.table(field)
		if err != nil {
			return nil, err
		}
		*to = t
	}
	for name := range m.OptionalDependencies {
		delete(m.Dependencies, name)
	}
	return m, nil
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return line(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func (r record) text(field string) string { return textOf(r[field]) }

// list takes an array, or one text in its place.
func (r record) list(field string) []string {
	var out []string
	switch v := r[field].(type) {
	case string:
		if s := line(v); s != "" {
			out = []string{s}
		}
	case []any:
		for _, e := range v[:min(len(v), maxEntries)] {
			if s := textOf(e); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// table takes an object of texts, or an array of pairs, of which several with one name are joined:
// registries have a constraint for each platform, say. An empty constraint is "*".
func (r record) table(field string) (map[string]string, error) {
	bad := func(what string) error {
		return fmt.Errorf("%w: %s %s", pantry.ErrInvalid, field, what)
	}
	out := map[string]string{}
	add := func(name, value any) error {
		n, isText := name.(string)
		if n = line(n); !isText || n == "" {
			return bad("has a name that is no text")
		}
		v, ok := value.(string)
		if !ok && value != nil {
			return bad("has a value that is no text, for " + quote(n))
		}
		if v = line(v); v == "" {
			v = "*"
		}
		if old, twice := out[n]; twice && old != v {
			v = old + " || " + v
		}
		out[n] = v
		return nil
	}
	switch v := r[field].(type) {
	case nil:
	case map[string]any:
		if len(v) > maxEntries {
			return nil, bad(fmt.Sprintf("has more than %d entries", maxEntries))
		}
		for name, value := range v {
			if err := add(name, value); err != nil {
				return nil, err
			}
		}
	case []any:
		if len(v) > maxEntries {
			return nil, bad(fmt.Sprintf("has more than %d entries", maxEntries))
		}
		for _, e := range v {
			pair, ok := e.([]any)
			if !ok || len(pair) != 2 {
				return nil, bad("has an entry that is no pair")
			}
			if err := add(pair[0], pair[1]); err != nil {
				return nil, err
			}
		}
	default:
		return nil, bad("is neither an object nor an array of pairs")
	}
	return out, nil
}

// time reads the spellings of RFC 3339 that registries use, of which some leave the zone out.
func (r record) time(field string) time.Time {
	s, _ := r[field].(string)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func (r record) size(field string) int64 {
	n, _ := r[field].(float64)
	if n < 0 || n > 1<<53 || n != math.Trunc(n) {
		return 0
	}
	return int64(n)
}

// digests reads one checksum, or several: "sha256:HEX", or SRI.
func (r record) digests(field string) (integrity.Set, error) {
	s := strings.Join(r.list(field), " ")
	set, err := integrity.ParseChecksum(s)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", field, quote(s), err)
	}
	for _, d := range set {
		if one, _ := set.Find(d.Algorithm()); one != d {
			return nil, fmt.Errorf("two different digests of one algorithm for the artifact")
		}
	}
	return set, nil
}

// artifact reads where the bytes are and what they must hash to. A URL may be relative to that of
// the answer.
func (r record) artifact(at *url.URL, allowMissing bool, registry string) (pantry.Artifact, error) {
	a := pantry.Artifact{Size: r.size("size"), File: fileName(r.text("file"))}
	if raw, _ := r["url"].(string); raw != "" {
		u, err := parseURL(raw, at)
		if err != nil {
			return a, fmt.Errorf("%w: the artifact's URL %s %w", pantry.ErrInvalid, quote(raw), err)
		}
		a.URL = u.String()
	}
	var err error
	a.Integrity, err = r.digests("digest")
	if allowMissing {
		return a, nil
	}
	if err == nil && len(a.Integrity) == 0 {
		err = fmt.Errorf("the registry gives no checksum for it")
	}
	if err != nil {
		return a, pantry.WithHint(fmt.Errorf("%w: %w", pantry.ErrPolicy, err),
			`set "allowMissingChecksum": true on registry %q to take its artifacts unverified`, registry)
	}
	return a, nil
}

// parseURL reads a URL of http or https, which may be relative to base.
func parseURL(raw string, base *url.URL) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err == nil && base != nil {
		u, err = base.Parse(raw)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("is malformed")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("is neither http nor https")
	case u.User != nil:
		return nil, fmt.Errorf("holds user information")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// fileName keeps the last part of a name, if it can be that of a file.
func fileName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	if !safeSegment(s) || s[0] == '.' || s[0] == '-' {
		return ""
	}
	return s
}

// repositoryURL takes off what tells a version control program how to speak.
func repositoryURL(s string) string { return strings.TrimPrefix(s, "git+") }
