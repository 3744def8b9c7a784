// Package publish gives one packed package to one registry or several: it decides which, looks at what they
// have, and sends the same bytes to each. What is there already with the same bytes is left as it is, so that
// a run that was broken off is finished by the same command. No version is ever overwritten.
package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/pack"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/semver"
)

const latest = "latest"

// Options of [Run].
type Options struct {
	Registries *registry.Manager
	// To names registries; see [Targets].
	To []string
	// Tag points to the version afterwards; "" is that of publishConfig, or latest.
	Tag string
	// Access is "public", "restricted", or "" for what publishConfig says, or the registry.
	Access string
	// DryRun looks, and sends nothing.
	DryRun bool
	// OTP asks a person for a one-time password; nil asks nobody.
	OTP AskOTP
	// Report is told each result as soon as it is there; may be nil.
	Report func(Result)
}

// Status says what became of a package at a registry.
type Status string

// The statuses.
const (
	Published Status = "published"
	There     Status = "there"   // it was there already, with the same bytes
	Planned   Status = "planned" // it would be published: a dry run
	Failed    Status = "failed"
)

// Result is what became of a package at one registry.
type Result struct {
	Registry string `json:"registry"`
	URL      string `json:"url,omitempty"`
	Status   Status `json:"status"`
	Error    string `json:"error,omitempty"`
	Err      error  `json:"-"`
}

// Error says that a package did not get everywhere. It matches the errors of all registries.
type Error struct {
	Name, Version string
	Results       []Result
}

func (e *Error) failed() []Result {
	return slices.DeleteFunc(slices.Clone(e.Results), func(r Result) bool { return r.Err == nil })
}

func (e *Error) Error() string {
	failed := e.failed()
	if len(e.Results) == 1 {
		return failed[0].Err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s is not at %d of %d registries", e.Name, e.Version, len(failed), len(e.Results))
	for _, r := range failed {
		b.WriteString("\n" + r.Err.Error())
	}
	return b.String()
}

// Unwrap returns the errors of the registries that failed.
func (e *Error) Unwrap() []error {
	var out []error
	for _, r := range e.failed() {
		out = append(out, r.Err)
	}
	return out
}

// Hint is the first registry's, and what to do about all of them.
func (e *Error) Hint() string {
	hint := ""
	for _, err := range e.Unwrap() {
		if hint = pantry.Hint(err); hint != "" {
			break
		}
	}
	if len(e.Results) > 1 {
		again := "run the same command again afterwards: where the package is already, it is left as it is"
		if hint == "" {
			return again
		}
		return hint + "\n" + again
	}
	return hint
}

// TagOf is the tag that the package is published under.
func (o Options) TagOf(p *pack.Package) string {
	tag, _ := o.tag(p)
	return tag
}

// AccessOf is who may read the package; "" leaves it to the registry.
func (o Options) AccessOf(p *pack.Package) string { return cmp.Or(o.Access, p.PublishConfig.Access) }

// tag is the tag that a package is published under. explicit says that somebody asked for it.
func (o Options) tag(p *pack.Package) (tag string, explicit bool) {
	for _, t := range []string{o.Tag, p.PublishConfig.Tag} {
		if t != "" {
			return t, true
		}
	}
	return latest, false
}

// Run publishes a package and returns a result for each registry. Nothing is sent to any of them if one
// cannot take the package as it is, or has other bytes for its version; a registry that fails later stops
// none of the others. The error is an [*Error] once registries were asked.
func Run(ctx context.Context, p *pack.Package, o Options) ([]Result, error) {
	tag, explicit := o.tag(p)
	if err := check(p, tag, explicit); err != nil {
		return nil, err
	}
	targets, err := Targets(o.Registries, p, o.To)
	if err != nil {
		return nil, err
	}
	pub, err := npm.PublicationOf(p.Tarball)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, pantry.ErrConfig)
	}
	pub.Metadata.Artifact.Integrity = p.Integrity
	pub.Tag, pub.Access = tag, o.AccessOf(p)

	results := make([]Result, len(targets))
	blocked := false
	for i, e := range targets {
		results[i] = Result{Registry: e.Name(), URL: e.URL(), Status: Planned}
		there, err := look(ctx, e, p, explicit)
		switch {
		case err != nil:
			results[i].fail(&pantry.Error{Op: "publish", Ref: ref(e, p), Err: err})
			blocked = blocked || errors.Is(err, pantry.ErrExists) || errors.Is(err, pantry.ErrConfig) || ctx.Err() != nil
		case there:
			results[i].Status = There
		}
	}
	for i, e := range targets {
		r := &results[i]
		if r.Status == Planned && !o.DryRun && !blocked {
			pub.Tarball = bytes.NewReader(p.Tarball)
			err := WithOTP(ctx, e.Name(), o.OTP, func(ctx context.Context) error {
				return o.Registries.Publish(ctx, e.Name(), *pub)
			})
			if err != nil {
				r.fail(err)
			} else {
				r.Status = Published
			}
		}
		if o.Report != nil && !(blocked && r.Status == Planned) {
			o.Report(*r)
		}
	}
	if slices.ContainsFunc(results, func(r Result) bool { return r.Err != nil }) {
		return results, &Error{p.Name, p.Version, results}
	}
	return results, nil
}

