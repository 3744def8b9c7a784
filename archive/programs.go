package archive

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// FindPrograms says which files of an unpacked artifact are programs to link, for tools whose
// registry doesn't say; tool is the name the tool is known by, and may be "". The paths are sorted.
// In this order, the first that finds anything counts:
//
//   - the executables in bin/;
//   - the executable at the top named tool, with those beside it whose names begin so (uv and
//     uvx, age and age-keygen);
//   - the one at the top that is named tool, the platform and the version (tool-linux-amd64);
//   - the only one named tool anywhere;
//   - the only executable at the top; else the only one anywhere.
//
// A link to an executable counts as one. Libraries and documents don't, and scripts for a shell (install.sh) only in
// bin/ or where there is nothing else. Case doesn't matter, nor an ending ".exe" or ".AppImage".
func FindPrograms(files []Entry, tool string) []string {
	all := executables(files)
	in := func(dir string) (paths []string) {
		for _, p := range all {
			if path.Dir(p) == dir {
				paths = append(paths, p)
			}
		}
		return paths
	}
	if bin := in("bin"); len(bin) > 0 {
		return bin
	}
	top := in(".")
	if found := exactly(top, tool); found != "" {
		return slices.DeleteFunc(top, func(p string) bool {
			return p != found && (!hasPrefixFold(p, tool) || isShellScript(p))
		})
	}
	programs := func(paths []string) []string { return slices.DeleteFunc(slices.Clone(paths), isShellScript) }
	for _, some := range [][]string{like(top, tool), like(all, tool), programs(top), top, programs(all), all} {
		if len(some) == 1 {
			return some
		}
	}
	return nil
}

// ProgramName is the command that a program of FindPrograms is to be called by: its file name without
// ".exe" or ".AppImage", and, unless it is in bin/, without the platform and version that follow it.
func ProgramName(file, tool string) string {
	name := plainName(file)
	if path.Dir(path.Clean(file)) == "bin" {
		return name
	}
	if len(name) > len(tool) && tool != "" && hasPrefixFold(name, tool) && onlyPlatform(name[len(tool):]) {
		return name[:len(tool)]
	}
	for i := 1; i < len(name); i++ {
		if isSeparator(name[i]) && onlyPlatform(name[i:]) && hasPlatform(name[i:]) {
			return name[:i]
		}
	}
	return name
}

// executables are the sorted paths of the files that could be programs.
func executables(files []Entry) []string {
	at := make(map[string]Entry, len(files))
	for _, f := range files {
		at[f.Path] = f
	}
	var all []string
	for _, f := range files {
		p := f.Path
		for hops := 0; f.Link != "" && hops < maxHops; hops++ {
			to, ok := at[path.Join(path.Dir(f.Path), f.Link)]
			if !ok {
				break
			}
			f = to
		}
		if f.Executable && f.Link == "" && !isOtherFile(p) {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

// others are endings and names of files that some archives mark as executable, and that are none.
var others = []string{".dll", ".so", ".dylib", ".node", ".pyd", ".a", ".jar", ".txt", ".md", ".json", ".yml", ".yaml", ".toml", ".html",
	"license", "licence", "readme", "changelog", "notice", "copying", "authors"}

func isOtherFile(p string) bool {
	name := strings.ToLower(path.Base(p))
	return strings.Contains(name, ".so.") || slices.Contains(others, path.Ext(name)) || slices.Contains(others, name)
}

func isShellScript(p string) bool {
	return slices.Contains([]string{".sh", ".bash", ".zsh", ".fish", ".bat", ".cmd", ".ps1"}, strings.ToLower(path.Ext(p)))
}

// plainName is the base name without what only says that it is a program.
func plainName(p string) string {
	name := path.Base(p)
	for _, ext := range []string{".exe", ".AppImage"} {
		if len(name) > len(ext) && hasSuffixFold(name, ext) {
			return name[:len(name)-len(ext)]
		}
	}
	return name
}

// exactly is the path whose name is tool; the shortest of several.
func exactly(paths []string, tool string) string {
	found := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !strings.EqualFold(plainName(p), tool) })
	if len(found) == 0 || tool == "" {
		return ""
	}
	return slices.MinFunc(found, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
}

// like are the paths that are called tool when the platform is dropped.
func like(paths []string, tool string) (some []string) {
	for _, p := range paths {
		if tool != "" && strings.EqualFold(ProgramName(p, tool), tool) {
			some = append(some, p)
		}
	}
	return some
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func isSeparator(c byte) bool { return c == '-' || c == '_' || c == '.' }

// platformWords are what projects call systems, processors and C libraries in file names.
var platformWords = []string{
	"linux", "linux32", "linux64", "darwin", "macos", "macosx", "mac", "osx", "apple", "windows", "win", "win32", "win64", "pc", "msvc", "mingw",
	"freebsd", "netbsd", "openbsd", "unknown", "gnu", "glibc", "musl", "gnueabi", "gnueabihf", "musleabi", "musleabihf", "alpine", "static",
	"amd64", "x86", "x64", "64bit", "32bit", "arm64", "aarch64", "arm", "armhf", "armv5", "armv6", "armv7", "armv7l", "armv8", "386", "i386",
	"i586", "i686", "riscv64", "riscv64gc", "ppc64le", "powerpc64le", "s390x", "loong64", "universal", "universal2", "all",
}

// onlyPlatform says that nothing but words of platforms and versions follows, after separators.
func onlyPlatform(suffix string) bool {
	if !isSeparator(suffix[0]) {
		return false
	}
	for word := range strings.FieldsFuncSeq(strings.ToLower(suffix), func(r rune) bool { return r < 0x80 && isSeparator(byte(r)) }) {
		if !slices.Contains(platformWords, word) && !isVersion(word) {
			return false
		}
	}
	return true
}

func hasPlatform(suffix string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(suffix), func(r rune) bool { return r < 0x80 && isSeparator(byte(r)) }) {
		if slices.Contains(platformWords, word) {
			return true
		}
	}
	return false
}

// isVersion knows a part of a version: digits, maybe after a "v".
func isVersion(word string) bool {
	word = strings.TrimPrefix(word, "v")
	return word != "" && strings.Trim(word, "0123456789") == ""
}
