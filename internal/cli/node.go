package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// nodeVersion returns the version of the node on PATH; "" if there is none.
func nodeVersion() string {
	path, err := exec.LookPath("node")
	if err != nil {
		return ""
	}
	if v := headerVersion(path); v != "" {
		return v
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

const (
	// maxNodeHeader bounds node_version.h, which has 4 kB.
	maxNodeHeader = 64 << 10
	// together is how far apart the times of program and header may be for them to be of one version: the
	// header has the time of the source, and the program that of its build, which takes hours.
	together = 24 * time.Hour
)

// headerVersion reads the version from the header that Node.js is distributed with, beside the program:
// starting node takes longer than an install with nothing to fetch. It is believed only where the
// program and the header are of one day.
func headerVersion(program string) string {
	program, err := filepath.EvalSymlinks(program)
	if err != nil {
		return ""
	}
	f, err := os.Open(filepath.Join(filepath.Dir(program), "..", "include", "node", "node_version.h"))
	if err != nil {
		return ""
	}
	defer f.Close()
	header, err := f.Stat()
	if err != nil {
		return ""
	}
	binary, err := os.Stat(program)
	if err != nil || binary.ModTime().Sub(header.ModTime()).Abs() > together {
		return ""
	}
	data, err := io.ReadAll(io.LimitReader(f, maxNodeHeader))
	if err != nil {
		return ""
	}
	return parseNodeHeader(data)
}

// parseNodeHeader finds the three numbers of a release.
func parseNodeHeader(data []byte) string {
	var parts []string
	for _, name := range []string{"MAJOR", "MINOR", "PATCH"} {
		_, rest, found := bytes.Cut(data, []byte("#define NODE_"+name+"_VERSION "))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		n, err := strconv.ParseUint(strings.TrimSpace(string(line)), 10, 31)
		if !found || err != nil {
			return ""
		}
		parts = append(parts, strconv.FormatUint(n, 10))
	}
	if !bytes.Contains(data, []byte("#define NODE_VERSION_IS_RELEASE 1")) {
		return "" // a nightly build has more to its version
	}
	return "v" + strings.Join(parts, ".")
}
