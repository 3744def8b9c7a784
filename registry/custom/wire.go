package custom

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// versionDoc is a version on the wire. Its members read every shape that servers give and write
// the plain one.
type versionDoc struct {
	Name        string     `json:"name"`
	Version     string     `json:"version"`
	Description text       `json:"description,omitzero"`
	Homepage    text       `json:"homepage,omitzero"`
	Repository  repository `json:"repository,omitzero"`
	License     license    `json:"license,omitzero"`
	Author      person     `json:"author,omitzero"`
	Keywords    list       `json:"keywords,omitempty"`

	Dependencies         table     `json:"dependencies,omitempty"`
	DevDependencies      table     `json:"devDependencies,omitempty"`
	OptionalDependencies table     `json:"optionalDependencies,omitempty"`
	PeerDependencies     table     `json:"peerDependencies,omitempty"`
	PeerMeta             peerTable `json:"peerDependenciesMeta,omitempty"`
	Bundle               bundle    `json:"bundleDependencies,omitzero"`
	Bundled              bundle    `json:"bundledDependencies,omitzero"` // the other spelling, read only

	Bin     bin   `json:"bin,omitzero"`
	Engines names `json:"engines,omitempty"`
	OS      list  `json:"os,omitempty"`
	CPU     list  `json:"cpu,omitempty"`
	Libc    list  `json:"libc,omitempty"`

	Deprecated       notice `json:"deprecated,omitzero"`
	Yanked           yes    `json:"yanked,omitzero"`
	HasInstallScript yes    `json:"hasInstallScript,omitzero"`
	Scripts          names  `json:"scripts,omitempty"` // read only

	TarballURL  string     `json:"tarballUrl,omitempty"`
	Checksum    string     `json:"checksum,omitempty"`
	Integrity   string     `json:"integrity,omitempty"`
	Size        count      `json:"size,omitzero"`
	PublishedAt moment     `json:"publishedAt,omitzero"`
	Platforms   []platform `json:"platforms,omitempty"` // read only
}

// platform is one of the artifacts of a package that has a binary for each.
type platform struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Libc       string `json:"libc"`
	TarballURL string `json:"tarballUrl"`
	Checksum   string `json:"checksum"`
	Integrity  string `json:"integrity"`
	Size       count  `json:"size"`
}

// packageDoc is the default version of a package with what concerns all of them.
type packageDoc struct {
	versionDoc
	Tags     tags     `json:"tags,omitempty"`
	Versions []string `json:"versions,omitempty"`
}

type versionsDoc struct {
	Versions []string `json:"versions"`
}

type tagsDoc struct {
	Tags map[string]string `json:"tags"`
}

type tagDoc struct {
	Version string `json:"version"`
}

type searchDoc struct {
	Results []resultDoc `json:"results"`
}

type resultDoc struct {
	Name        string     `json:"name"`
	Version     string     `json:"version"`
	Description text       `json:"description,omitzero"`
	Homepage    text       `json:"homepage,omitzero"`
	Repository  repository `json:"repository,omitzero"`
	License     license    `json:"license,omitzero"`
	Author      person     `json:"author,omitzero"`
	Keywords    list       `json:"keywords,omitempty"`
	Deprecated  notice     `json:"deprecated,omitzero"`
}

// text is a string; what is none counts as absent.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = text(textOf(b))
	return nil
}

// repository is a URL, npm's {"type", "url"} or the first of several.
type repository string

func (r *repository) UnmarshalJSON(b []byte) error {
	*r = repository(textOf(b, "url"))
	return nil
}

// license is an SPDX expression, {"type", "url"} or several.
type license string

func (l *license) UnmarshalJSON(b []byte) error {
	*l = license(textOf(b, "type", "name"))
	return nil
}

// person is a name or {"name", "email", "url"}.
type person string

func (p *person) UnmarshalJSON(b []byte) error {
	*p = person(textOf(b, "name"))
	return nil
}

// textOf reads a string, or the first of members that an object has as a string. Of an array it
// reads the first element. Everything else is "".
func textOf(b []byte, members ...string) string {
	if kind(b) == '[' {
		b = first(b)
	}
	var s string
	switch kind(b) {
	case '"':
		_ = json.Unmarshal(b, &s)
	case '{':
		var o map[string]json.RawMessage
		_ = json.Unmarshal(b, &o)
		for _, m := range members {
			if kind(o[m]) == '"' && json.Unmarshal(o[m], &s) == nil && s != "" {
				break
			}
		}
	}
	return line(s)
}

