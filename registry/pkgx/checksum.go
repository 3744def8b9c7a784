package pkgx

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

const sumSuffix = ".sha256sum"

// sum is a line of a checksum's file.
type sum struct {
	digest integrity.Digest
	name   string // without folders; "" when the line has none
}

// parseSums reads what the program sha256sum writes: 64 hexadecimal digits, and a name after two
// spaces or a space and a star.
func parseSums(data []byte) ([]sum, error) {
	const most = 16 // lines; there is one, or one for each extension
	var sums []sum
	for text := range strings.Lines(string(data)) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		digits, name, _ := strings.Cut(text, " ")
		d, err := integrity.FromHex(integrity.SHA256, digits)
		if err != nil || len(sums) == most {
			return nil, fmt.Errorf("%w: %s in the place of a SHA-256", integrity.ErrMalformed, quote(text))
		}
		name = strings.TrimPrefix(strings.TrimLeft(name, " "), "*")
		if name != "" {
			name = path.Base(name)
		}
		sums = append(sums, sum{d, name})
	}
	if len(sums) == 0 {
		return nil, fmt.Errorf("%w: the file is empty", integrity.ErrMalformed)
	}
	return sums, nil
}

// sumOf finds the digest of file. A single line counts whatever name it has, since bottles get
// their names after they were hashed; but not when that is clearly the name of another bottle.
func sumOf(sums []sum, file string) (integrity.Digest, bool) {
	for _, s := range sums {
		if s.name == file {
			return s.digest, true
		}
	}
	if len(sums) == 1 && !bottleName(sums[0].name) {
		return sums[0].digest, true
	}
	return integrity.Digest{}, false
}

// bottleName says that s is what bottles are called where they are served: v1.2.3.tar.xz.
func bottleName(s string) bool {
	for _, e := range extensions {
		if v, ok := strings.CutSuffix(s, e); ok && strings.HasPrefix(v, "v") {
			_, err := parseVersion(v)
			return err == nil
		}
	}
	return false
}

// checksum is what the registry says a bottle must hash to.
type checksum struct {
	extension string // of the bottle; "" when that is not told
	digest    integrity.Digest
	bad       error // why there is no digest
}

// checksum looks for the checksum of the bottle at u, which lacks its extension: beside the
// bottle, under its whole name, or as it was done before there were several extensions.
func (r *Registry) checksum(ctx context.Context, u string, v version) (checksum, error) {
	file := "v" + v.raw
	for _, e := range append(extensions[:], "") {
		data, found, err := r.object(ctx, u+e+sumSuffix, r.limits.sum)
		if err != nil {
			return checksum{}, err
		}
		if !found {
			continue
		}
		sums, err := parseSums(data)
		if err != nil {
			return checksum{extension: e, bad: err}, nil
		}
		if e != "" {
			if d, ok := sumOf(sums, file+e); ok {
				return checksum{extension: e, digest: d}, nil
			}
			return checksum{extension: e, bad: otherBottle(sums, file+e)}, nil
		}
		for _, e := range extensions {
			if d, ok := sumOf(sums, file+e); ok && sums[0].name != "" {
				return checksum{extension: e, digest: d}, nil
			}
		}
		if d, ok := sumOf(sums, file); ok {
			return checksum{digest: d}, nil
		}
		return checksum{bad: otherBottle(sums, file)}, nil
	}
	return checksum{bad: fmt.Errorf("the registry has no checksum for it")}, nil
}

func otherBottle(sums []sum, file string) error {
	return fmt.Errorf("%w: it is of %s and not of %s", integrity.ErrMalformed, quote(sums[0].name), quote(file))
}

// build finds the bottle of a version and what it must hash to. An error about the checksum
// matches pantry.ErrPolicy.
func (r *Registry) build(ctx context.Context, project string, t target, v version) (pantry.Build, error) {
	u := r.bottle(project, t, v.raw)
	c, err := r.checksum(ctx, u, v)
	if err != nil {
		return pantry.Build{}, err
	}
	if c.bad != nil && !r.allowMissing {
		return pantry.Build{}, r.unverifiable(fmt.Errorf("the bottle for %s: %w", t, c.bad))
	}
	if c.extension == "" {
		if c.extension, err = r.extension(ctx, u); err != nil {
			return pantry.Build{}, err
		}
	}
	b := pantry.Build{
		Platform: t.platform(), File: "v" + v.raw + c.extension, Strip: strings.Count(project, "/") + 2,
		Why:      "bottle for " + t.String(),
		Artifact: pantry.Artifact{Name: project, Version: v.raw, URL: u + c.extension},
	}
	if !c.digest.IsZero() {
		b.Artifact.Integrity = integrity.Set{c.digest}
	}
	return b, nil
}

// extension asks which bottle there is at u, where no checksum tells.
func (r *Registry) extension(ctx context.Context, u string) (string, error) {
	for _, e := range extensions {
		there, err := r.exists(ctx, u+e)
		if err != nil && !absent(err) {
			return "", err
		}
		if there {
			return e, nil
		}
	}
	return "", fmt.Errorf("%w: it is in the list of versions, but there is no bottle", pantry.ErrVersionNotFound)
}

// unverifiable refuses a bottle whose bytes could not be checked. It is a matter of policy and not
// an invalid answer, so that nobody goes on to another registry for the name.
func (r *Registry) unverifiable(err error) error {
	err = fmt.Errorf("%w: %w", pantry.ErrPolicy, err)
	return pantry.WithHint(err, "have the registry give the bottle's SHA-256 in a file beside it that ends in %s, "+
		"or set \"allowMissingChecksum\": true for registry %q to take its bottles unverified", sumSuffix, r.name)
}
