package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// strict makes a mistake in the arguments of c or a command below it one of usage, whatever cobra
// makes of it.
func strict(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error { return asUsage(c, check(c, args)) }
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// asUsage makes err a mistake of usage that leads to the command's help.
func asUsage(c *cobra.Command, err error) error {
	var usage *usageError
	if err == nil || errors.As(err, &usage) {
		return err
	}
	return usagef("%w; see %s --help", err, c.CommandPath())
}

// group makes c a command that stands for those below it.
func group(c *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	c.AddCommand(subs...)
	c.Args = subcommand
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// subcommand refuses what is no command below c.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	name := args[0]
	message := fmt.Sprintf("there is no command %q", strings.TrimPrefix(c.CommandPath()+" "+name, "pantry "))
	c.SuggestionsMinimumDistance = max(c.SuggestionsMinimumDistance, 2) // cobra's default, which it sets too late
	if near := c.SuggestionsFor(name); len(near) > 0 {
		message += ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s; see %s --help", message, c.CommandPath())
}

// names takes at least least and at most most arguments; most < 0 means any number. what is how
// they read.
func names(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("expected %s; see %s --help", what, c.CommandPath())
		case most >= 0 && len(args) > most:
			return usagef("expected %s, got also %q; see %s --help", what, args[most], c.CommandPath())
		}
		return nil
	}
}
