package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/pantry-go/pantry/mirror"
)

// mirrorProgress shows what a mirror is doing: a line that changes on a terminal, every version when
// asked to be verbose, nothing elsewhere. Its events come one at a time.
type mirrorProgress struct {
	w              io.Writer
	verbose, line  bool
	width          int
	copied, others int
	bytes          int64
	drawn          time.Time
}

func (a *app) newMirrorProgress() *mirrorProgress {
	p := &mirrorProgress{w: a.Stderr, width: a.Width}
	if p.width <= 0 {
		p.width = 80
	}
	if !a.flags.json && !a.flags.quiet {
		p.verbose = a.flags.verbose
		p.line = a.Terminal && !p.verbose
	}
	return p
}

func (p *mirrorProgress) event(e mirror.Event) {
	if p.verbose && e.Type != mirror.EventFailed { // the report has those that failed
		fmt.Fprintf(p.w, "pantry: %s %s\n", e.Type, clean(id(e.Name, e.Version)))
	}
	if e.Type == mirror.EventCopied {
		p.copied++
	} else {
		p.others++
	}
	p.bytes += e.Bytes
	if now := time.Now(); p.line && now.Sub(p.drawn) >= redraw {
		p.drawn = now
		line := fmt.Sprintf("copied %d (%s), others %d  %s", p.copied, size(p.bytes), p.others, clean(id(e.Name, e.Version)))
		if len(line) > p.width-1 {
			line = line[:p.width-1]
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	}
}

func (p *mirrorProgress) stop() {
	if p.line && !p.drawn.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
