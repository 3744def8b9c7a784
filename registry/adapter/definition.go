package adapter

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/scheme"
	"github.com/pantry-go/pantry/spelling"
)

// formatVersion is the version of the format of definitions.
const formatVersion = 1

// maxDefinition bounds a definition in bytes; those that are built in have some 3000.
const maxDefinition = 256 << 10

// Definition describes a protocol. It is immutable.
type Definition struct {
	ecosystem, title, url string
	urlVariable           string
	urlCommand            []string

	scheme    *scheme.Scheme
	pattern   *regexp.Regexp
	grammar   string // of names, for messages
	normalize func(string) string
	longest   int // bytes of a name

	config   *request
	pkg      packagePart
	version  *request
	more     []named // of the version
	unlisted bool

	metadata map[string]*expression
	artifact artifactPart
	search   searchPart
	ping     *request
}

// request is one question, and how to read its answer.
type request struct {
	url    template
	accept string
	format string // json, jsonlines, lines, text
	// optional says what is no mistake: "" nothing, "missing" that it is not there, "any" every failure.
	optional string
}

type named struct {
	name string
	request
}

type packagePart struct {
	request
	more                            []named
	name, versions, tags, withdrawn *expression
	next                            *expression
}

type artifactPart struct {
	pick, urlFrom, digest, size, file *expression
	url                               *template
}

type searchPart struct {
	*request
	exact   bool
	results *expression
	pages   int
}

// The file's own shape.
type (
	definitionFile struct {
		Definition int               `json:"definition"`
		Ecosystem  string            `json:"ecosystem"`
		Title      string            `json:"title"`
		URL        string            `json:"url"`
		URLFrom    *urlFromFile      `json:"urlFrom"`
		Versions   string            `json:"versions"`
		Names      namesFile         `json:"names"`
		Config     *requestFile      `json:"config"`
		Package    packageFile       `json:"package"`
		Version    *versionFile      `json:"version"`
		Metadata   map[string]string `json:"metadata"`
		Artifact   artifactFile      `json:"artifact"`
		Search     *searchFile       `json:"search"`
		Ping       *requestFile      `json:"ping"`
	}
	urlFromFile struct {
		Variable string   `json:"variable"`
		Command  []string `json:"command"`
	}
	namesFile struct {
		Pattern   string `json:"pattern"`
		Normalize string `json:"normalize"`
		MaxLength int    `json:"maxLength"`
	}
	requestFile struct {
		URL      string `json:"url"`
		Accept   string `json:"accept"`
		Format   string `json:"format"`
		Optional string `json:"optional"`
	}
	packageFile struct {
		requestFile
		More      map[string]requestFile `json:"more"`
		Name      string                 `json:"name"`
		Versions  string                 `json:"versions"`
		Tags      string                 `json:"tags"`
		Withdrawn string                 `json:"withdrawn"`
		Next      string                 `json:"next"`
	}
	versionFile struct {
		requestFile
		More     map[string]requestFile `json:"more"`
		Unlisted bool                   `json:"unlisted"`
	}
	artifactFile struct {
		Pick    string `json:"pick"`
		URL     string `json:"url"`
		URLFrom string `json:"urlFrom"`
		Digest  string `json:"digest"`
		Size    string `json:"size"`
		File    string `json:"file"`
	}
	searchFile struct {
		requestFile
		Exact   bool   `json:"exact"`
		Results string `json:"results"`
		Pages   int    `json:"pages"`
	}
)

//go:embed definitions/*.json
var builtIn embed.FS

// BuiltIns lists the names of the definitions that come with this package.
func BuiltIns() []string { return []string{"crates", "go", "pypi", "rubygems"} }

// BuiltIn returns a definition of BuiltIns.
func BuiltIn(name string) (*Definition, error) {
	data, err := builtIn.ReadFile("definitions/" + name + ".json")
	if err != nil || !slices.Contains(BuiltIns(), name) {
		hint := ""
		if n := spelling.Nearest(name, BuiltIns()); n != "" {
			hint = fmt.Sprintf(": did you mean %q?", n)
		}
		return nil, pantry.WithHint(fmt.Errorf("%w: there is no adapter %s%s", pantry.ErrConfig, quote(name), hint),
			"built in are %s; a definition of your own is given by its path, as ./my.json", strings.Join(BuiltIns(), ", "))
	}
	return parse(data, true)
}

// Load returns a definition that is built in, or reads a file where ref is a path: where it has a
// slash, or ends in .json or .jsonc. The error matches pantry.ErrConfig.
func Load(ref string) (*Definition, error) {
	if !IsPath(ref) {
		return BuiltIn(ref)
	}
	f, err := os.Open(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: the adapter's definition cannot be read: %w", pantry.ErrConfig, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDefinition+1))
	if err != nil {
		return nil, fmt.Errorf("%w: the adapter's definition cannot be read: %w", pantry.ErrConfig, err)
	}
	d, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quote(ref), err)
	}
	return d, nil
}

// IsPath says whether ref is the path of a definition rather than the name of one.
func IsPath(ref string) bool {
	return strings.ContainsAny(ref, `/\`) || strings.HasSuffix(ref, ".json") || strings.HasSuffix(ref, ".jsonc")
}

// Parse reads a definition: JSON, in which comments and trailing commas may stand. Every expression
// and template is checked. The error matches pantry.ErrConfig and lists all mistakes that were found.
func Parse(data []byte) (*Definition, error) { return parse(data, false) }

func parse(data []byte, trusted bool) (*Definition, error) {
	if len(data) > maxDefinition {
		return nil, fmt.Errorf("%w: the definition is larger than %d bytes", pantry.ErrConfig, maxDefinition)
	}
	plain, err := hujson.Standardize(append([]byte(nil), data...))
	if err != nil {
		return nil, fmt.Errorf("%w: the definition is no JSON: %s", pantry.ErrConfig, line(err.Error()))
	}
	var f definitionFile
	dec := json.NewDecoder(bytes.NewReader(plain))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		at := 1 + bytes.Count(plain[:min(int(dec.InputOffset()), len(plain))], []byte("\n"))
		return nil, fmt.Errorf("%w: the definition has a mistake in or behind line %d: %s", pantry.ErrConfig, at,
			strings.TrimPrefix(line(err.Error()), "json: "))
	}
	if f.Definition != formatVersion {
		return nil, fmt.Errorf("%w: \"definition\" is %d, and this version of Pantry reads %d", pantry.ErrConfig, f.Definition, formatVersion)
	}
	b := builder{f: &f}
	d := b.build()
	if f.URLFrom != nil && !trusted {
		b.fail("urlFrom", errors.New("only definitions that are built in look for their URL elsewhere; give \"url\""))
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("%w: the definition has mistakes:\n%w", pantry.ErrConfig, err)
	}
	return d, nil
}

// Ecosystem is what the packages belong to, in the words of package URLs: pypi, cargo, gem, golang.
func (d *Definition) Ecosystem() string { return d.ecosystem }

// Title says for people what the packages are.
func (d *Definition) Title() string { return d.title }

// URL is the well-known registry of the protocol, or "" where there is none.
func (d *Definition) URL() string { return d.url }

// URLFrom names a variable that holds the URL of a registry, or several of which the first counts,
// and a command that prints the same; both may be empty.
func (d *Definition) URLFrom() (variable string, command []string) {
	return d.urlVariable, d.urlCommand
}

// FirstURL is the first URL of a list as GOPROXY has them, separated by commas or bars; "" if there is
// none.
func FirstURL(list string) string {
	for _, u := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' || r <= ' ' }) {
		if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
			return strings.TrimRight(u, "/")
		}
	}
	return ""
}
