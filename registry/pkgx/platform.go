package pkgx

import (
	"strings"

	"github.com/pantry-go/pantry"
)

// target is a platform in the words of the registry.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

// allTargets are the platforms that bottles are built for.
func allTargets() []target {
	return []target{
		{"darwin", "aarch64"}, {"darwin", "x86-64"}, {"linux", "aarch64"}, {"linux", "x86-64"}, {"windows", "x86-64"},
	}
}

// targetOf translates Go's words. ok is false for a platform that there are no bottles for.
func targetOf(p pantry.Platform) (t target, ok bool) {
	t.os = p.OS
	switch p.Arch {
	case "amd64":
		t.arch = "x86-64"
	case "arm64":
		t.arch = "aarch64"
	}
	for _, known := range allTargets() {
		if t == known {
			return t, true
		}
	}
	return target{}, false
}

// platform translates into Go's words. Bottles for Linux are linked with the GNU C library.
func (t target) platform() pantry.Platform {
	p := pantry.Platform{OS: t.os, Arch: "amd64"}
	if t.arch == "aarch64" {
		p.Arch = "arm64"
	}
	if t.os == "linux" {
		p.Libc = "glibc"
	}
	return p
}

// condition restricts a part of a recipe to an os, an arch, or both; "" is any.
type condition struct{ os, arch string }

func (c condition) on(t target) bool {
	return (c.os == "" || c.os == t.os) && (c.arch == "" || c.arch == t.arch)
}

// parseCondition reads the keys of recipes that name a platform: linux, linux/x86-64, x86-64.
func parseCondition(key string) (c condition, ok bool) {
	os, arch, both := strings.Cut(key, "/")
	if !both && isArch(key) {
		os, arch = "", key
	}
	switch os {
	case "darwin", "linux", "windows":
	case "":
		if both {
			return condition{}, false
		}
	default:
		return condition{}, false
	}
	if arch != "" && !isArch(arch) || both && arch == "" || os == "" && arch == "" {
		return condition{}, false
	}
	return condition{os, arch}, true
}

func isArch(s string) bool { return s == "x86-64" || s == "aarch64" }
