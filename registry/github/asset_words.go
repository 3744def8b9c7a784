package github

import (
	"strings"
	"sync"
)

// trait is what one word in the name of an asset says.
type trait struct {
	kind  traitKind
	value string
}

type traitKind uint8

const (
	extra   traitKind = iota // nothing that is known here
	filler                   // nothing
	version                  // which version
	system                   // for which operating system, in Go's words
	arch                     // for which architecture, in Go's words
	libc                     // for which C library
)

// The values of traits that are none of Go's words.
const (
	anyArch = "any"   // every architecture of its system
	other   = "other" // some architecture that nobody here runs on
	glibc   = "glibc"
	musl    = "musl"
	static  = "static" // no C library needed
	msvc    = "msvc"
)

// words are the spellings that releases use. What is glued of several (win64, linuxarm64) and
// what carries a number (macos13, armv7l) is taken apart by [glued].
var words = sync.OnceValue(func() map[string]trait {
	m := make(map[string]trait)
	add := func(kind traitKind, value, spellings string) {
		for s := range strings.FieldsSeq(spellings) {
			m[s] = trait{kind, value}
		}
	}
	add(system, "linux", "linux manylinux")
	add(system, "darwin", "darwin macos macosx mac osx")
	add(system, "windows", "windows win")
	for _, s := range []string{"freebsd", "openbsd", "netbsd", "dragonfly", "solaris", "illumos", "aix", "android", "ios", "plan9", "haiku", "fuchsia"} {
		add(system, s, s)
	}
	add(system, "dragonfly", "dragonflybsd")
	add(system, "solaris", "sunos")
	add(system, "android", "termux androideabi")
	add(system, "js", "wasm wasm32 wasm64 wasi wasip1 emscripten nodejs browser")

	add(arch, "amd64", "amd64 x64 64bit x86-64 amd64v1")
	add(arch, "arm64", "arm64 aarch64 armv8 arm64v8 arm64e armv8a")
	add(arch, "386", "386 i386 i486 i586 i686 x86 x32 32bit ia32")
	add(arch, "arm", "arm arm32 armhf armel armhfp armeabi")
	add(arch, "riscv64", "riscv64 riscv64gc")
	add(arch, "ppc64le", "ppc64le ppc64el powerpc64le ppcle64")
	add(arch, "s390x", "s390x s39064")
	add(arch, "loong64", "loong64 loongarch64")
	add(arch, other, "ppc ppc64 powerpc powerpc64 mips mipsle mipsel mips64 mips64le mips64el mips64r6 sparc sparc64 sparcv9 ia64 alpha m68k riscv riscv32 s390 ppcle aarch64be armeb thumbv7neon")
	add(arch, anyArch, "universal universal2 all fat noarch any")

	add(libc, glibc, "gnu glibc gnullvm manylinux1")
	add(libc, musl, "musl musllinux")
	add(libc, static, "static")
	add(libc, msvc, "msvc")
	add(libc, glibc, "mingw mingw32 mingw64 ucrt cygwin") // what a Windows build was made with

	add(filler, "", "unknown pc apple w64 bin binary binaries release exe eabi eabihf bit os for and")
	add(version, "", "alpha beta pre rc dev nightly snapshot canary edge latest stable preview")
	return m
})

// aside are words of what a release holds beside the program. An asset with one of them and
// without a platform is no program; one with both comes last.
var aside = sync.OnceValue(func() map[string]bool {
	return wordSet(`source sources src checksums checksum sha256sums sha512sums shasums sbom provenance attestation
	symbols debug dbg dbgsym debuginfo debugsymbols dsym pdb profile completions completion autocomplete manpage manpages man man1
	docs doc documentation licenses license notice notices readme changelog vendor vendored deps test tests testdata
	example examples headers include devel sdk installer install setup update updater uninstaller choco chocolatey homebrew
	scoop winget krew snap chart charts schema schemas crds manifests manifest template templates themes theme fonts
	extension vscode plugin plugins npm wheel wheels gem bundle assets web ui frontend`)
})

// isAside says that a word is of what a release holds beside the program.
func isAside(w string) bool {
	return aside()[w] || strings.HasSuffix(w, "sums") || strings.HasPrefix(w, "sha") && strings.HasSuffix(w, "sum")
}