// first returns the first element of an array without looking at the others, or nil.
func first(array []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(array))
	if _, err := d.Token(); err != nil || !d.More() {
		return nil
	}
	var e json.RawMessage
	if d.Decode(&e) != nil {
		return nil
	}
	return e
}

// kind is the first byte of a JSON value: one of { [ " t f n - or a digit; 0 for none.
func kind(b []byte) byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// list is an array of strings; one string stands for itself.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	*l = nil
	switch kind(b) {
	case '"':
		*l = list{textOf(b)}
	case '[':
		var all []json.RawMessage
		if err := json.Unmarshal(b, &all); err != nil {
			return err
		}
		for _, e := range all {
			if kind(e) == '"' {
				*l = append(*l, textOf(e))
			}
		}
	}
	return nil
}

// table maps names to ranges. An empty array is what some languages make of an empty map. A range
// that is no string is an error: to drop a dependency would be to install something else.
type table map[string]string

func (t *table) UnmarshalJSON(b []byte) error {
	if kind(b) == '[' && first(b) == nil {
		*t = nil
		return nil
	}
	var m map[string]string
	err := json.Unmarshal(b, &m)
	*t = m
	return err
}

// names maps strings to strings; what is no string, or no object at all, is left out.
type names map[string]string

func (n *names) UnmarshalJSON(b []byte) error {
	*n = nil
	if kind(b) != '{' {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for k, v := range all {
		if kind(v) == '"' {
			if *n == nil {
				*n = make(names)
			}
			(*n)[k] = textOf(v)
		}
	}
	return nil
}

// tags maps tags to versions.
type tags = names

// peerTable is npm's peerDependenciesMeta.
type peerTable map[string]peer

type peer struct {
	Optional yes `json:"optional"`
}

func (p *peerTable) UnmarshalJSON(b []byte) error {
	*p = nil
	if kind(b) != '{' {
		return nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*p = make(peerTable, len(all))
	for k, v := range all {
		var one peer
		if kind(v) == '{' {
			_ = json.Unmarshal(v, &one)
		}
		(*p)[k] = one
	}
	return nil
}

func (p peerTable) optional() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if p[name].Optional {
			out = append(out, name)
		}
	}
	return out
}

// bundle names the dependencies inside the tarball; true stands for all of them.
type bundle struct {
	all   bool
	names list
}

func (b bundle) IsZero() bool                 { return !b.all && len(b.names) == 0 }
func (b bundle) MarshalJSON() ([]byte, error) { return json.Marshal([]string(b.names)) }

func (b *bundle) UnmarshalJSON(data []byte) error {
	if kind(data) == 't' {
		b.all = true
		return nil
	}
	return b.names.UnmarshalJSON(data)
}

// bin maps commands to paths; a lone path is that of the command called like the package.
type bin struct {
	path   string
	byName names
}

func (b bin) IsZero() bool                 { return b.path == "" && len(b.byName) == 0 }
func (b bin) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]string(b.byName)) }

func (b *bin) UnmarshalJSON(data []byte) error {
	b.path = textOf(data)
	if kind(data) == '[' {
		b.path = ""
	}
	return b.byName.UnmarshalJSON(data)
}

// commands returns the commands of the package called name.
func (b bin) commands(name string) map[string]string {
	if b.path != "" {
		return map[string]string{name[strings.LastIndexByte(name, '/')+1:]: b.path}
	}
	return b.byName
}

// notice is the message of a deprecation; true is one without words.
type notice string

func (n *notice) UnmarshalJSON(b []byte) error {
	*n = notice(textOf(b))
	if kind(b) == 't' {
		*n = "deprecated"
	}
	return nil
}

// yes is true, and nothing else is.
type yes bool

func (y *yes) UnmarshalJSON(b []byte) error {
	*y = kind(b) == 't'
	return nil
}

// count is a whole number that is not negative; what is none counts as 0, not known.
type count int64

func (c *count) UnmarshalJSON(b []byte) error {
	var n int64
	if json.Unmarshal(b, &n) != nil || n < 0 {
		n = 0
	}
	*c = count(n)
	return nil
}

// moment is a time in RFC 3339; what is none counts as not known.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var t time.Time
	if json.Unmarshal(b, &t) != nil {
		t = time.Time{}
	}
	m.Time = t
	return nil
}
