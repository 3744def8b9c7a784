package config_test

import (
	"path/filepath"
	"testing"
)

// TestAdapterPaths: a definition and a program are found from the folder of the file that names them.
func TestAdapterPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.config/pantry/pantry.json": `{"registries": [
			{"name": "mine", "type": "adapter", "adapter": "./mine.json"}, {"name": "tool", "type": "adapter", "command": ["bin/tool", "./x"]}]}`,
		"pantry.json": `{"registries": [
			{"name": "theirs", "type": "adapter", "adapter": "defs/theirs.json"}, {"name": "pypi", "type": "adapter"}]}`,
	})
	cfg := w.mustLoad()
	user, _ := filepath.Split(find(t, cfg, "mine").Adapter)
	if filepath.Base(user) != "pantry" || find(t, cfg, "tool").Command[0] != filepath.Join(user, "bin", "tool") || find(t, cfg, "tool").Command[1] != "./x" {
		t.Errorf("adapter %s, command %q", find(t, cfg, "mine").Adapter, find(t, cfg, "tool").Command)
	}
	if got := find(t, cfg, "theirs").Adapter; !filepath.IsAbs(got) || filepath.Base(filepath.Dir(got)) != "defs" {
		t.Errorf("the project's adapter is %s", got)
	}
	if got := find(t, cfg, "pypi").Adapter; got != "" {
		t.Errorf("adapter = %s", got)
	}
}

// TestProgramsOfProjects: the project's word is not enough to run a program; the user's is, also where
// the project says the same.
func TestProgramsOfProjects(t *testing.T) {
	t.Parallel()
	const user = "~/.config/pantry/pantry.json"
	for name, c := range map[string]struct {
		user, project string
		refused       bool
	}{
		"the project's":  {`{"name": "b", "type": "npm"}`, `{"name": "a", "type": "adapter", "command": ["x", "y"]}`, true},
		"the user's":     {`{"name": "a", "type": "adapter", "command": ["x", "y"]}`, `{"name": "b", "type": "npm"}`, false},
		"both say it":    {`{"name": "a", "type": "adapter", "command": ["x", "y"]}`, `{"name": "a", "type": "adapter", "command": ["x", "y"]}`, false},
		"other argument": {`{"name": "a", "type": "adapter", "command": ["x", "y"]}`, `{"name": "a", "type": "adapter", "command": ["x", "z"]}`, true},
		"other keys":     {`{"name": "a", "type": "adapter", "command": ["x", "y"]}`, `{"name": "a", "packages": ["@a/*"]}`, false},
	} {
		w := newWorld(t, map[string]string{user: `{"registries": [` + c.user + `]}`, "pantry.json": `{"registries": [` + c.project + `]}`})
		if got := find(t, w.mustLoad(), "a"); got.Unapproved != c.refused || len(got.Command) != 2 {
			t.Errorf("%s: unapproved %v, want %v (%q)", name, got.Unapproved, c.refused, got.Command)
		}
	}
}

// TestAdapterSecrets: another definition leads to another URL, and the credential stays behind.
func TestAdapterSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url, project string
		kept         bool
	}{
		"another definition":        {"", `{"name": "a", "adapter": "./evil.json"}`, false},
		"the same definition":       {"", `{"name": "a", "adapter": "pypi"}`, true},
		"a URL":                     {"", `{"name": "a", "url": "https://evil.example"}`, false},
		"another, at the user's":    {`, "url": "https://pypi.example"`, `{"name": "a", "adapter": "./other.json"}`, true},
		"another, with another URL": {`, "url": "https://pypi.example"`, `{"name": "a", "adapter": "./other.json", "url": "https://evil.example"}`, false},
		"other keys":                {"", `{"name": "a", "priority": 3}`, true},
	} {
		w := newWorld(t, map[string]string{
			"~/.config/pantry/pantry.json": `{"registries": [{"name": "a", "type": "adapter", "adapter": "pypi"` + c.url + `, "auth": {"type": "bearer", "token": "t"}}]}`,
			"pantry.json":                  `{"registries": [` + c.project + `]}`,
		})
		cfg := w.mustLoad()
		if kept := find(t, cfg, "a").Auth != nil; kept != c.kept {
			t.Errorf("%s: the credential is kept: %v, want %v", name, kept, c.kept)
		}
		if !c.kept && len(cfg.Warnings) == 0 {
			t.Errorf("%s: nobody was told", name)
		}
	}
}
