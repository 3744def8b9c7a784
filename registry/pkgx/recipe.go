package pkgx

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/printable"
)

// recipe is what the registry says about a project, for all its versions. It is immutable.
type recipe struct {
	project     string
	display     string // the name for people; "" when there is none
	description string
	license     string
	repository  string // a URL
	deprecated  string
	platforms   []condition // that it is built for; nil is all
	programs    []program
	needs       []need
	companions  []need
	env         []variable
	extensions  []string // of files that it runs
	interpreter []string // the command that runs them
}

// need is a wish for another project.
type need struct {
	on         condition
	project    string
	constraint Constraint
}

// program is a file that can be run, as a path in the bottle. It may hold {{version}}.
type program struct {
	on   condition
	path string
}

func (p program) name() string { return path.Base(p.path) }

// variable is one of the environment, as written in the recipe.
type variable struct {
	on          condition
	name, value string
	more        bool // the value is to be added to one that is there
}

// on returns the needs of a platform by project. What is said for a platform stands in the place
// of what is said for all.
func on(needs []need, t target) map[string]Constraint {
	if len(needs) == 0 {
		return nil
	}
	m := make(map[string]Constraint, len(needs))
	for _, general := range []bool{true, false} {
		for _, n := range needs {
			if n.on.on(t) && (n.on == condition{}) == general {
				m[n.project] = n.constraint
			}
		}
	}
	return m
}

// texts writes needs for metadata.
func texts(needs map[string]Constraint) map[string]string {
	if len(needs) == 0 {
		return nil
	}
	m := make(map[string]string, len(needs))
	for project, c := range needs {
		m[project] = c.String()
	}
	return m
}

// provides lists the programs on a platform, the version filled in.
func (r *recipe) provides(t target, v version) []string {
	var paths []string
	for _, p := range r.programs {
		if !p.on.on(t) {
			continue
		}
		if s, _ := expand(p.path, versionToken(v, "version")); !slices.Contains(paths, s) {
			paths = append(paths, s)
		}
	}
	return paths
}

// variables is the environment on a platform, the version filled in; {{prefix}} and what is of
// other projects is left for whoever knows the folders.
func (r *recipe) variables(t target, v version) map[string]string {
	m := make(map[string]string)
	for _, general := range []bool{true, false} {
		for _, e := range r.env {
			if !e.on.on(t) || (e.on == condition{}) != general {
				continue
			}
			value, _ := expand(e.value, versionToken(v, "version"))
			if old := m[e.name]; e.more && old != "" {
				value = old + " " + value
			}
			m[e.name] = value
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

var errRecipe = errors.New("malformed recipe")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errRecipe}, args...)...)
}

