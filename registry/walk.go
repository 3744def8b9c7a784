package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// question asks one registry.
type question[T any] func(context.Context, *Entry, pantry.Registry) (T, error)

// walker goes through the registries for one request.
type walker[T any] struct {
	m      *Manager
	s      *state
	plan   plan
	ask    question[T]
	d      Decision
	answer T
	errs   []error // by attempt; nil for those without
	end    string  // why the rest is not asked; "" while it is
	last   int     // the attempt that ended the walk; -1 while none has
}

// walk asks in the order of the plan until the table says done or stop.
func walk[T any](ctx context.Context, m *Manager, r Request, ask question[T]) (T, Decision, error) {
	start := m.o.Now()
	w, err := goThrough(ctx, m, r, ask)
	if errors.Is(err, pantry.ErrNotFound) && w.d.fromCache() && mayAskAgain(ctx) {
		// Somebody may have it by now.
		w, err = goThrough(pantry.WithAsking(ctx, pantry.AskAgain), m, r, ask)
	}
	w.d.Duration = m.o.Now().Sub(start)
	if m.o.ObserveDecision != nil {
		m.o.ObserveDecision(w.d)
	}
	if err != nil {
		var none T
		return none, w.d, &LookupError{Decision: w.d, Err: err}
	}
	return w.answer, w.d, nil
}

// goThrough walks once.
func goThrough[T any](ctx context.Context, m *Manager, r Request, ask question[T]) (*walker[T], error) {
	w := &walker[T]{m: m, s: m.state.Load(), ask: ask, last: -1}
	w.d = Decision{Name: r.Name, Wanted: r.Wanted, Attempts: make([]Attempt, 0, len(w.s.entries))}
	if w.d.Wanted == "" {
		w.d.Wanted = r.Version
	}
	w.plan = w.s.plan(r)
	w.d.Pattern = w.plan.pattern
	err := w.plan.err
	if err == nil {
		w.all(ctx)
		if w.mayProbe(ctx) {
			w.probe(ctx)
		}
		return w, w.conclude(ctx)
	}
	w.passAll()
	return w, err
}

// mayAskAgain says that registries may be asked whether what was kept still holds.
func mayAskAgain(ctx context.Context) bool { return pantry.AskingOf(ctx) != pantry.AskNobody }

// fromCache says that some answer was one that was kept, without asking.
func (d Decision) fromCache() bool {
	return slices.ContainsFunc(d.Attempts, func(a Attempt) bool {
		return a.Cache == pantry.CacheFresh || a.Cache == pantry.CacheStale
	})
}

func (w *walker[T]) add(a Attempt, err error) {
	w.d.Attempts = append(w.d.Attempts, a)
	w.errs = append(w.errs, err)
}

func (w *walker[T]) passAll() {
	for _, c := range w.plan.candidates {
		a := c.entry.attempt()
		a.Reason = c.skip
		if a.Reason == "" {
			a.Reason = "nobody is asked"
		}
		w.add(a, nil)
	}
}

// attempt is an entry that was passed over, to be filled in.
func (e *Entry) attempt() Attempt {
	return Attempt{Registry: e.Name(), Type: e.Type(), URL: e.URL(), Outcome: PassedOver}
}

func (w *walker[T]) all(ctx context.Context) {
	for _, c := range w.plan.candidates {
		switch {
		case c.skip != "":
			a := c.entry.attempt()
			a.Reason = c.skip
			w.add(a, nil)
		case w.end != "":
			a := c.entry.attempt()
			a.Reason = w.end
			w.add(a, nil)
		default:
			w.one(ctx, c.entry)
		}
	}
}

