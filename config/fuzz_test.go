package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slow is longer than any small input may take, on a busy machine too.
const slow = 5 * time.Second

func checkProblems(t *testing.T, data []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var all Problems
	if !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("the error holds no problems: %v", err)
	}
	lines := bytes.Split(data, []byte("\n"))
	for _, p := range all {
		if strings.ContainsFunc(p.Message, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("the message holds a control character: %q", p.Message)
		}
		if p.Line < 0 || p.Line > len(lines) || p.Line > 0 && (p.Column < 1 || p.Column > len(lines[p.Line-1])+1) {
			t.Errorf("%v is not within the file of %d lines", p, len(lines))
		}
	}
}

// FuzzLoad: no bytes in a pantry.json make reading it panic, take long, or report a place that is
// not there; what is read can be shown and edited.
func FuzzLoad(f *testing.F) {
	for text := range schemaCases {
		f.Add([]byte(text))
	}
	for _, text := range []string{"", "{", "// x", "\xef\xbb\xbf{}", "\xff\xfe{", `{"a":1,"a":2}`, "{\"registries\": [\r\n {\"name\": \"a\"},// x\r\n]}",
		`{"registries":[{"name":"a","type":"npm","packages":["@a/*","@a/*"]},{"name":"npm","headers":{"":""}}],"defaultRegistry":"\u0000"}`,
		`{"registries":[{"name":"npm","url":"http://[::1]:x","auth":{"type":"basic","username":"${A"}}]}`} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	path := filepath.Join(dir, FileName)
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Options{Dir: dir, Env: func(string) (string, bool) { return "", false }})
		checkProblems(t, data, err)
		if err == nil {
			c.Show()
			c.Remarks()
		}
		fuzzEdit(t, path, data)
		if d := time.Since(begin); d > slow && len(data) < 1<<16 {
			t.Errorf("took %v", d)
		}
	})
}

// fuzzEdit opens what can be opened: unchanged it is written as it was, and after a change it says
// what it should.
func fuzzEdit(t *testing.T, path string, data []byte) {
	e, err := Edit(path)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return
	}
	if !bytes.Equal(e.Bytes(), data) {
		t.Fatalf("unchanged, it becomes %q", e.Bytes())
	}
	for _, name := range append(e.Registries(), "npm") {
		_ = e.SetEnabled(name, false) // may be refused
		if err := e.verify(e.Bytes()); err != nil {
			t.Fatalf("after disabling: %v\n%s", err, e.Bytes())
		}
	}
	for _, name := range e.Registries() {
		_ = e.RemoveRegistry(name) // nothing to remove where two have one name
		if err := e.verify(e.Bytes()); err != nil {
			t.Fatalf("after removing %q: %v\n%s", name, err, e.Bytes())
		}
	}
	e.Unset("registries")
	e.Unset("linker")
	if err := e.verify(e.Bytes()); err != nil {
		t.Fatalf("after removing keys: %v\n%s", err, e.Bytes())
	}
}

// FuzzNpmrc does the same for .npmrc files.
func FuzzNpmrc(f *testing.F) {
	for _, text := range []string{"", "registry=https://a.example", "//a/:_authToken=${T}", "@a:registry=http://b", "_auth=x", "a='", "ca[]=x\nca[]=y",
		"[x]\na=b", "\\${A}=\\\\${B?}", "fetch-timeout=99999999999999999999", "//[::1]:1/:username=u\n//[::1]:1/:_password=%", "proxy=://", "\xff\xfe=\x00",
		"@a/b:registry=https://x", "maxsockets=-1", "omit=dev,x", "//h/:certfile=${HOME}/x\nregistry=https://h", "@\x1e:registry"} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		if err := os.WriteFile(filepath.Join(dir, ".npmrc"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Options{Dir: dir, Env: func(name string) (string, bool) { return "v", name == "A" }})
		checkProblems(t, data, err)
		if err == nil {
			c.Show()
			for _, r := range c.Registries {
				for _, cr := range r.Credentials {
					raw := cr.Auth.Token.Raw.Reveal()
					if v := cr.Auth.Token; !v.Literal && raw != "" && !(strings.HasPrefix(raw, "${") && strings.HasSuffix(raw, "}")) {
						t.Errorf("%q is neither a value nor a variable that fails", raw)
					}
				}
			}
		}
		if d := time.Since(begin); d > slow && len(data) < 1<<16 {
			t.Errorf("took %v", d)
		}
	})
}