// parseRecipe reads a package.yml.
func parseRecipe(project string, data []byte) (*recipe, error) {
	doc, err := decodeRecipe(data)
	if err != nil {
		return nil, err
	}
	r := &recipe{
		project: project, display: line(doc.text("display-name")), license: line(doc.text("license")),
		description: line(cmp.Or(doc.text("description"), doc.text("summary"))),
		repository:  repository(project, doc.get("versions")), deprecated: deprecation(doc.get("deprecated")),
	}
	for _, step := range []func(node) error{r.readPlatforms, r.readPrograms, r.readNeeds, r.readEnv, r.readInterprets} {
		if err := step(doc); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func deprecation(n node) string {
	s, ok := n.scalar()
	switch {
	case !ok || s == "false" || s == "":
		return ""
	case s == "true":
		return "deprecated"
	}
	return line(s)
}

// repository makes a URL of where the versions of a project are looked for, or of its name.
func repository(project string, versions node) string {
	s := versions.text("github") // owner/name, or owner/name/tags or …/releases and more
	if s == "" {
		s, _ = strings.CutPrefix(project, "github.com/")
		if s == project {
			return ""
		}
	}
	parts := strings.SplitN(s, "/", 3)
	if len(parts) < 2 || !validProject(parts[0]+"/"+parts[1]) {
		return ""
	}
	return "https://github.com/" + parts[0] + "/" + parts[1]
}

func (r *recipe) readPlatforms(doc node) error {
	for _, n := range doc.get("platforms").list() {
		s, _ := n.scalar()
		c, ok := parseCondition(s)
		if !ok {
			return malformed("platform %s", quote(s))
		}
		r.platforms = append(r.platforms, c)
	}
	return nil
}

// builtFor says whether the recipe is meant for a platform. versions.txt may know better.
func (r *recipe) builtFor(t target) bool {
	return r.platforms == nil || slices.ContainsFunc(r.platforms, func(c condition) bool { return c.on(t) })
}

// readPrograms reads "provides": a list, or a list for each platform.
func (r *recipe) readPrograms(doc node) error {
	provides := doc.get("provides")
	if !provides.isMap() {
		return r.addPrograms(condition{}, provides)
	}
	for key, value := range provides.pairs() {
		c, ok := parseCondition(key)
		if !ok {
			return malformed("provides for %s", quote(key))
		}
		if err := r.addPrograms(c, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *recipe) addPrograms(c condition, list node) error {
	for _, n := range list.list() {
		if n.isMap() {
			n = n.get("executable")
		}
		s, ok := n.scalar()
		clean := path.Clean(s)
		if !ok || s == "" || clean == "." || path.IsAbs(s) || clean == ".." || strings.HasPrefix(clean, "../") ||
			strings.ContainsFunc(s, printable.Unsafe) || strings.Contains(s, `\`) {
			return malformed("provides %s", quote(s))
		}
		r.programs = append(r.programs, program{c, clean})
	}
	return nil
}

func (r *recipe) readNeeds(doc node) (err error) {
	if r.needs, err = readNeeds(doc.get("dependencies")); err != nil {
		return err
	}
	r.companions, err = readNeeds(doc.get("companions"))
	return err
}

func readNeeds(m node) ([]need, error) {
	var needs []need
	for key, value := range m.pairs() {
		c, platform := parseCondition(key)
		if !platform {
			n, err := readNeed(key, value)
			if err != nil {
				return nil, err
			}
			needs = append(needs, n)
			continue
		}
		for project, value := range value.pairs() {
			n, err := readNeed(project, value)
			if err != nil {
				return nil, err
			}
			n.on = c
			needs = append(needs, n)
		}
	}
	return needs, nil
}

// readNeed reads one entry. A number n means ^n, however it is written: 1.10 is the number 1.1.
// A text without an operator means @text, which is what people expect of "1.1.1".
func readNeed(project string, value node) (need, error) {
	s, ok := value.scalar()
	if !validProject(project) || !ok {
		return need{}, malformed("dependency %s", quote(project))
	}
	if n, ok := value.number(); ok {
		s = "^" + n
	}
	c, err := ParseConstraint(s)
	if err != nil {
		return need{}, fmt.Errorf("%w: dependency %s: %w", errRecipe, quote(project), err)
	}
	return need{project: project, constraint: c}, nil
}

func (r *recipe) readEnv(doc node) error {
	for key, value := range doc.get("runtime").get("env").pairs() {
		c, platform := parseCondition(key)
		if !platform {
			r.addVariable(condition{}, key, value)
			continue
		}
		for key, value := range value.pairs() {
			r.addVariable(c, key, value)
		}
	}
	return nil
}

// addVariable takes what an environment can hold; the rest of the recipe is good without it.
func (r *recipe) addVariable(c condition, name string, n node) {
	var words []string
	for _, item := range n.list() {
		s, ok := item.scalar()
		if b, isBool := item.boolean(); isBool {
			s = b
		}
		if !ok || strings.ContainsRune(s, 0) {
			return
		}
		words = append(words, s)
	}
	if !validVariable(name) || len(words) == 0 {
		return
	}
	more := n.isList() && c != condition{}
	r.env = append(r.env, variable{c, name, strings.Join(words, " "), more})
}

func validVariable(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// readInterprets reads which files the project runs; what it cannot read is nothing.
func (r *recipe) readInterprets(doc node) error {
	interprets := doc.get("interprets")
	for _, n := range interprets.get("extensions").list() {
		if s, ok := n.scalar(); ok && s != "" {
			r.extensions = append(r.extensions, strings.TrimPrefix(s, "."))
		}
	}
	args := interprets.get("args")
	for _, n := range args.list() {
		s, _ := n.scalar()
		if !args.isList() {
			r.interpreter = strings.Fields(s)
		} else if s != "" {
			r.interpreter = append(r.interpreter, s)
		}
	}
	return nil
}

// tool is what metadata says of the project as a program.
func (r *recipe) tool(t target, v version, builds []pantry.Build) *pantry.Tool {
	return &pantry.Tool{
		Builds: builds, Provides: r.provides(t, v), Env: r.variables(t, v), Companions: texts(on(r.companions, t)),
	}
}
