package config

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/registry"
)

// finish does what needs all layers, and returns the configuration or every mistake.
func (l *loader) finish() (*Config, error) {
	l.npmScopes()
	places := l.npm.places(func(p Problem) { l.report(p) })
	for _, m := range l.list {
		l.npm.apply(m, places)
		l.warn(m.leaveRoute()...)
	}
	c := &Config{
		Settings: l.settings, Files: l.files, ProjectFile: l.projectPath,
		list: l.list, given: l.given, getenv: l.o.Env,
	}
	for _, m := range l.list {
		c.Registries = append(c.Registries, m.config())
	}
	l.judge(c)
	l.checkDefault()
	l.warnSecrets()
	if len(l.problems) > 0 {
		l.sort(l.problems)
		return nil, l.problems
	}
	l.sort(l.warnings)
	c.Warnings = l.warnings
	return c, nil
}

// sort orders problems by file, in the order of layers, and place. What stands in no file comes
// last.
func (l *loader) sort(p []Problem) {
	rank := func(file string) int {
		if i := slices.Index(l.files, file); i >= 0 {
			return i
		}
		return len(l.files)
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		if d := rank(a.File) - rank(b.File); d != 0 {
			return d
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// npmScopes gives the scopes of .npmrc files to the registries at their URLs, and adds registries
// for the others. A claim that the project's pantry.json makes for the same names wins, one of the
// user's gives way.
func (l *loader) npmScopes() {
	for _, s := range l.npm.scopes() {
		pattern, at := s.Packages[0], s.given["packages"]
		won := true
		for _, m := range l.list {
			i := slices.Index(m.Packages, pattern)
			switch {
			case i < 0 || m.vacant("packages"):
			case m.given["packages"].level > at.level:
				won = false
			case !sameURL(m.effectiveURL(), s.URL):
				m.Packages = slices.Delete(slices.Clone(m.Packages), i, i+1)
				// Without its claims it must not be asked for everything.
				m.claimsOnly = m.claimsOnly || len(m.Packages) == 0
			}
		}
		if won {
			l.addScope(s, pattern, at)
		}
	}
}

func (l *loader) addScope(s *merged, pattern string, at origin) {
	i := slices.IndexFunc(l.list, func(m *merged) bool { return m.Type == "npm" && sameURL(m.effectiveURL(), s.URL) })
	if i < 0 {
		for n, base := 2, s.Name; slices.ContainsFunc(l.list, func(m *merged) bool { return m.Name == s.Name }); n++ {
			s.Name = base + "-" + strings.Repeat("x", n-1)
		}
		l.list = slices.Insert(l.list, l.firstBuiltIn(), s)
		return
	}
	m := l.list[i]
	if slices.Contains(m.Packages, pattern) {
		return
	}
	m.Packages = append(slices.Clone(m.Packages), pattern)
	if m.vacant("packages") {
		m.given["packages"] = at
	}
	m.given["packages["+itoa(len(m.Packages)-1)+"]"] = at
}

// firstBuiltIn is where the built-in registries begin in the list.
func (l *loader) firstBuiltIn() int {
	i := slices.IndexFunc(l.list, func(m *merged) bool { return m.given[""].level == levelBuiltIn })
	if i < 0 {
		return len(l.list)
	}
	return i
}

// judge lets package registry check the entries, alone and together, and gives its findings their
// places.
func (l *loader) judge(c *Config) {
	m := registry.NewManager(registry.Options{Fallback: c.Fallback, Getenv: l.o.Env})
	for _, err := range flatten(m.Load(c.Registries, "")) {
		var e *registry.ConfigError
		if !errors.As(err, &e) {
			l.report(Problem{Message: err.Error()})
			continue
		}
		message := e.Problem
		if e.Next != "" {
			message += "; " + e.Next
		}
		l.judged(e, message)
	}
}

func (l *loader) judged(e *registry.ConfigError, message string) {
	i := slices.IndexFunc(l.list, func(m *merged) bool { return m.Name == e.Registry && m.given[""].String() == e.Source })
	if i < 0 {
		l.report(Problem{Message: e.Error()})
		return
	}
	m := l.list[i]
	for field := e.Field; ; field = parent(field) {
		if m.bad[field] && field != "" {
			return // reported with what is wrong about it
		}
		o, ok := m.given[field]
		if !ok && field != "" {
			continue
		}
		if rest := strings.TrimPrefix(strings.TrimPrefix(e.Field, field), "."); rest != "" && o.path != "" {
			message = rest + ": " + message
		}
		l.report(o.say("%s", message))
		return
	}
}

// parent is the path that a path is below: "auth" of "auth.token", "mirrors" of "mirrors[0]".
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// flatten lists the errors that errors.Join put together.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range j.Unwrap() {
			all = append(all, flatten(one)...)
		}
		return all
	}
	return []error{err}
}

func (l *loader) checkDefault() {
	name := l.settings.DefaultRegistry
	if name == "" {
		return
	}
	var names []string
	for _, m := range l.list {
		if m.Name == name {
			return
		}
		names = append(names, m.Name)
	}
	l.report(l.given["defaultRegistry"].say("no registry is named %s%s", quoted(name), didYouMeanOr(name, names)))
}

func didYouMeanOr(s string, known []string) string {
	if h := didYouMean(s, known); h != "" {
		return h
	}
	return "; known are " + strings.Join(known, ", ")
}

// warnSecrets warns of secrets in a project's file that git tracks.
func (l *loader) warnSecrets() {
	if l.tracked == nil || l.o.GitTracked == nil {
		return
	}
	paths := l.tracked.literalSecrets()
	if len(paths) == 0 || !l.o.GitTracked(l.tracked.path) {
		return
	}
	for _, path := range paths {
		l.warn(l.tracked.at(l.tracked.offsets[path]).problem(
			"%s: the secret is written here, and git tracks this file: replace the secret, and write it as ${VARIABLE}", path))
	}
}

// GitTracks says whether git tracks a file; false where git cannot tell. It runs git, without the
// hooks that a repository may ask for.
func GitTracks(path string) bool {
	cmd := exec.Command("git", "-c", "core.fsmonitor=false", "-C", filepath.Dir(path), "ls-files", "--error-unmatch", "--", filepath.Base(path))
	return cmd.Run() == nil
}

// Remarks are what is allowed and unwise: a private registry that is asked after a public one, so
// that a public package could take the place of a private one.
func (c *Config) Remarks() []Problem {
	var out []Problem
	for i, private := range c.Registries {
		m := c.list[i]
		if private.Disabled || private.ClaimsOnly || len(private.Packages) > 0 || m.public() || !m.npmStyle() {
			continue
		}
		for j, public := range c.Registries {
			later := priority(public) > priority(private) || priority(public) == priority(private) && j > i
			if later || public.Disabled || !c.list[j].public() || !c.list[j].npmStyle() {
				continue
			}
			o, ok := m.given["priority"]
			if !ok {
				o = m.given[""]
			}
			out = append(out, o.say("registry %s (priority %d) is asked after the public registry %s (priority %d), whose package "+
				"of the same name would be taken; give it a priority from 1 to 10, or list its names in \"packages\"",
				quoted(private.Name), priority(private), quoted(public.Name), priority(public)))
		}
	}
	return out
}

func priority(c registry.Config) int {
	if c.Priority == nil {
		return registry.DefaultPriority
	}
	return *c.Priority
}

// public says whether the entry is a type's well-known registry.
func (m *merged) public() bool {
	well := merged{entry: entry{Type: m.Type}}
	u := well.effectiveURL()
	return u != "" && sameURL(m.effectiveURL(), u)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
