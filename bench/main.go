// Command bench measures installs of Pantry, bun, pnpm and npm, side by side, from a local replay registry. See
// docs/benchmarks.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/pantry-go/pantry/bench/report"
)

// options are the command line.
type options struct {
	fixtures, clients, scenarios []string
	reps                         int
	cache, work, pantry, out     string
	latency, timeout             time.Duration
	live, strict, several        bool
	report, docs                 string
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 3 && os.Args[1] == measureArg {
		if err := measure(os.Args[2], os.Args[3:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	// The replay registry lives in this process: it should seldom stop to collect its documents.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.report != "" {
		err = writeReport(o.report, o.docs)
	} else {
		err = run(ctx, o)
	}
	if err != nil {
		stop()
		log.Fatal(err)
	}
}

func parse(args []string) (options, error) {
	var o options
	var fixtures, clients, scenarios string
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.StringVar(&fixtures, "fixtures", "all", "comma-separated folders of bench/fixtures")
	f.StringVar(&clients, "clients", "all", "comma-separated clients; all leaves out npm where a repetition takes minutes")
	f.StringVar(&scenarios, "scenarios", "all", "comma-separated: "+strings.Join(report.Scenarios(), ", "))
	f.IntVar(&o.reps, "reps", 5, "measured repetitions")
	f.StringVar(&o.cache, "cache", ".cache/bench", "`DIR` of the replay registry's files and of the clients")
	f.StringVar(&o.work, "work", "", "`DIR` below which projects are installed; default /dev/shm where there is one")
	f.StringVar(&o.pantry, "pantry", "bin/pantry", "the pantry to measure")
	f.StringVar(&o.out, "out", "", "add results to this `FILE` of JSON lines")
	f.DurationVar(&o.latency, "latency", 0, "added to each answer of the replay registry")
	f.DurationVar(&o.timeout, "timeout", 10*time.Minute, "for one run of a client")
	f.BoolVar(&o.strict, "strict", false, "refuse a tree of Pantry's that is not npm's")
	f.BoolVar(&o.live, "live", false, "from the live registry: cold only")
	f.BoolVar(&o.several, "several", false, "Pantry alone, and with further registries in front: cold and coldlock")
	f.StringVar(&o.report, "report", "", "measure nothing; write tables and plot of this `FILE` into the documentation")
	f.StringVar(&o.docs, "docs", ".", "`DIR` that has README.md and docs, for -report")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.fixtures, err = choose("fixture", fixtures, report.Fixtures()); err != nil {
		return o, err
	}
	if o.scenarios, err = choose("scenario", scenarios, report.Scenarios()); err != nil {
		return o, err
	}
	if o.live {
		o.scenarios = []string{"cold"}
	}
	known := report.Clients()
	if o.several {
		known, o.clients, o.scenarios = report.Several(), report.Several(), []string{"cold", "coldlock"}
	}
	if clients != "all" {
		o.clients, err = choose("client", clients, known)
	}
	return o, err
}

// choose splits a list and checks its words. They come back in the order of known.
func choose(what, list string, known []string) ([]string, error) {
	if list == "all" {
		return known, nil
	}
	wanted := map[string]bool{}
	for _, word := range strings.Split(list, ",") {
		wanted[word] = true
	}
	var out []string
	for _, word := range known {
		if wanted[word] {
			out = append(out, word)
			delete(wanted, word)
		}
	}
	for word := range wanted {
		return nil, fmt.Errorf("there is no %s %q: expected all or some of %s", what, word, strings.Join(known, ","))
	}
	return out, nil
}
