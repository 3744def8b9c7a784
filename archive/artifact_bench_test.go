package archive_test

import (
	"archive/tar"
	"bytes"
	"os"
	"testing"

	"github.com/pantry-go/pantry/archive"
)

// BenchmarkArtifact unpacks this test's own program in the formats of releases; MB/s counts the bytes
// of the file.
func BenchmarkArtifact(b *testing.B) {
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		b.Fatal(err)
	}
	raw := tarWith(b, tar.Header{Name: "tool/bin/tool", Mode: 0o755, Linkname: string(self)})
	for file, data := range map[string][]byte{"a.tar": raw, "a.tar.gz": gz(raw), "a.tar.zst": zst(raw),
		"a.zip": zipOf(b, zipFile{name: "tool/bin/tool", content: string(self), deflate: true}), "a": self} {
		b.Run(file, func(b *testing.B) {
			b.SetBytes(int64(len(self)))
			b.ReportAllocs()
			o := archive.ArtifactOptions{File: file, Temp: b.TempDir()}
			for b.Loop() {
				if err := archive.UnpackArtifact(bytes.NewReader(data), o, discard, archive.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
