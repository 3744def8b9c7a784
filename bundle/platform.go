package bundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
)

// ParsePlatforms reads platforms as "linux/amd64" or "linux/amd64/musl"; "all" among them, or none,
// is all. Errors match [pantry.ErrConfig].
func ParsePlatforms(texts []string) ([]pantry.Platform, error) {
	var out []pantry.Platform
	for _, s := range texts {
		if s == "all" {
			return nil, nil
		}
		parts := strings.Split(s, "/")
		if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
			return nil, fmt.Errorf("%w: %q is no platform: expected all, or one like linux/amd64 or linux/amd64/musl", pantry.ErrConfig, s)
		}
		p := pantry.Platform{OS: parts[0], Arch: parts[1]}
		if len(parts) == 3 {
			p.Libc = parts[2]
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b pantry.Platform) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

// wants says whether a build of a tool is for one of the platforms.
func wants(platforms []pantry.Platform, build pantry.Platform) bool {
	return len(platforms) == 0 || slices.ContainsFunc(platforms, func(p pantry.Platform) bool {
		return p.OS == build.OS && p.Arch == build.Arch && (p.Libc == "" || build.Libc == "" || p.Libc == build.Libc)
	})
}

// needed says whether a package of the lockfile belongs into a bundle for the platforms.
func needed(platforms []pantry.Platform, p *lockfile.Package) bool {
	if len(platforms) == 0 {
		return true
	}
	if p.Tool != nil {
		return slices.ContainsFunc(p.Tool.Builds, func(b lockfile.Build) bool { return wants(platforms, b.Platform) })
	}
	return slices.ContainsFunc(platforms, func(pl pantry.Platform) bool {
		libcs := []string{pl.Libc}
		if pl.OS == "linux" && pl.Libc == "" { // whichever the machine has
			libcs = []string{"glibc", "musl"}
		}
		return slices.ContainsFunc(libcs, func(libc string) bool {
			pl.Libc = libc
			return p.Supports(lockfile.PlatformOf(pl))
		})
	})
}

// pruned is a copy of l with the packages that are needed.
func pruned(l *lockfile.Lock, platforms []pantry.Platform) *lockfile.Lock {
	out := *l
	out.Packages = map[lockfile.ID]*lockfile.Package{}
	for id, p := range l.Packages {
		if needed(platforms, p) {
			out.Packages[id] = p
		}
	}
	return &out
}