func (r *Result) fail(err error) { r.Status, r.Err, r.Error = Failed, err, err.Error() }

// check says what npm refuses too, whatever the registry.
func check(p *pack.Package, tag string, explicit bool) error {
	fail := func(err error) error {
		return &pantry.Error{Op: "publish", Ref: pantry.Ref{Name: p.Name, Version: p.Version}, Err: err}
	}
	if p.Private {
		err := fmt.Errorf(`package.json says "private": true: %w`, pantry.ErrConfig)
		return fail(pantry.WithHint(err, `remove "private" from package.json if the package is meant to be published`))
	}
	if _, err := semver.ParseRange(tag); err == nil {
		return fail(fmt.Errorf("%.60q cannot be a tag, since it reads as a version or range: %w", tag, pantry.ErrConfig))
	}
	v, err := semver.Parse(p.Version)
	if err != nil {
		return fail(fmt.Errorf("%w: %w", err, pantry.ErrConfig))
	}
	if v.Build() != "" { // npm drops it; there are registries that the "+" brings down
		err := fmt.Errorf("registries know no build metadata (+%s): %w", v.Build(), pantry.ErrConfig)
		return fail(pantry.WithHint(err, "leave it out of the version in package.json"))
	}
	if v.Prerelease() != "" && !explicit {
		err := fmt.Errorf("a prerelease needs a tag, so that nobody gets it as the latest version: %w", pantry.ErrConfig)
		return fail(pantry.WithHint(err, "give it one with --tag next, or --tag latest if that is what you want"))
	}
	return nil
}

// look says whether the registry has the version with the same bytes.
func look(ctx context.Context, e *registry.Entry, p *pack.Package, explicit bool) (there bool, err error) {
	known, err := e.Package(ctx, p.Name)
	switch {
	case errors.Is(err, pantry.ErrNotFound):
		return false, nil
	case errors.Is(err, pantry.ErrDenied):
		// There are registries that let some publish who may not read, and that hide what is not there.
		return false, nil
	case err != nil:
		return false, err
	}
	if slices.Contains(known.Versions(), p.Version) {
		return true, same(ctx, e, known, p)
	}
	if higher := highest(known, p.Version); higher != "" && !explicit {
		err := fmt.Errorf("version %s is there and higher, so that the tag latest is not moved to %s unless you say so: %w", higher, p.Version, pantry.ErrConfig)
		return false, pantry.WithHint(err, "give the version a tag of its own with --tag NAME, or --tag latest if that is what you want")
	}
	return false, nil
}

// same says what is different about the version that the registry has.
func same(ctx context.Context, e *registry.Entry, known pantry.Package, p *pack.Package) error {
	m, err := known.Metadata(p.Version)
	if err != nil {
		return err
	}
	other := pantry.WithHint(fmt.Errorf("%w with other bytes", pantry.ErrExists), "a version is never changed: publish a new one")
	if len(m.Artifact.Integrity) > 0 {
		h := integrity.NewHasher(m.Artifact.Integrity)
		_, _ = h.Write(p.Tarball)
		if h.Verify() != nil {
			return other
		}
		return nil
	}
	a := m.Artifact
	a.Name, a.Version = p.Name, p.Version
	body, err := e.Open(ctx, a)
	if err != nil {
		return err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, int64(len(p.Tarball))+1))
	if err == nil && !bytes.Equal(data, p.Tarball) {
		return other
	}
	return err
}

// highest is the highest version that the tag latest should not be taken from for a lower one: no
// prerelease, not deprecated, above version. "" means that there is none.
func highest(known pantry.Package, version string) string {
	ours, err := semver.Parse(version)
	if err != nil {
		return ""
	}
	for _, text := range slices.Backward(known.Versions()) {
		v, err := semver.Parse(text)
		if err != nil || v.Prerelease() != "" {
			continue
		}
		if semver.Compare(v, ours) <= 0 {
			return ""
		}
		if m, err := known.Metadata(text); err == nil && m.Deprecated == "" {
			return text
		}
	}
	return ""
}
