package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/pantry-go/pantry/bench/report"
)

// memoryDir is a file system in memory on most Linux systems.
const memoryDir = "/dev/shm"

// workDir makes the folder below which projects are installed.
func workDir(parent string) (string, error) {
	if parent == "" {
		if st, err := os.Stat(memoryDir); err == nil && st.IsDir() {
			parent = memoryDir
		} else {
			log.Printf("warning: there is no %s, so that projects are installed on the disk. Where that is ext4 without a journal,"+
				" creating files is slow for minutes after others were deleted: give -work a folder on another file system", memoryDir)
		}
	}
	if parent != "" {
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(parent, "pantry-bench-")
}

// facts describes the machine.
func facts(ctx context.Context, work string) report.Machine {
	m := report.Machine{
		CPU: runtime.GOARCH, Cores: runtime.NumCPU(), Files: fileSystem(work), Go: runtime.Version(),
		System: command(ctx, "uname", "-sr"), Node: command(ctx, "node", "--version"),
	}
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		m.CPU = model
	}
	var kib float64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%f kB", &kib); err == nil {
		m.Memory = kib / (1 << 20)
	}
	return m
}

// fileSystem is the type of the file system that a folder is on, as df says.
func fileSystem(dir string) string {
	out, err := exec.Command("df", "-PT", dir).Output()
	if err != nil {
		return "unknown"
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if f := strings.Fields(lines[len(lines)-1]); len(f) > 1 {
		return f[1]
	}
	return "unknown"
}

func command(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// field returns what follows the first "name:" in a file of such lines.
func field(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
