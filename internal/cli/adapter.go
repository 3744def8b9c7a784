package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter"
)

func (a *app) adapterCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "adapter",
		Aliases: []string{"adapters"},
		Short:   "Check what reads registries of other protocols",
	}, a.adapterTestCommand(), a.adapterCheckCommand(), a.adapterListCommand())
}

func (a *app) adapterTestCommand() *cobra.Command {
	var sample, url string
	c := &cobra.Command{
		Use:   "test [--package NAME] -- COMMAND [ARG…]",
		Short: "Put an adapter program to the test of its protocol",
		Long: `Test runs a program and checks that it speaks the protocol of adapters as Pantry expects it:
answers, errors, artifacts and their digests, questions all at once, and its end.`,
		Example: `  pantry adapter test --package left-pad -- ./my-adapter --verbose`,
		Args:    names(1, -1, "a program"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.adapterTest(c.Context(), adapter.ProgramOptions{Name: "test", Command: args, URL: url, Getenv: a.getenv}, sample)
		},
	}
	c.Flags().StringVar(&sample, "package", "", "a `NAME` that the program's registry has (default the one that the program names)")
	c.Flags().StringVar(&url, "url", "", "the `URL` that the program is told")
	c.Flags().SetInterspersed(false)
	return c
}

// checked is a line of adapter test as --json prints it.
type checked struct {
	Check   string `json:"check"`
	Result  string `json:"result"` // pass, fail, skip
	Problem string `json:"problem,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

func (a *app) adapterTest(ctx context.Context, o adapter.ProgramOptions, sample string) error {
	if strings.ContainsAny(o.Command[0], `/\`) { // as the shell means it
		o.Command[0] = a.absolute(o.Command[0])
	}
	count := map[string]int{}
	var werr error
	good := adapter.CheckProgram(ctx, o, sample, func(r adapter.CheckResult) {
		f := checked{Check: r.Name, Result: "pass"}
		switch {
		case r.Err != nil:
			f.Result, f.Problem, f.Hint = "fail", clean(r.Err.Error()), clean(pantry.Hint(r.Err))
		case r.Skipped != "":
			f.Result, f.Problem = "skip", r.Skipped
		}
		count[f.Result]++
		if err := a.printChecked(f); werr == nil {
			werr = err
		}
	})
	switch {
	case werr != nil:
		return werr
	case ctx.Err() != nil:
		return ctx.Err()
	case !good:
		return fmt.Errorf("the program %s fails %d of %d checks", o.Command[0], count["fail"], count["fail"]+count["pass"]+count["skip"])
	}
	return nil
}

func (a *app) printChecked(f checked) error {
	if a.flags.json {
		return a.printLine(f)
	}
	s := f.Result + "  " + f.Check
	if f.Problem != "" {
		s += "\n      " + f.Problem
	}
	if f.Hint != "" {
		s += "\n      " + f.Hint
	}
	_, err := fmt.Fprintln(a.Stdout, s)
	return err
}

func (a *app) adapterCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check an adapter definition",
		Long:  `Check reads a definition and lists its mistakes. It sends no request.`,
		Args:  names(1, 1, "a definition"),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := adapter.Load(a.absolute(args[0]))
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(map[string]string{"ecosystem": d.Ecosystem(), "url": d.URL()})
			}
			_, err = fmt.Fprintf(a.Stdout, "%s is a definition for %s\n", args[0], clean(d.Ecosystem()))
			return err
		},
	}
}

func (a *app) adapterListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the adapters that are built in",
		Args:    names(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				Name      string `json:"name"`
				Ecosystem string `json:"ecosystem"`
				Title     string `json:"title"`
				URL       string `json:"url"`
			}
			var rows []row
			var errs []error
			for _, name := range adapter.BuiltIns() {
				d, err := adapter.BuiltIn(name)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				rows = append(rows, row{name, d.Ecosystem(), d.Title(), d.URL()})
			}
			if err := errors.Join(errs...); err != nil || a.flags.json {
				return errors.Join(err, a.printJSON(rows))
			}
			for _, r := range rows {
				u := r.URL
				if u == "" {
					u = "from the environment"
				}
				if _, err := fmt.Fprintf(a.Stdout, "%-9s %-15s %s\n", r.Name, r.Title, u); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// absolute is a path as the user gave it, from the project's folder.
func (a *app) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(a.dir(), path)
}
