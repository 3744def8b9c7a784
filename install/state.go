package install

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/wholefile"
)

// state is the record, in node_modules, of the inputs of the last install that ended well. While
// they are the same there is nothing to do.
type state struct {
	Version int    `json:"version"`
	Inputs  string `json:"inputs"`
	// Folders are the folders at the top of node_modules, with when something was last put into them
	// or taken away (in nanoseconds since 1970): who removes a package by hand wants it back.
	Folders    map[string]int64         `json:"folders"`
	Packages   int                      `json:"packages"`
	Skipped    int                      `json:"skipped"`
	Registries map[string]RegistryShare `json:"registries"`
	Scripts    []Change                 `json:"scripts,omitempty"`
}

// stateVersion changes when an install would do something else with the same inputs.
const stateVersion = 2

// maxState bounds the record: a line for each registry and each package with a script.
const maxState = 64 << 20

// statePath is in node_modules, or beside the programs of tools in a project that has only those.
func (r *run) statePath() string {
	path := filepath.Join(r.Dir, "node_modules", ".pantry", "state.json")
	if _, err := os.Lstat(filepath.Dir(path)); err == nil {
		return path
	}
	alone := filepath.Join(r.Dir, ".pantry", "state.json")
	if _, err := os.Lstat(filepath.Dir(alone)); err == nil {
		return alone
	}
	return path
}

// inputFiles are the files in the project whose content decides what an install does.
var inputFiles = [...]string{"package.json", "pantry.json", "pantry.jsonc", lockfile.Name}

// prints are the fingerprints of the input files, by name; "" for one that is not there.
type prints map[string]string

func takePrints(dir string) (prints, error) {
	out := prints{}
	for _, name := range inputFiles {
		data, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case err == nil:
			out[name] = printOf(data)
		case errors.Is(err, fs.ErrNotExist):
			out[name] = ""
		default:
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return out, nil
}

func printOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// inputs is a fingerprint of everything the outcome depends on.
func (r *run) inputs(p prints) string {
	h := sha256.New()
	for _, name := range inputFiles {
		fmt.Fprintf(h, "%s %s\n", name, p[name])
	}
	fmt.Fprintf(h, "%s\n%v\n%v\n%s", r.Settings, r.Platform, slices.Sorted(maps.Keys(r.Omit)), r.Method)
	return hex.EncodeToString(h.Sum(nil))
}

// readState reads the record of the last install.
func (r *run) readState() (s state, ok bool) {
	data, err := readBounded(r.statePath(), maxState)
	if err != nil || json.Unmarshal(data, &s) != nil || s.Version != stateVersion {
		return state{}, false
	}
	return s, true
}

// upToDate says whether the last install had the same inputs, and fills the report from its record.
func (r *run) upToDate() bool {
	s, ok := r.readState()
	if !ok || !r.matches(s) {
		return false
	}
	r.report.UpToDate = true
	r.recall(s)
	return true
}

// matches says whether a record is of what is there: nothing was changed since.
func (r *run) matches(s state) bool {
	if s.Version != stateVersion || s.Inputs != r.inputs(r.prints) {
		return false
	}
	for path, at := range s.Folders {
		if r.changed(path) != at {
			return false
		}
	}
	return true
}

// recall reports what an install with the same inputs did.
func (r *run) recall(s state) {
	r.report.Packages, r.report.Skipped, r.report.Scripts = s.Packages, s.Skipped, s.Scripts
	r.report.Registries = s.Registries
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// changed is when a folder of the project was changed; 0 if there is none.
func (r *run) changed(dir string) int64 {
	st, err := os.Lstat(filepath.Join(r.Dir, filepath.FromSlash(dir)))
	if err != nil || !st.IsDir() {
		return 0
	}
	return st.ModTime().UnixNano()
}

// dropState makes sure that an install that is interrupted from here on is not taken for done.
func (r *run) dropState() error {
	if err := os.Remove(r.statePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("prepare node_modules: %w", err)
	}
	return nil
}

// writeState records that the install is done, unless something is left to be done by the next one:
// an origin is to be confirmed, or somebody has changed the project's files meanwhile.
func (r *run) writeState(l *lockfile.Lock, p *plan) error {
	if _, err := os.Stat(filepath.Dir(r.statePath())); errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was laid out
	}
	now, err := takePrints(r.Dir)
	if err != nil {
		return err
	}
	if len(unconfirmed(l)) > 0 || !r.installed(l, now) {
		return r.dropState()
	}
	s := r.newState(now, p.folders())
	if err := r.saveState(s); err != nil {
		return err
	}
	if r.Copies != nil || hasTools(l) || p.Linker == Isolated && p.Store != OnMachine {
		return nil
	}
	if p.Linker == Hoisted {
		return r.putStamp(Hoisted, stamp{state: s, top: p.encoded()})
	}
	keys, ok := keysOf(p.isolated)
	if !ok {
		return nil // which does not happen once it is laid out
	}
	return r.putStamp(Isolated, stamp{state: s, keys: keys, top: p.isolated.Top().Encode()})
}

// newState is the record of what the report says, with folders as they are now.
func (r *run) newState(now prints, folders []string) state {
	s := state{
		Version: stateVersion, Inputs: r.inputs(now), Folders: make(map[string]int64, len(folders)), Packages: r.report.Packages,
		Skipped: r.report.Skipped, Registries: map[string]RegistryShare{}, Scripts: r.report.Scripts,
	}
	for name, share := range r.report.Registries {
		s.Registries[name] = RegistryShare{Packages: share.Packages}
	}
	for _, dir := range folders {
		s.Folders[dir] = r.changed(dir)
	}
	return s
}

// textPrint is the fingerprint of the lockfile that was to be written; "" if none was.
func (r *run) textPrint() string {
	if r.text == nil {
		return ""
	}
	text, err := r.text()
	if err != nil {
		return ""
	}
	return printOf(text)
}

func (r *run) saveState(s state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := wholefile.WriteUnsynced(r.statePath(), data, 0o644); err != nil {
		return fmt.Errorf("record the install: %w", err)
	}
	return nil
}

// installed says whether l is what the project's files, of which now was taken, say.
func (r *run) installed(l *lockfile.Lock, now prints) bool {
	if was := now[lockfile.Name]; was != r.prints[lockfile.Name] && was != r.textPrint() {
		return false
	}
	p, err := manifest.ReadProject(r.Dir)
	return err == nil && len(drift(p.Manifest(), l)) == 0
}
