package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/discover/foreign"
)

func (a *app) registryImportCommand() *cobra.Command {
	var f proposalFlags
	var format string
	c := &cobra.Command{
		Use:   "import [FILE...]",
		Short: "Add the registries that other tools are configured with",
		Long: `Import reads the configuration of npm, yarn, bun, pnpm, pip, uv, NuGet and cargo, shows which
registries it would add to pantry.json, and adds those that are agreed to. Secrets are never copied.

Without FILE it reads what is in the project, and the variables of these tools; with --user what is in
the home folder, for the user's own pantry.json.`,
		Example: `  pantry registry import
  pantry registry import .yarnrc.yml --yes
  pantry registry import ci/pip.cfg --format pip`,
		RunE: func(c *cobra.Command, args []string) error {
			found, err := a.foreign(args, format, f.user)
			if err != nil {
				return err
			}
			return a.propose(c.Context(), found, f)
		},
	}
	f.define(c)
	c.Flags().StringVar(&format, "format", "", "what the files are: npmrc, yarn, bun, pnpm, pip, requirements, uv, pyproject, nuget or cargo")
	return c
}

// foreign reads the files that are named, or those that are in their usual places.
func (a *app) foreign(files []string, format string, user bool) (findings, error) {
	var all findings
	named := len(files) > 0
	if !named {
		if format != "" {
			return all, usagef("--format says what a file is: name the file")
		}
		files = a.usualFiles(user)
	}
	kept := a.npmrcFiles()
	for _, file := range files {
		path := file
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.dir(), path)
		}
		data, err := readBounded(path, foreign.MaxFile)
		if !named && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		shown := a.shownConfig(path)
		if err != nil {
			return all, pantry.WithHint(fmt.Errorf("%w: %s can't be read: %w", pantry.ErrConfig, shown, cause(err)), "name a file, or none to look in the usual places")
		}
		r, err := foreign.Read(shown, data, foreign.Options{Format: format, Kept: kept[path], Getenv: a.getenv})
		switch {
		case err == nil:
			all.read = append(all.read, shown)
			all.Proposals = append(all.Proposals, r.Proposals...)
			all.Secrets = append(all.Secrets, r.Secrets...)
		case named:
			return all, err
		default: // nobody asked for this file
			a.warnf("%v", err)
		}
	}
	if !named && !user {
		r := foreign.Environ(a.Environ)
		all.Proposals = append(all.Proposals, r.Proposals...)
		all.Secrets = append(all.Secrets, r.Secrets...)
	}
	return all, nil
}

// usualFiles are where tools keep their configuration.
func (a *app) usualFiles(user bool) []string {
	in := func(dir string, names ...string) []string {
		var paths []string
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)))
		}
		return paths
	}
	if !user {
		paths := in(a.dir(), ".npmrc", ".yarnrc.yml", "bunfig.toml", "pnpm-workspace.yaml", "pip.conf", "uv.toml", "pyproject.toml", ".cargo/config.toml")
		for _, pattern := range []string{"requirements*.txt", "[nN]u[gG]et.[cC]onfig"} {
			more, err := filepath.Glob(filepath.Join(globQuoted(a.dir()), pattern))
			if err == nil {
				paths = append(paths, more...)
			}
		}
		return paths
	}
	home, _ := a.getenv("HOME")
	if home == "" {
		return nil
	}
	conf, ok := a.getenv("XDG_CONFIG_HOME")
	if !ok || !filepath.IsAbs(conf) {
		conf = filepath.Join(home, ".config")
	}
	paths := in(home, ".npmrc", ".yarnrc.yml", ".bunfig.toml", ".pip/pip.conf", ".nuget/NuGet/NuGet.Config", ".cargo/config.toml", ".cargo/credentials.toml")
	return append(paths, in(conf, ".bunfig.toml", "pip/pip.conf", "uv/uv.toml")...)
}

// globQuoted is a folder's path for filepath.Glob, which would read a bracket in it as a pattern.
func globQuoted(dir string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(dir)
}

// npmrcFiles are the .npmrc files that Pantry reads itself.
func (a *app) npmrcFiles() map[string]bool {
	files := map[string]bool{filepath.Join(a.dir(), ".npmrc"): true}
	if home, ok := a.getenv("HOME"); ok {
		files[filepath.Join(home, ".npmrc")] = true
	}
	return files
}

// readBounded reads a file of at most most bytes, and one byte more of a larger one.
func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
