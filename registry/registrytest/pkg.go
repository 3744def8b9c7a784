package registrytest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// Pkg is one version of a package, to be put into a [Memory]. Only Name and Version are required.
type Pkg struct {
	Name    string
	Version string

	Description          string
	Homepage             string
	Repository           string
	License              string
	Author               string
	Keywords             []string
	Dependencies         map[string]string
	DevDependencies      map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	OptionalPeers        []string
	BundledDependencies  []string
	Bin                  map[string]string
	Engines              map[string]string
	OS, CPU, Libc        []string
	Scripts              map[string]string
	Deprecated           string
	Published            time.Time

	// Tags are the tags that point to this version. A package whose versions do not name
	// "latest" has it at its highest version that is no prerelease, or else its highest.
	Tags []string

	// Files are the contents of the tarball by path, without the root folder. A package.json
	// is made from the fields above unless it is given here.
	Files map[string]string

	// Archive, when not nil, is served in place of the tarball made of Files.
	Archive []byte
	// Integrity, when not nil, is announced in place of the tarball's true SHA-512.
	Integrity integrity.Set
	// NoIntegrity announces no digest at all.
	NoIntegrity bool
}

// manifest is package.json in the order people write it.
type manifest struct {
	Name                 string              `json:"name"`
	Version              string              `json:"version"`
	Description          string              `json:"description,omitempty"`
	Keywords             []string            `json:"keywords,omitempty"`
	Homepage             string              `json:"homepage,omitempty"`
	Repository           string              `json:"repository,omitempty"`
	License              string              `json:"license,omitempty"`
	Author               string              `json:"author,omitempty"`
	Bin                  map[string]string   `json:"bin,omitempty"`
	Scripts              map[string]string   `json:"scripts,omitempty"`
	Dependencies         map[string]string   `json:"dependencies,omitempty"`
	DevDependencies      map[string]string   `json:"devDependencies,omitempty"`
	OptionalDependencies map[string]string   `json:"optionalDependencies,omitempty"`
	PeerDependencies     map[string]string   `json:"peerDependencies,omitempty"`
	PeerMeta             map[string]peerMeta `json:"peerDependenciesMeta,omitempty"`
	BundleDependencies   []string            `json:"bundleDependencies,omitempty"`
	Engines              map[string]string   `json:"engines,omitempty"`
	OS                   []string            `json:"os,omitempty"`
	CPU                  []string            `json:"cpu,omitempty"`
	Libc                 []string            `json:"libc,omitempty"`
}

type peerMeta struct {
	Optional bool `json:"optional"`
}

// Manifest returns the package.json of p: the one in p.Files, or one made from p's fields.
func Manifest(p Pkg) []byte {
	if given, ok := p.Files["package.json"]; ok {
		return []byte(given)
	}
	m := manifest{
		Name: p.Name, Version: p.Version, Description: p.Description, Keywords: p.Keywords,
		Homepage: p.Homepage, Repository: p.Repository, License: p.License, Author: p.Author,
		Bin: p.Bin, Scripts: p.Scripts, Dependencies: p.Dependencies, DevDependencies: p.DevDependencies,
		OptionalDependencies: p.OptionalDependencies, PeerDependencies: p.PeerDependencies,
		BundleDependencies: p.BundledDependencies, Engines: p.Engines, OS: p.OS, CPU: p.CPU, Libc: p.Libc,
	}
	for _, name := range p.OptionalPeers {
		if m.PeerMeta == nil {
			m.PeerMeta = make(map[string]peerMeta)
		}
		m.PeerMeta[name] = peerMeta{Optional: true}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		panic(fmt.Sprintf("registrytest: encode package.json of %s: %v", p.Name, err)) // strings and maps of strings only
	}
	return b.Bytes()
}

// packed is the date that npm gives every file it packs, so that the same files make the same bytes.
var packed = time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)

