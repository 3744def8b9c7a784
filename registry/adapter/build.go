package adapter

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/registry/adapter/scheme"
	"github.com/pantry-go/pantry/spelling"

	"github.com/pantry-go/pantry/printable"
)

// builder makes a Definition of a file, and collects its mistakes.
type builder struct {
	f    *definitionFile
	d    Definition
	errs []error
}

func (b *builder) fail(field string, err error) {
	b.errs = append(b.errs, fmt.Errorf("%s: %w", field, err))
}

const (
	maxMore  = 4   // further requests of one section: each is one more round trip for every package
	maxPages = 100 // of a search, or of a list of versions
)

func (b *builder) build() *Definition {
	f, d := b.f, &b.d
	d.ecosystem, d.title, d.url = f.Ecosystem, f.Title, strings.TrimRight(f.URL, "/")
	if f.Ecosystem == "" {
		b.fail("ecosystem", errors.New("it is missing"))
	}
	if f.URL != "" {
		if _, err := parseURL(f.URL, nil); err != nil {
			b.fail("url", err)
		}
	}
	if f.URLFrom != nil {
		d.urlVariable, d.urlCommand = f.URLFrom.Variable, f.URLFrom.Command
	}
	b.names()
	var ok bool
	if d.scheme, ok = scheme.Lookup(f.Versions); !ok {
		b.fail("versions", fmt.Errorf("%s is no scheme of versions%s; known are %s", quote(f.Versions),
			didYouMean(f.Versions, scheme.Names()), strings.Join(scheme.Names(), ", ")))
		d.scheme, _ = scheme.Lookup("semver")
	}
	if f.Config != nil {
		d.config = b.request("config", *f.Config, "base")
	}
	b.pkg()
	if f.Version != nil {
		d.version = b.request("version", f.Version.requestFile, "base", "config", "name", "version", "item", "package")
		d.more = b.more("version.more", f.Version.More, "base", "config", "name", "version", "item", "package")
		d.unlisted = f.Version.Unlisted
	}
	b.metadata()
	b.artifact()
	b.search()
	if f.Ping != nil {
		d.ping = b.request("ping", *f.Ping, "base")
	}
	return d
}

func (b *builder) names() {
	n, d := b.f.Names, &b.d
	d.normalize = func(s string) string { return s }
	if n.Normalize != "" {
		if f := form(n.Normalize); f != nil {
			d.normalize = f
		} else {
			b.fail("names.normalize", fmt.Errorf("there is no form %s; known are %s", quote(n.Normalize), strings.Join(forms(), ", ")))
		}
	}
	d.longest = n.MaxLength
	if d.longest <= 0 || d.longest > maxName {
		d.longest = maxName
	}
	if n.Pattern == "" {
		b.fail("names.pattern", errors.New("it is missing: a regular expression for the whole of a name"))
		return
	}
	re, err := regexp.Compile(`^(?:` + n.Pattern + `)$`)
	if err != nil {
		b.fail("names.pattern", err)
	}
	d.pattern, d.grammar = re, n.Pattern
}

func (b *builder) request(field string, f requestFile, roots ...string) *request {
	r := &request{accept: f.Accept, format: f.Format, optional: f.Optional}
	var err error
	if r.url, err = parseTemplate(f.URL, roots...); err != nil {
		b.fail(field+".url", err)
	}
	switch r.format {
	case "":
		r.format = "json"
	case "json", "jsonlines", "lines", "text":
	default:
		b.fail(field+".format", fmt.Errorf("%s is none of json, jsonlines, lines and text", quote(r.format)))
	}
	if r.accept == "" {
		r.accept = "*/*"
		if r.format == "json" {
			r.accept = "application/json"
		}
	}
	if strings.ContainsFunc(r.accept, printable.Unsafe) {
		b.fail(field+".accept", errors.New("it has a control character"))
	}
	if r.optional != "" && r.optional != "missing" && r.optional != "any" {
		b.fail(field+".optional", fmt.Errorf(`%s is neither "missing" nor "any"`, quote(r.optional)))
	}
	return r
}

