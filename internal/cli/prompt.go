package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/term"

	"github.com/pantry-go/pantry"
)

// maxTyped bounds what a person types or pipes in: a token, in bytes.
const maxTyped = 16 << 10

// givenToken is the token of a person: from standard input with --token-stdin, else asked for.
func (a *app) givenToken(ctx context.Context, f loginFlags) (pantry.Secret, error) {
	if !f.tokenStdin {
		if a.ReadSecret == nil {
			return pantry.Secret{}, usagef("a token is needed, and there is no terminal to ask at: use --token-stdin")
		}
		return a.promptSecret(ctx, "token")
	}
	data, err := io.ReadAll(io.LimitReader(a.Stdin, maxTyped+1))
	if err != nil {
		return pantry.Secret{}, fmt.Errorf("standard input can't be read: %w", cause(err))
	}
	return typed("token", string(data))
}

// typed checks what was typed or piped in. It is not repeated in errors.
func typed(what, s string) (pantry.Secret, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return pantry.Secret{}, usagef("expected a %s, got nothing", what)
	case len(s) > maxTyped:
		return pantry.Secret{}, usagef("the %s has more than %d bytes", what, maxTyped)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return pantry.Secret{}, usagef("the %s holds a line break or another control character", what)
	case what == "token" && strings.Contains(s, " "):
		return pantry.Secret{}, usagef("the token holds a space")
	}
	return pantry.NewSecret(s), nil
}

// prompt asks for a line of standard input.
func (a *app) prompt(ctx context.Context, what string) (string, error) {
	fmt.Fprintf(a.Stderr, "pantry: %s: ", what)
	line, err := a.readLine(ctx)
	if err == nil && strings.TrimSpace(line) == "" {
		err = usagef("expected a %s, got nothing", what)
	}
	return strings.TrimSpace(line), err
}

// promptSecret asks for a line that does not show. Without a terminal it is the next line of standard
// input.
func (a *app) promptSecret(ctx context.Context, what string) (pantry.Secret, error) {
	fmt.Fprintf(a.Stderr, "pantry: %s: ", what)
	read := a.ReadSecret
	if read == nil {
		read = a.readLine
	}
	s, err := read(ctx)
	fmt.Fprintln(a.Stderr)
	if err != nil {
		return pantry.Secret{}, err
	}
	return typed(what, s)
}

// readLine reads one line and nothing beyond it, since another question may follow.
func (a *app) readLine(ctx context.Context) (string, error) {
	return interrupted(ctx, func() (string, error) {
		var line []byte
		for one := make([]byte, 1); len(line) <= maxTyped; {
			n, err := a.Stdin.Read(one)
			if n > 0 && one[0] == '\n' {
				break
			}
			line = append(line, one[:n]...)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return "", fmt.Errorf("standard input can't be read: %w", cause(err))
			}
		}
		return string(line), nil
	})
}

// interrupted returns what read does, or early when ctx ends: no read from a terminal takes a context.
func interrupted(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		s   string
		err error
	}
	done := make(chan result, 1)
	go func() {
		s, err := read()
		done <- result{s, err}
	}()
	select {
	case r := <-done:
		return r.s, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// visit shows the page of a login, and opens it where that can be.
func (a *app) visit(page string) error {
	fmt.Fprintf(a.Stderr, "pantry: log in at\n\n    %s\n\n", clean(page))
	if a.Browse != nil && a.Browse(page) != nil {
		fmt.Fprintln(a.Stderr, "pantry: no browser could be started: open the page yourself")
	}
	if !a.flags.quiet {
		fmt.Fprintln(a.Stderr, "pantry: waiting until you are done there")
	}
	return nil
}

// interactive fills what asks a person at the terminal.
func (e *Env) interactive() {
	fd := int(os.Stdin.Fd())
	if !e.Terminal || !term.IsTerminal(fd) {
		return
	}
	e.ReadSecret = func(ctx context.Context) (string, error) {
		before, err := term.GetState(fd)
		if err != nil {
			return "", err
		}
		s, err := interrupted(ctx, func() (string, error) {
			b, err := term.ReadPassword(fd)
			return string(b), err
		})
		if err != nil {
			_ = term.Restore(fd, before) // what is typed shows again
		}
		return s, err
	}
	program, args := browser()
	if program == "" {
		return
	}
	e.Browse = func(page string) error {
		cmd := exec.Command(program, append(args, page)...)
		if err := cmd.Start(); err != nil {
			return err
		}
		go func() { _ = cmd.Wait() }()
		return nil
	}
}

// browser is the program that opens a page; "" where there is no desktop.
func browser() (program string, args []string) {
	switch runtime.GOOS {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return "", nil
	}
	return "xdg-open", nil
}
