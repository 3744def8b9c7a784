package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/manifest"
)

func (a *app) execCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "exec COMMAND [ARG...]",
		Short: "Run a command with the project's programs on PATH",
		Long: `Exec runs a command with the programs of the project's packages (node_modules/.bin) and
tools (.pantry/bin) in front of PATH. Its exit code is the command's. Flags after COMMAND are the
command's.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.exec(c.Context(), args) },
	}
	c.Flags().SetInterspersed(false)
	return c
}

func (a *app) runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run [SCRIPT [ARG...]]",
		Short: "Run a script of package.json, or a program of the project",
		Long: `Run runs a script of package.json in a shell, with the scripts pre- and post- of its name
around it, as npm does. A name that is no script is run as with exec. Without a name it lists the scripts.`,
		RunE: func(c *cobra.Command, args []string) error { return a.runScript(c.Context(), args) },
	}
	c.Flags().SetInterspersed(false)
	return c
}

// exitError carries the exit code of a command that was run.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("the command exited with code %d", e.code) }

// exec runs a command and waits for it.
func (a *app) exec(ctx context.Context, args []string) error {
	env := a.toolEnv()
	path, err := lookPath(args[0], env["PATH"], a.dir())
	if err != nil {
		err = fmt.Errorf("there is no program %q in the project or on PATH: %w", args[0], pantry.ErrNotFound)
		return pantry.WithHint(err, "add the package that has it with pantry install")
	}
	return a.spawn(ctx, path, args, env)
}

func (a *app) spawn(ctx context.Context, path string, args []string, env map[string]string) error {
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir = a.dir()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.Stdin, a.Stdout, a.Stderr
	cmd.Env = environ(env)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return &exitError{exit.ExitCode()}
	}
	return err
}

// toolEnv is the environment of the project's programs: the caller's, with their folders in front of
// PATH.
func (a *app) toolEnv() map[string]string {
	env := map[string]string{}
	for _, kv := range a.Environ {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	dirs := a.programDirs()
	if env["PATH"] != "" {
		dirs = append(dirs, env["PATH"])
	}
	env["PATH"] = strings.Join(dirs, string(os.PathListSeparator))
	return env
}

// programDirs are the folders that hold the project's programs.
func (a *app) programDirs() []string {
	return []string{
		filepath.Join(a.dir(), filepath.FromSlash(link.ToolBin)),
		filepath.Join(a.dir(), "node_modules", ".bin"),
	}
}

func environ(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}

// lookPath finds a program in a PATH, relative to dir where the name has a slash.
func lookPath(name, path, dir string) (string, error) {
	if strings.ContainsRune(name, '/') {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return exec.LookPath(name)
	}
	for _, d := range filepath.SplitList(path) {
		if d == "" || !filepath.IsAbs(d) {
			continue // the working folder is not searched
		}
		if p, err := exec.LookPath(filepath.Join(d, name)); err == nil {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

func (a *app) runScript(ctx context.Context, args []string) error {
	p, err := manifest.ReadProject(a.dir())
	if err != nil {
		return err
	}
	scripts := p.Manifest().Scripts
	if len(args) == 0 {
		if a.flags.json {
			return a.printJSON(scripts)
		}
		for _, name := range slices.Sorted(maps.Keys(scripts)) {
			fmt.Fprintf(a.Stdout, "%s\n  %s\n", name, scripts[name])
		}
		return nil
	}
	name := args[0]
	if _, ok := scripts[name]; !ok {
		return a.exec(ctx, args)
	}
	env := a.toolEnv()
	for _, step := range []string{"pre" + name, name, "post" + name} {
		script, ok := scripts[step]
		if !ok {
			continue
		}
		if step == name {
			for _, arg := range args[1:] {
				script += " " + quoteArg(arg)
			}
		}
		env["npm_lifecycle_event"] = step
		if err := a.spawn(ctx, "/bin/sh", []string{"sh", "-c", script}, env); err != nil {
			return err
		}
	}
	return nil
}

// quoteArg makes s one word for a POSIX shell.
func quoteArg(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
