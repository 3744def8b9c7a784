package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
	"github.com/pantry-go/pantry/wholefile"
)

// mirrors expands the URLs of mirrors, and checks them once more.
func (x *expander) mirrors(list []Mirror) []transport.Mirror {
	var out []transport.Mirror
	for i, m := range list {
		out = append(out, transport.Mirror{URL: x.text(m.URL, fmt.Sprintf("mirrors[%d]", i)), Weight: m.Weight})
	}
	return out
}

// distrusted is the folder, below Options.CacheDir, that has a file for each mirror that is not asked
// any more: files of their own need no lock between processes.
const distrusted = "distrusted"

// distrustFile is what such a file holds.
type distrustFile struct {
	Registry string    `json:"registry"` // its URL, as that of the mirror without secrets
	Mirror   string    `json:"mirror"`
	Since    time.Time `json:"since"`
	Reason   string    `json:"reason"`
}

// maxDistrust bounds such a file, in bytes.
const maxDistrust = 64 << 10

// addMirrors has a client know which of its mirrors are out, and tell when another one is.
func (m *Manager) addMirrors(o *transport.Options, c Config) {
	if len(o.Mirrors) == 0 {
		return
	}
	base := o.URL
	for i := range o.Mirrors {
		o.Mirrors[i].Out = m.distrusts(base, o.Mirrors[i].URL)
	}
	o.Distrusted = func(mirror string, why transport.Distrust) {
		m.keepDistrust(base, mirror, why)
		if m.o.Distrusted != nil {
			m.o.Distrusted(c.Name, transport.RedactURL(mirror), why)
		}
	}
}

// distrustPath is the file for a mirror of a registry; "" where nothing is kept.
func (m *Manager) distrustPath(base, mirror string) string {
	if m.o.CacheDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(normal(base) + "\n" + normal(mirror)))
	return filepath.Join(m.o.CacheDir, distrusted, hex.EncodeToString(sum[:16])+".json")
}

// normal is one spelling of a URL.
func normal(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		u.Host = strings.ToLower(u.Host)
		raw = u.String()
	}
	return strings.TrimRight(raw, "/")
}

// distrusts reads why a mirror is out; nil where it is not. A file that cannot be read counts too: it
// is there because something was wrong.
func (m *Manager) distrusts(base, mirror string) *transport.Distrust {
	path := m.distrustPath(base, mirror)
	if path == "" {
		return nil
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var f distrustFile
	if err == nil && st.Size() <= maxDistrust {
		var data []byte
		if data, err = os.ReadFile(path); err == nil {
			err = json.Unmarshal(data, &f)
		}
	}
	if err != nil || f.Reason == "" {
		f.Reason = "it served wrong bytes"
	}
	return &transport.Distrust{Since: f.Since, Reason: printable(f.Reason)}
}

// keepDistrust makes it last. What cannot be written is found out again.
func (m *Manager) keepDistrust(base, mirror string, why transport.Distrust) {
	path := m.distrustPath(base, mirror)
	if path == "" {
		return
	}
	data, err := json.Marshal(distrustFile{transport.RedactURL(base), transport.RedactURL(mirror), why.Since, why.Reason})
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	_ = wholefile.Write(path, data, 0o644)
}

// Origins is what is known of each server that was asked on behalf of the registry; nil before it was
// opened, which this does not do.
func (e *Entry) Origins() []transport.OriginState {
	var all []transport.OriginState
	for _, c := range e.clients() {
		all = append(all, c.State()...)
	}
	return all
}

// clients are those that the registry asks with; nil before it was opened.
func (e *Entry) clients() []*transport.Client {
	if !e.opener.done.Load() {
		return nil
	}
	o, err := e.opener.get()
	if err != nil {
		return nil
	}
	return o.clients
}

// Mirrors is what is known of the registry's mirrors, in the order of the configuration. It opens the
// registry if it has any.
func (e *Entry) Mirrors() ([]transport.MirrorState, error) {
	if len(e.config.Mirrors) == 0 {
		return nil, nil
	}
	o, err := e.opener.get()
	if err != nil {
		return nil, err
	}
	var all []transport.MirrorState
	for _, c := range o.clients {
		all = append(all, c.Mirrors()...)
	}
	return all, nil
}

// Trust has mirrors asked again that served wrong bytes, in this process and later ones: the one with the
// URL, or all for "". It returns the URLs of those that were not asked. A URL of no mirror is an error
// that matches pantry.ErrConfig.
func (e *Entry) Trust(mirror string) ([]string, error) {
	states, err := e.Mirrors()
	if err != nil {
		return nil, err
	}
	var again, known []string
	found := mirror == ""
	for _, s := range states {
		known = append(known, s.URL)
		if mirror != "" && normal(mirror) != normal(s.URL) {
			continue
		}
		found = true
		if s.Out == nil {
			continue
		}
		if err := e.trust(s.URL); err != nil {
			return again, err
		}
		again = append(again, s.URL)
	}
	if !found {
		next := "it has none"
		if len(known) > 0 {
			next = "its mirrors: " + strings.Join(known, ", ")
		}
		return nil, &ConfigError{Registry: e.Name(), Problem: quote(mirror) + " is no mirror of this registry", Next: next}
	}
	return again, nil
}

func (e *Entry) trust(mirror string) error {
	for _, c := range e.clients() {
		if path := e.m.distrustPath(c.BaseURL(), mirror); path != "" {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("registry %s: mirror %s: %w", quote(e.Name()), mirror, errors.Join(err, pantry.ErrConfig))
			}
		}
		c.Trust(mirror)
	}
	return nil
}