// Tarball packs p as npm does: a gzip'd tar with every file under package/, package.json first,
// the rest in byte order. The same p gives the same bytes. The files that p.Bin names are
// executable. p.Archive is returned as it is when it is set.
func Tarball(p Pkg) []byte {
	if p.Archive != nil {
		return p.Archive
	}
	files := maps.Clone(p.Files)
	if files == nil {
		files = make(map[string]string)
	}
	files["package.json"] = string(Manifest(p))
	names := slices.SortedFunc(maps.Keys(files), func(a, b string) int {
		return cmp.Or(boolCompare(b == "package.json", a == "package.json"), strings.Compare(a, b))
	})
	executable := make(map[string]bool)
	for _, target := range p.Bin {
		executable[path.Clean(target)] = true
	}

	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, name := range names {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: "package/" + name, Mode: 0o644, Size: int64(len(files[name])), ModTime: packed}
		if executable[path.Clean(name)] {
			h.Mode = 0o755
		}
		must(tw.WriteHeader(h))
		_, err := tw.Write([]byte(files[name]))
		must(err)
	}
	must(tw.Close())
	must(zw.Close())
	return b.Bytes()
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// must is for writers into memory: what they refuse is a mistake in the test's own package.
func must(err error) {
	if err != nil {
		panic("registrytest: " + err.Error())
	}
}

// metadata is what a registry says about p, whose packed bytes are tarball.
func (p Pkg) metadata(registry string, tarball []byte) pantry.Metadata {
	m := pantry.Metadata{
		Name: p.Name, Version: p.Version, Description: p.Description, Homepage: p.Homepage,
		Repository: p.Repository, License: p.License, Author: p.Author, Keywords: p.Keywords,
		Dependencies: p.Dependencies, DevDependencies: p.DevDependencies,
		OptionalDependencies: p.OptionalDependencies, PeerDependencies: p.PeerDependencies,
		OptionalPeers: p.OptionalPeers, BundledDependencies: p.BundledDependencies, Bin: p.Bin,
		Engines: p.Engines, OS: p.OS, CPU: p.CPU, Libc: p.Libc, Deprecated: p.Deprecated,
		HasInstallScript: hasInstallScript(p.Scripts), Published: p.Published,
		Artifact: artifact(p.Name, p.Version, tarball), Registry: registry,
	}
	for name := range p.OptionalDependencies {
		if _, both := m.Dependencies[name]; both {
			m.Dependencies = maps.Clone(m.Dependencies)
			delete(m.Dependencies, name)
		}
	}
	switch {
	case p.NoIntegrity:
		m.Artifact.Integrity = nil
	case p.Integrity != nil:
		m.Artifact.Integrity = p.Integrity
	}
	return cloneMetadata(m)
}

func artifact(name, version string, tarball []byte) pantry.Artifact {
	return pantry.Artifact{
		Name: name, Version: version, URL: artifactURL(name, version),
		Integrity: integrity.Set{integrity.Sum(integrity.SHA512, tarball)}, Size: int64(len(tarball)),
	}
}

func hasInstallScript(scripts map[string]string) bool {
	return scripts["preinstall"] != "" || scripts["install"] != "" || scripts["postinstall"] != ""
}

// cloneMetadata copies m with everything it points to. Empty maps and slices become nil, since
// the wire does not tell them apart.
func cloneMetadata(m pantry.Metadata) pantry.Metadata {
	for _, s := range []*[]string{&m.Keywords, &m.OptionalPeers, &m.BundledDependencies, &m.OS, &m.CPU, &m.Libc} {
		if *s = slices.Clone(*s); len(*s) == 0 {
			*s = nil
		}
	}
	for _, t := range []*map[string]string{
		&m.Dependencies, &m.DevDependencies, &m.OptionalDependencies, &m.PeerDependencies, &m.Bin, &m.Engines,
	} {
		if *t = maps.Clone(*t); len(*t) == 0 {
			*t = nil
		}
	}
	m.Artifact.Integrity = slices.Clone(m.Artifact.Integrity)
	return m
}
