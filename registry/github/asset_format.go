package github

import (
	"strings"
	"sync"
)

// format is how an asset is packed.
type format uint8

const (
	bare     format = iota // a program as it is
	exe                    // a program for Windows
	appImage               // a program for Linux with all that it needs
	single                 // one compressed program
	archive                // many files
	portable               // runs wherever its interpreter does
	noise                  // no program
)

// formats are the endings of what can be installed, and how much each is liked: what every
// unpacker reads comes first, and an archive, which has licences and manual pages too, before a
// bare program.
var formats = []struct {
	ending string
	format format
	points int
}{
	{".tar.gz", archive, 12}, {".tgz", archive, 12}, {".tar.zst", archive, 11}, {".tzst", archive, 11}, {".zip", archive, 10},
	{".tar.xz", archive, 9}, {".txz", archive, 9}, {".tar.bz2", archive, 8}, {".tbz2", archive, 8}, {".tbz", archive, 8},
	{".tar", archive, 7}, {".7z", archive, 1},
	{".gz", single, 7}, {".zst", single, 7}, {".bz2", single, 7}, {".xz", single, 7},
	{".exe", exe, 6}, {".appimage", appImage, 4}, {".jar", portable, 6}, {".phar", portable, 6}, {".pyz", portable, 6},
}

const (
	barePoints = 6
	zipPoints  = 13 // of a zip on Windows, where every machine can open it
)

// otherEndings say what an asset is that is no program, or one that only the package manager of a
// system can install.
var otherEndings = sync.OnceValue(func() map[string]string {
	m := make(map[string]string)
	add := func(what, endings string) {
		for e := range strings.FieldsSeq(endings) {
			m["."+e] = what
		}
	}
	add("a checksum", "sha256 sha256sum sha256sums sha512 sha512sum sha512sums sha384 sha384sum sha1 sha1sum sha224 md5 md5sum b3 b3sum blake3 sum sums checksum checksums digest")
	add("a signature", "asc sig sign minisig pem pub crt cert cer key gpg sigstore bundle jsonl intoto att attestation provenance p7s rekor tlog")
	add("a list of parts", "sbom spdx cdx cyclonedx syft")
	add("a document", "json json5 yaml yml toml xml txt md html htm pdf csv tsv log rst adoc epub map svg png jpg jpeg gif ico ttf otf woff woff2")
	add("a package of a system", "deb rpm apk msi msix msixbundle appx appxbundle pkg dmg snap flatpak ipk pacman xbps eopkg txz-pkg cab run mpkg")
	add("a package of a language", "whl gem crate nupkg vsix rockspec rock conda egg war aar klib npm")
	add("a script", "sh bash zsh fish elv nu ps1 psm1 psd1 bat cmd py rb pl js mjs cjs ts lua nix rbi vim el")
	add("debugging symbols", "pdb dsym dbg debug symbols dwp")
	add("a part of a program", "a so dll dylib lib h hpp o obj rlib wasm wat wit proto node def exp xcframework artifactbundle framework")
	add("an update", "zsync blockmap delta bsdiff patch diff torrent metalink meta4 appcast")
	add("an image", "iso img qcow2 ova ovf vmdk vhd vhdx raw box squashfs efi bin uf2 hex elf oci")
	add("an app", "ipa aab app")
	add("a part of something", "desktop service plist 1 5 8 man pc cmake conf cfg ini env lock")
	return m
})

// packageMarks are endings before the last one that make something else of an archive.
var packageMarks = map[string]string{
	".pkg": "a package of a system", ".app": "an app", ".xcframework": "a part of a program",
	".artifactbundle": "a part of a program", ".sbom": "a list of parts", ".spdx": "a list of parts", ".cdx": "a list of parts",
	".dsym": "debugging symbols", ".pdb": "debugging symbols", ".debug": "debugging symbols", ".dbg": "debugging symbols",
	".sha256": "a checksum", ".sig": "a signature", ".intoto": "a signature", ".vsix": "a package of a language",
}

// formatOf splits the ending from the lower-case name of an asset. what says what noise is.
func formatOf(name string) (stem string, f format, points int, what string) {
	for _, x := range formats {
		rest, ok := strings.CutSuffix(name, x.ending)
		if !ok || rest == "" {
			continue
		}
		if before := ending(rest); packageMarks[before] != "" {
			return rest, noise, 0, packageMarks[before]
		}
		return rest, x.format, x.points, ""
	}
	e := ending(name)
	if e == "" {
		return name, bare, barePoints, ""
	}
	if what = otherEndings()[e]; what == "" {
		what = "a file of a kind that is not known (" + e + ")"
	}
	return strings.TrimSuffix(name, e), noise, 0, what
}

// ending is the last part of the name from its dot on, or "" where that is a piece of a version
// or of a platform: "sops-v3.9.0.linux.amd64" has none.
func ending(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 {
		return ""
	}
	last := name[i+1:]
	if _, known := otherEndings()["."+last]; known && !digits(last) {
		return "." + last
	}
	pieces := strings.FieldsFunc(last, isSeparator)
	for _, p := range pieces {
		for _, t := range traitsOf(p) {
			if t.kind != extra {
				return ""
			}
		}
	}
	if len(pieces) != 1 || pieces[0] != last {
		return "" // "tool-1.2.x_linux" and such: no ending has a separator
	}
	return "." + last
}
