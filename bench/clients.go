package main

import (
	"fmt"
	"path/filepath"

	"github.com/pantry-go/pantry/bench/report"
	"github.com/pantry-go/pantry/bench/tree"
)

// added is the package that the scenario "add" adds.
const added = "is-odd@3.0.1"

// client is a package manager as it is run.
type client struct {
	name    string
	family  string // pantry, or the peer's package
	layout  tree.Layout
	locks   []string          // its lockfiles
	files   map[string]string // written into the project beside package.json
	env     []string          // besides PATH, HOME, TMPDIR, LANG, NO_COLOR
	install []string          // installs what the manifest says
	frozen  []string          // installs what the lockfile says
	add     []string          // adds a package
}

// clients returns those asked for by name, set up to read from the registry at base.
func clients(names []string, programs map[string]string, base string) []client {
	known := map[string]client{}
	for _, c := range []client{
		pantryClient("pantry-hoisted", tree.Hoisted, programs["pantry"], base),
		pantryClient("pantry-isolated", tree.Machine, programs["pantry"], base),
		pantryClient("pantry-project", tree.Project, programs["pantry"], base),
		bunClient("bun-hoisted", tree.Hoisted, programs["bun"], base),
		bunClient("bun-isolated", tree.Project, programs["bun"], base),
		bunClient("bun-global", tree.Machine, programs["bun"], base),
		pnpmClient("pnpm", tree.Project, programs["pnpm"], base),
		pnpmClient("pnpm-global", tree.Machine, programs["pnpm"], base),
		npmClient(programs["npm"], base),
	} {
		known[c.name] = c
	}
	for _, c := range severalClients(programs["pantry"], base) {
		known[c.name] = c
	}
	var out []client
	for _, name := range names {
		out = append(out, known[name])
	}
	return out
}

func pantryClient(name string, layout tree.Layout, program, base string) client {
	linker, env := "--linker=isolated", []string{"PANTRY_ISOLATED_STORE=" + string(layout)}
	if layout == tree.Hoisted {
		linker, env = "--linker=hoisted", nil
	}
	return client{
		name: name, family: "pantry", layout: layout, env: env,
		locks:   []string{"pantry.lock"},
		files:   map[string]string{"pantry.json": fmt.Sprintf("{\"registries\": [{\"name\": \"npm\", \"type\": \"npm\", \"url\": %q}]}\n", base)},
		install: []string{program, "install", linker},
		frozen:  []string{program, "install", linker, "--frozen-lockfile"},
		add:     []string{program, "install", linker, added},
	}
}

// severalClients are Pantry, hoisted, with further registries that are asked before the one that has everything:
// either every name is claimed, theirs by them and all others by that one, or no name is, and they have to say for
// each that they do not have it.
func severalClients(program, base string) []client {
	var out []client
	for _, kind := range []string{"claims", "open"} {
		for n := 1; n <= 2; n++ {
			c := pantryClient(fmt.Sprintf("pantry-%s-%d", kind, n), tree.Hoisted, program, base)
			entries, rest := "", ""
			if kind == "claims" {
				rest = `, "packages": ["*", "@*/*"]`
			}
			for i := range n {
				claim := ""
				if kind == "claims" {
					claim = fmt.Sprintf(", \"packages\": [\"@team-%d/*\"]", i)
				}
				entries += fmt.Sprintf("{\"name\": \"team%d\", \"type\": \"npm\", \"url\": \"%s/-empty/%d\", \"priority\": %d%s}, ", i, base, i, i+1, claim)
			}
			c.files = map[string]string{"pantry.json": fmt.Sprintf("{\"registries\": [%s{\"name\": \"npm\", \"type\": \"npm\", \"url\": %q%s}]}\n", entries, base, rest)}
			out = append(out, c)
		}
	}
	return out
}

func bunClient(name string, layout tree.Layout, program, base string) client {
	linker, global := "--linker=isolated", "0"
	switch layout {
	case tree.Hoisted:
		linker = "--linker=hoisted"
	case tree.Machine:
		global = "1"
	}
	return client{
		name: name, family: "bun", layout: layout,
		locks:   []string{"bun.lock", "bun.lockb"},
		env:     []string{"npm_config_registry=" + base, "BUN_INSTALL_GLOBAL_STORE=" + global},
		install: []string{program, "install", "--ignore-scripts", linker},
		frozen:  []string{program, "install", "--ignore-scripts", linker, "--frozen-lockfile"},
		add:     []string{program, "add", "--ignore-scripts", linker, added},
	}
}

// pnpmClient leaves nothing of pnpm's out but the age that it demands of versions by default, which needs full
// packuments.
func pnpmClient(name string, layout tree.Layout, program, base string) client {
	return client{
		name: name, family: "pnpm", layout: layout,
		locks: []string{"pnpm-lock.yaml"},
		files: map[string]string{
			".npmrc": "registry=" + base + "/\n",
			"pnpm-workspace.yaml": fmt.Sprintf("enableGlobalVirtualStore: %t\nminimumReleaseAge: 0\nstrictPeerDependencies: false\nupdateNotifier: false\nregistry: %s/\n",
				layout == tree.Machine, base),
		},
		install: []string{program, "install", "--ignore-scripts", "--no-frozen-lockfile"},
		frozen:  []string{program, "install", "--ignore-scripts", "--frozen-lockfile"},
		add:     []string{program, "add", "--ignore-scripts", added},
	}
}

func npmClient(program, base string) client {
	return client{
		name: "npm", family: "npm", layout: tree.Hoisted,
		locks:   []string{"package-lock.json"},
		files:   map[string]string{".npmrc": "registry=" + base + "/\naudit=false\nfund=false\nupdate-notifier=false\n"},
		install: []string{"node", program, "install", "--ignore-scripts"},
		frozen:  []string{"node", program, "ci", "--ignore-scripts"},
		add:     []string{"node", program, "install", "--ignore-scripts", added},
	}
}

// slow reports whether a client takes minutes for a repetition of a fixture: it is measured there only if it is
// named.
func slow(client, fixture string) bool {
	return client == "npm" && (fixture == "next" || fixture == "large")
}

// clientNames returns whom to measure on a fixture.
func (o options) clientNames(fixture string) []string {
	if o.clients != nil {
		return o.clients
	}
	var out []string
	for _, name := range report.Clients() {
		if !slow(name, fixture) {
			out = append(out, name)
		}
	}
	return out
}

// place is where a client's files of one run lie.
type place struct{ base string }

func (p place) home() string    { return filepath.Join(p.base, "home") }
func (p place) temp() string    { return filepath.Join(p.base, "tmp") }
func (p place) project() string { return filepath.Join(p.base, "project") }
func (p place) modules() string { return filepath.Join(p.base, "project", "node_modules") }
func (p place) log() string     { return filepath.Join(p.base, "log") }
