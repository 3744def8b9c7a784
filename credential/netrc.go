package credential

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
)

const (
	// maxNetrc bounds the file, in bytes; real ones have a few lines.
	maxNetrc = 1 << 20
	// maxMachines bounds its entries.
	maxMachines = 10_000
)

// Machine is an entry of a .netrc file.
type Machine struct {
	Name     string // host, or host:port
	Login    string
	Password pantry.Secret
	Line     int // that it begins in, from 1
}

// ParseNetrc reads the entries of a .netrc file, in order. An entry "default" is left out: it would
// send a password to hosts that nobody named. Macros are passed over. The error names the line, and
// nothing that stands in it.
func ParseNetrc(data []byte) ([]Machine, error) {
	if len(data) > maxNetrc {
		return nil, fmt.Errorf("the file has more than %d bytes", maxNetrc)
	}
	p := netrcParser{rest: string(data), line: 1}
	var out []Machine
	open := -1 // the entry that lines belong to; -1 for none that is kept
	for {
		at, word, ok := p.keyword()
		if !ok && p.err != nil {
			return nil, p.err
		}
		if !ok {
			return out, nil
		}
		switch word {
		case "machine":
			name := p.value()
			if name == "" {
				return nil, fmt.Errorf("line %d: machine without a name", at)
			}
			if len(out) == maxMachines {
				return nil, fmt.Errorf("line %d: more than %d machines", at, maxMachines)
			}
			out = append(out, Machine{Name: name, Line: at})
			open = len(out) - 1
		case "default":
			open = -1
		case "login", "password", "account":
			v := p.value()
			switch {
			case open < 0 || word == "account":
			case word == "login":
				out[open].Login = v
			default:
				out[open].Password = pantry.NewSecret(v)
			}
		case "macdef":
			p.macro()
		default:
			return nil, fmt.Errorf("line %d: expected machine, default, login, password, account or macdef", at)
		}
	}
}

// netrcParser cuts a file into words.
type netrcParser struct {
	rest string
	line int
	err  error
}

// keyword is the next word that is none of a comment.
func (p *netrcParser) keyword() (line int, word string, ok bool) {
	for {
		p.space()
		if p.rest == "" || p.err != nil {
			return 0, "", false
		}
		if p.rest[0] != '#' {
			line = p.line
			return line, p.word(), p.err == nil
		}
		if i := strings.IndexByte(p.rest, '\n'); i >= 0 {
			p.rest = p.rest[i:]
		} else {
			p.rest = ""
		}
	}
}

// value is the word after a keyword; it may begin with a hash.
func (p *netrcParser) value() string {
	p.space()
	return p.word()
}

func (p *netrcParser) space() {
	for p.rest != "" && strings.IndexByte(" \t\r\n", p.rest[0]) >= 0 {
		if p.rest[0] == '\n' {
			p.line++
		}
		p.rest = p.rest[1:]
	}
}

// word is a word, or what stands within quotes, where a backslash takes the next character as it is.
func (p *netrcParser) word() string {
	if !strings.HasPrefix(p.rest, `"`) {
		i := strings.IndexAny(p.rest, " \t\r\n")
		if i < 0 {
			i = len(p.rest)
		}
		w := p.rest[:i]
		p.rest = p.rest[i:]
		return w
	}
	var b strings.Builder
	for i := 1; i < len(p.rest) && p.rest[i] != '\n'; i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String()
		case c == '\\' && i+1 < len(p.rest) && p.rest[i+1] != '\n':
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	p.err = fmt.Errorf("line %d: a quote is not closed", p.line)
	p.rest = ""
	return ""
}

// macro skips a macro, which ends at an empty line.
func (p *netrcParser) macro() {
	for p.rest != "" {
		line, rest, found := strings.Cut(p.rest, "\n")
		p.rest = rest
		if found {
			p.line++
		}
		if strings.TrimSpace(line) == "" {
			return
		}
	}
}

// Netrc is a .netrc file as a source. It is read once, when it is first asked.
//
// An entry "machine HOST" is for https at its usual port, one "machine HOST:PORT" for https at that port,
// and for http on this machine. curl takes an entry for every port and for http too; a credential
// would reach servers then that it was not written for.
type Netrc struct {
	path, shown string
	once        sync.Once
	machines    []Machine
	warning     string
	err         error
}

// NewNetrc returns the source of the file at path, which messages call shown. No file is no error.
func NewNetrc(path, shown string) *Netrc { return &Netrc{path: path, shown: shown} }

func (n *Netrc) read() error {
	f, err := os.Open(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s can't be read: %w", n.shown, cause(err))
	}
	defer f.Close()
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxNetrc+1))
	}
	if err != nil {
		return fmt.Errorf("%s can't be read: %w", n.shown, cause(err))
	}
	if n.machines, err = ParseNetrc(data); err != nil {
		return fmt.Errorf("%s: %w", n.shown, err)
	}
	if readable(st) {
		n.warning = n.shown + " holds a password and others may read it: chmod 600 " + n.shown
	}
	return nil
}

// readable says that others than the owner may read a file. Windows keeps that elsewhere.
func readable(st fs.FileInfo) bool { return runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 }

// Find returns the first entry for the host of u that has a password. One without a login is a
// token.
func (n *Netrc) Find(_ context.Context, u *url.URL) (Found, error) {
	n.once.Do(func() { n.err = n.read() })
	if n.err != nil {
		return Found{}, n.err
	}
	var other string // an entry for the host that is not for this port
	for _, m := range n.machines {
		if m.Password.IsZero() {
			continue
		}
		switch name := strings.ToLower(m.Name); {
		case m.covers(u):
			return Found{
				Username: m.Login, Secret: m.Password, Warning: n.warning,
				Source: fmt.Sprintf("%s:%d", n.shown, m.Line),
			}, nil
		case name == strings.ToLower(u.Hostname()):
			other = fmt.Sprintf("%s:%d is for https://%s: to use it here too, write machine %s", n.shown, m.Line, u.Hostname(), u.Host)
		}
	}
	if other != "" && (u.Scheme == "https" || loopback(u)) {
		return Found{}, errors.New(other)
	}
	return Found{}, ErrNone
}

// covers says whether the entry is for the registry at u.
func (m Machine) covers(u *url.URL) bool {
	name, host := strings.ToLower(m.Name), strings.ToLower(u.Hostname())
	port := u.Port()
	switch u.Scheme {
	case "https":
		if port == "" {
			port = "443"
		}
		return name == host+":"+port || name == bracketed(host)+":"+port || name == host && port == "443"
	case "http":
		return port != "" && loopback(u) && (name == host+":"+port || name == bracketed(host)+":"+port)
	}
	return false
}

func bracketed(host string) string { return "[" + host + "]" }

func loopback(u *url.URL) bool {
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.Unmap().IsLoopback()
}

// cause is an error of the file system without the path, which messages name in their own way.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
