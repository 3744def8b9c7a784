package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Samples are repositories to try things with: a tool with builds for every platform and several
// versions, one whose assets have no digest but a checksum file, one with a bare program, one that
// releases two things under tags of their own, and one that has tags only.
func Samples() []Repo {
	return []Repo{
		{
			Name: "acme/tool", Description: "Says which tool it is", Homepage: "https://acme.example/tool", License: "MIT",
			Topics: []string{"cli", "demo"}, Stars: 42, Source: map[string]string{"tool-source/README.md": "# tool\n"},
			Releases: []Release{
				toolRelease("tool", "v1.0.0", false), toolRelease("tool", "v1.1.0", false), toolRelease("tool", "v1.2.0", false),
				{Tag: "v2.0.0-rc.1", Prerelease: true, Assets: toolRelease("tool", "v2.0.0-rc.1", false).Assets},
			},
		},
		{
			Name: "acme/old", Description: "Was released before GitHub computed digests", License: "Apache-2.0", Stars: 7,
			Releases: []Release{toolRelease("old", "v0.9.0", true)},
		},
		{
			Name: "acme/single", Description: "One bare program", Stars: 3,
			Releases: []Release{{Tag: "1.0.0", Assets: []Asset{
				{Name: "single-linux-amd64", Data: []byte(script("single", "1.0.0"))}, {Name: "single-linux-arm64", Data: []byte(script("single", "1.0.0"))},
				{Name: "single-darwin-all", Data: []byte(script("single", "1.0.0"))}, {Name: "single-windows-amd64.exe", Data: []byte("MZ")},
			}}},
		},
		{
			Name: "acme/mono", Description: "Two programs in one repository", Stars: 5,
			Releases: []Release{toolRelease("api", "api/v0.1.0", false), toolRelease("mono", "mono/v1.0.0", false), toolRelease("api", "api/v0.2.0", false)},
		},
		{Name: "acme/library", Description: "Has tags only", Tags: []string{"v0.1.0", "v0.2.0"}, Source: map[string]string{"library/lib.txt": "x\n"}},
	}
}

func script(name, version string) string {
	return fmt.Sprintf("#!/bin/sh\necho %s %s\n", name, version)
}

// toolRelease is a release with a build for each platform, and a checksum file in the place of
// digests if old.
func toolRelease(name, tag string, old bool) Release {
	version := strings.TrimPrefix(tag[strings.LastIndexByte(tag, '/')+1:], "v")
	r := Release{Tag: tag}
	var sums strings.Builder
	for _, pl := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"} {
		a := Asset{Name: fmt.Sprintf("%s_%s_%s.tar.gz", name, version, pl), NoDigest: old}
		files := map[string]string{name + "/README.md": "# " + name + " for " + pl + "\n", name + "/bin/" + name: script(name, version)}
		if strings.HasPrefix(pl, "windows") {
			a.Name = strings.TrimSuffix(a.Name, ".tar.gz") + ".zip"
			a.Data = Zip(map[string]string{name + "/" + name + ".exe": "MZ"})
		} else {
			a.Data = TarGz(files)
		}
		sum := sha256.Sum256(a.Data)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), a.Name)
		r.Assets = append(r.Assets, a)
	}
	r.Assets = append(r.Assets, Asset{Name: fmt.Sprintf("%s_%s_checksums.txt", name, version), Data: []byte(sums.String()), NoDigest: old})
	return r
}
