package pkgx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
)

// Bottle is one that Resolve chose.
type Bottle struct {
	Project string
	Version string
	// Dependencies maps the projects that this one needs to the versions chosen for it.
	Dependencies map[string]string
	// Wishes are those that the version satisfies, the first one the reason it is there.
	Wishes []Wish
}

// Wish is who wants a project, and how.
type Wish struct {
	// By is the project that wants it; "" is whoever asked Resolve.
	By string
	// Companion says that By does not need it, but wants it beside itself when it is asked for.
	Companion bool
	// Constraint as it was written.
	Constraint string
}

func (w Wish) String() string {
	switch {
	case w.By == "":
		return quote(w.Constraint) + " that was asked for"
	case w.Companion:
		return quote(w.Constraint) + " that is wanted beside " + w.By
	}
	return quote(w.Constraint) + " that " + w.By + " needs"
}

// ConflictError is two wishes for one project that no version can satisfy. It matches
// pantry.ErrVersionNotFound.
type ConflictError struct {
	Project       string
	First, Second Wish
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("no version of %s satisfies both the %s and the %s", e.Project, e.First, e.Second)
}

// Unwrap returns pantry.ErrVersionNotFound.
func (e *ConflictError) Unwrap() error { return pantry.ErrVersionNotFound }

// mayRepeat says that versions of a project that exclude each other can be installed side by side:
// each is found by the number in its libraries' names. These are the ones that pkgx knows of.
func mayRepeat(project string) bool {
	switch project {
	case "unicode.org", "openssl.org", "abseil.io":
		return true
	}
	return false
}

const maxBottles = 10_000 // of one resolution; all public projects together are 1900

// Resolve chooses the bottles that wishes need: wishes maps names, as in [Registry.Package], to
// constraints. Companions of what is asked for come with it. Of each project there is one version,
// the newest on the registry's platform that satisfies all who want it; of a few (unicode.org,
// openssl.org, abseil.io) there may be several, where wishes exclude each other.
//
// A bottle comes after those it depends on, but for projects that depend on each other. The order
// is the same whenever wishes, recipes and versions are.
func (r *Registry) Resolve(ctx context.Context, wishes map[string]string) ([]Bottle, error) {
	bottles, err := r.resolve(ctx, wishes)
	if err != nil {
		var already *pantry.Error
		if errors.As(err, &already) {
			return nil, err
		}
		return nil, &pantry.Error{Op: opResolve, Ref: pantry.Ref{Registry: r.name}, Err: err}
	}
	return bottles, nil
}

func (r *Registry) resolve(ctx context.Context, wishes map[string]string) ([]Bottle, error) {
	t, err := r.target()
	if err != nil {
		return nil, err
	}
	x, err := r.index.get(ctx)
	if err != nil {
		return nil, err
	}
	g := &graph{target: t, index: x, lines: make(map[string][]*choice)}
	asked, err := r.asked(ctx, g, wishes)
	if err != nil {
		return nil, err
	}
	if err := g.grow(asked); err != nil {
		return nil, err
	}
	if err := r.pick(ctx, g); err != nil {
		return nil, err
	}
	return g.sorted(), nil
}

// demand is a wish for a project that is known.
type demand struct {
	project    string
	constraint Constraint
	wish       Wish
	from       *choice // who has it; nil for what was asked for
}

// asked turns names into projects, and adds their companions.
func (r *Registry) asked(ctx context.Context, g *graph, wishes map[string]string) ([]demand, error) {
	named := make(map[string]bool, len(wishes))
	for name := range wishes {
		if g.index.byProject[name] != nil {
			named[name] = true
		}
	}
	var demands []demand
	for _, name := range slices.Sorted(maps.Keys(wishes)) {
		d, err := r.demand(ctx, g, name, wishes[name], named)
		if err != nil {
			ref := pantry.Ref{Registry: r.name, Name: line(name)}
			return nil, &pantry.Error{Op: opResolve, Ref: ref, Err: err}
		}
		demands = append(demands, d)
	}
	for _, d := range slices.Clone(demands) {
		recipe := g.index.byProject[d.project]
		companions := on(recipe.companions, g.target)
		for _, project := range slices.Sorted(maps.Keys(companions)) {
			c := companions[project]
			w := Wish{By: d.project, Companion: true, Constraint: c.String()}
			demands = append(demands, demand{project: project, constraint: c, wish: w})
		}
	}
	return demands, nil
}

