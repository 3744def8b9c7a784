package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/bundle"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/store"
)

// bundleName is the file that bundle create makes if it is not told another one.
const bundleName = "pantry-bundle.zip"

func (a *app) bundleCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "bundle",
		Short: "Put what a lockfile pins into one file, for places without a network",
	}, a.bundleCreateCommand(), a.bundleVerifyCommand(), a.bundleServeCommand(), a.bundleLoadCommand(), a.bundleDiffCommand())
}

func (a *app) bundleCreateCommand() *cobra.Command {
	var out, lock string
	var platforms []string
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a bundle of what a lockfile pins",
		Long: `Create downloads everything that the lockfile pins, of all registries, verifies it, and writes
one file with the packages and all that vouches for them. The same lockfile gives the same
bytes; the digest that is printed tells on the other side that the file is this one.`,
		Example: `  pantry bundle create
  pantry bundle create -o deps.zip --platform linux/amd64 --platform darwin/arm64`,
		Args: names(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error { return a.bundleCreate(c.Context(), out, lock, platforms) },
	}
	c.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`, into a folder, or with - to standard output (default "+bundleName+")")
	c.Flags().StringVar(&lock, "lockfile", lockfile.Name, "the lockfile is `FILE`")
	c.Flags().StringSliceVar(&platforms, "platform", nil, "take what runs on `OS/ARCH`, such as linux/amd64; may be repeated (default all)")
	return c
}

func (a *app) bundleCreate(ctx context.Context, out, lock string, platforms []string) error {
	if out == "-" && a.flags.json {
		return usagef("--json and -o - both want standard output")
	}
	wanted, err := bundle.ParsePlatforms(platforms)
	if err != nil {
		return err
	}
	text, err := readNamed(a.atDir(lock), lockfile.MaxSize)
	if err != nil {
		return pantry.WithHint(err, "pantry install makes a lockfile; --lockfile names another one")
	}
	work, err := os.MkdirTemp("", "pantry-bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	t, err := a.openTarget(out)
	if err != nil {
		return err
	}
	defer t.abort()
	show := a.newMirrorProgress()
	res, err := bundle.Create(ctx, bundle.Options{
		Lock: text, Source: a.bundleSource, Platforms: wanted, Work: work, Progress: show.event,
	}, t)
	show.stop()
	if err != nil {
		return err
	}
	if err := t.commit(bundleName); err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(bundleResult{t.shown, *res})
	}
	to := a.Stdout
	if out == "-" {
		to = a.Stderr
	}
	_, err = fmt.Fprintf(to, "%s  %s, %s\n%s\n", t.shown, counted(res.Packages, "package"), size(res.Size), res.SRI)
	return err
}

// bundleResult is what bundle create and verify print with --json.
type bundleResult struct {
	File string `json:"file"`
	bundle.Result
}

func (a *app) bundleSource(name string) (bundle.Source, error) {
	e, err := a.mirrorEntry(name)
	if err != nil {
		return bundle.Source{}, err
	}
	return bundle.Source{
		End:  mirror.End{Name: e.Name(), Registry: e, Allow: e.Allow},
		Type: e.Type(), NPMStyle: e.NPMStyle(), AllowMissingIntegrity: e.Config().AllowMissingChecksum,
	}, nil
}

func (a *app) openBundle(arg string) (*bundle.Bundle, error) {
	b, err := bundle.Open(a.atDir(arg))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no bundle %s", pantry.ErrConfig, clean(arg))
	}
	return b, err
}

func (a *app) bundleVerifyCommand() *cobra.Command {
	var digest string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check that a bundle is whole and holds nothing but what its lockfile pins",
		Long: `Verify reads the whole bundle: every file against the index, every package against the
lockfile, and that there is nothing else. Whoever made the bundle could have made another one:
--digest compares it with what bundle create printed.`,
		Args: names(1, 1, "one bundle"),
		RunE: func(c *cobra.Command, args []string) error { return a.bundleVerify(c.Context(), args[0], digest) },
	}
	c.Flags().StringVar(&digest, "digest", "", "the `DIGEST` that creating the bundle printed")
	return c
}

func (a *app) bundleVerify(ctx context.Context, arg, digest string) error {
	b, err := a.openBundle(arg)
	if err != nil {
		return err
	}
	defer b.Close()
	res, err := b.Verify(ctx)
	if err != nil {
		return err
	}
	if digest != "" && digest != res.SRI {
		return fmt.Errorf("%w: bundle %s has the digest %s", pantry.ErrIntegrity, clean(arg), res.SRI)
	}
	if a.flags.json {
		return a.printJSON(bundleResult{arg, *res})
	}
	_, err = fmt.Fprintf(a.Stdout, "%s is whole: %s, %s\n%s\n", clean(arg), counted(res.Packages, "package"), size(res.Size), res.SRI)
	return err
}

func (a *app) bundleServeCommand() *cobra.Command {
	var addr string
	c := &cobra.Command{
		Use:   "serve FILE",
		Short: "Serve a bundle as a registry",
		Long: `Serve answers npm's protocol and the REST convention from a bundle, so that npm, pnpm, yarn,
bun and pantry can install from it. Nothing can be published to it. It ends when interrupted.`,
		Example: `  pantry bundle serve deps.zip --addr 127.0.0.1:4873
  npm install --registry http://127.0.0.1:4873/npm/`,
		Args: names(1, 1, "one bundle"),
		RunE: func(c *cobra.Command, args []string) error { return a.bundleServe(c.Context(), args[0], addr) },
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:0", "listen at `HOST:PORT`; port 0 takes a free one")
	return c
}

