package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
)

// TestMistakes: the whole text of what a user reads, for one mistake after the other.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":                 {"", `pantry.json:1:1: the file is empty; expected an object: {}`},
		"white space":           {" \n ", `pantry.json:1:1: the file is empty; expected an object: {}`},
		"comment only":          {"// nothing", `pantry.json:1:11: the file ends where a value was expected`},
		"array":                 {`[]`, `pantry.json:1:1: expected an object, got an array`},
		"open object":           {"{\n  \"offline\": true\n", `pantry.json:3:1: the file ends, but an object is still open`},
		"missing comma":         {"{\n  \"offline\": true\n  \"linker\": \"hoisted\"\n}", `pantry.json:3:3: expected a comma or the end of an object`},
		"missing colon":         {`{"offline" true}`, `pantry.json:1:12: expected a colon after the key`},
		"two commas":            {`{"omit": ["dev",,]}`, `pantry.json:1:17: expected a value`},
		"single quotes":         {`{'offline': true}`, `pantry.json:1:2: expected a key in double quotes`},
		"single quoted value":   {`{"linker": 'x'}`, `pantry.json:1:12: expected a value; text stands in double quotes (")`},
		"bare key":              {`{offline: true}`, `pantry.json:1:2: expected a key in double quotes`},
		"bare word":             {`{"linker": hoisted}`, `pantry.json:1:12: expected a value: a number, true, false, null, or text in double quotes`},
		"open string":           {"{\"linker\": \"hoisted\n}", `pantry.json:1:12: the text isn't closed on its line`},
		"bad escape":            {`{"storeDir": "C:\store"}`, `pantry.json:1:17: expected an escape such as \n, \" or \u00e9 after the backslash (a backslash itself is \\)`},
		"control character":     {"{\"linker\": \"a\tb\"}", `pantry.json:1:14: a control character must be written as an escape (\t, \u0000)`},
		"leading zero":          {`{"concurrency": 01}`, `pantry.json:1:17: expected a number as JSON writes it, or text in double quotes`},
		"hash comment":          {"{\n  # x\n}", `pantry.json:2:3: comments start with // or stand in /* */`},
		"open comment":          {"{} /* x", `pantry.json:1:4: the comment isn't closed with */`},
		"invisible line end":    {"{} // a\u2028b", `pantry.json:1:8: the comment holds an invisible line separator (U+2028 or U+2029)`},
		"two values":            {"{}\n{}", `pantry.json:2:1: expected nothing more after the end of the object`},
		"latin 1":               {"{\"linker\": \"x\xe9\"}", `pantry.json:1:14: expected UTF-8 text; save the file as UTF-8`},
		"utf-16":                {"\xff\xfe{\x00}\x00", `pantry.json:1:1: expected UTF-8 text, this is UTF-16; save the file as UTF-8`},
		"columns count letters": {`{"storeDir": "äöü", "offlin": true}`, `pantry.json:1:21: unknown key "offlin": did you mean "offline"?`},

		"misspelt key":     {`{"registries": [{"name": "npm", "prioritty": 1}]}`, `pantry.json:1:33: registries[0]: unknown key "prioritty": did you mean "priority"?`},
		"other separators": {`{"default_registry": "npm"}`, `pantry.json:1:2: unknown key "default_registry": did you mean "defaultRegistry"?`},
		"wrong place":      {`{"registries": [{"name": "npm", "token": "tok-1"}]}`, `pantry.json:1:33: registries[0]: unknown key "token": it belongs in "auth"`},
		"wrong place 2":    {`{"registries": [{"name": "npm", "defaultRegistry": "x"}]}`, `pantry.json:1:33: registries[0]: unknown key "defaultRegistry": it belongs in the top of the file`},
		"misspelt name":    {`{"registries": [{"nmae": "npm"}]}`, `pantry.json:1:18: registries[0]: unknown key "nmae": did you mean "name"?`},
		"no name":          {`{"registries": [{"type": "npm"}]}`, `pantry.json:1:17: registries[0]: "name" is missing`},
		"empty name":       {`{"registries": [{"name": "", "type": "npm"}]}`, `pantry.json:1:26: registries[0].name: expected a name`},
		"duplicate key":    {"{\n\"offline\": true,\n\"offline\": false}", `pantry.json:3:1: duplicate key "offline", first in line 2`},
		"duplicate name":   {`{"registries": [{"name": "a", "type": "npm"}, {"name": "A", "type": "npm"}]}`, `pantry.json:1:56: registries[1].name: the name "A" is taken already, in line 1`},
		"text for number":  {`{"registries": [{"name": "npm", "priority": "10"}]}`, `pantry.json:1:45: registries[0].priority: expected a whole number without quotes, got text`},
		"fraction":         {`{"registries": [{"name": "npm", "priority": 1.5}]}`, `pantry.json:1:45: registries[0].priority: expected a whole number, got a fraction`},
		"huge number":      {`{"registries": [{"name": "npm", "retries": 1e99}]}`, `pantry.json:1:44: registries[0].retries: expected a whole number from 0 to 20`},
		"text for bool":    {`{"offline": "yes"}`, `pantry.json:1:13: offline: expected true or false without quotes, got text`},
		"null":             {`{"storeDir": null}`, `pantry.json:1:14: storeDir: expected text in quotes, got null`},
		"auth as text":     {`{"registries": [{"name": "npm", "auth": "tok-1"}]}`, `pantry.json:1:41: registries[0].auth: expected an object, got text`},
		"auth without":     {`{"registries": [{"name": "npm", "auth": {"type": "bearer"}}]}`, `pantry.json:1:41: registries[0].auth: token: auth of type bearer needs it`},
		"auth type":        {`{"registries": [{"name": "npm", "auth": {"type": "beerer", "token": "x"}}]}`, `pantry.json:1:50: registries[0].auth.type: expected "bearer", "basic", "oidc" or "custom", got "beerer": did you mean "bearer"?`},
		"token as type":    {`{"registries": [{"name": "npm", "auth": {"type": "ghp_0123456789012345678901234567890123456789"}}]}`, `pantry.json:1:50: registries[0].auth.type: expected "bearer", "basic", "oidc" or "custom"`},
		"duration":         {`{"registries": [{"name": "npm", "timeout": "30"}]}`, `pantry.json:1:44: registries[0].timeout: expected a duration such as "30s", "5m", "12h" or "7d", got "30"`},
		"duration number":  {`{"registries": [{"name": "npm", "timeout": 30}]}`, `pantry.json:1:44: registries[0].timeout: expected a duration in quotes such as "30s" or "7d", got a number`},
		"no type":          {`{"registries": [{"name": "a"}]}`, `pantry.json:1:17: registries[0]: type: a registry needs a type, one of npm, custom, github, pkgx, adapter, directory`},
		"no url":           {`{"registries": [{"name": "a", "type": "custom"}]}`, `pantry.json:1:17: registries[0]: url: a registry of type custom needs a URL`},
		"plain http":       {`{"registries": [{"name": "a", "type": "npm", "url": "http://a.example"}]}`, `pantry.json:1:53: registries[0].url: plain http to "a.example" can be read and changed by others; use https, or set "insecure": true on this registry`},
		"password in url":  {`{"registries": [{"name": "a", "type": "npm", "url": "https://u:hunter2@a.example"}]}`, `pantry.json:1:53: registries[0].url: a URL must not hold a user name or password; put it in "auth": {"type": "basic", "username": …, "password": "${…}"}`},
		"open variable":    {`{"registries": [{"name": "a", "type": "npm", "url": "https://${HOST"}]}`, `pantry.json:1:53: registries[0].url: ${ without }`},
		"shell variable":   {`{"registries": [{"name": "npm", "auth": {"type": "bearer", "token": "${A-x}"}}]}`, `pantry.json:1:69: registries[0].auth.token: expected ${NAME} or ${NAME:-default}`},
		"header break":     {`{"registries": [{"name": "npm", "headers": {"X-A": "a\r\nB: c"}}]}`, `pantry.json:1:52: registries[0].headers.X-A: a line break or control character can't stand here`},
		"header name":      {`{"registries": [{"name": "npm", "headers": {"X A": "a"}}]}`, `pantry.json:1:52: registries[0].headers.X A: "X A" is not a header name`},
		"proxy":            {`{"registries": [{"name": "npm", "proxy": "proxy:8080"}]}`, `pantry.json:1:42: registries[0].proxy: expected a URL that begins with http://, https:// or socks5://`},
		"pattern":          {`{"registries": [{"name": "npm", "packages": ["@acme"]}]}`, `pantry.json:1:46: registries[0].packages[0]: pattern "@acme" matches no name: a scope is written "@acme/*"`},
		"two claims": {`{"registries": [{"name": "a", "type": "npm", "packages": ["@x/*"]}, {"name": "b", "type": "npm", "packages": ["@x/y"]}]}`,
			`pantry.json:1:111: registries[1].packages[0]: pattern "@x/y" claims names that registry "a" claims too ("@x/*"), and both have priority 100; a name belongs to one registry: change the patterns, or the priorities`},
		"default":       {`{"defaultRegistry": "nmp"}`, `pantry.json:1:21: defaultRegistry: no registry is named "nmp": did you mean "npm"?`},
		"dependency":    {`{"dependencies": {"a": 1}}`, `pantry.json:1:24: dependencies.a: expected text in quotes, got a number`},
		"depth":         {strings.Repeat(`[`, 100), `pantry.json:1:65: nested too deeply`},
		"list too long": {`{"registries": [` + strings.Repeat(`{},`, 201) + `]}`, `pantry.json:1:16: registries: expected at most 200 elements`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := project(t, c.text)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if !errors.Is(err, pantry.ErrConfig) {
				t.Error("the error doesn't match pantry.ErrConfig")
			}
		})
	}
}

