package npm

import (
	"fmt"
	"strings"

	"github.com/pantry-go/pantry/registry/npm/packument"
	"github.com/pantry-go/pantry/semver"
)

// maxGone is how many versions that are gone are named.
const maxGone = 3

// backwards says in which way a packument is behind what was kept before; "" where it is not. A nil
// packument is none. A registry that shows an old state of things, or has lost some of them, looks like
// this; so does one whose owner took something back.
func backwards(kept, now *packument.Packument) string {
	switch {
	case kept == now || kept.None() || kept.Len() == 0:
		return ""
	case now == nil:
		return fmt.Sprintf("it had %d of its versions, and has none any more", kept.Len())
	}
	var parts []string
	was, ok1 := kept.Tagged("latest")
	is, ok2 := now.Tagged("latest")
	if ok1 && ok2 && semver.Compare(now.Version(is), kept.Version(was)) < 0 {
		parts = append(parts, fmt.Sprintf("latest was %s and is %s", kept.Spelling(was), now.Spelling(is)))
	}
	gone, names := 0, []string{}
	for i := kept.Len() - 1; i >= 0; i-- {
		if _, there := now.Place(kept.Spelling(i)); there {
			continue
		}
		if gone++; gone <= maxGone {
			names = append(names, kept.Spelling(i))
		}
	}
	if gone > maxGone {
		names = append(names, "…")
	}
	if gone > 0 {
		parts = append(parts, fmt.Sprintf("it has no more: %s", strings.Join(names, ", ")))
	}
	return strings.Join(parts, "; ")
}
