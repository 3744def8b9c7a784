package install_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/lockfile"
)

const basic = `
	a@1.0.0 b@^1.0.0
	a@1.1.0 b@^1.0.0
	a@2.0.0 b@^2.0.0 tag:latest
	a@3.0.0-beta.1 tag:next
	b@1.0.0
	b@1.2.0 bin:b=cli.js
	b@2.0.0
	c@1.0.0 script
	@s/d@1.0.0 a@^1.0.0`

func TestManifests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  string
		err   error
	}{
		"package.json":          {map[string]string{"package.json": `{"dependencies":{"a":"^1.0.0"}}`}, "a 1.1.0, b 1.2.0", nil},
		"pantry.json":           {map[string]string{"pantry.json": `{"dependencies":{"a":"^1.0.0"}}`}, "a 1.1.0, b 1.2.0", nil},
		"pantry.jsonc":          {map[string]string{"pantry.jsonc": "{\"dependencies\":{\"a\":\"^1.0.0\",} // yes\n}"}, "a 1.1.0, b 1.2.0", nil},
		"both":                  {map[string]string{"package.json": `{"dependencies":{"a":"^1.0.0"}}`, "pantry.json": `{"devDependencies":{"c":"1"}}`}, "a 1.1.0, b 1.2.0, c 1.0.0", nil},
		"both, agreeing":        {map[string]string{"package.json": `{"dependencies":{"b":"1"}}`, "pantry.json": `{"dependencies":{"b":"1"}}`}, "b 1.2.0", nil},
		"both, disagreeing":     {map[string]string{"package.json": `{"dependencies":{"b":"1"}}`, "pantry.json": `{"dependencies":{"b":"2"}}`}, "", pantry.ErrConfig},
		"none":                  {nil, "", nil},
		"nothing wished":        {map[string]string{"package.json": `{}`}, "", nil},
		"scope and registry":    {map[string]string{"pantry.json": `{"dependencies":{"@s/d":"npm:@s/d@1"}}`}, "@s/d 1.0.0, a 1.1.0, b 1.2.0", nil},
		"alias":                 {map[string]string{"package.json": `{"dependencies":{"old":"npm:a@1.0.0","a":"2"}}`}, "a 2.0.0, b 2.0.0, old b 1.2.0, old=a 1.0.0", nil},
		"tag":                   {map[string]string{"package.json": `{"dependencies":{"a":"next"}}`}, "a 3.0.0-beta.1", nil},
		"not readable":          {map[string]string{"package.json": `{"dependencies":`}, "", pantry.ErrConfig},
		"git":                   {map[string]string{"package.json": `{"dependencies":{"x":"github:o/x"}}`}, "", pantry.ErrUnsupported},
		"not there":             {map[string]string{"package.json": `{"dependencies":{"nowhere":"1"}}`}, "", pantry.ErrNotFound},
		"no such version":       {map[string]string{"package.json": `{"dependencies":{"a":"^9"}}`}, "", pantry.ErrVersionNotFound},
		"optional is not there": {map[string]string{"package.json": `{"dependencies":{"b":"1"},"optionalDependencies":{"nowhere":"1"}}`}, "b 1.2.0", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
			for file, text := range tt.files {
				p.write(file, text)
			}
			before := p.files(false)
			_, err := p.install()
			if !errors.Is(err, tt.err) || err == nil != (tt.err == nil) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				p.same(before, false)
				return
			}
			p.wantTree(tt.want)
			before = p.files(false)
			if r := p.must(); tt.want != "" && !r.UpToDate {
				t.Errorf("again: %+v", r)
			}
			p.same(before, false)
		})
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before string
		args   []string
		a      install.Addition
		file   string // "" is package.json
		want   string // of the manifest
		direct string
		tree   string
	}{
		"name":            {"", []string{"a"}, install.Addition{}, "", `"dependencies": {"a": "^2.0.0"}`, "a 2.0.0 npm ^2.0.0", "a 2.0.0, b 2.0.0"},
		"range":           {"", []string{"a@^1.0.0"}, install.Addition{}, "", `"dependencies": {"a": "^1.0.0"}`, "a 1.1.0 npm ^1.0.0", "a 1.1.0, b 1.2.0"},
		"wide range":      {"", []string{"a@>=1 <2"}, install.Addition{}, "", `"dependencies": {"a": ">=1 <2"}`, "a 1.1.0 npm >=1 <2", "a 1.1.0, b 1.2.0"},
		"tag":             {"", []string{"a@next"}, install.Addition{}, "", `"dependencies": {"a": "^3.0.0-beta.1"}`, "a 3.0.0-beta.1 npm ^3.0.0-beta.1", "a 3.0.0-beta.1"},
		"version":         {"", []string{"a@1.0.0"}, install.Addition{}, "", `"dependencies": {"a": "^1.0.0"}`, "a 1.0.0 npm ^1.0.0", "a 1.0.0, b 1.2.0"},
		"exact":           {"", []string{"a"}, install.Addition{Exact: true}, "", `"dependencies": {"a": "2.0.0"}`, "a 2.0.0 npm 2.0.0", "a 2.0.0, b 2.0.0"},
		"exact version":   {"", []string{"a@1.0.0"}, install.Addition{Exact: true}, "", `"dependencies": {"a": "1.0.0"}`, "a 1.0.0 npm 1.0.0", "a 1.0.0, b 1.2.0"},
		"dev":             {"", []string{"c"}, install.Addition{Kind: lockfile.Dev}, "", `"devDependencies": {"c": "^1.0.0"}`, "c 1.0.0 npm ^1.0.0", "c 1.0.0"},
		"optional":        {"", []string{"c"}, install.Addition{Kind: lockfile.Optional}, "", `"optionalDependencies": {"c": "^1.0.0"}`, "c 1.0.0 npm ^1.0.0", "c 1.0.0"},
		"two":             {"", []string{"c", "b@1"}, install.Addition{}, "", `"dependencies": {"b": "1", "c": "^1.0.0"}`, "b 1.2.0 npm 1, c 1.0.0 npm ^1.0.0", "b 1.2.0, c 1.0.0"},
		"alias":           {"", []string{"old@npm:a@1.0.0"}, install.Addition{}, "", `"dependencies": {"old": "npm:a@^1.0.0"}`, "old 1.0.0 npm npm:a@^1.0.0", "b 1.2.0, old=a 1.0.0"},
		"scope":           {"", []string{"@s/d"}, install.Addition{}, "", `"dependencies": {"@s/d": "^1.0.0"}`, "@s/d 1.0.0 npm ^1.0.0", "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"purl":            {"", []string{"pkg:npm/c@1.0.0"}, install.Addition{}, "", `"dependencies": {"c": "^1.0.0"}`, "c 1.0.0 npm ^1.0.0", "c 1.0.0"},
		"npm by name":     {"", []string{"npm:c"}, install.Addition{}, "", `"dependencies": {"c": "^1.0.0"}`, "c 1.0.0 npm ^1.0.0", "c 1.0.0"},
		"registry":        {"", []string{"acme:p"}, install.Addition{}, "pantry.json", `"dependencies": {"p": "acme:p@^1.0.0"}`, "p 1.0.0 acme acme:p@^1.0.0", "c 1.0.0, p 1.0.0"},
		"stays where":     {"D:a@^1.0.0", []string{"a@2"}, install.Addition{}, "", `"devDependencies": {"a": "2"}`, "a 2.0.0 npm 2 was 1.1.0", "a 2.0.0, b 2.0.0"},
		"moves":           {"D:c@1", []string{"c"}, install.Addition{Kind: lockfile.Prod}, "", `"dependencies": {"c": "^1.0.0"}`, "c 1.0.0 npm ^1.0.0", "c 1.0.0"},
		"newer of locked": {"a@1.0.0", []string{"a@^1"}, install.Addition{}, "", `"dependencies": {"a": "^1"}`, "a 1.1.0 npm ^1 was 1.0.0", "a 1.1.0, b 1.2.0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			npm := newSite(t, "npm", "npm", 20, basic)
			acme := newSite(t, "custom", "acme", 30, "p@1.0.0 c@1")
			p := newPlace(t, npm, acme)
			if tt.before != "" {
				p.wishes(tt.before)
				p.must()
			}
			r := p.ok(p.add(tt.a, tt.args...))
			file := tt.file
			if file == "" {
				file = "package.json"
			}
			if got := strings.Join(strings.Fields(p.read(file)), " "); !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(got, "{ ", "{"), " }", "}"), tt.want) {
				t.Errorf("%s is %s", file, got)
			}
			if got := changes(r.Direct); got != tt.direct {
				t.Errorf("direct: %s", got)
			}
			p.wantTree(tt.tree)
			if again := p.must(); !again.UpToDate {
				t.Error("not up to date afterwards")
			}
			p.ok(p.install(func(o *install.Options) { o.Frozen, o.Force = true, true }))
		})
	}
}

