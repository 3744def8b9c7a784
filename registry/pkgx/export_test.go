package pkgx

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Limit makes the registry's bounds small.
func (r *Registry) Limit(packed, unpacked, recipe int64, recipes int, list, sum int64) {
	r.limits = limits{packed: packed, unpacked: unpacked, recipe: recipe, recipes: recipes, versions: list, sum: sum}
}

// ReadArchive reads packed recipes and writes down what is in them.
func (r *Registry) ReadArchive(ctx context.Context, packed io.Reader) (string, error) {
	x, err := r.readArchive(ctx, packed)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range x.recipes {
		fmt.Fprintf(&b, "%+v\n", *c)
	}
	return b.String(), nil
}

// ParseVersions reads versions.txt.
func ParseVersions(project string, data []byte) ([]string, error) {
	versions, err := parseVersions(project, data)
	return raws(versions), err
}

// SumOf reads the file of a checksum and returns what it says of file.
func SumOf(data []byte, file string) (string, error) {
	sums, err := parseSums(data)
	if err != nil {
		return "", err
	}
	d, _ := sumOf(sums, file)
	return d.Hex(), nil
}

// Recipe is what was read of a recipe.
type Recipe struct {
	Display, Description, Repository, Deprecated string
	Provides                                     []string
	Dependencies, Companions, Env                map[string]string
	Extensions, Interpreter                      []string
	BuiltFor                                     []string
}

// ReadRecipe reads a recipe for version 1.2.3 on a platform.
func ReadRecipe(data []byte, os, arch string) (*Recipe, error) {
	r, err := parseRecipe("a.example", data)
	if err != nil {
		return nil, err
	}
	t := target{os, arch}
	v, _ := parseVersion("1.2.3")
	x := &Recipe{
		Display: r.display, Description: r.description, Repository: r.repository, Deprecated: r.deprecated,
		Provides: r.provides(t, v), Dependencies: texts(on(r.needs, t)), Companions: texts(on(r.companions, t)),
		Env: r.variables(t, v), Extensions: r.extensions, Interpreter: r.interpreter,
	}
	for _, t := range allTargets() {
		if r.builtFor(t) {
			x.BuiltFor = append(x.BuiltFor, t.String())
		}
	}
	return x, nil
}

// Shortened says which keys of a recipe are left when it is shortened, and which there were; ok is
// false when it is not plain enough.
func Shortened(data []byte) (left, all []string, ok bool) {
	short, ok := shorten(data)
	if !ok {
		return nil, nil, false
	}
	keys := func(data []byte) []string {
		n, err := decodeYAML(data)
		if err != nil {
			return nil
		}
		set := make(map[string]bool)
		for k := range n.pairs() {
			set[k] = true
		}
		return slices.Sorted(maps.Keys(set))
	}
	return keys(short), keys(data), true
}

// Fresh is the same registry, which has not read its recipes yet.
func Fresh(r *Registry) *Registry {
	other := *r
	other.index = &loader{read: r.index.read}
	return &other
}

// Count reads packed recipes and counts them.
func Count(r *Registry, ctx context.Context, packed io.Reader) (int, error) {
	x, err := r.readArchive(ctx, packed)
	if err != nil {
		return 0, err
	}
	return len(x.recipes), nil
}
