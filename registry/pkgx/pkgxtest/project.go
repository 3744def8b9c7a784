package pkgxtest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Project is one that the server has bottles of.
type Project struct {
	// Name is the folder its bottles are below, like nodejs.org or github.com/owner/name.
	Name string
	// Recipe is its package.yml; "" is a recipe that says nothing.
	Recipe string
	// Bottles in the order of their versions, which is that of versions.txt.
	Bottles []Bottle
}

// Bottle is one version, on one platform or several.
type Bottle struct {
	// Version as it is written, without a leading v.
	Version string
	// Platforms are those it is for, in the words of pkgx (linux/x86-64). nil means all of
	// [Platforms].
	Platforms []string
	// Files are its contents by path (bin/hello). Those in bin and sbin can be executed.
	Files map[string]string
	// Links are symbolic links by path, with what they point to.
	Links map[string]string
	// Gzip makes it a .tar.gz and not a .tar.xz.
	Gzip bool
	// Archive, when not nil, is served in place of what Files and Links make.
	Archive []byte
	// Sum says how the checksum is published.
	Sum Sum
}

// Sum is a way to publish a checksum.
type Sum int

// The ways.
const (
	Beside  Sum = iota // v1.2.3.tar.xz.sha256sum, as it is done
	Old                // v1.2.3.sha256sum, as it was done
	Missing            // not at all
	Wrong              // of other bytes
	Garbled            // something that is no checksum
)

// Platforms lists those that bottles are built for.
func Platforms() []string {
	return []string{"darwin/aarch64", "darwin/x86-64", "linux/aarch64", "linux/x86-64", "windows/x86-64"}
}

// packed is the date of every file, so that the same files make the same bytes.
var packed = time.Date(2024, time.January, 2, 3, 4, 6, 0, time.UTC)

// archive packs the bottle: everything is below {project}/v{version}/.
func (b Bottle) archive(project string) []byte {
	if b.Archive != nil {
		return b.Archive
	}
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	root := project + "/v" + b.Version + "/"
	for _, folder := range b.folders() {
		must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: root + folder, Mode: 0o755, ModTime: packed}))
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: root + name, Mode: 0o644, Size: int64(len(b.Files[name])), ModTime: packed}
		if strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "sbin/") {
			h.Mode = 0o755
		}
		must(w.WriteHeader(h))
		_, err := w.Write([]byte(b.Files[name]))
		must(err)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Links)) {
		must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: root + name, Linkname: b.Links[name], Mode: 0o777, ModTime: packed}))
	}
	must(w.Close())
	if b.Gzip {
		return gzipped(t.Bytes())
	}
	return XZ(t.Bytes())
}

// folders lists those above the files and links, the root being "".
func (b Bottle) folders() []string {
	set := map[string]bool{"": true}
	for _, names := range []map[string]string{b.Files, b.Links} {
		for name := range names {
			for i, c := range name {
				if c == '/' {
					set[name[:i+1]] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// file is what the bottle is called where it is served.
func (b Bottle) file() string {
	if b.Gzip {
		return "v" + b.Version + ".tar.gz"
	}
	return "v" + b.Version + ".tar.xz"
}

// sum is the path below the bottle's folder, and the content, of its checksum; "" when it has none.
func (b Bottle) sum() (file string, content func(archive []byte) []byte) {
	text := func(archive []byte) []byte { return fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive), b.file()) }
	switch b.Sum {
	case Missing:
		return "", nil
	case Old:
		return "v" + b.Version + ".sha256sum", text
	case Wrong:
		return b.file() + ".sha256sum", func([]byte) []byte { return text([]byte("other bytes")) }
	case Garbled:
		return b.file() + ".sha256sum", func([]byte) []byte { return []byte("<html><body>Welcome</body></html>\n") }
	}
	return b.file() + ".sha256sum", text
}

func (b Bottle) platforms() []string {
	if b.Platforms == nil {
		return Platforms()
	}
	return b.Platforms
}

// recipes packs the recipes as the distribution does: below ./projects/.
func recipes(projects []Project) []byte {
	projects = slices.SortedFunc(slices.Values(projects), func(a, b Project) int { return cmp.Compare(a.Name, b.Name) })
	var t bytes.Buffer
	w := tar.NewWriter(&t)
	must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755, ModTime: packed}))
	must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "./projects/", Mode: 0o755, ModTime: packed}))
	for _, p := range projects {
		text := cmp.Or(p.Recipe, "{}\n")
		name := "./projects/" + p.Name + "/package.yml"
		must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text)), ModTime: packed}))
		_, err := w.Write([]byte(text))
		must(err)
	}
	must(w.Close())
	return t.Bytes()
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	must(err)
	must(w.Close())
	return b.Bytes()
}

// must is for writers into memory: what they refuse is a mistake in the test's own project.
func must(err error) {
	if err != nil {
		panic("pkgxtest: " + err.Error())
	}
}
