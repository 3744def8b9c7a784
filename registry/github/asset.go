package github

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

const (
	// maxAssetName bounds the name of an asset, in bytes, as most file systems do.
	maxAssetName = 255
	// maxListed is how many assets a message lists.
	maxListed = 12
)

// ErrNoAsset is matched by the error of a release that has no asset for a platform, or several
// among which nothing decides. It is no sentinel of package pantry: the registry has the version.
var ErrNoAsset = errors.New("no asset can be chosen")

// Choice is an asset chosen for a platform, and why.
type Choice struct {
	// Asset is its name.
	Asset string
	// Score is what its name is worth; Reasons say for what.
	Score   int
	Reasons []string
	// Executable is what the program should be called when the asset is one program rather
	// than an archive; "" for archives.
	Executable string
	// Candidates are all assets, the best first, those that are out of question last.
	Candidates []Candidate
}

// Why says in one line how the asset was chosen.
func (c Choice) Why() string {
	return fmt.Sprintf("%s: %s = %d", c.Asset, strings.Join(c.Reasons, ", "), c.Score)
}

// Candidate is one asset in a choice.
type Candidate struct {
	Asset   string
	Score   int
	Reasons []string
	// Out says why the asset cannot be chosen for the platform; "" for one that can.
	Out string
}

// AssetError says why none of a release's assets was chosen. It matches [ErrNoAsset].
type AssetError struct {
	Platform pantry.Platform
	// Pattern is the pattern that the asset had to match; "" for none.
	Pattern string
	// Equal are the assets among which nothing decides; empty when none fits.
	Equal []string
	// Candidates are all assets.
	Candidates []Candidate
}

func (e *AssetError) Error() string {
	of := ""
	if e.Pattern != "" {
		of = " of those that match " + quote(e.Pattern)
	}
	if len(e.Equal) > 0 {
		return fmt.Sprintf("%d assets%s fit %s equally well: %s", len(e.Equal), of, e.Platform, listed(e.Equal))
	}
	var names []string
	for _, c := range e.Candidates {
		names = append(names, c.Asset)
	}
	if len(names) == 0 {
		return fmt.Sprintf("no asset%s is for %s", of, e.Platform)
	}
	return fmt.Sprintf("no asset%s is for %s; there are %s", of, e.Platform, listed(names))
}

// Is matches [ErrNoAsset].
func (e *AssetError) Is(target error) bool { return target == ErrNoAsset }

// Hint is the next step.
func (e *AssetError) Hint() string {
	if len(e.Equal) == 0 {
		return "if one of them runs here all the same, name it with a pattern for the package's asset"
	}
	one, _, _ := strings.Cut(e.Equal[0], "-")
	return fmt.Sprintf("say which one is meant with a pattern for the package's asset, such as %q", one+"-*")
}

// listed writes names for a message.
func listed(names []string) string {
	more := ""
	if n := len(names) - maxListed; n > 0 {
		names, more = names[:maxListed], fmt.Sprintf(" and %d more", n)
	}
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = clip(line(n))
	}
	return strings.Join(shown, ", ") + more
}

// Choose picks the asset of a release that is tool for pl, by the words in the assets' names. An
// asset for another system or architecture is never chosen, nor one that needs glibc where musl
// is; of the rest the one with the most points is, and of equal ones that differ in their
// spelling only the one with the shortest name. Where nothing decides, the error is an
// [*AssetError] that lists the assets. Choose is a pure function.
func Choose(assets []string, tool string, pl pantry.Platform) (Choice, error) {
	return choose(assets, tool, pl, false)
}

// ChooseMatching is [Choose] among the assets whose names match pattern, a pattern of path.Match
// in which case does not count. It also takes packages of a system and scripts, when nothing else
// matches. A malformed pattern is an error that matches pantry.ErrConfig.
func ChooseMatching(assets []string, pattern, tool string, pl pantry.Platform) (Choice, error) {
	if pattern == "" {
		return Choose(assets, tool, pl)
	}
	var matching []string
	for _, a := range assets {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(a))
		if err != nil {
			return Choice{}, fmt.Errorf("%w: the asset pattern %s is malformed", pantry.ErrConfig, quote(pattern))
		}
		if ok {
			matching = append(matching, a)
		}
	}
	c, err := choose(matching, tool, pl, false)
	if e := (*AssetError)(nil); errors.As(err, &e) && len(e.Equal) == 0 {
		c, err = choose(matching, tool, pl, true)
	}
	if e := (*AssetError)(nil); errors.As(err, &e) {
		e.Pattern = pattern
		if len(matching) == 0 {
			for _, a := range assets {
				e.Candidates = append(e.Candidates, Candidate{Asset: a, Out: "does not match the pattern"})
			}
		}
	}
	return c, err
}

func choose(assets []string, tool string, pl pantry.Platform, relaxed bool) (Choice, error) {
	parsed := make([]assetName, len(assets))
	for i, name := range assets {
		parsed[i] = parseAsset(name, tool)
	}
	c := newContest(parsed, tool, pl)
	c.relaxed = relaxed
	candidates := make([]Candidate, len(parsed))
	byName := make(map[string]*assetName, len(parsed))
	for i := range parsed {
		t := c.score(&parsed[i])
		candidates[i] = Candidate{Asset: parsed[i].name, Score: t.points, Reasons: t.reasons, Out: t.out}
		byName[parsed[i].name] = &parsed[i]
	}
	slices.SortStableFunc(candidates, func(a, b Candidate) int {
		return cmp.Or(better(a, b), cmp.Compare(byName[b.Asset].native, byName[a.Asset].native),
			cmp.Compare(len(a.Asset), len(b.Asset)), strings.Compare(a.Asset, b.Asset))
	})
	best := candidates
	for i := range candidates {
		if candidates[i].Out != "" || candidates[i].Score < candidates[0].Score {
			best = candidates[:i]
			break
		}
	}
	switch {
	case len(best) == 0:
		return Choice{}, &AssetError{Platform: pl, Candidates: candidates}
	case !decided(best, byName):
		e := &AssetError{Platform: pl, Candidates: candidates}
		for _, b := range best {
			e.Equal = append(e.Equal, b.Asset)
		}
		return Choice{}, e
	}
	ch := Choice{Asset: best[0].Asset, Score: best[0].Score, Reasons: best[0].Reasons, Candidates: candidates}
	if a := byName[ch.Asset]; a.format != archive && a.format != portable {
		ch.Executable = a.executable(tool, pl.OS)
	}
	return ch, nil
}

// better orders candidates: possible ones first, then by points. What is equal in this is told
// apart by the words that are Go's own (linux-amd64 comes before linux64), then by the length of
// the name.
func better(a, b Candidate) int {
	if (a.Out == "") != (b.Out == "") {
		if a.Out == "" {
			return -1
		}
		return 1
	}
	return cmp.Compare(b.Score, a.Score)
}

// decided says that the first of the best is meant: the others are the same thing under a longer
// name.
func decided(best []Candidate, byName map[string]*assetName) bool {
	for _, b := range best[1:] {
		first, second := byName[best[0].Asset], byName[b.Asset]
		if first.signature() != second.signature() || len(b.Asset) == len(best[0].Asset) && first.native == second.native {
			return false
		}
	}
	return true
}