// one opens and asks one registry, and decides what its answer means.
func (w *walker[T]) one(ctx context.Context, e *Entry) {
	reg, a, err := w.approach(ctx, e)
	if reg == nil {
		w.add(a, err)
		if a.Outcome == Failed {
			w.finish(e.Name() + " could not be opened")
		}
		return
	}
	answer, stale, a, err := w.try(ctx, e, reg, a)
	w.add(a, err)
	if a.Backwards != "" {
		w.d.Warnings = append(w.d.Warnings, fmt.Sprintf("registry %s has gone back on what it said of %s: %s",
			e.Name(), printable(w.d.Name), a.Backwards))
	}
	switch after(a.Outcome, a.Mode) {
	case done:
		w.answer = answer
		w.d.Registry = e.Name()
		if stale != nil {
			w.d.Stale = fmt.Sprintf("registry %s cannot be asked, so what it said before is used: %s", e.Name(), brief(stale))
		}
		w.finish(e.Name() + " answered first")
	case stop:
		w.finish(fmt.Sprintf("the answer of %s ended the search", e.Name()))
	case warnNext:
		w.d.Warnings = append(w.d.Warnings, fmt.Sprintf("registry %s: %s; registries behind it were asked for %s",
			e.Name(), a.answer(), printable(w.d.wish())))
	}
}

func (w *walker[T]) finish(reason string) {
	w.end = reason
	w.last = len(w.d.Attempts) - 1
}

// approach opens a registry and sees whether it can be asked for the name. It returns nil when not,
// with the attempt saying why.
func (w *walker[T]) approach(ctx context.Context, e *Entry) (pantry.Registry, Attempt, error) {
	a := e.attempt()
	if err := ctx.Err(); err != nil {
		a.Outcome, a.Error = Failed, err.Error()
		return nil, a, err
	}
	o, err := e.opener.get()
	a.URL = e.URL()
	if err != nil {
		a.Outcome, a.Error = Failed, printable(err.Error())
		return nil, a, err
	}
	if c, ok := pantry.As[pantry.NameChecker](o.registry); ok {
		if err := c.CheckName(w.d.Name); err != nil {
			a.Reason = "cannot hold the name: " + printable(err.Error())
			return nil, a, nil
		}
	}
	return o.registry, a, nil
}

// try asks a registry and classifies its answer. stale is why something old had to do; nil for none.
func (w *walker[T]) try(ctx context.Context, e *Entry, reg pantry.Registry, a Attempt) (answer T, stale error, _ Attempt, err error) {
	start := w.m.o.Now()
	trace := new(pantry.CacheTrace)
	down := e.down()
	if down != nil {
		ctx = transport.Refuse(ctx, down)
	}
	if down != nil && !e.keeps() {
		err = down
	} else {
		answer, err = w.ask(pantry.WithCacheTrace(ctx, trace), e, reg)
	}
	stale = trace.Failure()
	switch outdated := trace.Kept() && (errors.Is(err, pantry.ErrVersionNotFound) || errors.Is(err, pantry.ErrInvalid)); {
	case outdated && stale != nil:
		err = stale // what there is does not do, and that is why there is no more
	case outdated && mayAskAgain(ctx):
		// What is wanted may have been published since.
		trace = new(pantry.CacheTrace)
		answer, err = w.ask(pantry.WithCacheTrace(pantry.WithAsking(ctx, pantry.AskAgain), trace), e, reg)
	}
	a.Cache, a.Backwards = trace.State(), printable(trace.Backwards())
	a.Duration = w.m.o.Now().Sub(start)
	a.Asked = true
	a.Mode = e.mode(w.s.mode)
	a.CredentialNote = e.credentialNote()
	a.Outcome = classify(ctx, err)
	if err == nil {
		a.Credential, _ = e.credential()
		return answer, stale, a, nil
	}
	a.Credential, _ = pantry.CredentialSent(err)
	if failed := (*transport.Error)(nil); errors.As(err, &failed) {
		a.Status = failed.Status
	} else if a.Credential == "" && (a.Outcome == VersionNotFound || a.Outcome == Invalid) {
		a.Credential, _ = e.credential() // there was an answer, and it is its content that is wrong
	}
	if source, ok := e.credential(); ok && a.Outcome == DeniedAnonymous {
		// There is one and it was not sent: a redirect led elsewhere, say. That registry is
		// private all the same.
		a.Outcome, a.Credential = DeniedCred, source
	}
	a.Error = detail(err)
	return answer, nil, a, err
}

