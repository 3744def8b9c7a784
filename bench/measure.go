package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// cost is what a run took.
type cost struct {
	Wall, User, System float64 // seconds
	Peak               float64 // MiB
}

// measureArg makes this program run the command that follows the name of a log file, and print what it took. A
// process of its own does that because the peak memory of a child counts that of the parent it was forked from.
const measureArg = "-measure"

func measure(logFile string, args []string) error {
	output, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	start := time.Now()
	err = cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return err
	}
	c := cost{Wall: wall.Seconds(), User: cmd.ProcessState.UserTime().Seconds(), System: cmd.ProcessState.SystemTime().Seconds()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.Peak = float64(u.Maxrss) / 1024
		if runtime.GOOS == "darwin" { // bytes, where Linux has KiB
			c.Peak /= 1024
		}
	}
	return json.NewEncoder(os.Stdout).Encode(c)
}

// process is a command as it is measured.
type process struct {
	args    []string
	dir     string
	env     []string
	log     string // file for its output
	timeout time.Duration
}

// run measures one run. What is not on disk yet is written there first, so that nobody pays for somebody else's
// files.
func (p process) run(ctx context.Context) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, append([]string{measureArg, p.log}, p.args...)...)
	cmd.Dir, cmd.Env = p.dir, p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that the client dies with the one that measures it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	syscall.Sync()
	measured, err := cmd.Output()
	if err != nil {
		return cost{}, errors.Join(ctx.Err(), fmt.Errorf("%w %s%s", err, &stderr, said(p.log)))
	}
	var c cost
	return c, json.Unmarshal(measured, &c)
}

// maxShown is how much is shown of the beginning, and of the end, of what a failing client said.
const maxShown = 1000

func said(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	if len(data) <= 2*maxShown {
		return string(data)
	}
	return string(data[:maxShown]) + "\n[…]\n" + string(data[len(data)-maxShown:])
}
