package lockfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

const head = "# pantry.lock, version 1. Made by \"pantry install\"; do not edit by hand.\n"

func sum(s string) integrity.Digest { return integrity.Sum(integrity.SHA512, []byte(s)) }

// full uses every field there is.
func full() *lockfile.Lock {
	l := lockfile.New()
	l.Overrides["semver"] = "^7.5.2"
	l.Overrides["a@^1 > b"] = "1.0.0 || 2"
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{
		"vite":           {Kind: lockfile.Prod, Spec: "^8.0.0", ID: "npm:vite@8.0.0(react@18.3.1)"},
		"thing":          {Kind: lockfile.Prod, Spec: "acme:thing@>=1 <2", ID: "acme:@acme/thing@1.5.0"},
		"github:cli/cli": {Kind: lockfile.Dev, Spec: "", ID: "github:cli/cli@cli@v2(x)"},
		"react":          {Kind: lockfile.Peer, Spec: "^18", ID: "npm:react@18.3.1"},
		"fsevents":       {Kind: lockfile.Optional, Spec: "~2.3.3"},
	}}
	l.Projects["packages/web"] = &lockfile.Project{}
	l.Packages["npm:vite@8.0.0(react@18.3.1)"] = &lockfile.Package{
		Registry: "npm", Name: "vite", Version: "8.0.0",
		Integrity:   integrity.Set{sum("vite"), integrity.Sum(integrity.SHA1, []byte("vite"))},
		Unconfirmed: "acme",
		Dependencies: map[string]lockfile.Dependency{
			"react":   {ID: "npm:react@18.3.1", Spec: ">= 17", Peer: true},
			"esbuild": {ID: "npm:esbuild@0.27.1", Spec: "^0.27.0", Optional: true},
			"sass":    {ID: "npm:react@18.3.1", Spec: "*", Optional: true, Peer: true},
			"b":       {ID: "acme:@acme/thing@1.5.0", Spec: "latest"},
			"gone":    {Spec: "1", Optional: true},
			"less":    {Spec: "*", Optional: true, Peer: true},
		},
		Bin:     map[string]string{"vite": "bin/vite.js", "vt": "bin/vt"},
		Engines: map[string]string{"node": ">=20 <21", "npm": ""},
		Bundled: []string{"x", "@s/y"},
	}
	l.Packages["npm:react@18.3.1"] = &lockfile.Package{Registry: "npm", Name: "react", Version: "18.3.1", Integrity: integrity.Set{sum("react")}}
	l.Packages["npm:esbuild@0.27.1"] = &lockfile.Package{
		Registry: "npm", Name: "esbuild", Version: "0.27.1", Integrity: integrity.Set{sum("esbuild")},
		OS: []string{"linux", "!win32"}, CPU: []string{"x64"}, Libc: []string{"glibc"},
		HasInstallScript: true, Optional: true, Dev: true,
		Deprecated: "use \"rolldown\"\ninstead \u202e\U0001f600\U000e0001",
	}
	l.Packages["acme:@acme/thing@1.5.0"] = &lockfile.Package{
		Registry: "acme", Name: "@acme/thing", Version: "1.5.0", URL: "https://cdn.example.com/thing.tgz?a=1",
		Integrity: integrity.Set{sum("thing")},
	}
	l.Packages["github:cli/cli@cli@v2(x)"] = &lockfile.Package{
		Registry: "github", Name: "cli/cli", Version: "cli@v2", Integrity: integrity.Set{sum("cli")},
	}
	return l
}

