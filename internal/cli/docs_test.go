package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pantry-go/pantry/config"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestCommandNames: the table by which one command is made says the names that the command has.
func TestCommandNames(t *testing.T) {
	t.Parallel()
	for _, m := range (&app{}).makers() {
		c := m.make()
		if got := strings.Join(append([]string{c.Name()}, c.Aliases...), " "); got != m.names {
			t.Errorf("made by the names %q, called %q", m.names, got)
		}
	}
}

// TestCommandsDocumented: every command, alias and flag is in docs/cli.md, and nothing else is.
func TestCommandsDocumented(t *testing.T) {
	t.Parallel()
	doc := readDoc(t, "cli.md")
	root := (&app{}).rootCommand(nil)
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^##+ (pantry .*)$`).FindAllStringSubmatch(doc, -1) {
		headings[m[1]] = true
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c != root {
			if !headings[c.CommandPath()] {
				t.Errorf("docs/cli.md has no heading %q", c.CommandPath())
			}
			delete(headings, c.CommandPath())
		}
		for _, alias := range c.Aliases {
			if !strings.Contains(doc, "`"+alias+"`") && !regexp.MustCompile(`also:.*\b`+regexp.QuoteMeta(alias)+`\b`).MatchString(doc) && alias != "registries" {
				t.Errorf("docs/cli.md does not name %s, an alias of %s", alias, c.CommandPath())
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(doc, "--"+f.Name) {
				t.Errorf("docs/cli.md does not name --%s of %s", f.Name, c.CommandPath())
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for h := range headings {
		t.Errorf("docs/cli.md has a heading %q, and there is no such command", h)
	}
}

// TestErrorsDocumented: every exit code and every code of an error is in docs/cli.md.
func TestErrorsDocumented(t *testing.T) {
	t.Parallel()
	doc := readDoc(t, "cli.md")
	codes := []string{"usage", "failed"}
	for _, c := range classes {
		codes = append(codes, c.code)
	}
	for _, code := range codes {
		if !strings.Contains(doc, "`"+code+"`") {
			t.Errorf("docs/cli.md does not name the code %s", code)
		}
	}
	for _, exit := range []string{"0", "1", "2", "3", "4", "5", "130"} {
		if !strings.Contains(doc, "\n| "+exit+" | ") {
			t.Errorf("docs/cli.md does not name the exit code %s", exit)
		}
	}
}

// TestKeysDocumented: every key of pantry.json, and every variable, is in docs/configuration.md.
func TestKeysDocumented(t *testing.T) {
	t.Parallel()
	doc := readDoc(t, "configuration.md")
	var schema any
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	collectKeys(schema, keys)
	if len(keys) < 30 {
		t.Fatalf("the schema has %d keys only: %v", len(keys), keys)
	}
	for key := range keys {
		if !strings.Contains(doc, "`"+key+"`") && !strings.Contains(doc, `"`+key+`"`) {
			t.Errorf("docs/configuration.md does not name the key %s", key)
		}
	}
	settings := reflect.TypeFor[config.Settings]()
	for i := range settings.NumField() {
		if env := settings.Field(i).Tag.Get("env"); !strings.Contains(doc, "`"+env+"`") {
			t.Errorf("docs/configuration.md does not name the variable %s", env)
		}
	}
}

// collectKeys collects the names of properties anywhere in a JSON Schema.
func collectKeys(schema any, keys map[string]bool) {
	switch s := schema.(type) {
	case map[string]any:
		if properties, ok := s["properties"].(map[string]any); ok {
			for key := range properties {
				keys[key] = true
			}
		}
		for _, sub := range s {
			collectKeys(sub, keys)
		}
	case []any:
		for _, sub := range s {
			collectKeys(sub, keys)
		}
	}
}
