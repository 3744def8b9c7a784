package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// A stamp is what the store remembers of an install whose packages are all in it, in an isolated layout:
// the record of the install, and the top of node_modules. As long as nothing is taken out of the
// store, another install with the same inputs, in whatever project, needs nothing else.

// stampName is the stamp's name of the run's inputs.
func (r *run) stampName(p prints) string {
	sum := sha256.Sum256([]byte("isolated on the machine\n" + r.inputs(p)))
	return hex.EncodeToString(sum[:20])
}

// fromStamp does an install with the help of a stamp; false where there is none, or it is of no use.
func (r *run) fromStamp(ctx context.Context) (bool, error) {
	if l, _ := chooseLinker(r.Options); l != Isolated || r.Force || r.LockOnly || r.IsolatedStore == InProject {
		return false, nil
	}
	data, ok := r.store.Stamp(r.stampName(r.prints))
	if !ok {
		return false, nil
	}
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	var s state
	if json.Unmarshal(head, &s) != nil || s.Version != stateVersion {
		return false, nil
	}
	top, err := link.ParseTop(rest)
	if err != nil {
		return false, nil // what damaged it shall not stop anybody
	}
	r.Events(Event{Type: EventLinking})
	rep, err := link.ApplyTop(ctx, link.ApplyTopOptions{Dir: r.Dir, Top: top, Store: r.store, Begin: r.dropState})
	if errors.Is(err, store.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	r.report.Linked = rep.Linked
	r.recall(s)
	for dir := range s.Folders {
		s.Folders[dir] = r.changed(dir)
	}
	if err := r.remember(); err != nil {
		return true, err
	}
	return true, r.saveState(s)
}

// stamp lets the store remember the install that has just ended with the files that now are prints of.
func (r *run) stamp(now prints, l *lockfile.Lock, p *plan, s state) error {
	if p.Linker != Isolated || p.Store != OnMachine || r.Copies != nil || r.generation == "" || hasTools(l) {
		return nil
	}
	head, err := json.Marshal(s)
	if err != nil {
		return err
	}
	data := append(append(head, '\n'), p.isolated.Top().Encode()...)
	if err := r.store.PutStamp(r.stampName(now), r.generation, data); err != nil && !cannotWrite(err) {
		return fmt.Errorf("remember the install: %w", err)
	}
	return nil
}

func hasTools(l *lockfile.Lock) bool {
	for _, p := range l.Packages {
		if p.Tool != nil {
			return true
		}
	}
	return false
}
