package mirror

import (
	"cmp"
	"slices"
)

// Report says what a run did.
type Report struct {
	From   string `json:"from"`
	To     string `json:"to"`
	DryRun bool   `json:"dryRun,omitempty"` // nothing was done: the numbers are of what would be
	// Packages counts the names of which something was wanted; the others count versions.
	Packages int `json:"packages"`
	Copied   int `json:"copied"`
	Updated  int `json:"updated"` // the same bytes, about which something else is said now
	Skipped  int `json:"skipped"` // already there
	Tags     int `json:"tags"`    // that were set
	// Bytes that were downloaded; of a dry run those that the source tells the size of.
	Bytes int64 `json:"bytes"`
	// Failed lists what should have been copied and was not.
	Failed []Failure `json:"failed"`
	// LeftOut lists what was not to be copied although it was asked for, and why.
	LeftOut []Left `json:"leftOut,omitempty"`
	// NotCarried counts versions of which the target's protocol does not hold something that
	// the source says.
	NotCarried []NotCarried `json:"notCarried,omitempty"`
}

// Failure is something that was not copied.
type Failure struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Reason  string `json:"reason"`
	Hint    string `json:"hint,omitempty"`
	// Conflict: the target has the version with other bytes.
	Conflict bool  `json:"conflict,omitempty"`
	Err      error `json:"-"`
}

// Left is something that was left out.
type Left struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Reason  string `json:"reason"`
}

// NotCarried is something that versions lack at the target: "deprecation", "time",
// "signatures", "attestations" or "tags".
type NotCarried struct {
	What     string `json:"what"`
	Versions int    `json:"versions"`
}

// finish puts the lists in an order that does not depend on who was faster.
func (r *Report) finish() {
	if r.Failed == nil {
		r.Failed = []Failure{}
	}
	slices.SortFunc(r.Failed, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(r.LeftOut, func(a, b Left) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortFunc(r.NotCarried, func(a, b NotCarried) int { return cmp.Compare(a.What, b.What) })
}