// A failing add leaves everything as it was.
func TestAddFails(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, basic+"\nbroken@1.0.0 nowhere@1"))
	p.wishes("a@1.0.0")
	p.must()
	before := p.files(false)
	for spec, want := range map[string]error{
		"nowhere": pantry.ErrNotFound, "a@9": pantry.ErrVersionNotFound, "a@nope": pantry.ErrVersionNotFound,
		"broken": pantry.ErrNotFound, "./folder": pantry.ErrUnsupported, "https://registry.example.com/x.tgz": pantry.ErrUnsupported,
	} {
		if _, err := p.add(install.Addition{}, spec); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", spec, err, want)
		}
		p.same(before, false)
	}
	if !p.must().UpToDate {
		t.Error("not up to date any more")
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
	p.wishes("a@^1.0.0 c@1 D:@s/d@1")
	p.must()
	r := p.ok(install.Remove(t.Context(), p.opts(), []string{"@s/d", "c"}))
	if got := changes(r.Removed); got != "@s/d 1.0.0 npm, c 1.0.0 npm" || len(r.Added)+len(r.Direct) > 0 {
		t.Errorf("got %+v", r)
	}
	p.wantTree("a 1.1.0, b 1.2.0")
	before := p.files(true)
	if _, err := install.Remove(t.Context(), p.opts(), []string{"a", "x", "c"}); !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), "c, x") {
		t.Errorf("got %v", err)
	}
	p.same(before, true)
	p.ok(install.Remove(t.Context(), p.opts(), []string{"a"}))
	p.wantTree("")
	if l := p.lock(); len(l.Packages) > 0 {
		t.Errorf("locked: %v", l.Packages)
	}
}

