package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// peer is a package manager that is installed from npm. Versions are fixed so that a run can be repeated.
type peer struct {
	family  string
	pkg     string
	version string
	program string // in the package's folder
}

// peers returns the peers for this platform: the package that has the program itself, not the one that picks it.
func peers() ([]peer, error) {
	arch, ok := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if !ok || runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		return nil, fmt.Errorf("the peers have no program for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	bunArch := strings.ReplaceAll(arch, "arm64", "aarch64")
	return []peer{
		{"bun", "@oven/bun-" + runtime.GOOS + "-" + bunArch, "1.4.5", "bin/bun"},
		{"pnpm", "@pnpm/exe." + runtime.GOOS + "-" + arch, "12.21.0", "pnpm"},
		{"npm", "npm", "11.21.2", "bin/npm-cli.js"},
	}, nil
}

// programs returns the program of each family, installing those that are not there into the cache folder with the
// pantry that is measured, and the version of each.
func programs(ctx context.Context, o options) (paths, versions map[string]string, err error) {
	pantry, err := filepath.Abs(o.pantry)
	if err != nil {
		return nil, nil, err
	}
	out, err := exec.CommandContext(ctx, pantry, "version").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", o.pantry, err)
	}
	paths = map[string]string{"pantry": pantry}
	versions = map[string]string{"pantry": strings.TrimPrefix(strings.TrimSpace(string(out)), "pantry ")}
	all, err := peers()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		if paths[p.family], err = p.get(ctx, pantry, o.cache); err != nil {
			return nil, nil, err
		}
		versions[p.family] = p.version
	}
	return paths, versions, nil
}

// get returns the peer's program.
func (p peer) get(ctx context.Context, pantry, cache string) (string, error) {
	spec := p.pkg + "@" + p.version
	dir, err := filepath.Abs(filepath.Join(cache, "clients", strings.ReplaceAll(spec, "/", "+")))
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "node_modules", filepath.FromSlash(p.pkg), filepath.FromSlash(p.program))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, pantry, "install", "-C", dir, "--linker=hoisted", "--copy-method=copy", "--save-exact", spec)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install %s: %w\n%s", spec, err, output)
	}
	return program, os.Chmod(program, 0o755) // not every package's archive says so
}
