package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

// secretWorld holds secrets, each with "hunter" in it, in every place that takes one.
func secretWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, map[string]string{
		"~/.npmrc": "//npm.example/:_authToken=hunter1\n//b.example/:_auth=aHVudGVyMjpodW50ZXIy\n//c.example/:username=hunter3\n" +
			"//c.example/:_password=hunter4\n//d.example/:_authToken=${SECRET}\nhttps-proxy=http://hunter5:hunter6@proxy.example\nregistry=https://npm.example",
		"pantry.json": `{"registries": [
  {"name": "a", "type": "custom", "url": "https://a.example", "auth": {"type": "bearer", "token": "hunter7"}, "headers": {"X-Key": "hunter8"}},
  {"name": "b", "type": "custom", "url": "https://b.example", "auth": {"type": "basic", "username": "hunter9", "password": "x${P:-hunter10}"}},
  {"name": "c", "type": "custom", "url": "https://c.example", "auth": {"type": "custom", "name": "X-A", "value": "${P:-hunter11}"},
   "proxy": "http://u:hunter12@${HOST}"},
  {"name": "d", "type": "custom", "url": "https://d.example", "auth": {"type": "oidc", "token": "${OIDC}"}, "proxy": "socks5://u:hunter13@p.example"}
]}`,
	})
	w.env["SECRET"] = "hunter14"
	return w
}

func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	if i := strings.Index(text, "hunter"); i >= 0 {
		t.Errorf("%s holds a secret: …%.60s", where, text[max(0, i-40):])
	}
	if strings.Contains(text, "aHVudGVy") {
		t.Errorf("%s holds an encoded secret", where)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	w := secretWorld(t)
	w.gitTracked = func(string) bool { return true }
	c := w.mustLoad()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
		wantNoSecret(t, verb, fmt.Sprintf(verb, c))
		wantNoSecret(t, verb, fmt.Sprintf(verb, c.Show()))
		wantNoSecret(t, verb, fmt.Sprintf(verb, c.Warnings))
	}
	for _, r := range c.Registries {
		r.Proxy = "" // text by its nature; its password is masked where it is shown
		wantNoSecret(t, "registry.Config", fmt.Sprintf("%+v %#v", r, r))
	}
	b, err := json.Marshal(c.Show())
	if err != nil {
		t.Fatal(err)
	}
	wantNoSecret(t, "JSON", string(b))

	// The same secrets in files with mistakes.
	for _, mistake := range []string{`"prioritty": 1`, `"url": 5`, `"auth": "hunter20"`, `"auth": ["hunter21"]`, `"auth": {"type": "hunter22hunter22hunter22"}`,
		`"headers": "hunter23"`, `"proxy": "hunter24"`, `"proxy": "ftp://u:hunter25@x"`, `"url": "https://u:hunter26@x.example"`,
		`"timeout": "hunter27hunter27hunter27"`, `"auth": {"type": "bearer", "token": "hunter28\u000a"}`, `"auth": {"type": "bearer", "token": "${hunter29 x}"}`,
		`"auth": {"type": "bearer", "token": "hunter30}`, `"auth": {"type": "bearer", "token": "\hunter31"}`, `"mirrors": ["https://u:hunter32@x.example"]`,
		`"auth": {"type": "bearer", "token": hunter33}`, `"caFile": {"a": "hunter34"}`} {
		text := strings.Replace(w.read("pantry.json"), `"type": "custom"`, `"type": "custom", `+mistake, 1)
		_, err := project(t, text)
		if err == nil {
			t.Errorf("no error for %s", mistake)
			continue
		}
		wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	_, err = newWorld(t, map[string]string{".npmrc": "_authToken=hunter40\n_password=hunter41\n//u:hunter42@h/:_authToken=hunter43\n@x:registry=https://u:hunter44@h.example"}).load()
	if err == nil {
		t.Error("no error")
	}
	wantNoSecret(t, "the error", fmt.Sprintf("%+v", err))
}