const (
	slowHeader  = 10 * time.Second // for a client to send the header of a request
	lastAnswers = 3 * time.Second  // for answers under way when the server ends
)

func (a *app) bundleServe(ctx context.Context, arg, addr string) error {
	b, err := a.openBundle(arg)
	if err != nil {
		return err
	}
	defer b.Close()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%w: --addr %s: %w", pantry.ErrConfig, clean(addr), err)
	}
	base := "http://" + l.Addr().String()
	srv := &http.Server{Handler: b.Handler(base), ReadHeaderTimeout: slowHeader}
	if a.flags.json {
		err = a.printLine(map[string]string{"npm": base + bundle.NPMPath + "/", "rest": base + bundle.RESTPath + "/"})
	} else {
		_, err = fmt.Fprintf(a.Stdout, "npm:  %s%s/\nREST: %s%s/\n", base, bundle.NPMPath, base, bundle.RESTPath)
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAnswers)
	defer cancel()
	_ = srv.Shutdown(last)
	return nil
}

func (a *app) bundleLoadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "load FILE",
		Short: "Bring a bundle's packages into the store, for an install without a network",
		Long: `Load brings what this machine needs of a bundle into the store, verified. After that
pantry install --offline --frozen-lockfile installs the lockfile that the bundle is of, tools included.`,
		Args: names(1, 1, "one bundle"),
		RunE: func(c *cobra.Command, args []string) error { return a.bundleLoad(c.Context(), args[0]) },
	}
}

func (a *app) bundleLoad(ctx context.Context, arg string) error {
	c, err := a.settings()
	if err != nil {
		return err
	}
	b, err := a.openBundle(arg)
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := store.Open(c.StoreDir)
	if err != nil {
		return err
	}
	node := lockfile.Current()
	res, err := b.Load(ctx, s, node, pantry.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH, Libc: node.Libc})
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(res)
	}
	line := fmt.Sprintf("loaded %s into the store", counted(res.Loaded, "package"))
	if res.Present > 0 {
		line += fmt.Sprintf("; %d already there", res.Present)
	}
	if res.LeftOut > 0 {
		line += fmt.Sprintf("; %d for other platforms left out", res.LeftOut)
	}
	fmt.Fprintln(a.Stdout, line)
	if text, err := b.LockText(); err == nil && !a.flags.quiet {
		if mine, err := os.ReadFile(filepath.Join(a.dir(), lockfile.Name)); err != nil || string(mine) != string(text) {
			a.warnf("the lockfile here is not the one that the bundle is of; that one is in the bundle: unzip -p %s %s", clean(arg), lockfile.Name)
		}
	}
	return nil
}

func (a *app) bundleDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff FILE FILE",
		Short: "Tell the packages in which two bundles differ",
		Args:  names(2, 2, "two bundles"),
		RunE:  func(_ *cobra.Command, args []string) error { return a.bundleDiff(args[0], args[1]) },
	}
}

func (a *app) bundleDiff(before, after string) error {
	x, err := a.openBundle(before)
	if err != nil {
		return err
	}
	defer x.Close()
	y, err := a.openBundle(after)
	if err != nil {
		return err
	}
	defer y.Close()
	changes := bundle.Diff(x, y)
	if a.flags.json {
		if changes == nil {
			changes = []bundle.Change{}
		}
		return a.printJSON(changes)
	}
	for _, c := range changes {
		mark, what := "~", strings.Join(c.Before, ", ")+" -> "+strings.Join(c.After, ", ")
		switch {
		case len(c.Before) == 0:
			mark, what = "+", strings.Join(c.After, ", ")
		case len(c.After) == 0:
			mark, what = "-", strings.Join(c.Before, ", ")
		case len(c.Bytes) > 0 && strings.Join(c.Before, " ") == strings.Join(c.After, " "):
			what = strings.Join(c.Bytes, ", ") + " with other bytes"
		case len(c.Bytes) > 0:
			what += "; " + strings.Join(c.Bytes, ", ") + " with other bytes"
		}
		if _, err := fmt.Fprintf(a.Stdout, "%s %s:%s %s\n", mark, clean(c.Registry), clean(c.Name), clean(what)); err != nil {
			return err
		}
	}
	return nil
}
