package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// build is one run of a project's own command on an install.
type build struct {
	linker  string
	script  string // "build" or "test"
	command string
	err     error
	npm     error // what became of it on npm's install, where it failed on Pantry's
}

// buildLimit is how long an install or a command may take. The slowest take about a minute each on two
// cores.
const buildLimit = 10 * time.Minute

// build installs the project in each layout and runs its scripts "build" and "test". A project that has
// neither is not installed.
func (p project) build(ctx context.Context) ([]build, error) {
	data, err := os.ReadFile(filepath.Join(p.manifest.dir, "package.json"))
	if err != nil {
		return nil, err
	}
	var m struct {
		Scripts map[string]string `json:"scripts"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	var out []build
	for _, linker := range p.linkers {
		for _, script := range []string{"build", "test"} {
			if m.Scripts[script] != "" {
				out = append(out, build{linker: linker, script: script, command: m.Scripts[script]})
			}
		}
	}
	for _, linker := range p.linkers {
		if err := p.runBuilds(ctx, linker, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// runBuilds runs the scripts that are to be run in one layout.
func (p project) runBuilds(ctx context.Context, linker string, builds []build) error {
	dir := p.dir("build-" + linker)
	var installed error
	for i := range builds {
		b := &builds[i]
		if b.linker != linker {
			continue
		}
		if i == 0 || builds[i-1].linker != linker {
			installed = p.install(ctx, dir, linker, p.pantry, "install")
		}
		if b.err = installed; b.err == nil {
			b.err = p.script(ctx, dir, b.command)
		}
		if b.err != nil && ctx.Err() == nil {
			b.npm = p.onNPM(ctx, b.command)
		}
	}
	return errors.Join(ctx.Err(), os.RemoveAll(dir))
}

// onNPM runs a command on npm's install of the same project.
func (p project) onNPM(ctx context.Context, command string) error {
	dir := p.dir("build-npm")
	defer os.RemoveAll(dir)
	err := p.install(ctx, dir, "hoisted", p.npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
		"--registry="+p.registry, "--cache="+filepath.Join(p.work, "npm-cache"))
	if err != nil {
		return err
	}
	return p.script(ctx, dir, command)
}

// install makes a project folder and runs an install in it.
func (p project) install(ctx context.Context, dir, layout, program string, args ...string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := p.copyTo(dir); err != nil {
		return err
	}
	if err := p.configure(dir, layout); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = environment(filepath.Join(p.work, "build-home"))
	_, err := output(cmd)
	return err
}

// script runs a command as package managers run scripts: with the project's own programs in the path.
func (p project) script(ctx context.Context, dir, command string) error {
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nice", "sh", "-c", command)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // what a build left running does not hold us up
	env := environment(filepath.Join(p.work, "build-home"))
	cmd.Env = append(env[1:], "PATH="+filepath.Join(dir, "node_modules", ".bin")+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"CI=1", "TERM=dumb", "DO_NOT_TRACK=1", "NEXT_TELEMETRY_DISABLED=1", "NUXT_TELEMETRY_DISABLED=1",
		"ASTRO_TELEMETRY_DISABLED=1", "STORYBOOK_DISABLE_TELEMETRY=1", "NG_CLI_ANALYTICS=false")
	_, err := output(cmd)
	return err
}
