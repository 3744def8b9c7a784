package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// Bounds of a whole lockfile. A project of 2,200 packages has 1 MB.
const (
	// MaxSize is the most bytes that are read.
	MaxSize     = 64 << 20
	maxProjects = 10_000
	maxPackages = 250_000
	maxEdges    = 2_500_000
)

// SyntaxError is a mistake in a lockfile. It matches [pantry.ErrConfig].
type SyntaxError struct {
	File         string
	Line, Column int // from 1; Column counts characters
	Err          error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
}

// Is matches [pantry.ErrConfig].
func (e *SyntaxError) Is(target error) bool { return target == pantry.ErrConfig }

// Unwrap returns what is wrong at that place.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Parse reads a lockfile; file is its name for messages. Errors are [SyntaxError], and match
// [pantry.ErrUnsupported] too when the file is of another format version. Lines may end in CRLF,
// may be empty or comments, and stand in any order within their section.
func Parse(file string, data []byte) (*Lock, error) {
	p := &parser{file: file, lock: New()}
	if len(data) > MaxSize {
		return nil, &SyntaxError{file, 1, 1, fmt.Errorf("the file is larger than %d bytes", MaxSize)}
	}
	p.src = string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if !utf8.ValidString(p.src) {
		return nil, p.errorf(invalidAt(p.src), "not UTF-8")
	}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.lock, nil
}

func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return 0
}

type parser struct {
	file string
	src  string
	lock *Lock
	refs []ref

	// The section the current line belongs to; at most one is set.
	project *Project
	pkg     *Package
	section cursor // its first line
	id      ID
	seen    keyword // single keywords that stood in the section

	edges int
}

// ref is an ID that must be that of a package, and where it stands.
type ref struct {
	id ID
	at int
}

func (p *parser) parse() error {
	pos, err := p.header()
	if err != nil {
		return err
	}
	p.lock.Packages = make(map[ID]*Package, min(strings.Count(p.src, "\npackage "), maxPackages))
	p.refs = make([]ref, 0, min(len(p.src)/90, maxEdges)) // about one edge in 90 bytes
	for pos < len(p.src) {
		end := strings.IndexByte(p.src[pos:], '\n')
		next := pos + end + 1
		if end < 0 {
			end, next = len(p.src)-pos, len(p.src)
		}
		text := strings.TrimSuffix(p.src[pos:pos+end], "\r")
		if err := p.line(cursor{text: text, base: pos}); err != nil {
			return err
		}
		pos = next
	}
	if err := p.finish(); err != nil {
		return err
	}
	for _, r := range p.refs {
		if p.lock.Packages[r.id] == nil {
			return p.errorf(r.at, "package %q is not in the lockfile", r.id)
		}
	}
	return nil
}

// header reads the first line, and returns where the second begins.
func (p *parser) header() (int, error) {
	text, _, more := strings.Cut(p.src, "\n")
	if isConflict(text) {
		return 0, p.conflict(0)
	}
	rest, ok := strings.CutPrefix(text, header)
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if !ok || digits == 0 {
		return 0, p.errorf(0, "not a lockfile: it does not begin with %q", header+strconv.Itoa(Version))
	}
	if v := rest[:digits]; v != strconv.Itoa(Version) {
		err := fmt.Errorf("%w: lockfile format version %s; this Pantry reads version %d", pantry.ErrUnsupported, clip(v), Version)
		return 0, p.error(len(header), pantry.WithHint(err, "upgrade Pantry, or use the one that wrote the lockfile"))
	}
	if !more {
		return len(p.src), nil
	}
	return len(text) + 1, nil
}

func (p *parser) line(c cursor) error {
	switch {
	case c.text == "" || c.text[0] == '#':
		return nil
	case isConflict(c.text):
		return p.conflict(c.base)
	case c.text[0] != ' ' && c.text[0] != '\t':
		return p.top(c)
	case len(c.text) < 3 || c.text[:2] != "  " || c.text[2] == ' ' || c.text[2] == '\t':
		return p.errorf(c.base, "lines below project and package begin with two spaces")
	}
	c.pos = 2
	switch {
	case p.pkg != nil:
		return p.inPackage(c)
	case p.project != nil:
		return p.inProject(c)
	}
	return p.errorf(c.base, "the line belongs to no project or package")
}

func isConflict(line string) bool {
	return strings.HasPrefix(line, "<<<<<<<") || strings.HasPrefix(line, ">>>>>>>") ||
		strings.HasPrefix(line, "|||||||") || strings.HasPrefix(line, "=======")
}

func (p *parser) conflict(at int) error {
	return p.error(at, pantry.WithHint(errors.New("the file holds a merge conflict"),
		`resolve package.json and pantry.json first, take either side of %s whole, and run "pantry install"`, Name))
}

func (p *parser) top(c cursor) error {
	if err := p.finish(); err != nil {
		return err
	}
	p.project, p.pkg, p.seen, p.section = nil, nil, 0, c
	word := c.word()
	switch word {
	case "package":
		return p.startPackage(c)
	case "project":
		return p.startProject(c)
	case "override":
		var f [2]string
		if err := p.fields(&c, f[:]); err != nil {
			return err
		}
		if _, dup := p.lock.Overrides[f[0]]; dup {
			return p.errorf(c.base, "duplicate override %q", f[0])
		}
		p.lock.Overrides[f[0]] = f[1]
		return nil
	}
	return p.unknown(c.base, word)
}

