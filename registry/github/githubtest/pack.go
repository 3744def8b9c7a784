package githubtest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"strings"
	"time"
)

// packed is the date of every file, so that the same files make the same bytes.
var packed = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

// executable says that a file is a program: it begins as a script or an ELF file does.
func executable(content string) bool {
	return strings.HasPrefix(content, "#!") || strings.HasPrefix(content, "\x7fELF") || strings.HasPrefix(content, "MZ")
}

func mode(content string) int64 {
	if executable(content) {
		return 0o755
	}
	return 0o644
}

// TarGz packs files, by path, as a gzip'd tar. Programs are executable.
func TarGz(files map[string]string) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content := files[name]
		must(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode(content), Size: int64(len(content)), ModTime: packed}))
		_, err := tw.Write([]byte(content))
		must(err)
	}
	must(tw.Close())
	must(zw.Close())
	return b.Bytes()
}

// Zip packs files, by path, as a zip.
func Zip(files map[string]string) []byte {
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: packed}
		h.SetMode(0o644)
		if executable(files[name]) {
			h.SetMode(0o755)
		}
		w, err := zw.CreateHeader(h)
		must(err)
		_, err = w.Write([]byte(files[name]))
		must(err)
	}
	must(zw.Close())
	return b.Bytes()
}

// must is for writers into memory: what they refuse is a mistake of the caller's test.
func must(err error) {
	if err != nil {
		panic("githubtest: " + err.Error())
	}
}
