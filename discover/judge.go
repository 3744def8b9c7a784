package discover

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/registry"
)

// proposedBy begins the source of an entry that is a proposal before.
const proposedBy = "proposed by "

// Judge sets the state of each proposal, given what is configured and the proposals before it, and
// notes what concerns trust. builtIn names the configured registries that nobody configured, whose
// place an entry may take. Names that two proposals share get a number.
func Judge(proposals []Proposal, configured []registry.Config, builtIn func(name string) bool) {
	var so []registry.Config
	for _, c := range configured {
		if !c.Disabled || !builtIn(c.Name) {
			so = append(so, c)
		}
	}
	proposed := map[string]bool{}
	for i := range proposals {
		p := &proposals[i]
		if p.State == Unsupported {
			continue
		}
		p.State, p.Reason = New, ""
		if err := alone(p.Entry); err != nil {
			p.refuse(oneLine(err))
			continue
		}
		if known(p, so) {
			continue
		}
		name := p.Entry.Name
		for n := 2; proposed[strings.ToLower(p.Entry.Name)] && !builtIn(name); n++ {
			p.Entry.Name = fmt.Sprintf("%s-%d", name, n)
		}
		rest := clashes(p, so, builtIn)
		if p.State != New {
			continue
		}
		// The manager knows every other reason why they cannot stand together.
		if err := manager().Load(append(slices.Clone(rest), p.Entry), ""); err != nil {
			p.State, p.Reason = Conflict, oneLine(err)
			continue
		}
		order(p, rest, builtIn)
		wide(p)
		mine := p.Entry
		mine.Source = proposedBy + p.From
		so = append(rest, mine)
		proposed[strings.ToLower(mine.Name)] = true
	}
}

// manager is one for checking entries, in which the values of variables do not matter.
func manager() *registry.Manager {
	return registry.NewManager(registry.Options{Getenv: func(string) (string, bool) { return "x", true }})
}

// alone is what is wrong with an entry whatever else is configured.
func alone(c registry.Config) error { return manager().Add(c) }

// known finds a registry of the same URL that claims at least what the proposal does.
func known(p *Proposal, so []registry.Config) bool {
	for _, c := range so {
		if c.Type != p.Entry.Type || c.Adapter != p.Entry.Adapter || !sameURL(urlOf(c), urlOf(p.Entry)) {
			continue
		}
		uncovered := slices.DeleteFunc(slices.Clone(p.Entry.Packages), func(q string) bool {
			return slices.ContainsFunc(c.Packages, func(have string) bool { return registry.PatternCovers(have, q) })
		})
		if len(uncovered) == 0 {
			p.State, p.Reason = Known, "registry "+c.Name+" has this URL"
			return true
		}
		p.Note("registry %s has the same URL, and does not claim %s", c.Name, printable(strings.Join(uncovered, ", ")))
	}
	return false
}

// clashes looks for names and claims that are taken, and returns the configured registries that would
// stand beside the proposal.
func clashes(p *Proposal, so []registry.Config, builtIn func(string) bool) (rest []registry.Config) {
	for _, c := range so {
		same := strings.EqualFold(c.Name, p.Entry.Name)
		if same && builtIn(c.Name) && c.Name == p.Entry.Name && c.Type == p.Entry.Type && !strings.HasPrefix(c.Source, proposedBy) {
			p.Note("it takes the place of the built-in registry %s", c.Name)
			continue
		}
		rest = append(rest, c)
		if same {
			p.State, p.Reason = Conflict, fmt.Sprintf("the name is taken by %s", described(c))
			return rest
		}
		for _, q := range p.Entry.Packages {
			for _, have := range c.Packages {
				if registry.PatternsOverlap(have, q) {
					p.State, p.Reason = Conflict, fmt.Sprintf("it claims %s, and %s claims %s", printable(q), described(c), have)
					return rest
				}
			}
		}
	}
	return rest
}

func described(c registry.Config) string {
	s := "registry " + c.Name
	if c.Source != "" {
		s += " (" + c.Source + ")"
	}
	return s
}

// order notes before whom the registry would be asked for names that nobody claims.
func order(p *Proposal, rest []registry.Config, builtIn func(string) bool) {
	if p.Entry.Priority == nil || builtIn(p.Entry.Name) {
		return // it is nowhere else than the one whose place it takes
	}
	var later []string
	for _, c := range rest {
		priority := registry.DefaultPriority
		if c.Priority != nil {
			priority = *c.Priority
		}
		if !c.Disabled && !c.ClaimsOnly && *p.Entry.Priority < priority {
			later = append(later, c.Name)
		}
	}
	if len(later) > 0 {
		p.Note("names that nobody claims are asked of it before %s", strings.Join(later, ", "))
	}
}

// wide notes claims of everything.
func wide(p *Proposal) {
	for _, pattern := range p.Entry.Packages {
		for all, what := range map[string]string{"*": "without a scope", "@*/*": "with a scope"} {
			if registry.PatternCovers(pattern, all) {
				p.Note("it claims every name %s: nobody else would be asked for one", what)
			}
		}
	}
}

// oneLine is an error that may have several lines.
func oneLine(err error) string { return printable(strings.ReplaceAll(err.Error(), "\n", "; ")) }

func urlOf(c registry.Config) string {
	if c.URL != "" {
		return c.URL
	}
	for _, k := range registry.Kinds() {
		if k.Type == c.Type {
			return k.DefaultURL
		}
	}
	return ""
}

// sameURL compares without what makes no difference: capitals of the host, a default port, a slash at
// the end.
func sameURL(a, b string) bool { return a != "" && b != "" && plainURL(a) == plainURL(b) }

func plainURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	port := u.Port()
	if port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		port = ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port + strings.TrimRight(u.EscapedPath(), "/")
}
