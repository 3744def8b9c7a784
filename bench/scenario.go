package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pantry-go/pantry/bench/report"
)

// scenario is a state of the project in which a client is started. A chain of them is run one after the other, each
// from what the one before left: see chain.
type scenario struct {
	name                 string
	modules, locks, home bool // what is removed beforehand
	command              func(client) []string
	frozen               bool                        // the lockfile must not change
	asked                func(report.Requests) error // what the registry may have been asked
}

// scenarios returns all scenarios in the order of a chain.
func scenarios() []scenario {
	install := func(c client) []string { return c.install }
	frozen := func(c client) []string { return c.frozen }
	add := func(c client) []string { return c.add }
	return []scenario{
		{name: "cold", modules: true, locks: true, home: true, command: install, asked: tarballs},
		{name: "noop", command: install, frozen: true, asked: nothing},
		{name: "warm", modules: true, command: frozen, frozen: true, asked: noTarball},
		{name: "warmnolock", modules: true, locks: true, command: install, asked: noTarball},
		{name: "add", command: add, asked: tarballs},
		{name: "coldlock", modules: true, home: true, command: frozen, frozen: true, asked: tarballs},
	}
}

func tarballs(r report.Requests) error {
	if r.Tarballs == 0 {
		return fmt.Errorf("no tarball was asked for: something was not cold")
	}
	return nil
}

func noTarball(r report.Requests) error {
	if r.Tarballs > 0 {
		return fmt.Errorf("%d tarballs were asked for: the cache was not warm", r.Tarballs)
	}
	return nil
}

func nothing(r report.Requests) error {
	if r.Tarballs+r.Packuments > 0 {
		return fmt.Errorf("%d packuments and %d tarballs were asked for, and nothing was to do", r.Packuments, r.Tarballs)
	}
	return nil
}

// prepare takes away what a scenario begins without.
func (s scenario) prepare(c client, p place) error {
	if s.modules {
		if err := os.RemoveAll(p.modules()); err != nil {
			return err
		}
	}
	if s.locks {
		for _, name := range c.locks {
			if err := os.RemoveAll(filepath.Join(p.project(), name)); err != nil {
				return err
			}
		}
	}
	if !s.home {
		return nil
	}
	for _, dir := range []string{p.home(), p.temp()} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// state is the project's own files: the manifest and the lockfiles.
type state map[string][]byte

func save(c client, p place) (state, error) {
	s := state{}
	for _, name := range append([]string{"package.json"}, c.locks...) {
		data, err := os.ReadFile(filepath.Join(p.project(), name))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		if err == nil {
			s[name] = data
		}
	}
	return s, nil
}

// restore writes the files back.
func (s state) restore(p place) error {
	for name, data := range s {
		if err := os.WriteFile(filepath.Join(p.project(), name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// locked reports whether there is a lockfile.
func (s state) locked(c client) bool {
	return slices.ContainsFunc(c.locks, func(name string) bool { return s[name] != nil })
}

// changed returns the name of a file that is another one now, or "".
func (s state) changed(now state) string {
	for name := range s {
		if !bytes.Equal(s[name], now[name]) {
			return name
		}
	}
	return ""
}
