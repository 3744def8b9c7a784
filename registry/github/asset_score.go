package github

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// What each trait of an asset is worth. The system outweighs the architecture, that the C library,
// and all of them together whatever the name has besides, as in the tools whose users have shown
// for years which assets they meant. What cannot run is not scored at all.
const (
	systemPoints  = 100 // named
	assumedSystem = 60  // not named, and told by the other assets
	archPoints    = 50  // named
	bothArchs     = 40  // one build for every architecture of the system
	assumedArch   = 20  // not named: amd64
	emulatedArch  = 10  // amd64 where the system translates it
	libcPoints    = 25  // named, or needs none
	assumedLibc   = 20  // not named
	otherLibc     = 10  // a static build where glibc is
	toolPoints    = 40  // called as the tool is
	prefixPoints  = 10  // called as the tool is, with more after it
	extraWord     = -8
	asideWord     = -25
	microarchWord = -15
)

// tally collects the points of one asset, and why.
type tally struct {
	points  int
	reasons []string
	out     string
}

func (t *tally) add(points int, format string, args ...any) {
	t.points += points
	t.reasons = append(t.reasons, fmt.Sprintf("%s %+d", fmt.Sprintf(format, args...), points))
}

// reject says why the asset is none for the platform.
func (t *tally) reject(format string, args ...any) bool {
	t.out = fmt.Sprintf(format, args...)
	return false
}

// contest is the choice among the assets of one release for one platform.
type contest struct {
	platform pantry.Platform
	tool     string
	relaxed  bool     // take what is otherwise left aside (packages of a system, scripts)
	stated   []string // the systems that some asset names
	anyArch  bool     // some asset names an architecture
}

func newContest(assets []assetName, tool string, pl pantry.Platform) *contest {
	c := &contest{platform: pl, tool: tool}
	for i := range assets {
		a := &assets[i]
		if a.format == noise {
			continue
		}
		for _, s := range a.systems {
			c.stated = appendNew(c.stated, s)
		}
		c.anyArch = c.anyArch || len(a.archs) > 0
	}
	return c
}

// platforms says that some asset names what it runs on.
func (c *contest) platforms() bool { return len(c.stated) > 0 || c.anyArch }

func isZip(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".zip") }

// score judges one asset.
func (c *contest) score(a *assetName) tally {
	var t tally
	ok := c.kind(a, &t) && c.system(a, &t) && c.arch(a, &t) && c.libc(a, &t)
	if !ok {
		return tally{out: t.out}
	}
	c.name(a, &t)
	points := a.points
	if c.platform.OS == "windows" && isZip(a.name) {
		points = zipPoints
	}
	t.add(points, "format")
	return t
}

func (c *contest) kind(a *assetName, t *tally) bool {
	if a.format == noise && !(c.relaxed && a.what != "a checksum" && a.what != "a signature") {
		return t.reject("%s", a.what)
	}
	if a.aside && !a.platformed() && !c.relaxed {
		return t.reject("no program (%s)", strings.Join(a.extras, ", "))
	}
	return true
}

func (c *contest) system(a *assetName, t *tally) bool {
	os := c.platform.OS
	switch {
	case slices.Contains(a.systems, os):
		t.add(systemPoints, "%s", os)
		return true
	case len(a.systems) > 0:
		return t.reject("for %s", strings.Join(a.systems, ", "))
	case a.format == portable:
		t.add(0, "any system")
		return true
	case a.format == archive && a.versioned && len(a.archs) == 0 && c.platforms() && !isZip(a.name):
		return t.reject("taken for the source, since it names a version and no platform")
	case len(c.stated) == 0 && (!c.anyArch || os == "linux" || os == "windows" && isZip(a.name)):
		t.add(0, "no system named by any asset")
		return true
	case slices.Contains(c.stated, os):
		return t.reject("names no system, and others name %s", os)
	case len(c.stated) > 0 && (os == "linux" && a.format != exe || os == "windows" && isZip(a.name)):
		// The one system that is left: "tool" beside "tool-darwin" and "tool.exe".
		t.add(assumedSystem, "names no system where others name %s", strings.Join(c.stated, ", "))
		return true
	}
	return t.reject("names no system")
}

func (c *contest) arch(a *assetName, t *tally) bool {
	arch, os := c.platform.Arch, c.platform.OS
	emulated := arch == "arm64" && (os == "darwin" || os == "windows")
	switch {
	case slices.Contains(a.archs, arch):
		t.add(archPoints, "%s", arch)
	case slices.Contains(a.archs, anyArch):
		t.add(bothArchs, "every architecture")
	case len(a.archs) > 0 && emulated && slices.Contains(a.archs, "amd64"):
		t.add(emulatedArch, "amd64, which %s translates", os)
	case len(a.archs) > 0:
		return t.reject("for %s", strings.Join(a.archs, ", "))
	case a.format == portable, !c.platforms():
		t.add(assumedArch, "any architecture")
	case os == "darwin":
		t.add(assumedArch, "names no architecture")
	case arch == "amd64":
		t.add(assumedArch, "names no architecture: amd64")
	case emulated:
		t.add(emulatedArch/2, "names no architecture: amd64, which %s translates", os)
	default:
		return t.reject("names no architecture, which means amd64")
	}
	if a.microarch != "" && a.microarch != "v1" {
		t.add(microarchWord, "newer processors only (%s)", a.microarch)
	}
	return true
}

func (c *contest) libc(a *assetName, t *tally) bool {
	has := func(l string) bool { return slices.Contains(a.libcs, l) }
	if c.platform.OS == "windows" {
		if has(msvc) || len(a.libcs) == 0 {
			t.add(libcPoints-assumedLibc, "native")
		}
		return true
	}
	if c.platform.OS != "linux" {
		return true
	}
	onMusl := c.platform.Libc == musl
	switch {
	case has(static):
		t.add(assumedLibc, "static")
	case has(musl) && c.platform.Libc == glibc:
		t.add(otherLibc, "musl, which brings its own")
	case has(musl):
		t.add(libcPoints, "musl")
	case has(glibc) && onMusl:
		return t.reject("for glibc")
	case has(glibc) && c.platform.Libc == glibc:
		t.add(libcPoints, "glibc")
	case has(glibc):
		t.add(otherLibc, "glibc, which may not be here")
	case onMusl:
		t.add(otherLibc, "names no C library")
	default:
		t.add(assumedLibc, "names no C library")
	}
	return true
}

// name judges what the asset is called.
func (c *contest) name(a *assetName, t *tally) {
	switch {
	case a.named && len(a.extras) == 0:
		t.add(toolPoints, "called %s", c.tool)
	case a.named:
		t.add(prefixPoints, "called %s and more", c.tool)
	}
	for _, w := range a.extras {
		if isAside(w) {
			t.add(asideWord, "%q", w)
		} else {
			t.add(extraWord, "%q", w)
		}
	}
}