// While nothing changed nothing is touched and nobody is asked.
func TestNoOp(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.wishes("a@^1.0.0 @s/d@1 c@1")
	first := p.must()
	s.Reset()
	before := p.files(true)
	for range 2 {
		r := p.must()
		if !r.UpToDate || r.Packages != 4 || len(r.Added)+len(r.Removed)+len(r.Direct) != 0 || r.Linked != 0 {
			t.Errorf("got %+v", r)
		}
		if diff := cmp.Diff(r.Scripts, first.Scripts); diff != "" {
			t.Error(diff)
		}
		if r.Registries["npm"] != (install.RegistryShare{Packages: 4}) {
			t.Errorf("got %+v", r.Registries)
		}
	}
	p.same(before, true)
	if s.Count() > 0 {
		t.Errorf("asked: %v", s.Requests())
	}
}

// Whatever an install depends on makes it do its work again; nobody is asked as long as the store and
// the lockfile have everything.
func TestWorkIsDoneAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*place)
		option func(*install.Options)
		tree   string
	}{
		"no node_modules":        {func(p *place) { p.remove("node_modules") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"a package is gone":      {func(p *place) { p.remove("node_modules/a") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"one of a scope is gone": {func(p *place) { p.remove("node_modules/@s/d") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"a scope is gone":        {func(p *place) { p.remove("node_modules/@s") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"commands are gone":      {func(p *place) { p.remove("node_modules/.bin") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"state is gone":          {func(p *place) { p.remove("node_modules/.pantry/state.json") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"state is cut":           {func(p *place) { p.write("node_modules/.pantry/state.json", `{"version":2`) }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"npm was here":           {func(p *place) { p.remove("node_modules"); p.write("node_modules/x/package.json", `{"name":"x"}`) }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"a wish is gone":         {func(p *place) { p.wishes("@s/d@1") }, nil, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"settings":               {nil, func(o *install.Options) { o.Settings = "other" }, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"platform":               {nil, func(o *install.Options) { o.Platform.OS = "win32" }, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"omit":                   {nil, func(o *install.Options) { o.Omit = map[lockfile.Kind]bool{lockfile.Dev: true} }, "a 1.1.0, b 1.2.0"},
		"method":                 {nil, func(o *install.Options) { o.Method = "copy" }, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
		"force":                  {nil, func(o *install.Options) { o.Force = true }, "@s/d 1.0.0, a 1.1.0, b 1.2.0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			p := newPlace(t, s)
			p.wishes("a@^1.0.0 D:@s/d@1")
			p.must()
			s.Reset()
			if tt.change != nil {
				tt.change(p)
			}
			if tt.option == nil {
				tt.option = func(*install.Options) {}
			}
			if r := p.must(tt.option); r.UpToDate {
				t.Error("nothing was done")
			}
			p.wantTree(tt.tree)
			if _, err := os.Stat(filepath.Join(p.dir, "node_modules/.bin/b")); err != nil {
				t.Error(err)
			}
			if s.Count() > 0 {
				t.Errorf("asked: %v", s.Requests())
			}
			if r := p.must(tt.option); name != "force" && !r.UpToDate {
				t.Error("it is done again and again")
			}
		})
	}
}

// A manifest that is edited while an install goes on is not taken for installed.
func TestEditedMeanwhile(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
	p.wishes("a@^1.0.0")
	p.must(func(o *install.Options) {
		o.Events = func(e install.Event) {
			if e.Type == install.EventLinking {
				p.wishes("a@^1.0.0 c@1")
			}
		}
	})
	p.wantTree("a 1.1.0, b 1.2.0")
	if r := p.must(); r.UpToDate {
		t.Error("up to date")
	}
	p.wantTree("a 1.1.0, b 1.2.0, c 1.0.0")
}

// An install that fails when node_modules is changed already is finished, or undone, by the next one.
func TestFailsLate(t *testing.T) {
	t.Parallel()
	const (
		one   = `{"dependencies":{"x":"1","a":"1"}}`
		other = `{"dependencies":{"x":"1","a":"1"},"overrides":{"a":{"x":"2.0.0"}}}`
	)
	for then, want := range map[string]string{one: "a 1.0.0, a x 2.1.0, x 1.0.0", other: "a 1.0.0, a x 2.0.0, x 1.0.0"} {
		p := newPlace(t, newSite(t, "npm", "npm", 20, "a@1.0.0 x@^2.0.0\nx@1.0.0\nx@2.0.0\nx@2.1.0"))
		p.write("package.json", one)
		p.must()
		locked := p.read(lockfile.Name)
		p.write("package.json", other)
		_, err := p.install(func(o *install.Options) {
			o.Events = func(e install.Event) {
				if e.Type == install.EventLinking { // the lockfile cannot be written any more
					p.remove(lockfile.Name)
					p.write(lockfile.Name+"/x", "")
				}
			}
		})
		if err == nil || !strings.Contains(err.Error(), lockfile.Name) {
			t.Fatalf("got %v", err)
		}
		p.wantTree("a 1.0.0, a x 2.0.0, x 1.0.0")
		p.remove(lockfile.Name)
		p.write(lockfile.Name, locked)
		p.write("package.json", then)
		if r := p.must(); r.UpToDate {
			t.Error("up to date")
		}
		p.wantTree(want)
		if !p.must().UpToDate {
			t.Error("not up to date afterwards")
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	npm := newSite(t, "npm", "npm", 20, basic)
	acme := newSite(t, "custom", "acme", 10, "@acme/ui@1.0.0 a@^1.0.0 script\n@acme/ui@2.0.0 c@1\n@acme/w@1.0.0 os:win32")
	p := newPlace(t, npm, acme)
	p.wishes("@acme/ui@1 D:b@1 ?:@acme/w@1 ?:nowhere@1")
	var events []install.Event
	var mu = make(chan struct{}, 1)
	r := p.must(func(o *install.Options) {
		o.Events = func(e install.Event) { mu <- struct{}{}; events = append(events, e); <-mu }
	})
	size := func(s *site, name, version string) int64 {
		m, err := s.Memory.Metadata(t.Context(), name, version)
		if err != nil {
			t.Fatal(err)
		}
		return m.Artifact.Size
	}
	want := &install.Report{
		Added:   []install.Change{{Name: "@acme/ui", Version: "1.0.0", Registry: "acme"}, {Name: "a", Version: "1.1.0", Registry: "npm"}, {Name: "b", Version: "1.2.0", Registry: "npm"}},
		Removed: []install.Change{},
		Direct: []install.Change{
			{Name: "@acme/ui", Version: "1.0.0", Registry: "acme", Spec: "1"}, {Name: "@acme/w", Version: "1.0.0", Registry: "acme", Spec: "1"},
			{Name: "b", Version: "1.2.0", Registry: "npm", Spec: "1"},
		},
		Packages: 3, Linked: 3, Skipped: 1, LeftOut: 1,
		Registries: map[string]install.RegistryShare{
			"npm":  {Packages: 2, Downloaded: 2, Bytes: size(npm, "a", "1.1.0") + size(npm, "b", "1.2.0")},
			"acme": {Packages: 1, Downloaded: 1, Bytes: size(acme, "@acme/ui", "1.0.0")},
		},
		Scripts:  []install.Change{{Name: "@acme/ui", Version: "1.0.0", Registry: "acme"}},
		Duration: r.Duration, Seconds: r.Seconds,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	count := map[install.EventType]int{}
	for _, e := range events {
		count[e.Type]++
	}
	if count[install.EventFetched] != 3 || count[install.EventResolved] != 4 || count[install.EventLinking] != 1 || count[install.EventLeftOut] != 1 || count[install.EventStored] != 0 {
		t.Errorf("events: %v", count)
	}
	if r.Duration <= 0 || r.Seconds <= 0 {
		t.Errorf("took %v, %v", r.Duration, r.Seconds)
	}

	r = p.ok(p.add(install.Addition{}, "@acme/ui@2"))
	if got := changes(r.Added) + "; " + changes(r.Removed) + "; " + changes(r.Direct); got !=
		"@acme/ui 2.0.0 acme, c 1.0.0 npm; @acme/ui 1.0.0 acme, a 1.1.0 npm; @acme/ui 2.0.0 acme 2 was 1.0.0" {
		t.Errorf("got %s", got)
	}
	if r.Packages != 3 || r.Linked != 2 {
		t.Errorf("got %+v", r)
	}
	p.remove("node_modules")
	r = p.must()
	if r.Registries["npm"] != (install.RegistryShare{Packages: 2}) || len(r.Added)+len(r.Direct) != 0 || r.Linked != 3 {
		t.Errorf("got %+v", r)
	}
}

// A package whose instances differ in their peers is one package in a report.
func TestReportOfInstances(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, `
		x@1.0.0 ^p@*
		p@1.0.0
		p@2.0.0
		q@1.0.0 p@1 x@1`))
	p.wishes("p@2 x@1 q@1")
	r := p.must()
	p.wantTree("p 2.0.0, q 1.0.0, q p 1.0.0, x 1.0.0")
	if got := changes(r.Added); got != "p 1.0.0 npm, p 2.0.0 npm, q 1.0.0 npm, x 1.0.0 npm" || r.Packages != 4 || r.Linked != 4 || r.Registries["npm"].Downloaded != 4 {
		t.Errorf("got %s, %+v", got, r)
	}
	p.wishes("p@1 x@1 q@1")
	r = p.must()
	if got := changes(r.Removed); got != "p 2.0.0 npm" || len(r.Added) > 0 {
		t.Errorf("got %s, %+v", got, r)
	}
}
