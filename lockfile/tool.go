package lockfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// Tool is what a lockfile says of a package that is a program: it is not a folder of node_modules,
// and has an artifact of its own for each platform.
type Tool struct {
	// Builds has one artifact for each platform, in the order of the platforms' names.
	Builds []Build
	// Provides lists the programs as paths in the unpacked artifact; empty where they are to be
	// found in it.
	Provides []string
	// Env is the environment the tool needs; "{{prefix}}" stands for the folder it is unpacked in.
	Env map[string]string
}

// Build is a tool's artifact for one platform.
type Build struct {
	Platform   pantry.Platform
	Integrity  integrity.Set
	File       string // its name, whose extension tells how to unpack it
	Strip      int    // leading path segments to drop; -1: a single top folder if there is one
	Executable string // the program of an artifact that is one bare or compressed binary
}

// Build returns the artifact for a platform: one for its C library, else one that does not care.
func (t *Tool) Build(pl pantry.Platform) (Build, bool) {
	var found Build
	ok := false
	for _, b := range t.Builds {
		if b.Platform.OS != pl.OS || b.Platform.Arch != pl.Arch {
			continue
		}
		if b.Platform.Libc == pl.Libc {
			return b, true
		}
		if b.Platform.Libc == "" {
			found, ok = b, true
		}
	}
	return found, ok
}

// maxBuilds bounds the platforms of a tool: there are some dozens in the world.
const maxBuilds = 128

func formatTool(b []byte, t *Tool) []byte {
	if t == nil {
		return b
	}
	for _, build := range t.Builds {
		fields := []string{build.Platform.String(), build.File, strconv.Itoa(build.Strip), build.Executable}
		for _, d := range build.Integrity {
			fields = append(fields, d.String())
		}
		b = line(b, "  build", fields...)
	}
	for _, path := range t.Provides {
		b = line(b, "  provides", path)
	}
	return pairs(b, "  env", t.Env)
}

// tool reads the keywords of a tool.
func (p *parser) tool(c cursor, word string, at int) error {
	if p.pkg.Tool == nil {
		p.pkg.Tool = &Tool{}
	}
	t := p.pkg.Tool
	switch word {
	case "build":
		return p.build(c, t, at)
	case "provides":
		var f [1]string
		if err := p.fields(&c, f[:]); err != nil {
			return err
		}
		if err := checkSafe(f[0], maxBinPath); err != nil {
			return p.errorf(at, "program %q of package %q: %w", f[0], p.id, err)
		}
		t.Provides = append(t.Provides, f[0])
		return nil
	}
	var f [2]string
	if err := p.fields(&c, f[:]); err != nil {
		return err
	}
	if f[0] == "" || strings.ContainsAny(f[0], "=\x00") {
		return p.errorf(at, "%q is no name of a variable", f[0])
	}
	if _, dup := t.Env[f[0]]; dup {
		return p.errorf(at, "duplicate variable %q in package %q", f[0], p.id)
	}
	if t.Env == nil {
		t.Env = map[string]string{}
	}
	t.Env[f[0]] = f[1]
	return nil
}

func (p *parser) build(c cursor, t *Tool, at int) error {
	var f [4]string
	for i := range f {
		v, err := p.field(&c)
		if err != nil {
			return err
		}
		f[i] = v
	}
	b := Build{File: f[1], Executable: f[3]}
	var err error
	if b.Platform, err = parsePlatform(f[0]); err != nil {
		return p.errorf(at, "build of package %q: %w", p.id, err)
	}
	if err := checkSafe(b.File, maxSegment); err != nil || strings.Contains(b.File, "/") {
		return p.errorf(at, "build of package %q: %q is no file name", p.id, b.File)
	}
	if b.Strip, err = strconv.Atoi(f[2]); err != nil || b.Strip < -1 || b.Strip > maxStrip {
		return p.errorf(at, "build of package %q: %q is no number of path segments", p.id, f[2])
	}
	if b.Executable != "" {
		if err := checkSafe(b.Executable, maxSegment); err != nil || strings.Contains(b.Executable, "/") {
			return p.errorf(at, "build of package %q: %q is no name of a program", p.id, b.Executable)
		}
	}
	if !c.done() {
		if b.Integrity, err = p.digests(&c); err != nil {
			return err
		}
	}
	for _, have := range t.Builds {
		if have.Platform == b.Platform {
			return p.errorf(at, "duplicate build for %s in package %q", b.Platform, p.id)
		}
	}
	if len(t.Builds) == maxBuilds {
		return p.errorf(at, "more than %d builds in package %q", maxBuilds, p.id)
	}
	t.Builds = append(t.Builds, b)
	return nil
}

// maxStrip bounds the path segments to drop: names of packages have a few.
const maxStrip = 32

// parsePlatform reads "os/arch" and "os/arch/libc".
func parsePlatform(s string) (pantry.Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return pantry.Platform{}, fmt.Errorf("%q is no platform", s)
	}
	for _, part := range parts {
		if checkSafe(part, maxSegment) != nil {
			return pantry.Platform{}, fmt.Errorf("%q is no platform", s)
		}
	}
	pl := pantry.Platform{OS: parts[0], Arch: parts[1]}
	if len(parts) == 3 {
		pl.Libc = parts[2]
	}
	return pl, nil
}