const fullText = head + `override "a@^1 > b" "1.0.0 || 2"
override semver ^7.5.2
project .
  prod thing "acme:thing@>=1 <2" acme:@acme/thing@1.5.0
  prod vite ^8.0.0 npm:vite@8.0.0(react@18.3.1)
  optional fsevents ~2.3.3 ""
  dev github:cli/cli "" github:cli/cli@cli@v2(x)
  peer react ^18 npm:react@18.3.1
project packages/web
package acme:@acme/thing@1.5.0
  integrity SUM:thing
  url https://cdn.example.com/thing.tgz?a=1
package github:cli/cli@cli@v2(x)
  registry github
  name cli/cli
  version cli@v2
  integrity SUM:cli
package npm:esbuild@0.27.1
  integrity SUM:esbuild
  deprecated "use \"rolldown\"\ninstead \u202e😀\udb40\udc01"
  only dev
  only optional
  install-script
  os linux !win32
  cpu x64
  libc glibc
package npm:react@18.3.1
  integrity SUM:react
package npm:vite@8.0.0(react@18.3.1)
  integrity SUM:vite sha1-SHA1
  unconfirmed acme
  engine node ">=20 <21"
  engine npm ""
  bin vite bin/vite.js
  bin vt bin/vt
  bundled x
  bundled @s/y
  dep b latest acme:@acme/thing@1.5.0
  optional esbuild ^0.27.0 npm:esbuild@0.27.1
  optional gone 1 ""
  peer react ">= 17" npm:react@18.3.1
  optional-peer less * ""
  optional-peer sass * npm:react@18.3.1
`

func wantText() string {
	s := strings.ReplaceAll(fullText, "sha1-SHA1", integrity.Sum(integrity.SHA1, []byte("vite")).String())
	for _, name := range []string{"thing", "cli", "esbuild", "react", "vite"} {
		s = strings.ReplaceAll(s, "SUM:"+name+"\n", sum(name).String()+"\n")
		s = strings.ReplaceAll(s, "SUM:"+name+" ", sum(name).String()+" ")
	}
	return s
}

var equal = cmp.Options{cmpopts.EquateEmpty(), cmp.AllowUnexported(integrity.Digest{})}

func TestFormat(t *testing.T) {
	t.Parallel()
	got := string(full().Format())
	if diff := cmp.Diff(wantText(), got); diff != "" {
		t.Fatalf("Format (-want +got):\n%s", diff)
	}
	l, err := lockfile.Parse("pantry.lock", []byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), l, equal); diff != "" {
		t.Errorf("Parse(Format) (-want +got):\n%s", diff)
	}
	if again := string(l.Format()); again != got {
		t.Errorf("Format(Parse(x)) differs:\n%s", cmp.Diff(got, again))
	}
}

func TestFormatEmpty(t *testing.T) {
	t.Parallel()
	for _, l := range []*lockfile.Lock{{}, lockfile.New()} {
		if got := string(l.Format()); got != head {
			t.Errorf("Format = %q", got)
		}
	}
	if _, err := lockfile.Parse("f", []byte(strings.TrimSuffix(head, "\n"))); err != nil {
		t.Errorf("header without a line end: %v", err)
	}
}