// brief is why a registry could not be asked, without what was asked of it.
func brief(err error) string {
	if failed := (*transport.Error)(nil); errors.As(err, &failed) {
		if failed.Status != 0 {
			return fmt.Sprintf("it answered %d %s", failed.Status, http.StatusText(failed.Status))
		}
		err = failed.Err
	}
	return printable(strings.TrimPrefix(err.Error(), pantry.ErrUnavailable.Error()+": "))
}

// detail is an error without what an attempt says anyway: the package and the registry.
func detail(err error) string {
	var e *pantry.Error
	if errors.As(err, &e) && e.Error() == err.Error() {
		err = e.Err
	}
	return printable(err.Error())
}

// keeps says whether an open entry's answers are kept, so that it may be asked when it is down.
func (e *Entry) keeps() bool {
	o, err := e.opener.get()
	return err == nil && o.kept
}

// credential is the source of the credential that goes to an open entry's URL.
func (e *Entry) credential() (source string, ok bool) {
	o, err := e.opener.get()
	return o.credential, err == nil && o.credential != ""
}

// credentialNote says what kept an open entry's credential from being found.
func (e *Entry) credentialNote() string {
	o, err := e.opener.get()
	if err != nil {
		return ""
	}
	return o.note
}

// conclude is the error of the walk, nil when it has an answer.
func (w *walker[T]) conclude(ctx context.Context) error {
	if w.last >= 0 && w.d.Attempts[w.last].Outcome == Found {
		w.d.Unconfirmed = w.unconfirmed()
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.last >= 0 {
		switch a := w.d.Attempts[w.last]; a.Outcome {
		case NameNotFound, VersionNotFound: // what the others said counts as well
		default:
			return matching(a.Outcome, w.errs[w.last])
		}
	}
	return w.verdict()
}

// unconfirmed is the first registry before the answering one that would have had the first word
// and could not say it.
func (w *walker[T]) unconfirmed() string {
	for _, a := range w.d.Attempts[:w.last] {
		if a.Outcome == Unavailable || a.Outcome == Invalid {
			return a.Registry
		}
	}
	return ""
}

// verdict is the error of a walk in which nobody had the answer: what all agree on, or ErrDenied
// when some would not say, or ErrIncomplete when some could not.
func (w *walker[T]) verdict() error {
	count := map[Outcome]int{}
	asked, first := 0, -1
	for i, a := range w.d.Attempts {
		if a.Asked && !a.Probe {
			count[a.Outcome]++
			asked++
			if first < 0 {
				first = i
			}
		}
	}
	absent := count[NameNotFound] + count[VersionNotFound]
	denied := count[DeniedAnonymous] + count[DeniedCred]
	switch {
	case asked == 0:
		return w.nobody()
	case asked == 1:
		return matching(w.d.Attempts[first].Outcome, w.errs[first])
	case absent == asked && count[VersionNotFound] > 0:
		return pantry.ErrVersionNotFound
	case absent == asked:
		return pantry.ErrNotFound
	case count[Unavailable] == asked:
		return pantry.ErrUnavailable
	case count[Invalid] == asked:
		return pantry.ErrInvalid
	case absent+denied == asked:
		return pantry.ErrDenied
	}
	return ErrIncomplete
}

// nobody is the error when every registry was passed over on the way.
func (w *walker[T]) nobody() error {
	var reasons []string
	for i, a := range w.d.Attempts {
		if w.plan.candidates[i].skip == "" {
			reasons = append(reasons, a.Registry+" "+a.Reason)
		}
	}
	return &refusal{
		kind: pantry.ErrNotFound,
		msg:  "no registry can hold a package of this name: " + strings.Join(reasons, "; "),
		hint: "check the spelling",
	}
}

// matching makes sure that err matches the sentinel of its class, which an error that was told by
// its type may not.
func matching(o Outcome, err error) error {
	sentinel, ok := map[Outcome]error{
		Unavailable: pantry.ErrUnavailable,
		Invalid:     pantry.ErrInvalid,
	}[o]
	if !ok || errors.Is(err, sentinel) {
		return err
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}
