package foreign_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/discover"
	"github.com/pantry-go/pantry/discover/foreign"
	"github.com/pantry-go/pantry/registry"
)

// lines writes a result down, one line a registry or secret.
func lines(r foreign.Result) []string {
	var out []string
	for _, p := range r.Proposals {
		e := p.Entry
		typ := e.Type
		if e.Adapter != "" {
			typ += "/" + e.Adapter
		}
		s := fmt.Sprintf("%s %s %s %s", p.From, e.Name, typ, e.URL)
		if len(e.Packages) > 0 {
			s += " " + strings.Join(e.Packages, " ")
		}
		if e.Priority != nil {
			s += fmt.Sprintf(" priority=%d", *e.Priority)
		}
		if a := e.Auth; a != nil {
			s += " " + a.Type
			for _, v := range []registry.Value{a.Token, a.Username, a.Password, a.Value} {
				if !v.Raw.IsZero() {
					s += " " + v.Raw.Reveal()
				}
			}
		}
		if p.Credential != "" {
			s += " (" + p.Credential + ")"
		}
		for _, n := range append(p.Notes, p.Reason) {
			if n != "" {
				s += "; " + n
			}
		}
		out = append(out, s)
	}
	for _, s := range r.Secrets {
		out = append(out, fmt.Sprintf("secret %s:%d %s = %s", s.File, s.Line, s.What, s.Masked))
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) {
		return "x", name == "UV_INDEX_ACME_PASSWORD" || name == "CARGO_REGISTRIES_MINE_TOKEN"
	}
	for _, tt := range []struct {
		name, file, text string
		o                foreign.Options
		want             []string
	}{
		{name: "npmrc", file: ".npmrc", text: `
; a comment
registry = "https://npm.acme.example/"
@acme:registry=https://acme.example/npm/
@corp:registry=https://acme.example/npm/
@:registry=https://no.example
@a/b:registry=https://no.example
@beta:registry=https://${BETA_HOST-beta.example}/
//acme.example/:_authToken=npm_AAAA1111
//acme.example/npm/:_authToken=${ACME_TOKEN}
//beta.example/:username=me
//npm.acme.example/:username=me
//npm.acme.example/:_password=cDRzcw==
_authToken=ghp_2222
`, want: []string{
			".npmrc:3 npm npm https://npm.acme.example/ priority=20 basic ${NPM_USERNAME} ${NPM_PASSWORD} (NPM_USERNAME and NPM_PASSWORD, to be set: the value is in .npmrc:12 (in base64))",
			".npmrc:4 acme npm https://acme.example/npm/ @acme/* @corp/* bearer ${ACME_TOKEN} (${ACME_TOKEN})",
			".npmrc:8 beta npm https://${BETA_HOST:-beta.example}/ @beta/*",
			"secret .npmrc:9 //acme.example/:_authToken = npm_…",
			"secret .npmrc:13 //npm.acme.example/:_password = …",
			"secret .npmrc:14 _authToken = ghp_…",
		}},
		{name: "an npmrc that pantry reads", file: ".npmrc", o: foreign.Options{Kept: true}, text: "@a:registry=https://a.example\n//a.example/:_authToken=abc\n//a.example/:cafile=x", want: []string{
			".npmrc:1 a npm https://a.example @a/* (.npmrc:2, which pantry reads)",
			"secret .npmrc:2 //a.example/:_authToken = …",
		}},
		{name: "yarn", file: "sub/.yarnrc.yml", text: `
nodeLinker: node-modules
npmRegistryServer: "https://yarn.example"
npmScopes:
  acme: &acme
    npmRegistryServer: https://acme.example/npm
    npmAuthToken: "${ACME_TOKEN:-}"
  beta:
    npmRegistryServer: https://beta.example/npm/
    npmAuthIdent: "me:p4ss"
  same: *acme
  publishing:
    npmPublishRegistry: https://publish.example
npmRegistries:
  "//yarn.example":
    npmAuthToken: glpat-1234
`, want: []string{
			"sub/.yarnrc.yml:3 npm npm https://yarn.example priority=20 bearer ${NPM_TOKEN} (NPM_TOKEN, to be set: the value is in sub/.yarnrc.yml:16)",
			"sub/.yarnrc.yml:6 acme npm https://acme.example/npm @acme/* @same/* bearer ${ACME_TOKEN} (${ACME_TOKEN})",
			"sub/.yarnrc.yml:9 beta npm https://beta.example/npm/ @beta/* basic ${BETA_USERNAME} ${BETA_PASSWORD} (BETA_USERNAME and BETA_PASSWORD, to be set: the value is in sub/.yarnrc.yml:10)",
			"secret sub/.yarnrc.yml:16 npmAuthToken = glpat-…",
			"secret sub/.yarnrc.yml:10 npmAuthIdent = …",
		}},
		{name: "bun", file: "bunfig.toml", text: `
[install]
registry = { url = "https://bun.example", token = "$BUN_TOKEN" }
[install.scopes]
acme = "https://me:p4ss@acme.example/"
"@beta" = { url = "https://beta.example", username = "me", password = "$PW" }
gamma.url = "https://gamma.example"
`, want: []string{
			"bunfig.toml:3 npm npm https://bun.example priority=20 bearer ${BUN_TOKEN} (${BUN_TOKEN})",
			"bunfig.toml:5 acme npm https://acme.example/ @acme/* basic ${ACME_USERNAME} ${ACME_PASSWORD} (ACME_USERNAME and ACME_PASSWORD, to be set: the value is in bunfig.toml:5)",
			"bunfig.toml:6 beta npm https://beta.example @beta/* basic ${BETA_USERNAME} ${PW} (BETA_USERNAME, to be set: the value is in bunfig.toml:6)",
			"bunfig.toml:7 gamma npm https://gamma.example @gamma/*",
			"secret bunfig.toml:5 the password in a URL = …",
		}},
		{name: "pnpm", file: "pnpm-workspace.yaml", text: "packages: [a]\nregistries:\n  default: https://pnpm.example\n  '@acme': https://acme.example\n", want: []string{
			"pnpm-workspace.yaml:3 npm npm https://pnpm.example priority=20",
			"pnpm-workspace.yaml:4 acme npm https://acme.example @acme/*",
		}},
		{name: "pip", file: "pip.conf", text: "[global]\nindex-url = https://tok3n@pypi.acme.example/simple\nextra_index_url =\n\thttps://a.example:8080/simple\n    https://b.example/simple # why\n[install]\nfind-links = https://no.example\n; x\n", want: []string{
			"pip.conf:2 pypi.acme.example adapter/pypi https://pypi.acme.example basic ${PYPI_ACME_EXAMPLE_USERNAME} (PYPI_ACME_EXAMPLE_USERNAME, to be set: the value is in pip.conf:2)",
			"pip.conf:4 a.example-8080-pypi adapter/pypi https://a.example:8080",
			"pip.conf:5 b.example-pypi adapter/pypi https://b.example",
			"secret pip.conf:2 the user name in a URL = …",
		}},
		{name: "requirements", file: "requirements-dev.txt", text: "--index-url=https://a.example/simple\n--extra-index-url https://${U}:${P}@b.example/simple\n-i https://c.example/simple # x\nflask==1 --hash=sha256:0\n# -i https://no.example\n-r other.txt\n", want: []string{
			"requirements-dev.txt:1 a.example-pypi adapter/pypi https://a.example",
			"requirements-dev.txt:2 b.example-pypi adapter/pypi https://b.example basic ${U} ${P} (${P})",
			"requirements-dev.txt:3 c.example-pypi adapter/pypi https://c.example",
		}},
		{name: "pyproject", file: "pyproject.toml", o: foreign.Options{Getenv: env}, text: `
[project]
name = "x"
[[tool.uv.index]]
name = "acme"
url = "https://acme.example/simple"
[[tool.uv.index]]
name = "torch"
url = "https://torch.example/whl/cpu"
explicit = true
[tool.uv.sources]
torch = [{ index = "torch", marker = "x" }]
vision = { index = "torch" }
[tool.uv.pip]
extra-index-url = ["https://e.example/simple"]
`, want: []string{
			"pyproject.toml:6 acme adapter/pypi https://acme.example basic ${UV_INDEX_ACME_USERNAME} ${UV_INDEX_ACME_PASSWORD} (${UV_INDEX_ACME_PASSWORD})",
			"pyproject.toml:9 torch adapter/pypi https://torch.example/whl/cpu; uv takes from it: torch, vision; uv asks it for packages that name it only; it has no simple API: the URL of an index that has one ends in /simple",
			"pyproject.toml:15 e.example-pypi adapter/pypi https://e.example",
		}},
		{name: "uv", file: "uv.toml", text: "index-url = \"https://a.example/simple\"\nindex = [{name = \"x\", url = \"https://x.example\"}]\n", want: []string{
			"uv.toml:2 x adapter/pypi https://x.example; it has no simple API: the URL of an index that has one ends in /simple",
			"uv.toml:1 a.example-pypi adapter/pypi https://a.example",
		}},
		{name: "cargo", file: ".cargo/config.toml", o: foreign.Options{Getenv: env}, text: `
[registries]
mine = { index = "sparse+https://mine.example/index/" }
[registries.git]
index = "https://git.example/index"
token = "cio1234"
[source.crates-io]
replace-with = "mirror"
[source.mirror]
registry = "sparse+https://mirror.example/"
[registry]
token = "${T}"
`, want: []string{
			".cargo/config.toml:3 mine adapter/crates https://mine.example/index/ custom ${CARGO_REGISTRIES_MINE_TOKEN} (${CARGO_REGISTRIES_MINE_TOKEN})",
			".cargo/config.toml:5 git adapter/crates https://git.example/index custom ${GIT_TOKEN} (GIT_TOKEN, to be set: the value is in .cargo/config.toml:6); its index is a git repository, and only sparse indexes can be read",
			".cargo/config.toml:10 mirror adapter/crates https://mirror.example/",
			"secret .cargo/config.toml:6 registries.git.token = cio…",
		}},
		{name: "nuget", file: "NuGet.Config", text: `<?xml version="1.0"?>
<configuration>
  <packageSources>
    <clear />
    <add key="corp feed" value="https://nuget.corp.example/v3/index.json" />
  </packageSources>
  <packageSourceCredentials>
    <corp_x0020_feed>
      <add key="Username" value="me" />
      <add key="ClearTextPassword" value="p4ss" />
      <add key="Password" value="%NUGET_PW%" />
    </corp_x0020_feed>
  </packageSourceCredentials>
</configuration>`, want: []string{
			"NuGet.Config:5 corp-feed nuget https://nuget.corp.example/v3/index.json; there is no registry type that speaks NuGet's protocol",
			"secret NuGet.Config:10 ClearTextPassword of corp_x0020_feed = …",
		}},
		{name: "another name", file: "ci.cfg", o: foreign.Options{Format: "pip"}, text: "\xef\xbb\xbf[global]\r\nindex-url: https://a.example\r\n", want: []string{
			"ci.cfg:2 a.example-pypi adapter/pypi https://a.example; it has no simple API: the URL of an index that has one ends in /simple",
		}},
		{name: "nothing of interest", file: "pyproject.toml", text: "[project]\nname = \"x\"\n"},
		{name: "other shapes than expected", file: ".yarnrc.yml", text: "npmScopes: [a, b]\nnpmRegistryServer: {a: b}\nnpmRegistries: x\n"},
		{name: "empty", file: "bunfig.toml", text: ""},
		{name: "empty YAML", file: ".yarnrc.yml", text: "# nothing\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := foreign.Read(tt.file, []byte(tt.text), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, lines(r)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'h'; i++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", i, i, strings.TrimSuffix(strings.Repeat("*"+string(i-1)+",", 10), ","))
	}
	for _, tt := range []struct {
		file, format, text, want string
		is                       error
	}{
		{"setup.cfg", "", "", "setup.cfg is no file that registries are known to stand in", pantry.ErrConfig},
		{"x", "ini", "", `there is no format "ini"`, pantry.ErrConfig},
		{".yarnrc.yml", "", "a: [", ".yarnrc.yml can't be read: not a registry answer: it is no YAML", pantry.ErrInvalid},
		{".yarnrc.yml", "", "a: " + deep, "deeper", pantry.ErrInvalid},
		{".yarnrc.yml", "", bomb, "more values", pantry.ErrInvalid},
		{"uv.toml", "", "token = s3cret s3cret", "it is no TOML", pantry.ErrInvalid},
		{"uv.toml", "", "a = " + deep, "deeper", pantry.ErrInvalid},
		{"nuget.config", "", "<a><b></a>", "it is no XML", pantry.ErrInvalid},
		{".npmrc", "", "\xff\xfe", "is no UTF-8 text", pantry.ErrInvalid},
		{".npmrc", "", strings.Repeat("x", foreign.MaxFile+1), "is larger than", pantry.ErrInvalid},
	} {
		_, err := foreign.Read(tt.file, []byte(tt.text), foreign.Options{Format: tt.format})
		if !errors.Is(err, tt.is) || !strings.Contains(fmt.Sprint(err), tt.want) || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s: got %v, want %q", tt.file, err, tt.want)
		}
	}
}

