package config_test

import (
	"path/filepath"
	"testing"

	"github.com/pantry-go/pantry/config"
)

// TestFiles: the files that an editor changes are the ones that are read.
func TestFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files         []string
		env           map[string]string
		user, project string // below the folders of the world
	}{
		"none":       {user: "~/.config/pantry/pantry.json", project: "pantry.json"},
		"plain":      {files: []string{"pantry.json"}, user: "~/.config/pantry/pantry.json", project: "pantry.json"},
		"commented":  {files: []string{"pantry.jsonc", "~/.config/pantry/pantry.jsonc"}, user: "~/.config/pantry/pantry.jsonc", project: "pantry.jsonc"},
		"named":      {env: map[string]string{"PANTRY_CONFIG": "mine.json"}, user: "mine.json", project: "pantry.json"},
		"named home": {env: map[string]string{"PANTRY_CONFIG": "~/mine.json"}, user: "~/mine.json", project: "pantry.json"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			for _, f := range tt.files {
				w.write(f, "{}")
			}
			for k, v := range tt.env {
				w.env[k] = v
			}
			if got, want := config.UserFile(w.options()), w.path(tt.user); got != want {
				t.Errorf("the user's file is %q, want %q", got, want)
			}
			if got, want := config.ProjectFile(w.dir), w.path(tt.project); got != want {
				t.Errorf("the project's file is %q, want %q", got, want)
			}
		})
	}
	w := newWorld(t, nil)
	for _, name := range []string{"pantry.json", "~/.config/pantry/pantry.json"} {
		if got := config.Shown(w.options(), w.path(name)); got != name {
			t.Errorf("%s is shown as %q", name, got)
		}
	}
	if got := config.UserFile(config.Options{Env: func(string) (string, bool) { return "", false }}); got != "" {
		t.Errorf("without a home folder the user's file is %q", got)
	}
}

// TestReplace: contents that are not written yet count as if they were.
func TestReplace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"pantry.json": `{"concurrency": 3}`})
	o := w.options()
	o.Replace = map[string][]byte{filepath.Join(w.dir, "pantry.json"): []byte(`{"concurrency": 4}`)}
	c, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	wantRow(t, c, "concurrency", "4", "pantry.json:1:17")
	o.Replace = map[string][]byte{config.UserFile(o): []byte(`{"offline": true}`)}
	if c, err = config.Load(o); err != nil {
		t.Fatal(err)
	}
	wantRow(t, c, "offline", "true", "~/.config/pantry/pantry.json:1:13")
	wantRow(t, c, "concurrency", "3", "pantry.json:1:17")
}
