package wholefile_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/pantry-go/pantry/wholefile"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	t.Run("synced", func(t *testing.T) { testWrite(t, wholefile.Write) })
	t.Run("unsynced", func(t *testing.T) { testWrite(t, wholefile.WriteUnsynced) })
}

func testWrite(t *testing.T, write func(string, []byte, os.FileMode) error) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for i, want := range []string{"first", "second, longer", ""} {
		mode := os.FileMode(0o640)
		if i > 0 {
			mode = 0o600 // the file that is there keeps its own
		}
		if err := write(path, []byte(want), mode); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if st, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v, want mode 0640", st.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := write(filepath.Join(dir, "none", "file"), nil, 0o644); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
