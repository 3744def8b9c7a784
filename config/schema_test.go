package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	generate "github.com/invopop/jsonschema"
	validate "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pantry-go/pantry"
)

// TestSchemaIsCurrent generates the schema from the types and compares it with the embedded one.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	want := generateSchema(t)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want, Schema()) {
		t.Fatal("schema.json is not what the types of file.go say; run UPDATE=1 go test ./config -run TestSchemaIsCurrent")
	}
}

func generateSchema(t *testing.T) []byte {
	t.Helper()
	comments := fieldComments(t)
	r := generate.Reflector{
		Anonymous:      true,
		ExpandedStruct: true,
		Namer: func(t reflect.Type) string {
			if t.Name() == "entry" {
				return "registry"
			}
			return t.Name()
		},
		LookupComment: func(t reflect.Type, field string) string { return comments[t.Name()+"."+field] },
		Mapper: func(t reflect.Type) *generate.Schema {
			switch t {
			case reflect.TypeFor[time.Duration]():
				return &generate.Schema{Type: "string", Pattern: durationPattern}
			case reflect.TypeFor[pantry.Secret]():
				return &generate.Schema{Type: "string"}
			case reflect.TypeFor[map[string]any]():
				return &generate.Schema{Type: "object"}
			}
			return nil
		},
	}
	s := r.Reflect(&file{})
	s.Title = "pantry.json"
	s.Description = "Configuration of Pantry. Comments and trailing commas are allowed."
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fieldComments reads the comments of file.go, which are the descriptions of the schema.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "file.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			ts, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			st, ok := ts.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range st.Fields.List {
				for _, name := range field.Names {
					out[ts.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
	}
	return out
}

func consts(words ...string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

func property(key string, s *generate.Schema) *generate.Schema {
	p := generate.NewProperties()
	p.Set(key, s)
	return &generate.Schema{Properties: p}
}

// given is a schema for an object that has a key with text in it.
func given(key string) *generate.Schema {
	one := uint64(1)
	s := property(key, &generate.Schema{MinLength: &one})
	s.Required = []string{key}
	return s
}

func where(key string, words []string, then *generate.Schema) *generate.Schema {
	cond := property(key, &generate.Schema{Enum: consts(words...)})
	cond.Required = []string{key}
	return &generate.Schema{If: cond, Then: then}
}

// JSONSchemaExtend adds what tags cannot say.
func (entry) JSONSchemaExtend(s *generate.Schema) {
	name, _ := s.Properties.Get("name")
	name.Pattern = namePattern
	name.Not = &generate.Schema{Enum: consts(reservedNames...)}
	url, _ := s.Properties.Get("url")
	url.Pattern = urlPattern
	builtIn := property("name", &generate.Schema{Enum: consts("npm", "github", "pkgx")})
	builtIn.Required = []string{"name"}
	adapter, _ := s.Properties.Get("adapter")
	adapter.Pattern = `^$|^(crates|go|pypi|rubygems)$|[/\\]|\.jsonc?$`
	named := property("name", &generate.Schema{Enum: consts("crates", "go", "pypi", "rubygems")})
	isAdapter := property("type", &generate.Schema{Const: "adapter"})
	isAdapter.Required = []string{"type"}
	either := &generate.Schema{AnyOf: []*generate.Schema{given("adapter"), given("command")}}
	s.AllOf = []*generate.Schema{
		{If: isAdapter, Then: &generate.Schema{AnyOf: []*generate.Schema{either, named}}, Else: &generate.Schema{Not: either}},
		{Not: &generate.Schema{AllOf: []*generate.Schema{given("adapter"), given("command")}}},
		{If: builtIn, Else: given("type")},
		where("type", []string{"custom"}, given("url")),
		where("name", []string{"npm"}, property("type", &generate.Schema{Const: "npm"})),
		where("name", []string{"github"}, property("type", &generate.Schema{Const: "github"})),
		where("name", []string{"pkgx"}, property("type", &generate.Schema{Const: "pkgx"})),
	}
}

// JSONSchemaExtend says that the short form is a URL.
func (mirror) JSONSchemaExtend(s *generate.Schema) {
	url, _ := s.Properties.Get("url")
	url.Pattern, url.Description = mirrorPattern, ""
	long := *s
	*s = generate.Schema{OneOf: []*generate.Schema{{Type: "string", Pattern: mirrorPattern}, &long}}
}

// reservedNames are those that package registry refuses.
var reservedNames = []string{
	"file", "http", "https", "git", "ssh", "link", "portal", "patch", "workspace", "catalog", "pkg",
	"gitlab", "bitbucket", "gist", "sourcehut",
}

// urlPattern is what the configuration asks of a URL without variables, as far as a pattern can.
const (
	namePattern   = `^[A-Za-z0-9][A-Za-z0-9._-]*$`
	urlPattern    = `^$|^https?://[^/@?#\s]+(/[^?#\s]*)?$|^file:///[^?#\s]*$|\$\{`
	mirrorPattern = `^https?://[^/@?#\s]+(/[^?#\s]*)?$|\$\{`
)

// JSONSchemaExtend adds what tags cannot say.
func (auth) JSONSchemaExtend(s *generate.Schema) {
	s.AllOf = []*generate.Schema{
		where("type", []string{"bearer"}, given("token")),
		where("type", []string{"basic"}, &generate.Schema{AnyOf: []*generate.Schema{given("username"), given("password")}}),
		where("type", []string{"custom"}, &generate.Schema{AllOf: []*generate.Schema{given("name"), given("value")}}),
	}
}

// TestSchemaAgreesWithLoad gives documents to both the schema and the decoder.
func TestSchemaAgreesWithLoad(t *testing.T) {
	t.Parallel()
	doc, err := validate.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validate.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	cases := maps.Clone(schemaCases)
	for _, name := range reservedNames {
		cases[fmt.Sprintf(`{"registries": [{"name": %q, "type": "npm"}]}`, name)] = false
	}
	for text, want := range cases {
		path := t.TempDir() + "/" + FileName
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, loadErr := Validate(path, Options{Env: func(string) (string, bool) { return "", false }})
		value, err := validate.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := schema.Validate(value)
		if (loadErr == nil) != want || (schemaErr == nil) != want {
			t.Errorf("%s\nwant accepted: %v\nload: %v\nschema: %v", text, want, loadErr, schemaErr)
		}
	}
}

// schemaCases are documents, and whether they are right.
var schemaCases = map[string]bool{
	`{}`:                             true,
	`[]`:                             false,
	`null`:                           false,
	`{"registries": []}`:             true,
	`{"registries": {}}`:             false,
	`{"registries": null}`:           false,
	`{"registries": [null]}`:         false,
	`{"$schema": "x"}`:               true,
	`{"unknown": 1}`:                 false,
	`{"fallback": "always"}`:         true,
	`{"fallback": "sometimes"}`:      false,
	`{"linker": "isolated"}`:         true,
	`{"linker": "hoist"}`:            false,
	`{"offline": true}`:              true,
	`{"offline": "true"}`:            false,
	`{"omit": ["dev", "optional"]}`:  true,
	`{"omit": ["prod"]}`:             false,
	`{"omit": "dev"}`:                false,
	`{"concurrency": 16}`:            true,
	`{"concurrency": 0}`:             true,
	`{"concurrency": -1}`:            false,
	`{"concurrency": 5000}`:          false,
	`{"concurrency": 1.5}`:           false,
	`{"dependencies": {"a": "^1"}}`:  true,
	`{"dependencies": {"a": 1}}`:     false,
	`{"dependencies": ["a"]}`:        false,
	`{"overrides": {"a": {".": 1}}}`: true,
	`{"overrides": []}`:              false,

	`{"registries": [{}]}`:                                                                                   false,
	`{"registries": [{"name": "a"}]}`:                                                                        false,
	`{"registries": [{"name": "npm"}]}`:                                                                      true,
	`{"registries": [{"name": "npm", "enabled": false}]}`:                                                    true,
	`{"registries": [{"name": "npm", "type": "npm"}]}`:                                                       true,
	`{"registries": [{"name": "npm", "type": "custom", "url": "https://x.example"}]}`:                        false,
	`{"registries": [{"name": "file", "type": "npm"}]}`:                                                      false,
	`{"registries": [{"name": "a b", "type": "npm"}]}`:                                                       false,
	`{"registries": [{"name": "", "type": "npm"}]}`:                                                          false,
	`{"registries": [{"name": "a", "type": "npm"}]}`:                                                         true,
	`{"registries": [{"name": "a", "type": ""}]}`:                                                            false,
	`{"registries": [{"name": "a", "type": "npx"}]}`:                                                         false,
	`{"registries": [{"name": "a", "type": "custom"}]}`:                                                      false,
	`{"registries": [{"name": "a", "type": "custom", "url": ""}]}`:                                           false,
	`{"registries": [{"name": "a", "type": "adapter"}]}`:                                                     false,
	`{"registries": [{"name": "pypi", "type": "adapter"}]}`:                                                  true,
	`{"registries": [{"name": "a", "type": "adapter", "adapter": "pypi"}]}`:                                  true,
	`{"registries": [{"name": "a", "type": "adapter", "command": ["x"]}]}`:                                   true,
	`{"registries": [{"name": "a", "type": "adapter", "adapter": "pypi", "command": ["x"]}]}`:                false,
	`{"registries": [{"name": "a", "type": "npm", "command": ["x"]}]}`:                                       false,
	`{"registries": [{"name": "a", "type": "npm", "adapter": "pypi"}]}`:                                      false,
	`{"registries": [{"name": "a", "type": "pkgx"}]}`:                                                        true,
	`{"registries": [{"name": "a", "type": "github"}]}`:                                                      true,
	`{"registries": [{"name": "a", "type": "custom", "url": "https://x.example/p/"}]}`:                       true,
	`{"registries": [{"name": "a", "type": "custom", "url": "x.example"}]}`:                                  false,
	`{"registries": [{"name": "a", "type": "custom", "url": "ftp://x.example"}]}`:                            false,
	`{"registries": [{"name": "a", "type": "custom", "url": "https://u:p@x.example"}]}`:                      false,
	`{"registries": [{"name": "a", "type": "custom", "url": "https://x.example?a=1"}]}`:                      false,
	`{"registries": [{"name": "a", "type": "custom", "url": "${URL}"}]}`:                                     true,
	`{"registries": [{"name": "a", "type": "npm", "priority": -5}]}`:                                         true,
	`{"registries": [{"name": "a", "type": "npm", "priority": 10.0}]}`:                                       true,
	`{"registries": [{"name": "a", "type": "npm", "priority": 10.5}]}`:                                       false,
	`{"registries": [{"name": "a", "type": "npm", "priority": "10"}]}`:                                       false,
	`{"registries": [{"name": "a", "type": "npm", "retries": 21}]}`:                                          false,
	`{"registries": [{"name": "a", "type": "npm", "retries": 0}]}`:                                           true,
	`{"registries": [{"name": "a", "type": "npm", "timeout": "30s"}]}`:                                       true,
	`{"registries": [{"name": "a", "type": "npm", "timeout": "1h30m"}]}`:                                     true,
	`{"registries": [{"name": "a", "type": "npm", "timeout": "7d"}]}`:                                        true,
	`{"registries": [{"name": "a", "type": "npm", "timeout": "0"}]}`:                                         true,
	`{"registries": [{"name": "a", "type": "npm", "timeout": "30"}]}`:                                        false,
	`{"registries": [{"name": "a", "type": "npm", "timeout": "-1s"}]}`:                                       false,
	`{"registries": [{"name": "a", "type": "npm", "timeout": 30}]}`:                                          false,
	`{"registries": [{"name": "a", "type": "npm", "auth": null}]}`:                                           true,
	`{"registries": [{"name": "a", "type": "npm", "auth": {}}]}`:                                             false,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "bearer"}}]}`:                             false,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "bearer", "token": ""}}]}`:                false,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "bearer", "token": "t"}}]}`:               true,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "oidc"}}]}`:                               true,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "basic", "username": "u"}}]}`:             true,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "basic"}}]}`:                              false,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "custom", "name": "X-A"}}]}`:              false,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "custom", "name": "X", "value": "v"}}]}`:  true,
	`{"registries": [{"name": "a", "type": "npm", "auth": {"type": "token", "token": "t"}}]}`:                false,
	`{"registries": [{"name": "a", "type": "npm", "auth": "t"}]}`:                                            false,
	`{"registries": [{"name": "a", "type": "npm", "packages": ["@a/*"]}]}`:                                   true,
	`{"registries": [{"name": "a", "type": "npm", "packages": "@a/*"}]}`:                                     false,
	`{"registries": [{"name": "a", "type": "npm", "cache": {"ttl": "5m", "staleIfError": "7d"}}]}`:           true,
	`{"registries": [{"name": "a", "type": "npm", "cache": {"ttl": 5}}]}`:                                    false,
	`{"registries": [{"name": "a", "type": "npm", "cache": null}]}`:                                          true,
	`{"registries": [{"name": "a", "type": "npm", "healthCheck": {"interval": "30s"}}]}`:                     true,
	`{"registries": [{"name": "a", "type": "npm", "headers": {"X-Team": "web"}}]}`:                           true,
	`{"registries": [{"name": "a", "type": "npm", "headers": {"X-Team": 1}}]}`:                               false,
	`{"registries": [{"name": "a", "type": "npm", "balance": "latency", "mirrors": ["https://m.example"]}]}`: true,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": [{"url": "https://m.example", "weight": 3}]}]}`: true,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": ["${EU}", {"url": "https://m.example"}]}]}`:     true,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": "https://m.example"}]}`:                         false,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": [1]}]}`:                                         false,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": [""]}]}`:                                        false,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": ["https://u:p@m.example"]}]}`:                   false,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": [{"weight": 3}]}]}`:                             false,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": [{"url": "https://m.example", "weight": 0}]}]}`: false,
	`{"registries": [{"name": "a", "type": "npm", "mirrors": [{"url": "https://m.example", "wait": 1}]}]}`:   false,
	`{"registries": [{"name": "a", "type": "npm", "balance": "random"}]}`:                                    false,
	`{"registries": [{"name": "a", "type": "npm", "signatures": "off", "minimumReleaseAge": "3d"}]}`:         true,
	`{"registries": [{"name": "a", "type": "npm", "insecure": true, "allowMissingChecksum": true}]}`:         true,
	`{"registries": [{"name": "a", "type": "npm", "noProxy": "x", "caFile": "c.pem"}]}`:                      true,
	`{"registries": [{"name": "a", "type": "npm", "certFile": 1}]}`:                                          false,
	`{"registries": [{"name": "a", "type": "npm", "token": "t"}]}`:                                           false,
}
