package pkgx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

const maxVersions = 100_000 // of one project on one platform; the public ones have some hundreds

// errNoBottles: there is no list of versions for the platform.
var errNoBottles = errors.New("no bottles")

// parseVersions reads versions.txt: a version on each line. Lines that are none are skipped,
// unless nothing else is there.
func parseVersions(project string, data []byte) ([]version, error) {
	var versions []version
	odd := ""
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		v, err := parseVersion(text)
		switch {
		case err != nil:
			odd = text
		case len(versions) == maxVersions:
			return nil, fmt.Errorf("%w: the list has more than %d versions", pantry.ErrInvalid, maxVersions)
		case project != "openssl.org" || v.raw != "1.1.118": // it was published by mistake, for 1.1.1r
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 && odd != "" {
		return nil, fmt.Errorf("%w: %s stands in the place of a version", pantry.ErrInvalid, quote(odd))
	}
	slices.SortFunc(versions, order)
	return slices.CompactFunc(versions, func(a, b version) bool { return a.raw == b.raw }), nil
}

// inventory asks which versions of a project there are for a platform, in ascending order. The
// error matches errNoBottles when there is no list, or nothing in it.
func (r *Registry) inventory(ctx context.Context, project string, t target) ([]version, error) {
	u := r.folder(project, t) + "/versions.txt"
	data, found, err := r.object(ctx, u, r.limits.versions)
	if err != nil {
		return nil, err
	}
	versions, err := parseVersions(project, data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", transport.RedactURL(u), err)
	case !found, len(versions) == 0:
		return nil, errNoBottles
	}
	return versions, nil
}

// has looks a version up as it is written.
func has(versions []version, raw string) (version, bool) {
	i := slices.IndexFunc(versions, func(v version) bool { return v.raw == raw })
	if i < 0 {
		return version{}, false
	}
	return versions[i], true
}

func raws(versions []version) []string {
	s := make([]string, len(versions))
	for i, v := range versions {
		s[i] = v.raw
	}
	return s
}