func TestParseTolerates(t *testing.T) {
	t.Parallel()
	text := wantText()
	lines := strings.SplitAfter(text, "\n")
	for name, text := range map[string]string{
		"CRLF":              strings.ReplaceAll(text, "\n", "\r\n"),
		"BOM":               "\ufeff" + text,
		"blank and comment": strings.ReplaceAll(text, "project .\n", "\n# mine\nproject .\n\n"),
		"no last line end":  strings.TrimSuffix(text, "\n"),
		"other header text": strings.Replace(text, `. Made by "pantry install"; do not edit by hand.`, "", 1),
		"needless quotes":   strings.Replace(text, "only dev", `only "d\u0065v"`, 1),
		"moved section":     strings.Join(append(append([]string{lines[0]}, lines[9:]...), lines[1:9]...), ""),
	} {
		l, err := lockfile.Parse("f", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(full(), l, equal); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	pkg := "package npm:a@1.0.0\n"
	tests := []struct {
		name, text string // text follows the header
		at, want   string
	}{
		{"unknown top keyword", "packages x\n", "2:1", `unknown keyword "packages"`},
		{"unknown keyword", pkg + "  colour red\n", "3:3", `unknown keyword "colour"`},
		{"unknown wish", "project .\n  runtime a 1 npm:a@1.0.0\n", "3:3", `unknown keyword "runtime"`},
		{"orphan", "  dep a 1 npm:a@1.0.0\n", "2:1", "belongs to no project or package"},
		{"after override", pkg + "override a 1\n  only dev\n", "4:1", "belongs to no project or package"},
		{"one space", pkg + " only dev\n", "3:1", "begin with two spaces"},
		{"tab", pkg + "\tonly dev\n", "3:1", "begin with two spaces"},
		{"three spaces", pkg + "   only dev\n", "3:1", "begin with two spaces"},
		{"only spaces", pkg + "  \n", "3:1", "begin with two spaces"},
		{"two spaces between", pkg + "  only  dev\n", "3:8", "one space separates"},
		{"trailing space", pkg + "  only dev \n", "3:11", "end of line expected"},
		{"missing field", "project .\n  prod a 1\n", "3:11", "1 more fields expected"},
		{"too many fields", pkg + "  url a b\n", "3:8", "end of line expected"},
		{"raw control character", pkg + "  deprecated a\x01b\n", "3:15", "must stand in a JSON string"},
		{"raw quote", pkg + "  deprecated é\"b\n", "3:15", "must stand in a JSON string"},
		{"open string", pkg + "  deprecated \"ab\\\"\n", "3:14", "string without an end"},
		{"bad escape", pkg + "  deprecated \"a\\x\"\n", "3:14", "not a JSON string"},
		{"control character in string", pkg + "  deprecated \"a\tb\"\n", "3:14", "not a JSON string"},
		{"text after string", pkg + "  deprecated \"a\"b\n", "3:17", "space expected after the string"},
		{"duplicate package", pkg + pkg, "3:1", `duplicate package "npm:a@1.0.0"`},
		{"duplicate project", "project .\nproject .\n", "3:1", `duplicate project "."`},
		{"duplicate override", "override a 1\noverride a 2\n", "3:1", `duplicate override "a"`},
		{"duplicate keyword", pkg + "  url https://a\n  url https://b\n", "4:3", `duplicate keyword "url"`},
		{"duplicate flag", pkg + "  only dev\n  only dev\n", "4:3", `duplicate keyword "only dev"`},
		{"duplicate nested", pkg + "  nested 2\n  nested 2\n", "4:3", `duplicate keyword "nested"`},
		{"nested at the top", pkg + "  nested 1\n", "3:3", `"1" is not a depth of 2 to 100`},
		{"nested without a depth", pkg + "  nested\n", "3:9", "1 more fields expected"},
		{"duplicate script", pkg + "  install-script\n  install-script\n", "4:3", `duplicate keyword "install-script"`},
		{"duplicate list", pkg + "  os a\n  os b\n", "4:3", `duplicate keyword "os"`},
		{"duplicate integrity", pkg + "  integrity " + sum("").String() + "\n  integrity " + sum("").String() + "\n", "4:3", `duplicate keyword "integrity"`},
		{"duplicate bin", pkg + "  bin a b\n  bin a c\n", "4:3", `duplicate bin "a"`},
		{"duplicate wish", "project .\n  optional a 1 \"\"\n  peer a 1 \"\"\n", "4:3", `duplicate dependency "a"`},
		{"duplicate dependency", pkg + "  dep a 1 npm:a@1.0.0\n  peer a 1 npm:a@1.0.0\n", "4:3", `duplicate dependency "a"`},
		{"dangling wish", "project .\n  prod a 1 npm:a@1.0.0\n", "3:3", `package "npm:a@1.0.0" is not in the lockfile`},
		{"dangling dependency", pkg + "  dep b 1 npm:b@1.0.0\n", "3:3", `package "npm:b@1.0.0" is not in the lockfile`},
		{"empty dependency", pkg + "  dep b 1 \"\"\n", "3:3", `dependency "b" of package "npm:a@1.0.0" has no package`},
		{"wish without package", "project .\n  prod a 1 \"\"\n", "3:3", `dependency "a" has no package`},
		{"bad flag", pkg + "  only peer\n", "3:3", `"dev" or "optional" expected`},
		{"empty list", pkg + "  os\n", "3:3", `"os" needs a field`},
		{"script with field", pkg + "  install-script x\n", "3:17", "end of line expected"},
		{"no digest", pkg + "  integrity\n", "3:12", "digest expected"},
		{"md5", pkg + "  integrity md5-aaaa\n", "3:13", "md5"},
		{"bad digest", pkg + "  integrity sha512-AAAA\n", "3:13", "malformed digest"},
		{"no version in ID", "package npm:a\n", "2:1", "it is empty"},
		{"no registry in ID", "package a@1\n", "2:1", "it is empty"},
		{"ID of another", pkg + "  name b\n", "2:1", `"npm:a@1.0.0" is not the ID of npm:b@1.0.0`},
		{"half a peer suffix", "package npm:a@1.0.0(b\n", "2:1", "is not the ID"},
		{"user information", pkg + "  url https://u:p@h/x\n", "3:3", "user information"},
		{"conflict", "project .\n<<<<<<< HEAD\n", "3:1", "merge conflict"},
		{"conflict, other side", "project .\n>>>>>>> main\n", "3:1", "merge conflict"},
		{"not UTF-8", pkg + "  deprecated \xff\n", "3:14", "not UTF-8"},
		{"long field", pkg + "  deprecated " + strings.Repeat("x", 1<<17) + "\n", "3:14", "field of more than"},
	}
	for _, tt := range tests {
		_, err := lockfile.Parse("dir/pantry.lock", []byte(head+tt.text))
		checkError(t, tt.name, err, "dir/pantry.lock:"+tt.at+": ", tt.want)
	}
}

func checkError(t *testing.T, name string, err error, at, want string) {
	t.Helper()
	var syntax *lockfile.SyntaxError
	switch {
	case err == nil:
		t.Errorf("%s: no error, want %q", name, want)
	case !errors.Is(err, pantry.ErrConfig) || !errors.As(err, &syntax):
		t.Errorf("%s: %v matches neither ErrConfig nor SyntaxError", name, err)
	case !strings.HasPrefix(err.Error(), at) || !strings.Contains(err.Error(), want):
		t.Errorf("%s: error %q, want %q … %q", name, err, at, want)
	}
}

func TestParseUnsafe(t *testing.T) {
	t.Parallel()
	unsafe := []string{
		"..", ".", "../x", "/x", "x/..", "x//y", `a\\b`, "c:", "", "a\\u0000", "a\\u001b[2J", "\\u202egnp",
		"a\\u2028", " a", "a ", "...", strings.Repeat("a", 600),
	}
	places := map[string]string{
		"dependency":   "package npm:a@1.0.0\n  dep %s 1 npm:a@1.0.0\n",
		"peer":         "package npm:a@1.0.0\n  peer %s 1 npm:a@1.0.0\n",
		"wish":         "project .\n  optional %s 1 \"\"\n",
		"prefix":       "project .\n  optional \"github:\"%s 1 \"\"\n",
		"bundled":      "package npm:a@1.0.0\n  bundled %s\n",
		"bin name":     "package npm:a@1.0.0\n  bin %s x\n",
		"bin path":     "package npm:a@1.0.0\n  bin x %s\n",
		"package name": "package npm:a@1.0.0\n  name %s\n",
		"version":      "package npm:a@1.0.0\n  version %s\n",
		"project":      "project %s\n",
	}
	for place, format := range places {
		for _, s := range unsafe {
			if place == "project" && (s == "." || len(s) > 500) {
				continue
			}
			if place == "bin path" && len(s) > 500 {
				s = strings.Repeat("a/", 600) + "a"
			}
			text := strings.ReplaceAll(fmt.Sprintf(format, `"`+s+`"`), `:""`, ":")
			if l, err := lockfile.Parse("f", []byte(head+text)); err == nil {
				t.Errorf("%s %q was accepted: %s", place, s, l.Format())
			}
		}
	}
	for _, name := range []string{".bin", "node_modules", "NODE_MODULES", "@s/.x", "@s/node_modules", "a/b", "@s/a/b", "@/a", ":a", "a b:c"} {
		if lockfile.CheckName(name) == nil {
			t.Errorf("CheckName(%q) accepts it", name)
		}
	}
	for _, name := range []string{"a", "@s/a", "JSONStream", "_", "__proto__", "a.b", "github:owner/.github", "pkgx:gnu.org/bash", "é", "a...b"} {
		if err := lockfile.CheckName(name); err != nil {
			t.Errorf("CheckName(%q): %v", name, err)
		}
	}
}

func TestParseHeader(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "{}", "# pantry.lock", "# pantry.lock, version x", "lockfileVersion: 9"} {
		_, err := lockfile.Parse("f", []byte(text))
		checkError(t, text, err, "f:1:1: ", "not a lockfile")
	}
	_, err := lockfile.Parse("f", []byte("<<<<<<< HEAD\n"+head))
	checkError(t, "conflict in the first line", err, "f:1:1: ", "merge conflict")
	if !strings.Contains(pantry.Hint(err), "pantry install") {
		t.Errorf("hint of a conflict: %q", pantry.Hint(err))
	}
	for _, v := range []string{"2", "0", "11", "99999999999999999999999"} {
		_, err := lockfile.Parse("f", []byte("# pantry.lock, version "+v+". Made by\nnew stuff\n"))
		checkError(t, v, err, "f:1:24: ", "version "+v+"; this Pantry reads version 1")
		if !errors.Is(err, pantry.ErrUnsupported) || !strings.Contains(pantry.Hint(err), "upgrade") {
			t.Errorf("version %s: %v, hint %q", v, err, pantry.Hint(err))
		}
	}
	_, err = lockfile.Parse("f", []byte(head+"package npm:a@1\n  shiny\n"))
	if !strings.Contains(pantry.Hint(err), "newer Pantry?") {
		t.Errorf("hint of an unknown keyword: %q", pantry.Hint(err))
	}
	if _, err := lockfile.Parse("f", make([]byte, lockfile.MaxSize+1)); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("too large a file: %v", err)
	}
}

