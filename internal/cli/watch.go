package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"
	"unicode/utf8"
)

const (
	// usualWatch is how often --watch asks where nothing says otherwise: often enough to see a
	// registry come back, far too seldom to be a load.
	usualWatch = 5 * time.Second
	// minWatch bounds it.
	minWatch = time.Second
)

// watch pings until it is interrupted, which is its proper end. A round begins when the one before
// it has ended, and not before its time. On a terminal the table is drawn anew in its place;
// elsewhere, each round is lines behind those of the last.
func (a *app) watch(ctx context.Context, name string, all bool, every time.Duration) error {
	p, err := a.newPinger(name, all)
	if err != nil {
		return err
	}
	if every == 0 {
		every = p.interval()
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	drawn := 0
	for {
		pongs, err := p.ping(ctx)
		if err != nil {
			return nil // interrupted
		}
		if drawn, err = a.showRound(pongs, drawn); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// interval is the shortest healthCheck of the registries that are pinged.
func (p *pinger) interval() time.Duration {
	every := time.Duration(0)
	for _, e := range p.entries {
		if h := e.Config().HealthCheck; h != nil && h.Interval > 0 && (every == 0 || h.Interval < every) {
			every = h.Interval
		}
	}
	if every == 0 {
		return usualWatch
	}
	return max(every, minWatch)
}

// showRound prints what was answered; drawn is the number of lines of the last round that are to be
// replaced.
func (a *app) showRound(pongs []pong, drawn int) (int, error) {
	if a.flags.json {
		for _, one := range pongs {
			if err := a.printLine(one); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}
	var b bytes.Buffer
	if err := printPongs(&b, pongs); err != nil {
		return 0, err
	}
	at := time.Now().Format(time.TimeOnly)
	if !a.StdoutTerminal {
		for line := range bytes.Lines(b.Bytes()) {
			if _, err := fmt.Fprintf(a.Stdout, "%s  %s", at, line); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}
	lines := append([]string{"at " + at}, splitLines(b.Bytes())...)
	var out bytes.Buffer
	if drawn > 0 {
		fmt.Fprintf(&out, "\x1b[%dA\x1b[J", drawn) // up to the first line, and clear from there
	}
	for _, line := range lines {
		out.WriteString(cut(line, a.Width) + "\n")
	}
	_, err := a.Stdout.Write(out.Bytes())
	return len(lines), err
}

func splitLines(b []byte) []string {
	var all []string
	for line := range bytes.Lines(b) {
		all = append(all, string(bytes.TrimRight(line, "\n")))
	}
	return all
}

// cut keeps a line from being broken by a terminal of so many columns; 0 is not known.
func cut(line string, width int) string {
	if width <= 0 {
		width = 80
	}
	if utf8.RuneCountInString(line) < width {
		return line
	}
	return string([]rune(line)[:max(width-1, 0)])
}