func wordSet(s string) map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// joined are words that a separator has split: x86_64, 64-bit, aarch_64, mac-os.
var joined = map[[2]string]string{
	{"x86", "64"}: "amd64", {"x86", "64bit"}: "amd64", {"amd", "64"}: "amd64", {"x86", "32"}: "386",
	{"64", "bit"}: "64bit", {"32", "bit"}: "32bit", {"aarch", "64"}: "arm64", {"arm", "64"}: "arm64", {"arm", "64bit"}: "arm64",
	{"arm64", "be"}: "armeb", {"aarch64", "be"}: "armeb", {"ppcle", "64"}: "ppc64le", {"s390", "64"}: "s390x",
	{"mac", "os"}: "macos", {"os", "x"}: "osx", {"sun", "os"}: "sunos",
}

// distributions are systems whose C library is known.
var distributions = map[string]string{
	"ubuntu": glibc, "debian": glibc, "fedora": glibc, "centos": glibc, "rhel": glibc, "almalinux": glibc, "rockylinux": glibc,
	"archlinux": glibc, "opensuse": glibc, "alpine": musl,
}

// traitsOf says what one word means. Several traits come of glued words.
func traitsOf(word string) []trait {
	if l, ok := distributions[word]; ok {
		return []trait{{system, "linux"}, {libc, l}}
	}
	if t, ok := words()[word]; ok {
		return []trait{t}
	}
	if strings.HasSuffix(word, "sums") || strings.HasSuffix(word, "sum") {
		return []trait{{extra, word}} // SHA2-256SUMS
	}
	if ts := glued(word); ts != nil {
		return ts
	}
	switch {
	case isVersionWord(word), isCommit(word):
		return []trait{{version, ""}}
	case word == "x8664":
		return []trait{{arch, "amd64"}}
	}
	return []trait{{extra, word}}
}

// systems are beginnings of glued words, the longest first.
var systems = []string{"windows", "manylinux", "musllinux", "macosx", "darwin", "linux", "macos", "osx", "mac", "win"}

// glued takes apart a system with what follows it, and an architecture with its variant.
func glued(word string) []trait {
	for _, s := range systems {
		rest, ok := strings.CutPrefix(word, s)
		if !ok {
			continue
		}
		t, known := words()[s]
		ts := []trait{t}
		switch {
		case s == "manylinux":
			return []trait{{system, "linux"}, {libc, glibc}}
		case s == "musllinux":
			return []trait{{system, "linux"}, {libc, musl}}
		case !known:
			continue
		case rest == "64":
			return append(ts, trait{arch, "amd64"})
		case rest == "32":
			// "win32" is the system as much as it is the word size: see assetName.settle.
			return append(ts, trait{arch, "386"})
		case digits(rest):
			return ts
		}
		if more, ok := words()[rest]; ok && (more.kind == arch || more.kind == libc) {
			return append(ts, more)
		}
	}
	return gluedArch(word)
}

func gluedArch(word string) []trait {
	for _, c := range []string{glibc, "gnu", musl} {
		if rest, ok := strings.CutPrefix(word, c); ok {
			value := glibc
			if c == musl {
				value = musl
			}
			switch {
			case strings.HasPrefix(rest, "eabi"), strings.HasPrefix(rest, "abi"):
				return []trait{{libc, value}}
			case rest == "x32", rest == "sf", rest == "f64":
				return []trait{{libc, value}, {arch, other}}
			case digits(rest):
				return []trait{{libc, value}}
			}
		}
	}
	if rest, ok := strings.CutPrefix(word, "arm"); ok {
		rest = strings.TrimPrefix(rest, "v") // armv7l, arm7
		if rest != "" && rest[0] >= '4' && rest[0] <= '7' {
			return []trait{{arch, "arm"}}
		}
	}
	if rest, ok := strings.CutPrefix(word, "amd64v"); ok && digits(rest) {
		return []trait{{arch, "amd64"}, {extra, "v" + rest}}
	}
	for _, p := range []string{"mips", "sparc", "powerpc", "ppc", "riscv32"} {
		if strings.HasPrefix(word, p) {
			return []trait{{arch, other}}
		}
	}
	return nil
}

// isVersionWord takes a piece of a version between dots: 1, v2, 0rc1, rc1, b3561.
func isVersionWord(w string) bool {
	for _, p := range []string{"alpha", "beta", "preview", "pre", "rc", "dev", "nightly", "build", "rev", "v", "r", "b"} {
		if rest, ok := strings.CutPrefix(w, p); ok && digits(rest) {
			return true
		}
	}
	return w != "" && w[0] >= '0' && w[0] <= '9'
}

// isCommit takes the abbreviated name of a commit, which has a digit with near certainty.
func isCommit(w string) bool {
	const shortest, longest = 7, 40
	return len(w) >= shortest && len(w) <= longest && strings.Trim(w, "0123456789abcdef") == "" &&
		strings.ContainsAny(w, "0123456789")
}

// digits says that s is a number.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
