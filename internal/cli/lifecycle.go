package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/pack"
)

// lifecycle runs the scripts that a package wants around packing and publishing, as npm does.
type lifecycle struct {
	a       *app
	dir     string // of the package
	command string
	ignore  bool
}

// pack packs the folder with the scripts around it. What they change counts.
func (l lifecycle) pack(ctx context.Context, o packOptions) (*pack.Package, error) {
	if err := l.run(ctx, "prepack", "prepare"); err != nil {
		return nil, err
	}
	p, err := pack.Dir(ctx, l.dir, pack.Options{AllowSecrets: o.allowSecrets})
	if err != nil {
		return nil, err
	}
	return p, l.run(ctx, "postpack")
}

// run runs scripts that the package has, one after the other. Their output goes to stderr: stdout is for
// results.
func (l lifecycle) run(ctx context.Context, events ...string) error {
	if l.ignore {
		return nil
	}
	for _, event := range events {
		p, err := manifest.ReadProject(l.dir)
		if err != nil {
			return err
		}
		script, ok := p.Manifest().Scripts[event]
		if !ok {
			continue
		}
		if err := l.script(ctx, p.Manifest(), event, script); err != nil {
			return err
		}
	}
	return nil
}

func (l lifecycle) script(ctx context.Context, m *manifest.Manifest, event, script string) error {
	a := l.a
	if !a.flags.quiet && !a.flags.json {
		fmt.Fprintf(a.Stderr, "pantry: %s: %s\n", event, clean(script))
	}
	env := a.toolEnv()
	env["PATH"] = filepath.Join(l.dir, "node_modules", ".bin") + string(os.PathListSeparator) + env["PATH"]
	for k, v := range map[string]string{
		"npm_lifecycle_event": event, "npm_lifecycle_script": script, "npm_command": l.command,
		"npm_package_name": m.Name, "npm_package_version": m.Version, "npm_package_json": filepath.Join(l.dir, manifest.PackageJSON),
		"INIT_CWD": a.Dir,
	} {
		env[k] = v
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.Dir = l.dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.Stdin, a.Stderr, a.Stderr
	cmd.Env = environ(env)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("script %s of %s failed: %s", event, clean(m.Name), strings.TrimSpace(exit.Error()))
	}
	return err
}
