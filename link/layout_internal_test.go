package link

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzLayout: whatever a record says, reading it ends well, nothing in it leads out of node_modules,
// and writing it down gives the same record.
func FuzzLayout(f *testing.F) {
	f.Add([]byte("pantry layout 1\npackage \"node_modules/a\" \"npm:a@1 sha512-x\"\nbin \".bin\" \"a\" \"../a/a.js\"\nend\n"))
	f.Add([]byte("pantry layout 1\npackage \"node_modules/@s/a/node_modules/b\" \"\"\nbin \"a/node_modules/.bin\" \"b\" \"../b/b\\n.js\"\nend\n"))
	f.Add([]byte("pantry layout 1\npackage \"node_modules/../x\" \"\"\nend\n"))
	f.Add([]byte("pantry layout 1\nbin \".bin\" \"..\" \"\"\nend\n"))
	f.Add([]byte("pantry layout 1\npackage `node_modules/a` \"1\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLayout(data)
		if err != nil {
			return
		}
		root := t.TempDir()
		for p := range l.packages {
			if rel, err := filepath.Rel(modules, p); err != nil || rel == "." || !filepath.IsLocal(rel) {
				t.Errorf("package %q leads out", p)
			}
		}
		for key := range l.bins {
			if !filepath.IsLocal(key.dir) || !filepath.IsLocal(key.name) || strings.Contains(key.name, "/") {
				t.Errorf("command %q leads out", key)
			}
		}
		if err := l.write(root); err != nil {
			t.Fatal(err)
		}
		again, err := readLayout(root)
		if err != nil || !reflect.DeepEqual(l, again) {
			t.Errorf("got %v, %v, want %v", again, err, l)
		}
		if entries, err := os.ReadDir(filepath.Join(root, private)); err != nil || len(entries) != 1 {
			t.Errorf("got %v, %v", entries, err)
		}
	})
}
