package link

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzIsolatedLayout: whatever a record says, reading it ends well, nothing in it leads out of
// node_modules, and writing it down gives the same record.
func FuzzIsolatedLayout(f *testing.F) {
	key := strings.Repeat("0123456789", 4)
	for _, text := range []string{
		"entry \"@s+a@1.0.0-01234567\" \"" + key + " linked 0123\"\nlink \"@s/a\" \".pantry/x\"\nlink \".pantry/node_modules/b\" \"\"\n" +
			"bin \".bin\" \"a\" \"../a/a.js\"\nuses \"" + key + "\"\nend\n",
		"entry \"../a@1\" \"\"\nend\n", "entry \"work-a@1\" \"\"\nend\n", "entry \"layout\" \"\"\nend\n",
		"link \"../a\" \"\"\nend\n", "link \".pantry\" \"\"\nend\n", "link \".bin/a\" \"\"\nend\n", "link \".pantry/node_modules/../layout\" \"\"\nend\n",
		"bin \"a/.bin\" \"a\" \"\"\nend\n", "uses \"x\"\nend\n", "link \"a\" \"b\"\n",
	} {
		f.Add([]byte(isolatedHeader + "\n" + text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseIsolated(data)
		if err != nil {
			return
		}
		for name := range l.entries {
			if !filepath.IsLocal(name) || strings.Contains(name, "/") || name == "." || name == modules || name == "layout" || name == "state.json" {
				t.Errorf("entry %q leads out", name)
			}
		}
		for at := range l.links {
			name, hidden := strings.CutPrefix(at, ".pantry/node_modules/")
			if !filepath.IsLocal(name) || strings.HasPrefix(name, ".") || strings.Count(name, "/") > 1 || hidden && name == "" {
				t.Errorf("link %q leads out", at)
			}
		}
		for key := range l.bins {
			if key.dir != ".bin" || !filepath.IsLocal(key.name) || strings.Contains(key.name, "/") {
				t.Errorf("command %q leads out", key)
			}
		}
		root := t.TempDir()
		if err := l.write(root); err != nil {
			t.Fatal(err)
		}
		if again, err := readIsolated(root); err != nil || !reflect.DeepEqual(l, again) {
			t.Errorf("got %v, %v, want %v", again, err, l)
		}
	})
}
