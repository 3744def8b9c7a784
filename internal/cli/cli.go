// Package cli is the command line: flags to library to print, one file per command.
//
// Its voice: results go to stdout; everything else goes to stderr after "pantry: ", in lower case
// and without a full stop; an error says what happened, and a line "pantry: hint:" what to do next.
// With --json, results are JSON on stdout and an error is one JSON object on stderr.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/stats"
	"github.com/pantry-go/pantry/telemetry"
)

// Env is what a command line runs in.
type Env struct {
	Args           []string // without the program's name
	Dir            string   // working folder
	Environ        []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is a terminal
	StdoutTerminal bool // Stdout is one, too
	Interactive    bool // Stdin is one too: somebody can answer
	Width          int  // of the terminal, in columns; 0 when not known
	// Interruptible makes a context that ends when the user interrupts the program; nil leaves it as it
	// is. It is called when there is something to interrupt: until then a signal ends the process, as
	// it should, and an install with nothing to do saves the time that handling signals takes.
	Interruptible func(context.Context) (context.Context, context.CancelFunc)
	// Keychain keeps the tokens of logins; nil means the operating system's.
	Keychain credential.Vault
	// ReadSecret reads a line from the terminal without showing it; nil where there is no terminal to
	// ask at.
	ReadSecret func(context.Context) (string, error)
	// Browse opens a page in the user's browser; nil where there is none.
	Browse func(url string) error
}

// Process is the environment of this process.
func Process() Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	e := Env{
		Args: os.Args[1:], Dir: dir, Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Interruptible: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		},
	}
	if fd := int(os.Stderr.Fd()); term.IsTerminal(fd) && os.Getenv("TERM") != "dumb" {
		e.Terminal = true
		e.Interactive = term.IsTerminal(int(os.Stdin.Fd()))
		e.Width, _, _ = term.GetSize(fd)
		e.StdoutTerminal = term.IsTerminal(int(os.Stdout.Fd()))
	}
	e.interactive()
	return e
}

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, e Env) int {
	a := &app{Env: e, ctx: ctx, stop: func() {}}
	defer func() { a.stop() }()
	root := a.rootCommand(e.Args)
	root.SetArgs(e.Args)
	root.SetIn(e.Stdin)
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	a.startTelemetry()
	c, err := root.ExecuteContextC(ctx)
	a.out.tell(a)
	if a.ctx.Err() != nil && err != nil {
		err = context.Canceled
	}
	exit := a.conclude(err)
	a.keepStats()
	a.endTelemetry(c, exit)
	return exit
}

// conclude tells the user of an error, and returns the exit code.
func (a *app) conclude(err error) int {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	if err != nil {
		var usage *usageError
		asJSON := a.flags.json || errors.As(err, &usage) && wantsJSON(a.Args)
		return printError(a.Stderr, err, asJSON)
	}
	return exitOK
}

// wantsJSON looks for --json where the flags may not have been read, because one of them is wrong.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--json", "--json=true":
			return true
		case "--":
			return false
		}
	}
	return false
}

// app is one run of the program.
type app struct {
	Env
	flags  globalFlags
	config *config.Config
	routes *registry.Manager

	recorder stats.Recorder     // of what registries are asked
	session  *telemetry.Session // nil: nobody wants any
	unsent   error              // why the telemetry was not sent
	out      distrusts

	ctx  context.Context // of the command that runs, to tell an interrupt from a failure
	stop context.CancelFunc
}

// interruptible is called once, when a command begins what may take long.
func (a *app) interruptible(ctx context.Context) context.Context {
	if a.Interruptible != nil {
		ctx, a.stop = a.Interruptible(ctx)
	}
	a.ctx = ctx
	return ctx
}

// globalFlags go with every command.
type globalFlags struct {
	json, quiet, verbose, offline bool
	global                        bool // of some commands
	preferOffline, preferOnline   bool // of those that ask registries
	dir, registry, fallback       string
	storeDir, linker              string
}

// rootCommand makes the program's command with the one below it that args ask for, or with all if that
// is not known: for help, completion and mistakes.
func (a *app) rootCommand(args []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "pantry",
		Short: "One client for every package registry a team uses",
		Long: `Pantry reads packages from several registries through one interface, with priorities,
fallback and authentication, and installs them from one manifest with one lockfile.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if c.Name() != installName {
				c.SetContext(a.interruptible(c.Context()))
			}
			return asUsage(c, c.ValidateFlagGroups())
		},
	}
	c.SetVersionTemplate("pantry {{.Version}}\n")
	c.SetFlagErrorFunc(asUsage)
	f := c.PersistentFlags()
	f.BoolVar(&a.flags.json, "json", false, "print JSON")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "print results and errors only")
	f.BoolVarP(&a.flags.verbose, "verbose", "v", false, "print more of what is done")
	f.BoolVar(&a.flags.offline, "offline", false, "send no request; use what is in store and cache")
	f.StringVarP(&a.flags.dir, "dir", "C", "", "run as if started in `DIR`")
	f.StringVar(&a.flags.registry, "registry", "", "ask the registry `NAME` only")
	f.StringVar(&a.flags.fallback, "fallback", "", "when to go on to the next registry: failover, always, not-found or never")
	f.StringVar(&a.flags.storeDir, "store-dir", "", "keep unpacked packages in `DIR`")
	if one := a.command(args); one != nil {
		group(c, one)
	} else {
		c.Version = programVersion() // makes the flag --version
		group(c, a.commands()...)
		a.withCompletion(c)
	}
	strict(c)
	return c
}

// dir is the project's folder.
func (a *app) dir() string {
	if a.flags.global {
		return a.globalDir()
	}
	dir := a.flags.dir
	if dir == "" {
		return a.Dir
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(a.Dir, dir)
	}
	return dir
}

// globalFlag gives a command -g: the project is the user's own.
func (a *app) globalFlag(c *cobra.Command) {
	c.Flags().BoolVarP(&a.flags.global, "global", "g", false, "for the user rather than the project")
}

// globalDir is the folder of what is installed for the user, made if need be.
func (a *app) globalDir() string {
	data, ok := a.getenv("XDG_DATA_HOME")
	if !ok || !filepath.IsAbs(data) {
		home, _ := a.getenv("HOME")
		data = filepath.Join(home, ".local", "share")
	}
	dir := filepath.Join(data, "pantry", "global")
	_ = os.MkdirAll(dir, 0o755) // what needs it says so if this failed
	return dir
}

// getenv looks a variable up in the environment the command runs in.
func (a *app) getenv(name string) (string, bool) {
	for i := len(a.Environ) - 1; i >= 0; i-- {
		if k, v, _ := strings.Cut(a.Environ[i], "="); k == name {
			return v, true
		}
	}
	return "", false
}

// encoder writes JSON as people and scripts want to read it: "<" stays "<".
func (a *app) encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}

// printJSON prints one indented document.
func (a *app) printJSON(v any) error {
	enc := a.encoder(a.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printLine prints one JSON value on a line.
func (a *app) printLine(v any) error { return a.encoder(a.Stdout).Encode(v) }

// warnf tells the user something that is no error.
func (a *app) warnf(format string, args ...any) {
	if !a.flags.quiet && !a.flags.json {
		fmt.Fprintf(a.Stderr, "pantry: warning: %s\n", indentLines(fmt.Sprintf(format, args...)))
	}
}

// isRegistry says which prefixes of a spec name a registry: names and types.
func isRegistry(m *registry.Manager) func(string) bool {
	return func(prefix string) bool {
		if _, ok := m.Get(prefix); ok {
			return true
		}
		_, ok := m.ByType(prefix)
		return ok
	}
}
