package pkgx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
)

// index is the recipes of all projects. It is immutable.
type index struct {
	recipes   []*recipe // by project, ascending
	byProject map[string]*recipe
	byProgram map[string][]*recipe
	byDisplay map[string][]*recipe // in lower case; projects in lower case too
	skipped   int                  // recipes that could not be read
}

// newIndex takes recipes in any order. Of two for one project the later one counts.
func newIndex(recipes []*recipe, skipped int) *index {
	x := &index{
		byProject: make(map[string]*recipe, len(recipes)), byProgram: make(map[string][]*recipe, len(recipes)),
		byDisplay: make(map[string][]*recipe, len(recipes)), skipped: skipped,
	}
	for _, r := range recipes {
		x.byProject[r.project] = r
	}
	for _, project := range slices.Sorted(maps.Keys(x.byProject)) {
		r := x.byProject[project]
		x.recipes = append(x.recipes, r)
		for _, p := range r.programs {
			name := p.name()
			if !slices.Contains(x.byProgram[name], r) {
				x.byProgram[name] = append(x.byProgram[name], r)
			}
		}
		for _, name := range []string{strings.ToLower(r.display), strings.ToLower(project)} {
			if name != "" && !slices.Contains(x.byDisplay[name], r) {
				x.byDisplay[name] = append(x.byDisplay[name], r)
			}
		}
	}
	return x
}

// AmbiguousError is a name that several projects go by. It matches pantry.ErrConfig.
type AmbiguousError struct {
	Name     string
	Projects []string // ascending
}

func (e *AmbiguousError) Error() string {
	return quote(e.Name) + " may mean any of the projects " + strings.Join(e.Projects, ", ")
}

// Unwrap returns pantry.ErrConfig.
func (e *AmbiguousError) Unwrap() error { return pantry.ErrConfig }

// Hint says to name one.
func (e *AmbiguousError) Hint() string {
	return "ask for one of them by its name, for example " + e.Projects[0]
}

// find returns the project called name: by its own name, else by a program or a name for people.
// Where that is several, it is the one in preferred, or the one that is built for the platform.
func (x *index) find(name string, t target, preferred map[string]bool) (*recipe, error) {
	if r := x.byProject[name]; r != nil {
		return r, nil
	}
	found := slices.Clone(x.byDisplay[strings.ToLower(name)])
	for _, r := range x.byProgram[name] {
		provided := slices.ContainsFunc(r.programs, func(p program) bool { return p.on.on(t) && p.name() == name })
		if provided && !slices.Contains(found, r) {
			found = append(found, r)
		}
	}
	found = prefer(found, func(r *recipe) bool { return preferred[r.project] })
	found = prefer(found, func(r *recipe) bool { return r.builtFor(t) })
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: no project is called so or provides a program of that name", pantry.ErrNotFound)
	case 1:
		return found[0], nil
	}
	e := &AmbiguousError{Name: line(name)}
	for _, r := range found {
		e.Projects = append(e.Projects, r.project)
	}
	slices.Sort(e.Projects)
	return nil, e
}

// prefer returns the one of several recipes that is better than the others, or else all.
func prefer(found []*recipe, better func(*recipe) bool) []*recipe {
	var best []*recipe
	for _, r := range found {
		if better(r) {
			best = append(best, r)
		}
	}
	if len(best) == 1 {
		return best
	}
	return found
}

// loader reads the index once. Callers that come while it is read wait for it and share the
// outcome; a failure is not kept.
type loader struct {
	read func(context.Context) (*index, error)

	mu     sync.Mutex
	loaded *index
	flight *flight
}

type flight struct {
	done chan struct{}
	x    *index
	err  error
}

func (l *loader) get(ctx context.Context) (*index, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		if l.loaded != nil {
			defer l.mu.Unlock()
			return l.loaded, nil
		}
		f := l.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			l.flight = f
			l.mu.Unlock()
			return l.lead(ctx, f)
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.done:
		}
		if f.err == nil || !errors.Is(f.err, context.Canceled) && !errors.Is(f.err, context.DeadlineExceeded) {
			return f.x, f.err
		}
		// Whoever read it gave up, which is not the affair of those who waited.
	}
}

func (l *loader) lead(ctx context.Context, f *flight) (*index, error) {
	f.err = context.Canceled // for those who wait, should reading panic
	defer func() {
		l.mu.Lock()
		l.loaded, l.flight = f.x, nil
		l.mu.Unlock()
		close(f.done)
	}()
	f.x, f.err = l.read(ctx)
	return f.x, f.err
}

// Projects says how many projects the registry has recipes for, and how many recipes were left
// out since they could not be read.
func (r *Registry) Projects(ctx context.Context) (projects, malformed int, err error) {
	x, err := r.index.get(ctx)
	if err != nil {
		return 0, 0, &pantry.Error{Op: opRead, Ref: pantry.Ref{Registry: r.name}, Err: err}
	}
	return len(x.recipes), x.skipped, nil
}

// Interpreter returns the project and the command that run files with an extension ("js", with or
// without a dot). The error matches pantry.ErrNotFound when there is none.
func (r *Registry) Interpreter(ctx context.Context, extension string) (project string, command []string, err error) {
	x, err := r.index.get(ctx)
	if err == nil {
		err = fmt.Errorf("%w: no project runs files of type %s", pantry.ErrNotFound, quote(extension))
		for _, c := range x.recipes {
			if slices.Contains(c.extensions, strings.TrimPrefix(extension, ".")) && len(c.interpreter) > 0 {
				return c.project, slices.Clone(c.interpreter), nil
			}
		}
	}
	return "", nil, &pantry.Error{Op: opRead, Ref: pantry.Ref{Registry: r.name}, Err: err}
}
