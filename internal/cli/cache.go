package cli

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/httpcache"
	"github.com/pantry-go/pantry/registry/npm/packument"
)

func (a *app) cacheCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "cache",
		Short: "Look after what registries said before",
	},
		a.cachePathCommand(), a.cacheStatusCommand(), a.cachePruneCommand(),
	)
}

// cache is what is kept of registries' answers.
type cache struct {
	dir        string
	answers    *httpcache.Folder
	packuments *packument.Folder
}

func (a *app) openCache() (cache, error) {
	c, err := a.settings()
	if err != nil {
		return cache{}, err
	}
	if c.CacheDir == "" {
		err := fmt.Errorf("there is no folder for a cache: %w", pantry.ErrConfig)
		return cache{}, pantry.WithHint(err, "set cacheDir, or the variable HOME")
	}
	return cache{c.CacheDir, httpcache.NewFolder(c.CacheDir, httpcache.FolderOptions{}), packument.NewFolder(c.CacheDir)}, nil
}

func (a *app) cachePathCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Print the cache's folder",
		Args:  names(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			c, err := a.openCache()
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(map[string]string{"path": c.dir})
			}
			_, err = fmt.Fprintln(a.Stdout, c.dir)
			return err
		},
	}
}

func (a *app) cacheStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Count what is in the cache",
		Args:  names(0, 0, "no argument"),
		RunE:  func(*cobra.Command, []string) error { return a.cacheStatus() },
	}
}

// cached is a part of the cache as --json prints it.
type cached struct {
	Entries int   `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

func (c cached) String() string { return fmt.Sprintf("%d, %s", c.Entries, size(c.Bytes)) }

func (a *app) cacheStatus() error {
	c, err := a.openCache()
	if err != nil {
		return err
	}
	answers, err := c.answers.Usage()
	packuments, err2 := c.packuments.Usage()
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("the cache can't be read: %w", err)
	}
	p, q := cached{packuments.Packuments, packuments.Bytes}, cached{answers.Answers, answers.Bytes}
	if a.flags.json {
		return a.printJSON(struct {
			Path       string `json:"path"`
			Packuments cached `json:"packuments"`
			Answers    cached `json:"answers"`
		}{c.dir, p, q})
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "cache\t%s\n", c.dir)
	fmt.Fprintf(w, "npm packages\t%s\n", p)
	fmt.Fprintf(w, "other answers\t%s\n", q)
	return w.Flush()
}

func (a *app) cachePruneCommand() *cobra.Command {
	var all bool
	var older string
	c := &cobra.Command{
		Use:   "prune",
		Short: "Take out of the cache what is old",
		Long: `Prune takes out what no registry has confirmed for 30 days, and the oldest beyond the cache's bounds.
That happens by itself, too, now and then.`,
		Args: names(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error { return a.cachePrune(all, older) },
	}
	c.Flags().BoolVar(&all, "all", false, "take out everything")
	c.Flags().StringVar(&older, "older", "", "take out what was not confirmed for a `DURATION` such as 7d or 12h")
	c.MarkFlagsMutuallyExclusive("all", "older")
	return c
}

func (a *app) cachePrune(all bool, older string) error {
	age, most := time.Duration(packument.KeptFor), int64(packument.MaxBytes)
	if older != "" {
		var err error
		if age, err = config.ParseDuration(older); err != nil || age <= 0 {
			return usagef(`--older %s: expected a duration such as "12h" or "7d"`, older)
		}
	}
	c, err := a.openCache()
	if err != nil {
		return err
	}
	options := httpcache.PruneOptions{Older: age, All: all}
	if all {
		age, most = 0, 0
	}
	answers, err := c.answers.Prune(options)
	packuments, err2 := c.packuments.Prune(age, most)
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("the cache can't be pruned: %w", err)
	}
	p, q := cached{packuments.Packuments, packuments.Bytes}, cached{answers.Answers, answers.Bytes}
	if a.flags.json {
		return a.printJSON(struct {
			Packuments cached `json:"packuments"`
			Answers    cached `json:"answers"`
		}{p, q})
	}
	_, err = fmt.Fprintf(a.Stdout, "took out %s and %s (%s)\n",
		count(p.Entries, "npm package"), count(q.Entries, "other answer"), size(p.Bytes+q.Bytes))
	return err
}
