package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/stats"
)

// counting makes the registries count what they are asked, besides what o observes already.
func (a *app) counting(o registry.Options) registry.Options {
	o.Observe = both(o.Observe, a.recorder.Exchange)
	o.ObserveBody = both(o.ObserveBody, a.recorder.Transfer)
	o.ObserveBreaker = both(o.ObserveBreaker, a.recorder.Breaker)
	o.ObserveDecision = both(o.ObserveDecision, a.recorder.Decision)
	return o
}

// both calls two functions; either may be nil.
func both[T any](f, g func(T)) func(T) {
	switch {
	case f == nil:
		return g
	case g == nil:
		return f
	}
	return func(v T) { f(v); g(v) }
}

// statsFile is where the counts of all commands are added up; nil where there is no folder for it.
func (a *app) statsFile() *stats.File {
	if a.config == nil || a.config.CacheDir == "" {
		return nil
	}
	return stats.NewFile(a.config.CacheDir)
}

// keepStats adds what this command counted. A command that asked nobody does nothing, and none
// fails for it.
func (a *app) keepStats() {
	f := a.statsFile()
	if f == nil {
		return
	}
	s := a.recorder.Stats()
	if len(s.Registries) == 0 {
		return
	}
	if err := f.Add(s); err != nil && a.flags.verbose {
		a.warnf("what was asked is not in the statistics: %v", err)
	}
}

// statistics are the counts of earlier commands and this one.
func (a *app) statistics() (stats.Stats, error) {
	var s stats.Stats
	var err error
	if f := a.statsFile(); f != nil {
		s, err = f.Load()
	}
	s.Merge(a.recorder.Stats())
	return s, err
}

func (a *app) statsCommand() *cobra.Command {
	var reset bool
	c := &cobra.Command{
		Use:   "stats [NAME]",
		Short: "Tell how the registries did",
		Long: `Stats prints what was asked of each registry by all commands of this user, and what came of it:
requests, successes, how long answers took, bytes, the share of lookups that the cache answered, lookups
that went on to another registry, and what is left of limits. With NAME, or --verbose, it tells every
host that was asked. The counts stay on this machine, and hold no names of packages.`,
		Args: names(0, 1, "at most one name"),
		RunE: func(_ *cobra.Command, args []string) error {
			name := a.flags.registry
			if len(args) > 0 {
				name = args[0]
			}
			if reset {
				if name != "" {
					return usagef("--reset forgets the counts of every registry: leave out %q", name)
				}
				return a.resetStats()
			}
			return a.stats(name)
		},
	}
	c.Flags().BoolVar(&reset, "reset", false, "forget all counts, and begin anew")
	return c
}

func (a *app) resetStats() error {
	if _, err := a.settings(); err != nil {
		return err
	}
	if f := a.statsFile(); f != nil {
		if err := f.Reset(); err != nil {
			return fmt.Errorf("the statistics cannot be reset: %w", err)
		}
	}
	if a.flags.json {
		return a.printJSON(map[string]bool{"reset": true})
	}
	if !a.flags.quiet {
		fmt.Fprintln(a.Stdout, "counting begins anew")
	}
	return nil
}

// statsRow is a registry, or one of its origins, as stats prints it.
type statsRow struct {
	Registry  string                `json:"registry,omitempty"`
	Origin    string                `json:"origin,omitempty"`
	Requests  int64                 `json:"requests"`
	Succeeded int64                 `json:"succeeded"`
	Failures  map[stats.Class]int64 `json:"failures"`
	Canceled  int64                 `json:"canceled"`
	Success   *float64              `json:"success"` // share from 0 to 1; null where there was no request
	Latency   latencies             `json:"latencyMs"`
	Bytes     int64                 `json:"bytes"`
	Breaker   breakerRow            `json:"breaker"`
	Quotas    []stats.Quota         `json:"quotas,omitempty"`

	*lookupRow
	Origins []statsRow `json:"origins,omitempty"`
}

// lookupRow is what is counted for registries only.
type lookupRow struct {
	Last       time.Time        `json:"last,omitzero"`
	Lookups    int64            `json:"lookups"`
	Found      int64            `json:"found"`
	Fallbacks  int64            `json:"fallbacks"`
	Cache      map[string]int64 `json:"cache"`
	CacheRatio *float64         `json:"cacheRatio"` // share from 0 to 1; null where nothing is known
}

type breakerRow struct {
	Opened     int64     `json:"opened"`
	LastOpened time.Time `json:"lastOpened,omitzero"`
}

// latencies are quantiles in milliseconds; null where there are none.
type latencies struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
}

func latenciesOf(p50, p95 time.Duration) latencies {
	if p50 == 0 && p95 == 0 {
		return latencies{}
	}
	ms := func(d time.Duration) *float64 { return new(math.Round(float64(d.Microseconds())/100) / 10) }
	return latencies{P50: ms(p50), P95: ms(p95)}
}

