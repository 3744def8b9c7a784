package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// A stamp is what the store remembers of an install whose packages are all in it: the record of the install,
// and of an isolated layout the keys of its packages and the top of node_modules, of a hoisted one the
// tree. As long as nothing is taken out of the store, another install with the same inputs, in whatever
// project, needs nothing else; and an isolated one with other inputs need not look for the packages it
// has in common.
type stamp struct {
	state state
	keys  string // of an isolated layout, keyBytes bytes for each package
	top   []byte // link.Top or link.Tree
}

// keyBytes is the length of a key, whose text is hexadecimal.
const keyBytes = 20

// stampHead is the first line of a stamp.
type stampHead struct {
	State state `json:"state"`
	Keys  int   `json:"keys"`
}

func (s stamp) encode() ([]byte, error) {
	head, err := json.Marshal(stampHead{s.state, len(s.keys) / keyBytes})
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, []byte("\n"), []byte(s.keys), s.top), nil
}

func decodeStamp(data []byte) (s stamp, ok bool) {
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	var head stampHead
	if json.Unmarshal(line, &head) != nil || head.State.Version != stateVersion || head.Keys < 0 || head.Keys > len(rest)/keyBytes {
		return s, false
	}
	n := head.Keys * keyBytes
	return stamp{head.State, string(rest[:n]), rest[n:]}, true
}

// readStamp reads the stamp of an install with these inputs.
func (r *run) readStamp(l Linker, inputs string) (stamp, bool) {
	data, ok := r.store.Stamp(stampName(l, inputs))
	if !ok {
		return stamp{}, false
	}
	return decodeStamp(data)
}

// stampName is the name of the stamp of an install with these inputs.
func stampName(l Linker, inputs string) string {
	sum := sha256.Sum256([]byte(string(l) + " on the machine\n" + inputs))
	return hex.EncodeToString(sum[:20])
}

// fromStamp does an install with the help of a stamp; false where there is none, or it is of no use.
func (r *run) fromStamp(ctx context.Context) (bool, error) {
	l, _ := chooseLinker(r.Options)
	if r.Force || r.LockOnly || l == Isolated && r.IsolatedStore == InProject {
		return false, nil
	}
	s, ok := r.readStamp(l, r.inputs(r.prints))
	if !ok {
		return false, nil
	}
	lay := r.layTop
	if l == Hoisted {
		lay = r.layTree
	}
	rep, err := lay(ctx, s.top)
	if errors.Is(err, store.ErrMissing) || errors.Is(err, link.ErrTop) || errors.Is(err, link.ErrTree) {
		return false, nil // what damaged it shall not stop anybody
	}
	if err != nil {
		return true, err
	}
	r.report.Linked = rep.Linked
	r.recall(s.state)
	for dir := range s.state.Folders {
		s.state.Folders[dir] = r.changed(dir)
	}
	if err := r.remember(); err != nil {
		return true, err
	}
	return true, r.saveState(s.state)
}

// layTop lays an isolated layout out.
func (r *run) layTop(ctx context.Context, data []byte) (link.Report, error) {
	top, err := link.ParseTop(data)
	if err != nil {
		return link.Report{}, err
	}
	r.Events(Event{Type: EventLinking})
	return link.ApplyTop(ctx, link.ApplyTopOptions{Dir: r.Dir, Top: top, Store: r.store, Begin: r.dropState})
}

// layTree lays a hoisted layout out. What the store lacks is store.ErrMissing, and nothing was changed then.
func (r *run) layTree(ctx context.Context, data []byte) (link.Report, error) {
	l, tree, err := link.ParseTree(data)
	if err != nil {
		return link.Report{}, err
	}
	r.Events(Event{Type: EventLinking})
	entries := make(map[lockfile.ID]func() (*store.Entry, error), len(l.Packages)) // some stand in several places
	for id, p := range l.Packages {
		entries[id] = sync.OnceValues(func() (*store.Entry, error) { return r.stored(p) })
	}
	return link.Apply(ctx, link.ApplyOptions{
		Dir: r.Dir, Lock: l, Tree: tree, Method: r.Method, Begin: r.dropState,
		Entry: func(_ context.Context, id lockfile.ID) (*store.Entry, error) { return entries[id]() },
	})
}

// stored is what the store has of a package.
func (r *run) stored(p *lockfile.Package) (*store.Entry, error) {
	d, ok := p.Integrity.Find(integrity.SHA512)
	if !ok {
		return nil, store.ErrMissing
	}
	e, err := r.store.Get(d)
	if err == nil && (e.Name != p.Name || e.Version != p.Version) {
		return nil, store.ErrMissing // who fetches it knows what to say
	}
	if err == nil {
		r.Events(Event{Type: EventStored, Registry: p.Registry, Name: p.Name, Version: p.Version})
	}
	return e, err
}

// keysOf are the keys of a layout's packages, as a stamp has them.
func keysOf(is *link.Isolated) (string, bool) {
	keys := make([]byte, 0, keyBytes*len(is.Packages))
	for i := range is.Packages {
		key, err := hex.DecodeString(is.Packages[i].Key)
		if err != nil || len(key) != keyBytes {
			return "", false
		}
		keys = append(keys, key...)
	}
	return string(keys), true
}

// putStamp lets the store remember the install that has just ended.
func (r *run) putStamp(l Linker, s stamp) error {
	if r.generation == "" {
		return nil
	}
	data, err := s.encode()
	if err != nil {
		return err
	}
	if err := r.store.PutStamp(stampName(l, s.state.Inputs), r.generation, data); err != nil && !cannotWrite(err) {
		return fmt.Errorf("remember the install: %w", err)
	}
	return nil
}

// knownStore knows of some linked packages that they are there, from a stamp.
type knownStore struct {
	*store.Store
	known map[string]bool // by the bytes of the key
}

// HasLinked says whether a linked package is complete.
func (s knownStore) HasLinked(key string) bool {
	var b [keyBytes]byte
	if n, err := hex.Decode(b[:], []byte(key)); err == nil && n == keyBytes && s.known[string(b[:])] {
		return true
	}
	return s.Store.HasLinked(key)
}

// linkedStore is the store, with what is known from the stamp of the last install in the project, or
// where there was none from that of an install elsewhere with what this one will end with.
func (r *run) linkedStore() link.LinkedStore {
	inputs := r.last.Inputs
	if inputs == "" && r.text != nil && !r.edited {
		now := maps.Clone(r.prints)
		now[lockfile.Name] = r.textPrint()
		inputs = r.inputs(now)
	}
	s, ok := r.readStamp(Isolated, inputs)
	if !ok {
		return r.store
	}
	return s.knownIn(r.store)
}

// knownIn is the store with what the stamp says of it.
func (s stamp) knownIn(in *store.Store) knownStore {
	known := make(map[string]bool, len(s.keys)/keyBytes)
	for i := 0; i < len(s.keys); i += keyBytes {
		known[s.keys[i:i+keyBytes]] = true
	}
	return knownStore{in, known}
}

func hasTools(l *lockfile.Lock) bool {
	for _, p := range l.Packages {
		if p.Tool != nil {
			return true
		}
	}
	return false
}
