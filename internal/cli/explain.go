package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain NAME[@RANGE]",
		Short: "Tell which registry answers for a package, and why",
		Long: `Explain asks the registries as an install would and tells the whole way: the claims that
apply, who was asked in which order and said what, how long it took, which credential was
used (never its value), who was passed over and why. When nobody has the package it tells
that way too, and exits with the error's code.`,
		Args: names(1, 1, "one package"),
		RunE: func(c *cobra.Command, args []string) error { return a.explain(c.Context(), args[0]) },
	}
	a.ageFlags(c)
	return c
}

func (a *app) explain(ctx context.Context, arg string) error {
	ctx, m, err := a.questions(ctx, registry.Options{})
	if err != nil {
		return err
	}
	w, err := a.wish(m, arg)
	if err != nil {
		return err
	}
	f, err := w.find(ctx, m)
	locked := a.lockedOrigins(m, w.name)
	for _, row := range locked {
		for _, v := range row.Versions {
			f.decision.Locked = append(f.decision.Locked, string(lockfile.MakeID(row.Registry, row.Name, v)))
		}
	}
	if a.flags.json {
		if perr := a.printJSON(f.decision); perr != nil {
			return perr
		}
		return err
	}
	var b strings.Builder
	tellDecision(&b, m, f.decision)
	tellLocked(&b, f.decision, locked)
	if err == nil {
		tellBuild(&b, f)
	}
	if _, perr := io.WriteString(a.Stdout, b.String()); perr != nil {
		return perr
	}
	return err
}

// lockedOrigins is what the project's lockfile has of a name. It is told beside what registries say, so
// that one which is not there or cannot be read is left to the commands that need it.
func (a *app) lockedOrigins(m *registry.Manager, name string) []originRow {
	l, _, err := a.readLock()
	if err != nil {
		return nil
	}
	maps.DeleteFunc(l.Packages, func(_ lockfile.ID, p *lockfile.Package) bool { return p.Name != name })
	return originRows(l, m)
}

// tellLocked writes what the lockfile has, and whether an install would take what registries say.
func tellLocked(w io.Writer, d registry.Decision, locked []originRow) {
	same := d.Registry == "" || len(locked) == 0
	for _, row := range locked {
		fmt.Fprintf(w, "%s has %s from %s", lockfile.Name, strings.Join(row.Versions, ", "), row.Registry)
		if row.Unconfirmed != "" {
			fmt.Fprintf(w, ", not confirmed: %s was unavailable", row.Unconfirmed)
		}
		fmt.Fprintln(w)
		same = same || row.Registry == d.Registry || row.Unconfirmed != ""
	}
	if !same {
		fmt.Fprintf(w, "an install would not take it from %s, unless it is approved: pantry origins approve %s\n", d.Registry, clean(d.Name))
	}
}

// tellBuild writes which build of a tool is for this machine, and why that one.
func tellBuild(w io.Writer, f found) {
	m, err := f.pkg.Metadata(f.version)
	if err != nil {
		fmt.Fprintf(w, "build: %s\n", clean(err.Error()))
		return
	}
	if m.Tool == nil {
		return
	}
	for _, b := range m.Tool.Builds {
		if b.Artifact.URL != m.Artifact.URL {
			continue
		}
		fmt.Fprintf(w, "build for this machine (%s): %s", b.Platform, clean(b.File))
		if b.Why != "" {
			fmt.Fprintf(w, ", since %s", clean(b.Why))
		}
		fmt.Fprintln(w)
		return
	}
}

// tellDecision writes a decision for a person.
func tellDecision(w io.Writer, m *registry.Manager, d registry.Decision) {
	head := clean(d.Name)
	if d.Wanted != "" {
		head += "@" + clean(d.Wanted)
	}
	if d.Registry != "" {
		fmt.Fprintf(w, "%s is answered by registry %s: version %s (%s)\n", head, d.Registry, clean(d.Version), duration(d.Duration))
	} else {
		fmt.Fprintf(w, "%s is answered by no registry (%s)\n", head, duration(d.Duration))
	}
	if d.Pattern != "" {
		fmt.Fprintf(w, "the name is claimed by pattern %q: only registries that claim it are asked\n", d.Pattern)
	} else {
		fmt.Fprintln(w, "no registry claims the name: registries are asked in the order of their priority")
	}
	for i, at := range d.Attempts {
		fmt.Fprintf(w, "%3d. ", i+1)
		tellAttempt(w, m, at)
		if at.Asked && !at.Probe && at.Outcome != registry.Found {
			fmt.Fprintf(w, "     fallback: %s%s\n", at.Mode, consequence(d.Attempts[i+1:]))
		}
	}
	if d.Unconfirmed != "" {
		fmt.Fprintf(w, "the origin is not confirmed: registry %s comes first, and gave no usable answer\n", d.Unconfirmed)
	}
	if d.Stale != "" {
		fmt.Fprintf(w, "warning: %s\n", d.Stale)
	}
	for _, warning := range d.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// consequence says that the answer before rest let the search go on.
func consequence(rest []registry.Attempt) string {
	for _, at := range rest {
		if at.Asked && !at.Probe {
			return ", so " + at.Registry + " was asked"
		}
	}
	return ""
}

func tellAttempt(w io.Writer, m *registry.Manager, at registry.Attempt) {
	priority := ""
	if e, ok := m.Get(at.Registry); ok {
		priority = fmt.Sprintf(", priority %d", e.Priority())
	}
	head := fmt.Sprintf("%s (%s%s)", at.Registry, at.Type, priority)
	if !at.Asked {
		reason := at.Reason
		if reason == "" {
			reason = clean(at.Error)
		}
		fmt.Fprintf(w, "%s not asked: %s\n", head, reason)
		return
	}
	fmt.Fprintf(w, "%s  %s\n", head, at.URL)
	asked := "asked"
	if at.Probe {
		asked = "asked only to see who else has it"
	}
	fmt.Fprintf(w, "     %s: %s  (%s)\n", asked, describeAnswer(at), duration(at.Duration))
	if at.Cache != "" {
		fmt.Fprintf(w, "     cache: %s\n", describeCache(at.Cache))
	}
	credential := at.Credential
	if credential == "" {
		credential = "none"
	}
	fmt.Fprintf(w, "     credential: %s\n", credential)
}

// describeCache says where an answer came from.
func describeCache(s pantry.CacheState) string {
	return string(s) + map[pantry.CacheState]string{
		pantry.CacheFresh:       ", what it said before still holds, and no request was sent",
		pantry.CacheRevalidated: ", it was asked whether what it said before still holds",
		pantry.CacheStale:       ", what it said before is old, and was used all the same",
	}[s]
}

// describeAnswer says an outcome, and the detail where the outcome alone is not the whole story.
func describeAnswer(at registry.Attempt) string {
	switch at.Outcome {
	case registry.Found:
		return "found"
	case registry.NameNotFound:
		return "does not have the name"
	case registry.VersionNotFound:
		return "has the name, and no version that satisfies"
	}
	said := map[registry.Outcome]string{
		registry.DeniedAnonymous: "access denied, and there is no credential",
		registry.DeniedCred:      "access denied with the credential",
		registry.Unavailable:     "unavailable",
		registry.Invalid:         "an answer that is none of a registry",
		registry.Integrity:       "wrong bytes",
	}[at.Outcome]
	if said == "" {
		said = "failed"
	}
	return said + ": " + clean(at.Error)
}