func (p *parser) unknown(at int, word string) error {
	return p.error(at, pantry.WithHint(fmt.Errorf("unknown keyword %q", clip(word)),
		"was the lockfile written by a newer Pantry? Then upgrade this one; otherwise restore the file"))
}

func (p *parser) startProject(c cursor) error {
	var f [1]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	dir := f[0]
	if err := checkSafe(dir, maxField); dir != "." && err != nil {
		return p.errorf(c.base, "project folder %q: %w", dir, err)
	}
	if p.lock.Projects[dir] != nil {
		return p.errorf(c.base, "duplicate project %q", dir)
	}
	if len(p.lock.Projects) == maxProjects {
		return p.errorf(c.base, "more than %d projects", maxProjects)
	}
	p.project = &Project{}
	p.lock.Projects[dir] = p.project
	return nil
}

func (p *parser) inProject(c cursor) error {
	at := c.base + c.pos
	kind := Kind(c.word())
	if kindRank(kind) < 0 {
		return p.unknown(at, string(kind))
	}
	var f [3]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	name, w := f[0], Wish{Kind: kind, Spec: f[1], ID: ID(f[2])}
	if err := CheckName(name); err != nil {
		return p.errorf(at, "name %q: %w", name, err)
	}
	if _, dup := p.project.Dependencies[name]; dup {
		return p.errorf(at, "duplicate dependency %q", name)
	}
	if w.ID != "" {
		p.refs = append(p.refs, ref{w.ID, at})
	} else if kind != Optional && kind != Peer {
		return p.errorf(at, "dependency %q has no package", name)
	}
	if p.project.Dependencies == nil {
		p.project.Dependencies = map[string]Wish{}
	}
	p.project.Dependencies[name] = w
	return p.edge(at)
}

func (p *parser) edge(at int) error {
	if p.edges++; p.edges > maxEdges {
		return p.errorf(at, "more than %d dependencies", maxEdges)
	}
	return nil
}

func (p *parser) errorf(at int, format string, args ...any) error {
	return p.error(at, fmt.Errorf(format, args...))
}

func (p *parser) error(at int, err error) error {
	before := p.src[:min(at, len(p.src))]
	start := strings.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		File:   p.file,
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[start:]) + 1,
		Err:    err,
	}
}

func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// cursor walks over the fields of one line.
type cursor struct {
	text string
	base int // offset of text in the file
	pos  int // of what was not read yet
}

// word reads the keyword.
func (c *cursor) word() string {
	start := c.pos
	if i := strings.IndexByte(c.text[start:], ' '); i >= 0 {
		c.pos += i
	} else {
		c.pos = len(c.text)
	}
	return c.text[start:c.pos]
}

func (c *cursor) done() bool { return c.pos == len(c.text) }

// fields reads exactly len(into) fields, and nothing may follow.
func (p *parser) fields(c *cursor, into []string) error {
	for i := range into {
		if c.done() {
			return p.errorf(c.base+c.pos, "%d more fields expected", len(into)-i)
		}
		f, err := p.field(c)
		if err != nil {
			return err
		}
		into[i] = f
	}
	if !c.done() {
		return p.errorf(c.base+c.pos, "end of line expected")
	}
	return nil
}

// field reads one field and the space before it.
func (p *parser) field(c *cursor) (string, error) {
	c.pos++ // what ended the field before was a space
	start := c.pos
	if start < len(c.text) && c.text[start] == '"' {
		return p.quoted(c)
	}
	i := start
	for ; i < len(c.text) && c.text[i] != ' '; i++ {
		if b := c.text[i]; b < ' ' || b == '"' || b == 0x7f {
			return "", p.errorf(c.base+i, "character %q must stand in a JSON string", rune(b))
		}
	}
	c.pos = i
	switch {
	case i == start:
		return "", p.errorf(c.base+start, "field expected; one space separates fields")
	case i-start > maxField:
		return "", p.errorf(c.base+start, "field of more than %d bytes", maxField)
	}
	return c.text[start:i], nil
}

func (p *parser) quoted(c *cursor) (string, error) {
	start, escaped := c.pos, false
	for i := start + 1; i < len(c.text); i++ {
		switch c.text[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			c.pos = i + 1
			if !c.done() && c.text[c.pos] != ' ' {
				return "", p.errorf(c.base+c.pos, "space expected after the string")
			}
			return p.unquote(c.text[start:c.pos], escaped, c.base+start)
		}
	}
	return "", p.errorf(c.base+start, "string without an end")
}

func (p *parser) unquote(lit string, escaped bool, at int) (string, error) {
	if len(lit) > maxField {
		return "", p.errorf(at, "field of more than %d bytes", maxField)
	}
	if s := lit[1 : len(lit)-1]; !escaped && strings.IndexFunc(s, func(r rune) bool { return r < ' ' }) < 0 {
		return s, nil
	}
	var s string
	if err := json.Unmarshal([]byte(lit), &s); err != nil {
		return "", p.errorf(at, "not a JSON string")
	}
	return s, nil
}

// digests reads what is left of the line as the digests of an artifact.
func (p *parser) digests(c *cursor) (integrity.Set, error) {
	at := c.base + c.pos
	if c.done() {
		return nil, p.errorf(at, "digest expected")
	}
	set, err := integrity.Parse(c.text[c.pos:])
	c.pos = len(c.text)
	if err == nil && len(set) == 0 {
		err = errors.New("digest expected")
	}
	if err != nil {
		return nil, p.errorf(at+1, "%w", err)
	}
	return set, nil
}
