package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// ToolBin is where the programs of a project's tools are linked, relative to the project.
const ToolBin = ".pantry/bin"

// Program is a program of a tool.
type Program struct {
	Name string // of the command
	Path string // absolute, in the store
	// Env is what the program needs around it.
	Env []pantry.Variable
}

// ApplyTools makes the project's folder of tool programs hold exactly programs: the whole folder is
// built aside and put in place in one step. Without programs it is removed. The folder keeps itself
// out of git.
func ApplyTools(dir string, programs []Program) error {
	own := filepath.Join(dir, filepath.FromSlash(filepath.Dir(ToolBin)))
	bin := filepath.Join(dir, filepath.FromSlash(ToolBin))
	if err := clearStages(own); err != nil {
		return err
	}
	if len(programs) == 0 {
		if err := os.RemoveAll(bin); err != nil {
			return fmt.Errorf("remove the tools' programs: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(own, 0o755); err != nil {
		return fmt.Errorf("link the tools' programs: %w", err)
	}
	if err := keepOutOfGit(own); err != nil {
		return err
	}
	stage, err := os.MkdirTemp(own, toolStage)
	if err != nil {
		return fmt.Errorf("link the tools' programs: %w", err)
	}
	defer os.RemoveAll(stage)
	for _, p := range programs {
		if err := p.write(stage); err != nil {
			return fmt.Errorf("link the program %s: %w", p.Name, err)
		}
	}
	if err := os.Chmod(stage, 0o755); err != nil { // MkdirTemp makes it private
		return err
	}
	return putFolder(stage, bin)
}

// toolStage names the folders in which programs are being linked.
const toolStage = "bin-"

// clearStages removes what an interrupted run left. Only one ApplyTools may run on a project at a time.
func clearStages(own string) error {
	entries, err := os.ReadDir(own)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), toolStage) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(own, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("clear what an interrupted run left: %w", err)
	}
	return nil
}

// putFolder puts stage where dst is, or may be.
func putFolder(stage, dst string) error {
	if exchange(stage, dst) == nil {
		return nil
	}
	if err := os.RemoveAll(dst); err != nil {
		return err
	}
	return os.Rename(stage, dst)
}

func keepOutOfGit(own string) error {
	path := filepath.Join(own, ".gitignore")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, []byte("*\n"), 0o644); err != nil {
		return fmt.Errorf("link the tools' programs: %w", err)
	}
	return nil
}

// write makes a link to the program, or where it needs an environment a script that sets it.
func (p Program) write(dir string) error {
	if !safeProgramName(p.Name) {
		return fmt.Errorf("%q is no name of a command", p.Name)
	}
	for _, v := range p.Env {
		if !isVariable(v.Name) {
			return fmt.Errorf("%q is no name of a variable", v.Name)
		}
	}
	path := filepath.Join(dir, p.Name)
	if len(p.Env) == 0 {
		return os.Symlink(p.Path, path)
	}
	return os.WriteFile(path, []byte(p.script()), 0o755)
}

// isVariable says whether a POSIX shell takes s for the name of a variable.
func isVariable(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func safeProgramName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// script sets the environment and becomes the program.
func (p Program) script() string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, v := range p.Env {
		if v.Prepend {
			fmt.Fprintf(&b, "export %s=%s${%s:+:$%s}\n", v.Name, shellQuote(v.Value), v.Name, v.Name)
		} else {
			fmt.Fprintf(&b, "[ -n \"${%s+x}\" ] || export %s=%s\n", v.Name, v.Name, shellQuote(v.Value))
		}
	}
	fmt.Fprintf(&b, "exec %s \"$@\"\n", shellQuote(p.Path))
	return b.String()
}

// shellQuote makes s one word for a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// SortPrograms orders programs by name, and drops all but the first of one name.
func SortPrograms(programs []Program) []Program {
	slices.SortStableFunc(programs, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(programs, func(a, b Program) bool { return a.Name == b.Name })
}
