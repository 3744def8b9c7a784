package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/manifest"
)

// Linker is a layout of node_modules.
type Linker string

// The layouts. With "" the project keeps the one it has; one that has none gets Isolated where there
// is a pnpm-lock.yaml, whose users have it, and else Hoisted.
const (
	// Hoisted is flat with npm's nesting: a package finds also what it does not declare.
	Hoisted Linker = "hoisted"
	// Isolated gives every package exactly what it declares.
	Isolated Linker = "isolated"
)

// IsolatedStore is where the packages of an isolated layout are.
type IsolatedStore string

// The places. "" is Auto.
const (
	// Auto is InProject where something that the project depends on refuses files outside of it, or
	// where the machine's store cannot be written to; else OnMachine.
	Auto IsolatedStore = "auto"
	// OnMachine: in the store, shared by all projects; node_modules holds links.
	OnMachine IsolatedStore = "machine"
	// InProject: in node_modules/.pantry.
	InProject IsolatedStore = "project"
)

// Layout is what a project's node_modules is to be, and why.
type Layout struct {
	Linker    Linker        `json:"linker"`
	LinkerWhy string        `json:"linkerWhy"`
	Store     IsolatedStore `json:"store,omitempty"` // of an isolated layout: OnMachine or InProject
	StoreWhy  string        `json:"storeWhy,omitempty"`
}

// rootBound are packages that refuse files outside of the project they are used in. docs/layouts.md has
// the list with the reasons.
var rootBound = []string{"next", "expo", "metro", "react-native", "@react-native/metro-config"}

// pnpmLock is what a project of pnpm's users has.
const pnpmLock = "pnpm-lock.yaml"

// ChooseLayout decides on a project's layout; m is its manifest.
func ChooseLayout(o Options, m *manifest.Manifest) Layout {
	var l Layout
	if l.Linker, l.LinkerWhy = chooseLinker(o); l.Linker == Isolated {
		l.Store, l.StoreWhy = chooseStore(o, m)
	}
	return l
}

func chooseLinker(o Options) (l Linker, why string) {
	if o.Linker != "" {
		return o.Linker, "it is set"
	}
	if was := link.LaidOut(o.Dir); was != "" {
		return Linker(was), "node_modules was laid out so before"
	}
	if exists(filepath.Join(o.Dir, pnpmLock)) {
		return Isolated, "there is a " + pnpmLock
	}
	return Hoisted, "it is the default"
}

func chooseStore(o Options, m *manifest.Manifest) (IsolatedStore, string) {
	if o.IsolatedStore == OnMachine || o.IsolatedStore == InProject {
		return o.IsolatedStore, "it is set"
	}
	for _, deps := range []map[string]string{m.Dependencies, m.DevDependencies, m.OptionalDependencies} {
		for _, name := range rootBound {
			if _, ok := deps[name]; ok {
				return InProject, fmt.Sprintf("the project depends on %s, which refuses files outside of it", name)
			}
		}
	}
	return OnMachine, "it is the default"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