func (b *builder) more(field string, f map[string]requestFile, roots ...string) []named {
	if len(f) > maxMore {
		b.fail(field, fmt.Errorf("more than %d further requests", maxMore))
	}
	var out []named
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if slices.Contains(reservedValues(), name) {
			b.fail(field, fmt.Errorf("%s means something else in expressions", quote(name)))
		}
		out = append(out, named{name, *b.request(field+"."+name, f[name], roots...)})
	}
	return out
}

// reservedValues are what expressions see, besides what further requests brought.
func reservedValues() []string {
	return []string{"base", "config", "name", "version", "item", "package", "doc", "file", "query"}
}

func (b *builder) expression(field, source string) *expression {
	e, err := compile(source, b.d.scheme, b.d.normalize)
	if err != nil {
		b.fail(field, err)
	}
	return e
}

func (b *builder) pkg() {
	f := b.f.Package
	p := packagePart{
		request:   *b.request("package", f.requestFile, "base", "config", "name"),
		more:      b.more("package.more", f.More, "base", "config", "name"),
		name:      b.expression("package.name", f.Name),
		versions:  b.expression("package.versions", f.Versions),
		tags:      b.expression("package.tags", f.Tags),
		withdrawn: b.expression("package.withdrawn", f.Withdrawn),
		next:      b.expression("package.next", f.Next),
	}
	if p.versions == nil {
		b.fail("package.versions", errors.New("it is missing: an expression that lists the versions"))
	}
	if p.optional != "" {
		b.fail("package.optional", errors.New("what a package is cannot be left out"))
	}
	b.d.pkg = p
}

func (b *builder) metadata() {
	b.d.metadata = map[string]*expression{}
	for _, field := range slices.Sorted(maps.Keys(b.f.Metadata)) {
		if !slices.Contains(recordFields(), field) {
			b.fail("metadata", fmt.Errorf("there is no field %s%s; known are %s", quote(field),
				didYouMean(field, recordFields()), strings.Join(recordFields(), ", ")))
			continue
		}
		b.d.metadata[field] = b.expression("metadata."+field, b.f.Metadata[field])
	}
}

func (b *builder) artifact() {
	f := b.f.Artifact
	a := artifactPart{
		pick: b.expression("artifact.pick", f.Pick), urlFrom: b.expression("artifact.urlFrom", f.URLFrom),
		digest: b.expression("artifact.digest", f.Digest), size: b.expression("artifact.size", f.Size),
		file: b.expression("artifact.file", f.File),
	}
	if (f.URL == "") == (f.URLFrom == "") {
		b.fail("artifact", errors.New(`it needs either "url", a template, or "urlFrom", an expression`))
	}
	if f.URL != "" {
		t, err := parseTemplate(f.URL, "base", "config", "name", "version", "item", "file")
		if err != nil {
			b.fail("artifact.url", err)
		}
		a.url = &t
	}
	b.d.artifact = a
}

func (b *builder) search() {
	f := b.f.Search
	if f == nil {
		return
	}
	s := searchPart{exact: f.Exact, pages: max(f.Pages, 1), results: b.expression("search.results", f.Results)}
	switch {
	case f.Exact && (f.URL != "" || f.Results != ""):
		b.fail("search", errors.New(`"exact" asks for the package of that name, and needs neither "url" nor "results"`))
	case f.Exact:
	case f.Results == "":
		b.fail("search.results", errors.New("it is missing: an expression that gives objects with name and version"))
	default:
		s.request = b.request("search", f.requestFile, "base", "config", "query", "limit", "page")
	}
	if s.pages > maxPages {
		b.fail("search.pages", fmt.Errorf("more than %d", maxPages))
	}
	b.d.search = s
}

func didYouMean(word string, known []string) string {
	if n := spelling.Nearest(word, known); n != "" {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}
