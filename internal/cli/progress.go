package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry/install"
)

// progress shows what an install is doing.
type progress interface {
	event(install.Event)
	// stop ends the display; nothing is shown after it.
	stop()
}

// newProgress chooses how: events as JSON lines, a line that changes on a terminal, or only the
// warnings elsewhere.
func (a *app) newProgress() progress {
	switch {
	case a.flags.json:
		return &jsonProgress{enc: a.encoder(a.Stdout)}
	case a.Terminal && !a.flags.quiet:
		return newTerminalProgress(a.Stderr, a.Width)
	}
	return &plainProgress{w: a.Stderr, verbose: a.flags.verbose}
}

// jsonProgress writes one event per line.
type jsonProgress struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (p *jsonProgress) event(e install.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.enc.Encode(e)
}

func (p *jsonProgress) stop() {}

// plainProgress writes warnings as they come and, when asked to be verbose, every package.
type plainProgress struct {
	mu      sync.Mutex
	w       io.Writer
	verbose bool
}

func (p *plainProgress) event(e install.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Type == install.EventWarning:
		warnLine(p.w, e)
	case p.verbose && e.Type == install.EventLinking:
		fmt.Fprintln(p.w, "pantry: laying out node_modules")
	case p.verbose && e.Type == install.EventLeftOut:
		fmt.Fprintf(p.w, "pantry: %s\n", e.Message)
	case p.verbose:
		fmt.Fprintf(p.w, "pantry: %s %s@%s from %s\n", e.Type, e.Name, e.Version, e.Registry)
	}
}

func (p *plainProgress) stop() {}

func warnLine(w io.Writer, e install.Event) {
	fmt.Fprintf(w, "pantry: warning: %s\n", indentLines(e.Message))
}

// terminalProgress keeps one line up to date.
type terminalProgress struct {
	mu                               sync.Mutex
	w                                io.Writer
	width                            int
	resolved, fetched, stored, bytes int64
	last                             string
	linking, shown                   bool
	done                             chan struct{}
	stopped                          sync.WaitGroup
}

// redraw is how often the line is drawn: often enough to look alive, seldom enough to cost nothing.
const redraw = 80 * time.Millisecond

func newTerminalProgress(w io.Writer, width int) *terminalProgress {
	if width <= 0 {
		width = 80
	}
	p := &terminalProgress{w: w, width: width, done: make(chan struct{})}
	p.stopped.Add(1)
	go func() {
		defer p.stopped.Done()
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-p.done:
				return
			case <-tick.C:
				p.mu.Lock()
				p.draw()
				p.mu.Unlock()
			}
		}
	}()
	return p
}

func (p *terminalProgress) event(e install.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Type {
	case install.EventResolved:
		p.resolved++
	case install.EventFetched:
		p.fetched++
		p.bytes += e.Bytes
		p.last = e.Name + "@" + e.Version
	case install.EventStored:
		p.stored++
	case install.EventLinking:
		p.linking = true
	case install.EventWarning:
		p.clear()
		warnLine(p.w, e)
	}
}

func (p *terminalProgress) draw() {
	line := fmt.Sprintf("resolved %d, fetched %d (%s), from store %d", p.resolved, p.fetched, size(p.bytes), p.stored)
	if p.linking {
		line += ", laying out node_modules"
	} else if p.last != "" {
		line += "  " + p.last
	}
	if len(line) > p.width-1 {
		line = line[:p.width-1]
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.shown = true
}

func (p *terminalProgress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

func (p *terminalProgress) stop() {
	close(p.done)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// size writes a number of bytes for people, in units of 1000.
func size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, exp := float64(n)/unit, 0
	for value >= unit && exp < len(units)-1 {
		value /= unit
		exp++
	}
	return fmt.Sprintf("%.1f %cB", value, units[exp])
}

const units = "kMGTP"

// duration writes a duration for people.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return strings.Replace(d.Round(time.Microsecond).String(), "µs", "us", 1)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