func TestEnviron(t *testing.T) {
	t.Parallel()
	got := lines(foreign.Environ([]string{
		"PATH=/bin", "PIP_INDEX_URL=https://u:p4ss@a.example/simple", "PIP_EXTRA_INDEX_URL=https://b.example https://c.example",
		"UV_INDEX=acme=https://acme.example/?x=y https://plain.example", "YARN_NPM_REGISTRY_SERVER=https://yarn.example",
		"CARGO_REGISTRIES_MY_REG_INDEX=sparse+https://crates.example", "UV_INDEX_URL=",
	}))
	want := []string{
		"$PIP_INDEX_URL a.example-pypi adapter/pypi https://a.example basic ${A_EXAMPLE_PYPI_USERNAME} ${A_EXAMPLE_PYPI_PASSWORD} (A_EXAMPLE_PYPI_USERNAME and A_EXAMPLE_PYPI_PASSWORD, to be set: the value is in $PIP_INDEX_URL)",
		"$PIP_EXTRA_INDEX_URL b.example-pypi adapter/pypi https://b.example; it has no simple API: the URL of an index that has one ends in /simple",
		"$PIP_EXTRA_INDEX_URL c.example-pypi adapter/pypi https://c.example; it has no simple API: the URL of an index that has one ends in /simple",
		"$UV_INDEX acme adapter/pypi https://acme.example/?x=y; it has no simple API: the URL of an index that has one ends in /simple",
		"$UV_INDEX plain.example-pypi adapter/pypi https://plain.example; it has no simple API: the URL of an index that has one ends in /simple",
		"$YARN_NPM_REGISTRY_SERVER npm npm https://yarn.example priority=20",
		"$CARGO_REGISTRIES_MY_REG_INDEX my-reg adapter/crates https://crates.example",
		"secret $PIP_INDEX_URL:0 the password in a URL = …",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// FuzzRead: no text of any format makes reading it panic or take long; what comes out holds no
// credential but variables, and can be judged.
func FuzzRead(f *testing.F) {
	for _, seed := range [][2]string{
		{"npmrc", "@a:registry=https://a.example\n//a.example/:_authToken=SECRET"},
		{"yarn", "npmScopes:\n  a: &x\n    npmRegistryServer: https://a.example\n    npmAuthToken: SECRET\n  b: *x"},
		{"bun", "[install.scopes]\na = {url='https://a.example', token='SECRET'}\n[[x]]\ny.z=1\n[x.w]\n"},
		{"pnpm", "registries: {default: https://a.example}"},
		{"pip", "[global]\nindex-url = https://u:SECRET@a.example\n  https://b"},
		{"requirements", "-i https://SECRET@a.example"},
		{"uv", "[[index]]\nname='a'\nurl='https://u:SECRET@a.example'"},
		{"pyproject", "tool.uv.index-url = 'https://a.example'"},
		{"nuget", "<configuration><packageSources><add key='a' value='https://u:SECRET@a.example'/></packageSources></configuration>"},
		{"cargo", "[registries.a]\nindex='sparse+https://a.example'\ntoken='SECRET'"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, format, text string) {
		r, err := foreign.Read("file", []byte(text), foreign.Options{Format: format})
		if err != nil {
			if !errors.Is(err, pantry.ErrInvalid) && !errors.Is(err, pantry.ErrConfig) {
				t.Errorf("%v", err)
			}
			return
		}
		discover.Judge(r.Proposals, nil, func(string) bool { return false })
		for _, p := range r.Proposals {
			if a := p.Entry.Auth; a != nil && p.State == discover.New {
				for _, v := range []registry.Value{a.Token, a.Username, a.Password, a.Value} {
					if raw := v.Raw.Reveal(); raw != "" && (!strings.HasPrefix(raw, "${") || !strings.HasSuffix(raw, "}")) {
						t.Errorf("a credential that is no variable: %q", raw)
					}
				}
			}
			if i := strings.Index(p.Entry.URL, "://"); i >= 0 {
				if authority, _, _ := strings.Cut(p.Entry.URL[i+3:], "/"); strings.Contains(authority, "@") {
					t.Errorf("a URL with user information: %q", p.Entry.URL)
				}
			}
		}
	})
}
