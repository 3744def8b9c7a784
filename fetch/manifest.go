package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/store"
)

const (
	manifestName = "package.json"
	// maxManifest bounds a package.json: the largest real ones are some 100 kB.
	maxManifest = 8 << 20
)

// sink writes to the store and keeps the manifest.
type sink struct {
	*store.Writer
	manifest []byte
	found    bool
}

// File writes one file.
func (s *sink) File(e archive.Entry, content io.Reader) error {
	if e.Path != manifestName {
		return s.Writer.File(e, content)
	}
	if e.Size > maxManifest {
		return kind{pantry.ErrPolicy, fmt.Errorf("its package.json is larger than %d bytes", maxManifest)}
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	s.manifest, s.found = data, true
	return s.Writer.File(e, bytes.NewReader(data))
}

// identity is the name and version that the manifest says. Keys are compared exactly, as every
// JavaScript program does; encoding/json would take "Name" for "name".
func (s *sink) identity() (name, version string, err error) {
	if !s.found {
		return "", "", kind{pantry.ErrInvalid, errors.New("there is no package.json in it")}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(s.manifest, []byte("\xef\xbb\xbf")), &fields); err != nil {
		return "", "", kind{pantry.ErrInvalid, fmt.Errorf("its package.json cannot be read: %w", err)}
	}
	return text(fields["name"]), text(fields["version"]), nil
}

// text is a JSON string, or the JSON itself of anything else.
func text(raw json.RawMessage) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return strings.TrimSpace(s)
}

// checkPackage compares the name and version inside an artifact with those that were asked for. Names
// must be equal. Versions are compared as npm does, loosely and without build metadata, since
// registries publish "v1.2.3" as "1.2.3".
func checkPackage(name, version string, a pantry.Artifact) error {
	if a.Name == "" || name == a.Name && (a.Version == "" || sameVersion(version, a.Version)) {
		return nil
	}
	inside := pantry.Ref{Name: printable(name), Version: printable(version)}
	wanted := pantry.Ref{Name: a.Name, Version: a.Version}
	err := kind{pantry.ErrIntegrity, fmt.Errorf("the package inside is %s, not %s", inside, wanted)}
	return pantry.WithHint(err, "the registry serves one package under the name or version of another: ask whoever runs it")
}

func sameVersion(a, b string) bool {
	if a == b {
		return true
	}
	va, errA := semver.ParseLoose(a)
	vb, errB := semver.ParseLoose(b)
	return errA == nil && errB == nil && semver.Compare(va, vb) == 0
}

// printable makes a string of the artifact fit for a message.
func printable(s string) string {
	const most = 100
	if s == "" {
		return "(nothing)"
	}
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.Trim(fmt.Sprintf("%+q", s), `"`)
}
