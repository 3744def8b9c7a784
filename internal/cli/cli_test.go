package cli_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/internal/cli"
)

// run runs one command line in an empty folder, without any environment.
func run(ctx context.Context, t *testing.T, e cli.Env) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	home := t.TempDir()
	e.Dir, e.Stdin, e.Stderr = t.TempDir(), strings.NewReader(""), &errs
	e.Environ = append(e.Environ, "HOME="+home, "HTTPS_PROXY=http://127.0.0.1:1")
	if e.Stdout == nil {
		e.Stdout = &out
	}
	code = cli.Main(ctx, e)
	return code, out.String(), errs.String()
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"info", "lodash"}, {"search", "lodash"}, {"download", "lodash"}, {"registry", "ping"}} {
		code, stdout, stderr := run(ctx, t, cli.Env{Args: args})
		if code != 130 || stdout != "" || stderr != "pantry: interrupted\n" {
			t.Errorf("%v: %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// TestOutputFails: what could not be printed is a failure of the command.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"version", "registry list", "registry list --json", "registry default", "config show", "config show --json",
		"config get fallback", "config schema", "config validate", "config validate --json", "completion bash", "completion fish",
	} {
		code, _, stderr := run(context.Background(), t, cli.Env{Args: strings.Fields(args), Stdout: fullDisk{}})
		if code != 1 || !strings.Contains(stderr, errFull.Error()) {
			t.Errorf("%s: %d, %q", args, code, stderr)
		}
	}
}
