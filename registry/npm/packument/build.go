package packument

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry/semver"
)

// Document is what there is to say of a packument besides its versions and tags.
type Document struct {
	Name string
	// ETag and LastModified are the validators it came with, "" for none.
	ETag, LastModified string
	// Checked is when the registry was asked, and Life how long its answer holds.
	Checked time.Time
	Life    time.Duration
	// Strict says that it must not be used when it does not hold any more, whatever happens, and None
	// that there is no such package: there are no versions then.
	Strict, None bool
	// Published returns when a version was published, in the registry's spelling; nil where the
	// document does not say.
	Published func(version string) string
}

// Build returns the compact form. It fails where that would be too large.
func (b *Builder) Build(d Document) (*Packument, error) {
	w := writer{b: b, order: b.order()}
	if len(b.body)+len(w.order)*(versionSize+spanSize) > maxFile/2 { // the texts need the rest at most
		return nil, errTooLarge
	}
	out := w.write(d)
	if len(out) > maxFile {
		return nil, errTooLarge
	}
	return parse(out)
}

// order sorts the versions, as semver.Sort does, and leaves out what came again.
func (b *Builder) order() []int32 {
	order := make([]int32, len(b.versions))
	ascending := true
	for i := range order {
		order[i] = int32(i)
		ascending = ascending && (i == 0 || compare(&b.versions[i-1].value, &b.versions[i].value) < 0)
	}
	if ascending {
		return order
	}
	slices.SortFunc(order, func(i, j int32) int {
		x, y := &b.versions[i], &b.versions[j]
		c := compare(&x.value, &y.value)
		if c == 0 && !x.value.IsValid() {
			c = strings.Compare(x.text, y.text)
		}
		return cmp.Or(c, cmp.Compare(i, j))
	})
	kept := order[:0]
	for len(order) > 0 {
		run := 1
		for run < len(order) && compare(&b.versions[order[0]].value, &b.versions[order[run]].value) == 0 {
			run++
		}
		kept = append(kept, b.distinct(order[:run])...)
		order = order[run:]
	}
	return kept
}

// compare is semver.CompareBuild. Most versions differ in a number.
func compare(a, b *semver.Version) int {
	if a.IsValid() && b.IsValid() {
		if c := cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor), cmp.Compare(a.Patch, b.Patch)); c != 0 {
			return c
		}
	}
	return semver.CompareBuild(*a, *b)
}

// distinct leaves of each spelling the last, in the place of the first.
func (b *Builder) distinct(run []int32) []int32 {
	if len(run) == 1 {
		return run
	}
	places := make(map[string]int, len(run))
	kept := run[:0]
	for _, i := range run {
		if at, ok := places[b.versions[i].text]; ok {
			kept[at] = i
			continue
		}
		places[b.versions[i].text] = len(kept)
		kept = append(kept, i)
	}
	return kept
}