func newStatsRow(o stats.Origin) statsRow {
	row := statsRow{
		Origin: o.Origin, Requests: o.Requests, Succeeded: o.Succeeded(), Canceled: o.Canceled,
		Failures: map[stats.Class]int64{}, Bytes: o.Bytes,
		Latency: latenciesOf(o.Latency.Quantile(0.5), o.Latency.Quantile(0.95)),
		Breaker: breakerRow{o.Opened, o.LastOpened}, Quotas: o.Quotas,
	}
	maps.Copy(row.Failures, o.Failures)
	if share, ok := o.Success(); ok {
		row.Success = &share
	}
	return row
}

func newRegistryStats(r stats.Registry) statsRow {
	row := newStatsRow(r.Total())
	row.Registry, row.Origin = r.Name, ""
	l := &lookupRow{Last: r.Last, Lookups: r.Lookups, Found: r.Found, Fallbacks: r.Fallbacks, Cache: map[string]int64{}}
	maps.Copy(l.Cache, r.Cache)
	if share, ok := r.CacheShare(); ok {
		l.CacheRatio = &share
	}
	row.lookupRow = l
	for _, o := range r.Origins {
		row.Origins = append(row.Origins, newStatsRow(o))
	}
	return row
}

func (a *app) stats(name string) error {
	if _, err := a.settings(); err != nil {
		return err
	}
	s, err := a.statistics()
	if err != nil {
		if errors.Is(err, stats.ErrDamaged) {
			err = pantry.WithHint(err, "begin anew: pantry stats --reset")
		}
		return err
	}
	doc := struct {
		Since      time.Time  `json:"since,omitzero"`
		Registries []statsRow `json:"registries"`
	}{Since: s.Since, Registries: []statsRow{}}
	for _, r := range s.Registries {
		if name == "" || r.Name == name {
			doc.Registries = append(doc.Registries, newRegistryStats(r))
		}
	}
	if name != "" && len(doc.Registries) == 0 {
		if _, err := a.known(name); err != nil {
			return err
		}
	}
	if a.flags.json {
		return a.printJSON(doc)
	}
	if len(doc.Registries) == 0 {
		fmt.Fprintln(a.Stdout, "no registry was asked yet")
		return nil
	}
	fmt.Fprintf(a.Stdout, "since %s (%s)\n", doc.Since.Local().Format(time.DateTime), span(time.Since(doc.Since)))
	return a.printStats(doc.Registries, name != "" || a.flags.verbose)
}

func (a *app) printStats(rows []statsRow, origins bool) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REGISTRY\tREQUESTS\tSUCCESS\tP50\tP95\tRECEIVED\tLOOKUPS\tCACHED\tFALLBACKS\tREMARKS")
	for _, r := range rows {
		r.print(w, clean(r.Registry), fmt.Sprint(r.Lookups), share(r.CacheRatio), fmt.Sprint(r.Fallbacks))
		if origins {
			for _, o := range r.Origins {
				o.print(w, "  "+clean(o.Origin), "", "", "")
			}
		}
	}
	return w.Flush()
}

func (r *statsRow) print(w io.Writer, name string, more ...string) {
	columns := []string{
		name, fmt.Sprint(r.Requests), share(r.Success), millis(r.Latency.P50), millis(r.Latency.P95), size(r.Bytes),
	}
	columns = append(columns, more...)
	fmt.Fprintln(w, strings.TrimRight(strings.Join(append(columns, strings.Join(r.remarks(), "; ")), "\t"), "\t"))
}

// remarks tells what went wrong, and what may.
func (r *statsRow) remarks() []string {
	var all []string
	for _, class := range slices.Sorted(maps.Keys(r.Failures)) {
		all = append(all, fmt.Sprintf("%d %s", r.Failures[class], clean(string(class))))
	}
	if r.Canceled > 0 {
		all = append(all, fmt.Sprintf("%d canceled", r.Canceled))
	}
	if n := r.Breaker.Opened; n > 0 {
		all = append(all, fmt.Sprintf("breaker opened %s, last %s ago", times(n), span(time.Since(r.Breaker.LastOpened))))
	}
	for _, q := range r.Quotas {
		if left := time.Until(q.Reset); left > 0 {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s limit: %d of %d left, renewed in %s", clean(q.Resource), q.Remaining, q.Limit, span(left))))
		}
	}
	return all
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// share writes a share of 1 as a percentage that is 100 or 0 only if it is that.
func share(f *float64) string {
	switch {
	case f == nil:
		return "-"
	case *f == 1:
		return "100%"
	case *f == 0:
		return "0%"
	}
	return fmt.Sprintf("%.1f%%", min(max(*f*100, 0.1), 99.9))
}

func millis(f *float64) string {
	if f == nil {
		return "-"
	}
	return duration(time.Duration(*f * float64(time.Millisecond)))
}

// span writes a length of time roughly.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return count(int(d/day), "day")
}
