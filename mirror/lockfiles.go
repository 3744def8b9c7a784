package mirror

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

// FromLockfile lists what a pantry.lock pins at a registry, in the versions and with the digests it
// pins. What belongs to other registries is left out. from "" takes everything, whatever registry it
// is of: for a source that holds what several registries do.
func FromLockfile(l *lockfile.Lock, from string) (items []Item, left []Left) {
	seen := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
		p := l.Packages[id]
		if from != "" && p.Registry != from {
			left = append(left, Left{p.Name, p.Version, fmt.Sprintf("it is locked to registry %s", p.Registry)})
			continue
		}
		it := Item{Name: p.Name, Versions: p.Version}
		if it.isPattern() {
			left = append(left, Left{p.Name, p.Version, "that is no name"})
			continue
		}
		if p.Tool == nil {
			it.Integrity = p.Integrity
		}
		if key := it.Name + "@" + it.Versions; !seen[key] { // peers make several of one
			seen[key] = true
			items = append(items, it)
		}
	}
	return items, left
}

// MaxDocument bounds a package-lock.json or an SBOM: those of large projects have some 10 MB.
const MaxDocument = 256 << 20

// FromPackageLock lists what a package-lock.json (or npm-shrinkwrap.json) of version 2 or 3 pins.
// What is in no registry is left out. Errors match [pantry.ErrConfig].
func FromPackageLock(data []byte) (items []Item, left []Left, err error) {
	var doc struct {
		Version  int `json:"lockfileVersion"`
		Packages map[string]struct {
			Name      string `json:"name"`
			Version   string `json:"version"`
			Resolved  string `json:"resolved"`
			Integrity string `json:"integrity"`
			Link      bool   `json:"link"`
			InBundle  bool   `json:"inBundle"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, nil, fmt.Errorf("%w: package-lock.json: %w", pantry.ErrConfig, err)
	}
	if doc.Version < 2 || doc.Packages == nil {
		return nil, nil, pantry.WithHint(fmt.Errorf("%w: package-lock.json has version %d; 2 and 3 are read", pantry.ErrConfig, doc.Version),
			"npm install --package-lock-only writes one of today")
	}
	seen := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(doc.Packages)) {
		p := doc.Packages[path]
		i := strings.LastIndex(path, "node_modules/")
		if i < 0 || p.Link || p.InBundle {
			continue // a project, a link to one, or inside another package's artifact
		}
		it := Item{Name: cmp.Or(p.Name, path[i+len("node_modules/"):]), Versions: p.Version}
		if it.isPattern() {
			return nil, nil, fmt.Errorf("%w: package-lock.json: %q is not the name of a package", pantry.ErrConfig, it.Name)
		}
		if p.Version == "" || p.Resolved != "" && !strings.HasPrefix(p.Resolved, "http") {
			left = append(left, Left{it.Name, p.Version, "it is in no registry"})
			continue
		}
		if it.Integrity, err = integrity.Parse(p.Integrity); err != nil {
			return nil, nil, fmt.Errorf("%w: package-lock.json: %s: %w", pantry.ErrConfig, path, err)
		}
		if key := it.key(); !seen[key] {
			seen[key] = true
			items = append(items, it)
		}
	}
	return items, left, nil
}