// demand reads one of the wishes. "latest" is the newest version by its number, so that another
// wish cannot make it an older one.
func (r *Registry) demand(ctx context.Context, g *graph, name, text string, named map[string]bool) (demand, error) {
	if err := checkName(name); err != nil {
		return demand{}, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	recipe, err := g.index.find(name, g.target, named)
	if err != nil {
		return demand{}, err
	}
	c, err := ParseConstraint(text)
	if err != nil {
		return demand{}, err
	}
	d := demand{project: recipe.project, constraint: c, wish: Wish{Constraint: c.String()}}
	if c.latest {
		versions, err := r.inventory(ctx, recipe.project, g.target)
		switch {
		case errors.Is(err, errNoBottles):
			return d, recipe.notBuilt(g.target)
		case err != nil:
			return d, err
		}
		d.constraint = Constraint{spans: []span{{low: versions[len(versions)-1], one: true}}}
	}
	return d, nil
}

// graph is the projects that are needed.
type graph struct {
	target target
	index  *index
	order  []*choice // as they were found
	lines  map[string][]*choice
}

// choice is a project of which one version will be chosen.
type choice struct {
	project    string
	constraint Constraint
	demands    []demand
	needs      []*choice // by project
	version    version
}

// grow follows the dependencies. They do not depend on versions, so each project is visited once.
func (g *graph) grow(asked []demand) error {
	for _, d := range asked {
		if err := g.want(d); err != nil {
			return err
		}
	}
	for i := 0; i < len(g.order); i++ { // which gets longer meanwhile
		if len(g.order) > maxBottles {
			return fmt.Errorf("%w: more than %d bottles are needed", pantry.ErrInvalid, maxBottles)
		}
		from := g.order[i]
		recipe := g.index.byProject[from.project]
		if recipe == nil {
			continue // a project may have bottles without a recipe
		}
		needs := on(recipe.needs, g.target)
		for _, project := range slices.Sorted(maps.Keys(needs)) {
			c := needs[project]
			w := Wish{By: from.project, Constraint: c.String()}
			if err := g.want(demand{project, c, w, from}); err != nil {
				return err
			}
		}
	}
	return nil
}

// want adds a demand to a choice that can satisfy it beside those that are there, or makes one.
func (g *graph) want(d demand) error {
	lines := g.lines[d.project]
	for _, c := range lines {
		if both, ok := c.constraint.Intersect(d.constraint); ok {
			c.constraint = both
			g.join(d, c)
			return nil
		}
	}
	if len(lines) > 0 && !mayRepeat(d.project) {
		return conflict(lines[0], d)
	}
	c := &choice{project: d.project, constraint: d.constraint}
	g.order = append(g.order, c)
	g.lines[d.project] = append(lines, c)
	g.join(d, c)
	return nil
}

func (g *graph) join(d demand, c *choice) {
	c.demands = append(c.demands, d)
	if d.from != nil && d.from != c {
		d.from.needs = append(d.from.needs, c)
	}
}

// conflict names the demand that d excludes; where it is several together that do, the last.
func conflict(c *choice, d demand) error {
	first := c.demands[len(c.demands)-1]
	for _, other := range c.demands {
		if _, ok := other.constraint.Intersect(d.constraint); !ok {
			first = other
			break
		}
	}
	return &ConflictError{Project: c.project, First: first.wish, Second: d.wish}
}

// pick asks for the versions of all projects and takes the newest that will do.
func (r *Registry) pick(ctx context.Context, g *graph) error {
	w, ctx := errgroup.WithContext(ctx)
	w.SetLimit(maxRequests)
	for _, project := range slices.Sorted(maps.Keys(g.lines)) {
		w.Go(func() error {
			versions, err := r.inventory(ctx, project, g.target)
			for _, c := range g.lines[project] {
				if err == nil {
					err = c.choose(versions, g.target)
				}
				if errors.Is(err, errNoBottles) {
					err = c.missing(fmt.Sprintf("the registry has no bottle for %s", g.target))
				}
			}
			if err != nil {
				return &pantry.Error{Op: opResolve, Ref: pantry.Ref{Registry: r.name, Name: project}, Err: err}
			}
			return nil
		})
	}
	return w.Wait()
}

func (c *choice) choose(versions []version, t target) error {
	for _, v := range slices.Backward(versions) {
		if c.constraint.match(v) {
			c.version = v
			return nil
		}
	}
	return c.missing(fmt.Sprintf("the newest of %d versions for %s is %s", len(versions), t, versions[len(versions)-1].raw))
}

// missing is the error of a choice without a version, with all who want it.
func (c *choice) missing(why string) error {
	const most = 4
	var wishes []string
	for i, d := range c.demands {
		if i == most && len(c.demands) > most+1 {
			wishes = append(wishes, fmt.Sprintf("%d more", len(c.demands)-most))
			break
		}
		wishes = append(wishes, d.wish.String())
	}
	return fmt.Errorf("%w that satisfies the %s: %s", pantry.ErrVersionNotFound, strings.Join(wishes, " and the "), why)
}

// sorted lists the choices, dependencies first.
func (g *graph) sorted() []Bottle {
	bottles := make([]Bottle, 0, len(g.order))
	seen := make(map[*choice]bool, len(g.order))
	type step struct {
		c    *choice
		next int // of c.needs
	}
	for _, root := range g.order {
		stack := []step{{c: root}}
		if seen[root] {
			continue
		}
		seen[root] = true
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(top.c.needs) {
				bottles = append(bottles, top.c.bottle())
				stack = stack[:len(stack)-1]
				continue
			}
			need := top.c.needs[top.next]
			top.next++
			if !seen[need] { // if it is, it is done, or the circle closes here
				seen[need] = true
				stack = append(stack, step{c: need})
			}
		}
	}
	return bottles
}

func (c *choice) bottle() Bottle {
	b := Bottle{Project: c.project, Version: c.version.raw}
	for _, n := range c.needs {
		if b.Dependencies == nil {
			b.Dependencies = make(map[string]string, len(c.needs))
		}
		b.Dependencies[n.project] = n.version.raw
	}
	for _, d := range c.demands {
		b.Wishes = append(b.Wishes, d.wish)
	}
	return b
}