// TestAllMistakes: one run finds all, in the order of their lines, in every file.
func TestAllMistakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.config/pantry/pantry.json": `{"offlien": true}`,
		".npmrc":                       "//registry.example.com/:_authToken=x\n_authToken=tok-1\n",
		"pantry.json": `{
  "defaultRegistry": "acm",
  "registries": [
    {"name": "acme", "type": "custom", "url": "x", "timeout": 5},
    {"name": "b", "type": "npx", "prioritty": 1, "auth": {"type": "basic"}},
  ],
}`,
	})
	w.env["PANTRY_OFFLINE"] = "maybe"
	w.flags = map[string]string{"linker": "flat"}
	_, err := w.load()
	const want = `10 mistakes in the configuration
  ~/.config/pantry/pantry.json:1:2: unknown key "offlien": did you mean "offline"?
  .npmrc:2:1: "_authToken" would go to every registry; bind it to one: //registry.example.com/:_authToken=…
  pantry.json:2:22: defaultRegistry: no registry is named "acm": did you mean "acme"?
  pantry.json:4:47: registries[0].url: a registry's URL begins with https:// or http://
  pantry.json:4:63: registries[0].timeout: expected a duration in quotes such as "30s" or "7d", got a number
  pantry.json:5:27: registries[1].type: expected "npm", "custom", "github", "pkgx", "adapter" or "directory", got "npx": did you mean "npm"?
  pantry.json:5:34: registries[1]: unknown key "prioritty": did you mean "priority"?
  pantry.json:5:58: registries[1].auth: auth of type basic needs username and password
  PANTRY_OFFLINE: expected true or false, got "maybe"
  --linker: expected "hoisted" or "isolated", got "flat"`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	var all config.Problems
	if !errors.As(err, &all) || len(all) != 10 {
		t.Errorf("errors.As gives %d problems", len(all))
	}
	if h := pantry.Hint(err); !strings.Contains(h, "pantry config validate") {
		t.Errorf("hint: %q", h)
	}
}

func TestManyMistakesAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("{")
	for range 50_000 {
		b.WriteString(`"offlien":1,`)
	}
	b.WriteString("}")
	_, err := project(t, b.String())
	var all config.Problems
	if !errors.As(err, &all) || len(all) != 100 {
		t.Errorf("%d problems, want 100", len(all))
	}
}

func TestLargeFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"brackets": {strings.Repeat("[", 4<<20), "nested too deeply"},
		"objects":  {strings.Repeat(`{"a":`, 800_000), "nested too deeply"},
		"size":     {"{}" + strings.Repeat(" ", 4<<20), "is larger than 4 MiB, the limit for a configuration file"},
		"comments": {strings.Repeat("/**/", 1<<20), "the file ends where a value was expected"},
		"one line": {`{"registries":[` + strings.Repeat(`{"name":"npm","url":"x"},`, 200) + `],"dependencies":{` + strings.Repeat(`"a":1,`, 100_000) + `}}`, "duplicate key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := project(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestBothNames(t *testing.T) {
	t.Parallel()
	_, err := newWorld(t, map[string]string{"pantry.json": "{}", "pantry.jsonc": "{}"}).load()
	const want = "pantry.jsonc: there is a pantry.json beside it, and only one of them can count: remove one"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	_, err := newWorld(t, map[string]string{"pantry.json/x": ""}).load()
	if err == nil || err.Error() != "pantry.json: is a folder, expected a file" {
		t.Errorf("got %v", err)
	}
	c, err := newWorld(t, map[string]string{"~/.config": "a file where a folder is looked for"}).load()
	if err != nil || c == nil {
		t.Errorf("a file in the place of the configuration folder: %v", err)
	}
}

// TestLenient: what is allowed besides plain JSON.
func TestLenient(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"byte order mark":          "\xef\xbb\xbf{\"offline\": true}",
		"comments and commas":      "// a\n{ /* b */ \"offline\": true, // c\n} // d",
		"windows line ends":        "{\r\n  // x\r\n  \"offline\": true\r\n}\r\n",
		"comment without line end": "{\"offline\": true} //",
		"escaped key":              `{"\u006fffline": true}`,
	} {
		c, err := project(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !c.Offline {
			t.Errorf("%s: offline isn't set", name)
		}
	}
}
