package foreign

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/discover"
	"github.com/pantry-go/pantry/registry"
)

// Formats lists the formats by name, and the names of files they are known by.
func Formats() []Format {
	return []Format{
		{"npmrc", []string{".npmrc", "npmrc"}, readNpmrc},
		{"yarn", []string{".yarnrc.yml"}, readYarn},
		{"bun", []string{"bunfig.toml", ".bunfig.toml"}, readBun},
		{"pnpm", []string{"pnpm-workspace.yaml"}, readPnpm},
		{"pip", []string{"pip.conf", "pip.ini"}, readPip},
		{"requirements", []string{"requirements*.txt", "constraints*.txt"}, readRequirements},
		{"uv", []string{"uv.toml"}, readUV},
		{"pyproject", []string{"pyproject.toml"}, readPyproject},
		{"nuget", []string{"nuget.config"}, readNuGet},
		{"cargo", []string{"config.toml", "credentials.toml"}, readCargo},
	}
}

// Format is the configuration of one tool.
type Format struct {
	Name  string
	files []string // patterns of file names, in lower case
	read  func(*reader) error
}

// FormatOf is the format that a file's name tells.
func FormatOf(file string) (Format, bool) {
	base := strings.ToLower(path.Base(strings.ReplaceAll(file, `\`, "/")))
	for _, f := range Formats() {
		for _, pattern := range f.files {
			if ok, _ := path.Match(pattern, base); ok {
				return f, true
			}
		}
	}
	return Format{}, false
}

// Options of Read. The zero value is useful.
type Options struct {
	// Format of the file; "" takes the one that its name tells.
	Format string
	// Kept says that Pantry itself reads the file and the credentials in it, so that an entry needs
	// none. It is for .npmrc files.
	Kept bool
	// Getenv looks up whether a variable is set that the tool takes a credential from by itself. nil
	// means that none is.
	Getenv func(string) (string, bool)
}

// Secret is a secret that stands in a file, as plain text.
type Secret struct {
	File string `json:"file"`
	Line int    `json:"line"`
	What string `json:"what"` // the setting it is the value of
	// Masked is its kind, where its beginning tells that ("npm_…"), and never more.
	Masked string `json:"masked"`
}

// Result is what a file says.
type Result struct {
	Proposals []discover.Proposal
	Secrets   []Secret
}

// Read reads a file. name is its path as messages show it. The error matches [pantry.ErrInvalid] where
// the file is not of its format, and [pantry.ErrConfig] where its format is not known.
func Read(name string, data []byte, o Options) (Result, error) {
	f, ok := FormatOf(name)
	if o.Format != "" {
		if f, ok = formatNamed(o.Format); !ok {
			return Result{}, unknownFormat(fmt.Sprintf("there is no format %q", o.Format), "formats are ")
		}
	}
	if !ok {
		return Result{}, unknownFormat(name+" is no file that registries are known to stand in", "say which it is with --format: ")
	}
	if len(data) > MaxFile {
		return Result{}, fmt.Errorf("%w: %s is larger than %d bytes", pantry.ErrInvalid, name, MaxFile)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return Result{}, fmt.Errorf("%w: %s is no UTF-8 text", pantry.ErrInvalid, name)
	}
	r := &reader{file: name, data: data, tool: f.Name, o: o}
	if err := f.read(r); err != nil {
		return Result{}, fmt.Errorf("%s can't be read: %w", name, err)
	}
	return r.result, nil
}

func formatNamed(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

func unknownFormat(what, before string) error {
	var all []string
	for _, f := range Formats() {
		all = append(all, f.Name)
	}
	return pantry.WithHint(fmt.Errorf("%w: %s", pantry.ErrConfig, what), "%s%s", before, strings.Join(all, ", "))
}

// reader collects what one file says.
type reader struct {
	file   string
	data   []byte
	tool   string
	o      Options
	result Result
}

// found is a registry as a tool's file has it.
type found struct {
	name    string // "" makes one of the URL's host
	typ     string
	adapter string
	url     string // may hold user information, which becomes a credential
	claims  []string
	line    int
	auth    *registry.Auth
	// credential says where the credential is, where auth alone does not.
	credential string
	notes      []string
	reason     string // why it is not supported
}

// npmDefault makes f the registry that names without a scope are asked of. The built-in one is replaced,
// since the tool would not ask it either.
func (f found) npmDefault() found {
	f.name, f.typ = "npm", "npm"
	return f
}

// place is where something stands: FILE:LINE, or the variable it is in.
func (r *reader) place(line int) string {
	if line == 0 {
		return r.file
	}
	return fmt.Sprintf("%s:%d", r.file, line)
}

// add makes a proposal. Registries of one URL become one, with the claims of all.
func (r *reader) add(f found) {
	if len(r.result.Proposals) >= maxFound || f.url == "" {
		return
	}
	f.url = r.withoutUser(&f)
	if f.name == "" {
		f.name = nameOfURL(f.url)
		if f.adapter != "" && !strings.Contains(f.name, f.adapter) {
			f.name += "-" + f.adapter
		}
	}
	f.name = nameOf(f.name)
	for i := range r.result.Proposals {
		p := &r.result.Proposals[i]
		if p.Entry.URL == f.url && p.Entry.Type == f.typ && len(p.Entry.Packages) > 0 && len(f.claims) > 0 {
			p.Entry.Packages = append(p.Entry.Packages, f.claims...)
			return
		}
	}
	p := discover.Proposal{
		Entry: registry.Config{Name: f.name, Type: f.typ, Adapter: f.adapter, URL: f.url, Packages: f.claims},
		Tool:  r.tool, From: r.place(f.line), Notes: f.notes,
	}
	if f.name == "npm" {
		p.Entry.Priority = registry.NPM().Priority
	}
	r.authorise(&p, f)
	if f.reason != "" {
		p.State, p.Reason = discover.Unsupported, f.reason
	}
	r.result.Proposals = append(r.result.Proposals, p)
}

// authorise gives a proposal its credential, as the variables it is in. One that stands in the file as
// plain text is not taken along: it gets a variable of the registry's name, which the user has to set.
func (r *reader) authorise(p *discover.Proposal, f found) {
	p.Credential = f.credential
	if f.auth == nil {
		return
	}
	a := *f.auth
	var set []string
	for _, v := range []struct {
		value  *registry.Value
		suffix string
	}{{&a.Token, "TOKEN"}, {&a.Username, "USERNAME"}, {&a.Password, "PASSWORD"}, {&a.Value, "TOKEN"}} {
		if raw := v.value.Raw.Reveal(); raw == plain {
			name := variableOf(f.name, v.suffix)
			*v.value = variable(name)
			set = append(set, name)
		} else if raw != "" {
			p.Credential = raw
		}
	}
	p.Entry.Auth = &a
	if len(set) > 0 {
		p.Credential = strings.Join(set, " and ") + ", to be set: the value is in " + f.credential
	}
}

// withoutUser takes the user information out of a URL and makes a credential of it.
func (r *reader) withoutUser(f *found) string {
	scheme, rest, ok := strings.Cut(f.url, "://")
	if !ok {
		return f.url
	}
	authority, tail, slash := strings.Cut(rest, "/")
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return f.url
	}
	user, password, both := strings.Cut(authority[:i], ":")
	a := &registry.Auth{Type: registry.AuthBasic, Username: r.secret(user, f.line, "the user name in a URL", both)}
	if both {
		a.Password = r.secret(password, f.line, "the password in a URL", false)
	}
	if f.auth == nil && authority[:i] != "" {
		f.auth, f.credential = a, r.place(f.line)
	}
	bare := scheme + "://" + authority[i+1:]
	if slash {
		bare += "/" + tail
	}
	return bare
}

// nameOfURL makes a registry's name of the host.
func nameOfURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return "registry"
	}
	name := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if p := u.Port(); p != "" {
		name += "-" + p
	}
	return name
}

// nameOf makes a registry's name of any text.
func nameOf(s string) string {
	const longest = 56 // of 64, so that there is room for a number that tells two apart
	name := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
			return c
		}
		return '-'
	}, s)
	name = strings.TrimLeft(name, ".-_")
	if name == "" {
		return "registry"
	}
	return name[:min(len(name), longest)]
}