func TestCleanBin(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, target, wantName, wantTarget string }{
		{"a", "./bin/a.js", "a", "bin/a.js"},
		{"@s/a", "bin//a", "a", "bin/a"},
		{"a", "/bin/./a", "a", "bin/a"},
		{"a", `bin\a.js`, "a", "bin/a.js"},
		{"a", "x/../a", "a", "a"},
		{"..", "a", "", ""}, {"@s/..", "a", "", ""}, {"", "a", "", ""}, {"x/y", "a", "", ""}, {`x\y`, "a", "", ""},
		{"a", "../a", "", ""}, {"a", "", "", ""}, {"a", "x/../../a", "", ""}, {"a", "c:/x", "", ""}, {"a", "x\x00", "", ""},
	}
	for _, tt := range tests {
		name, target, err := lockfile.CleanBin(tt.name, tt.target)
		if name != tt.wantName || target != tt.wantTarget || (err == nil) != (tt.wantName != "") {
			t.Errorf("CleanBin(%q, %q) = %q, %q, %v", tt.name, tt.target, name, target, err)
		}
	}
}

func TestReadWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, lockfile.Name)
	if _, err := lockfile.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Read of nothing: %v", err)
	}
	if err := full().Write(path); err != nil {
		t.Fatal(err)
	}
	l, err := lockfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), l, equal); diff != "" {
		t.Fatal(diff)
	}
	before, _ := os.Stat(path)
	if err := l.Write(path); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("an identical lockfile was replaced")
	}
	bad := full()
	bad.Packages["npm:react@18.3.1"].Bin = map[string]string{"..": "x"}
	if err := bad.Write(path); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("Write of an unsafe name: %v", err)
	}
	if l, err := lockfile.Read(path); err != nil || !cmp.Equal(full(), l, equal) {
		t.Errorf("a refused Write changed the file: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("files were left: %v", entries)
	}
}

func TestWriteThroughLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, lockfile.Name)
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := full().Write(link); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if st, err := os.Stat(target); err != nil || st.Mode().Perm() != 0o600 || st.Size() == 0 {
		t.Errorf("target: %v, %v", st, err)
	}
}
