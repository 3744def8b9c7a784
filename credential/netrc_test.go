package credential_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/credential"
)

func TestParseNetrc(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want string // "name login password line; …"
		err  string
	}{
		"empty":                {"", "", ""},
		"one line":             {"machine a login b password c\n", "a b c 1", ""},
		"several lines":        {"machine a\n  login b\n  password c\nmachine d password e", "a b c 1; d  e 4", ""},
		"comments":             {"# machine x\nmachine a # the first\n login b password #c\n", "a b #c 2", ""},
		"quotes":               {`machine a login "b c" password "d\"e\\"`, `a b c d"e\ 1`, ""},
		"an empty login":       {`machine a login "" password c`, "a  c 1", ""},
		"account":              {"machine a account x password c", "a  c 1", ""},
		"default is left out":  {"machine a password b default login c password d machine e password f", "a  b 1; e  f 1", ""},
		"a macro":              {"machine a password b\nmacdef init\nmachine x password y\n\nmachine c password d", "a  b 1; c  d 5", ""},
		"line ends of Windows": {"machine a\r\nlogin b\r\npassword c\r\n", "a b c 1", ""},
		"nothing at the end":   {"machine a password", "a   1", ""},
		"no name":              {"\nmachine", "", "line 2: machine without a name"},
		"no keyword":           {"machine a s3cret", "", "line 1: expected machine"},
		"an open quote":        {"machine a password \"s3cret\n", "", "line 1: a quote is not closed"},
		"too long":             {strings.Repeat(" ", 1<<20+1), "", "more than"},
		"too many":             {strings.Repeat("machine a ", 10_001), "", "more than 10000 machines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			machines, err := credential.ParseNetrc([]byte(tt.text))
			if (err != nil) != (tt.err != "") || err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret")) {
				t.Fatalf("got %v, want an error with %q", err, tt.err)
			}
			var got []string
			for _, m := range machines {
				got = append(got, strings.Join([]string{m.Name, m.Login, m.Password.Reveal(), string(rune('0' + m.Line))}, " "))
			}
			if s := strings.Join(got, "; "); err == nil && s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func FuzzParseNetrc(f *testing.F) {
	for _, s := range []string{"machine a login b password c", "macdef x\n\n", `machine "`, `machine "a\"b" default # x`, "machine a password \"\\"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		machines, err := credential.ParseNetrc(data)
		lines := strings.Count(string(data), "\n") + 1
		for _, m := range machines {
			if m.Name == "" || m.Line < 1 || m.Line > lines {
				t.Errorf("got %+v of %d lines", m, lines)
			}
		}
		if err != nil && machines != nil {
			t.Errorf("got %d machines and %v", len(machines), err)
		}
	})
}

func TestNetrcFind(t *testing.T) {
	t.Parallel()
	const text = `machine a.example login jo password s3cret
machine b.example:8443 password t0ken
machine 127.0.0.1:4873 password l0cal
machine [::1]:4873 password six
machine empty.example login jo
machine empty.example password l4ter
default login x password never
`
	for at, want := range map[string]string{
		"https://a.example":          "jo:s3cret",
		"https://A.EXAMPLE/npm/":     "jo:s3cret",
		"https://a.example:443/":     "jo:s3cret",
		"https://a.example:8443":     "is for https://a.example: to use it here too, write machine a.example:8443",
		"http://a.example":           "", // nobody may read it on the way
		"http://a.example:80":        "",
		"https://b.example:8443/x":   ":t0ken",
		"https://b.example":          "",
		"https://sub.a.example":      "",
		"https://a.example.evil.com": "",
		"http://127.0.0.1:4873":      ":l0cal",
		"http://127.0.0.1:4874":      "",
		"http://[::1]:4873":          ":six",
		"https://empty.example":      ":l4ter",
		"https://other.example":      "",
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), ".netrc")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := credential.NewNetrc(path, "~/.netrc").Find(t.Context(), parse(t, at))
			switch {
			case want == "":
				if !errors.Is(err, credential.ErrNone) {
					t.Errorf("got %+v, %v, want none", f, err)
				}
			case strings.HasPrefix(want, "is for"):
				if err == nil || errors.Is(err, credential.ErrNone) || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			case err != nil || f.Username+":"+f.Secret.Reveal() != want || !strings.HasPrefix(f.Source, "~/.netrc:") || f.Warning != "":
				t.Errorf("got %+v (%s), %v, want %s", f, f.Secret.Reveal(), err, want)
			}
		})
	}
}

func TestNetrcFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	find := func(path string) (credential.Found, error) {
		return credential.NewNetrc(path, "~/.netrc").Find(t.Context(), parse(t, "https://a.example"))
	}
	if _, err := find(filepath.Join(dir, "none")); !errors.Is(err, credential.ErrNone) {
		t.Errorf("no file: got %v", err)
	}
	if _, err := find(dir); err == nil || errors.Is(err, credential.ErrNone) || !strings.HasPrefix(err.Error(), "~/.netrc can't be read") {
		t.Errorf("a folder: got %v", err)
	}
	path := filepath.Join(dir, "open")
	if err := os.WriteFile(path, []byte("machine a.example password x"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := find(path)
	if err != nil || (f.Warning == "") != (runtime.GOOS == "windows") {
		t.Errorf("a file that others may read: got %+v, %v", f, err)
	}
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://A.example/":           "https://a.example",
		"HTTPS://a.example:443/npm//":  "https://a.example/npm",
		"https://a.example:444":        "https://a.example:444",
		"http://a.example:80/x?y#z":    "http://a.example/x",
		"http://user:pass@a.example":   "http://a.example",
		"https://[::1]:443/Path/Kept/": "https://[::1]/Path/Kept",
	} {
		if got := credential.Key(parse(t, in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