func TestShow(t *testing.T) {
	t.Parallel()
	c := secretWorld(t).mustLoad()
	var got []config.Row
	for _, r := range c.Show() {
		if strings.HasPrefix(r.Key, "registries.a.") || strings.HasPrefix(r.Key, "registries.d.") || strings.HasPrefix(r.Key, "registries.npm.") {
			got = append(got, r)
		}
	}
	want := []config.Row{
		{Key: "registries.a.type", Value: "custom", Origin: "pantry.json:2:25"},
		{Key: "registries.a.url", Value: "https://a.example", Origin: "pantry.json:2:42"},
		{Key: "registries.a.priority", Value: "100", Origin: "built-in"},
		{Key: "registries.a.enabled", Value: "true", Origin: "built-in"},
		{Key: "registries.a.auth.type", Value: "bearer", Origin: "pantry.json:2:80"},
		{Key: "registries.a.auth.token", Value: "[redacted]", Origin: "pantry.json:2:99"},
		{Key: "registries.a.proxy", Value: "http://proxy.example", Origin: "~/.npmrc:6:1"},
		{Key: "registries.a.headers.X-Key", Value: "[redacted]", Origin: "pantry.json:2:132"},
		{Key: "registries.a.fallback", Value: "failover", Origin: "built-in"},
		{Key: "registries.a.credentials.https://npm.example/", Value: "bearer [redacted]", Origin: "~/.npmrc:1:1"},
		{Key: "registries.a.credentials.https://b.example/", Value: "encoded [redacted]", Origin: "~/.npmrc:2:1"},
		{Key: "registries.a.credentials.https://c.example/", Value: "basic [redacted]", Origin: "~/.npmrc:3:1"},
		{Key: "registries.a.credentials.https://d.example/", Value: "bearer [redacted]", Origin: "~/.npmrc:5:1"},
	}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Error(diff)
	}
	wantRow(t, c, "registries.c.proxy", "[redacted]", "pantry.json:5:13")
	wantRow(t, c, "registries.d.auth.token", "${OIDC}", "pantry.json:6:97")
	wantRow(t, c, "registries.d.proxy", "socks5://p.example", "pantry.json:6:118")
	wantRow(t, c, "defaultRegistry", "", "built-in")
}

// TestShowEveryKey: each key of the sample has a row, and no value is missing.
func TestShowEveryKey(t *testing.T) {
	t.Parallel()
	c, err := project(t, sample)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, r := range c.Show() {
		if strings.HasPrefix(r.Key, "registries.acme.") {
			rows[strings.TrimPrefix(r.Key, "registries.acme.")] = r.Value
		}
	}
	want := map[string]string{
		"type": "custom", "url": "https://packages.acme.example", "priority": "10", "enabled": "true",
		"auth.type": "bearer", "auth.token": "${ACME_TOKEN}", "auth.username": "", "auth.password": "", "auth.name": "", "auth.value": "",
		"packages[0]": "@acme/*", "mirrors[0]": "https://eu.acme.example", "balance": "latency", "timeout": "30s", "retries": "3",
		"proxy": "socks5://proxy.acme.example:1080", "noProxy": "localhost", "caFile": "", "certFile": "", "keyFile": "",
		"headers.X-Team": "[redacted]", "cache.ttl": "5m", "cache.staleIfError": "7d", "fallback": "failover",
		"healthCheck.interval": "30s", "minimumReleaseAge": "0s", "signatures": "verify", "insecure": "false", "allowMissingChecksum": "false", "traceContext": "false",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// TestNoTerminalControl: text of a file that came from somebody does not reach the terminal raw.
func TestNoTerminalControl(t *testing.T) {
	t.Parallel()
	c, err := project(t, `{"storeDir": "/a\u001b[2J\u202e", "registries": [{"name": "npm", "noProxy": "\u0007"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Show() {
		if strings.ContainsAny(r.Key+r.Value, "\x1b\a\u202e") {
			t.Errorf("%q", r)
		}
	}
}

// TestManager: the documented configuration makes a manager that opens its registries.
func TestManager(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"pantry.json": sample})
	w.env["ACME_TOKEN"] = "t"
	m, err := w.mustLoad().Manager(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := m.Default(); !ok || e.Name() != "acme" || e.Err() != nil {
		t.Errorf("%v %v", e, e.Err())
	}
}
