package registry

import (
	"fmt"
	"strings"

	"github.com/pantry-go/pantry"
)

// candidate is a registry and why it is passed over; skip is "" for those to be asked.
type candidate struct {
	entry *Entry
	skip  string
}

// plan is what can be said about a request before anybody is asked: all registries in order.
type plan struct {
	candidates []candidate
	claimers   []*Entry
	pattern    string // of the first claimer
	err        error  // nobody may be asked
}

func (p plan) claimed() bool { return len(p.claimers) > 0 }

// plan applies restriction, claims and enabling to a request. It speaks to nobody.
func (s *state) plan(r Request) plan {
	var p plan
	if err := checkPackageName(r.Name); err != nil {
		p.err = err
		return p
	}
	wanted, err := s.restriction(r.Registry)
	if err != nil {
		p.err = err
		return p
	}
	p.claimers, p.pattern = s.claimers(r.Name)
	claims := func(e *Entry) bool {
		_, ok := e.Claims(r.Name)
		return ok
	}
	p.candidates = make([]candidate, 0, len(s.entries))
	left := 0
	for _, e := range s.entries {
		c := candidate{entry: e}
		switch {
		case !e.Enabled():
			c.skip = "disabled"
		case !wanted(e):
			c.skip = "the question is for " + r.Registry + " only"
		case p.claimed() && !claims(e):
			c.skip = fmt.Sprintf("the name belongs to %s (pattern %s)", strings.Join(names(p.claimers), " and "), quote(p.pattern))
		case e.reserved(r.Registry) && !claims(e):
			c.skip = "it is asked for names it claims only, or by its own name"
		case r.NPMStyle && !e.NPMStyle():
			c.skip = "its packages have no npm dependencies"
		default:
			left++
		}
		p.candidates = append(p.candidates, c)
	}
	if left == 0 {
		p.err = s.nobody(r, p, wanted)
	}
	return p
}

// restriction says which registries a request is for: by name, else by type; "" is all.
func (s *state) restriction(nameOrType string) (func(*Entry) bool, error) {
	if nameOrType == "" {
		return func(*Entry) bool { return true }, nil
	}
	if _, ok := s.get(nameOrType); ok {
		return func(e *Entry) bool { return e.Name() == nameOrType }, nil
	}
	for _, e := range s.entries {
		if e.Type() == nameOrType {
			return func(e *Entry) bool { return e.Type() == nameOrType }, nil
		}
	}
	return nil, s.unknown(nameOrType)
}

// nobody says why a plan leaves nobody to ask.
func (s *state) nobody(r Request, p plan, wanted func(*Entry) bool) error {
	var asked []*Entry
	for _, e := range s.entries {
		if wanted(e) {
			asked = append(asked, e)
		}
	}
	if p.claimed() {
		return claimedAway(r, p, asked)
	}
	switch {
	case len(s.entries) == 0:
		return &refusal{pantry.ErrConfig, "no registry is configured", `add one to "registries" in pantry.json`}
	case len(enabled(s.entries)) == 0:
		return &refusal{pantry.ErrConfig, "every registry is disabled", "enable one: pantry registry enable " + s.entries[0].Name()}
	case len(enabled(asked)) == 0:
		return &refusal{pantry.ErrConfig, "registry " + quoteAll(names(asked)) + " is disabled",
			"enable it: pantry registry enable " + asked[0].Name()}
	}
	return &refusal{pantry.ErrConfig, "no registry that is enabled has packages with npm dependencies", "add one of type npm or custom"}
}

// claimedAway says why a claimed name is asked of nobody.
func claimedAway(r Request, p plan, asked []*Entry) error {
	owner := p.claimers[0].Name()
	belongs := fmt.Sprintf("%s belongs to registry %s (pattern %s)", quote(r.Name), quoteAll(names(p.claimers)), quote(p.pattern))
	var among []*Entry
	for _, e := range asked {
		if _, ok := e.Claims(r.Name); ok {
			among = append(among, e)
		}
	}
	switch {
	case len(among) == 0:
		return &refusal{pantry.ErrPolicy, belongs + ", so " + quote(r.Registry) + " is not asked for it",
			"ask registry " + owner + `, or change its "packages"`}
	case len(enabled(among)) == 0:
		return &refusal{pantry.ErrPolicy, belongs + ", which is disabled, so nobody is asked for it",
			"enable it: pantry registry enable " + among[0].Name()}
	}
	return &refusal{pantry.ErrConfig, belongs + ", whose packages have no npm dependencies", ""}
}
