package npm

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// corpus makes packuments like those of the public registry: the abbreviated form, many packages of
// a few versions and a few of thousands, whose versions differ little from one to the next.
type corpus struct {
	rand  *rand.Rand
	names []string
}

// The packuments of a large project: 1,823 names, 68 versions each on average, a kilobyte each.
const (
	corpusNames    = 1823
	corpusVersions = 123_656
)

func newCorpus(names int) *corpus {
	c := &corpus{rand: rand.New(rand.NewPCG(1, 2))}
	for i := range names {
		name := fmt.Sprintf("package-%d", i)
		if i%4 == 0 {
			name = fmt.Sprintf("@scope-%d/part-%d", i%40, i)
		}
		c.names = append(c.names, name)
	}
	return c
}

// versions is how many versions the package at a place has: most have few.
func (c *corpus) versions(i int) int {
	const spread = 1.45 // of the logarithm, so that one in two hundred has more than a thousand
	mean := float64(corpusVersions) / corpusNames
	n := math.Exp(math.Log(mean) - spread*spread/2 + spread*c.rand.NormFloat64())
	return max(1, min(int(n), 4000))
}

// packument is the document of the package at a place.
func (c *corpus) packument(i int) []byte {
	v := &corpusVersion{corpus: c, name: c.names[i], major: c.rand.IntN(3), deps: map[string]string{}, dev: map[string]string{}}
	for range c.rand.IntN(8) {
		v.deps[c.any()] = v.rng()
	}
	for range 4 + c.rand.IntN(12) {
		v.dev[c.any()] = v.rng()
	}
	var b strings.Builder
	var all []string
	for range c.versions(i) {
		v.next()
		all = append(all, fmt.Sprintf("%q:%s", v.version(), v.document()))
	}
	fmt.Fprintf(&b, `{"name":%q,"dist-tags":{"latest":%q},"versions":{%s},"modified":"2026-01-02T03:04:05.678Z"}`,
		v.name, v.version(), strings.Join(all, ","))
	return []byte(b.String())
}

func (c *corpus) any() string { return c.names[c.rand.IntN(len(c.names))] }

// corpusVersion walks through the versions of a package.
type corpusVersion struct {
	*corpus
	name                string
	major, minor, patch int
	pre                 int
	deps, dev           map[string]string
}

func (v *corpusVersion) rng() string { return fmt.Sprintf("^%d.%d.0", v.rand.IntN(8), v.rand.IntN(20)) }

// next goes on to the next version, which now and then asks for something else.
func (v *corpusVersion) next() {
	v.pre = 0
	switch n := v.rand.IntN(100); {
	case n < 4:
		v.major, v.minor, v.patch = v.major+1, 0, 0
	case n < 30:
		v.minor, v.patch = v.minor+1, 0
	case n < 40:
		v.patch, v.pre = v.patch+1, 1+v.rand.IntN(9)
	default:
		v.patch++
	}
	for _, name := range slices.Sorted(maps.Keys(v.deps)) {
		if v.rand.IntN(12) == 0 {
			v.deps[name] = v.rng()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.dev)) {
		if v.rand.IntN(6) == 0 {
			v.dev[name] = v.rng()
		}
	}
}

func (v *corpusVersion) version() string {
	s := fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch)
	if v.pre > 0 {
		s += fmt.Sprintf("-beta.%d", v.pre)
	}
	return s
}

func (v *corpusVersion) document() string {
	const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var sri, signature [96]byte
	for i := range sri {
		sri[i], signature[i] = base64[v.rand.IntN(64)], base64[v.rand.IntN(64)]
	}
	_, file, _ := splitName(v.name)
	if file == "" {
		file = v.name
	}
	return fmt.Sprintf(`{"name":%q,"version":%q,"dependencies":{%s},"devDependencies":{%s},"bin":{%q:"bin/cli.js"},`+
		`"dist":{"integrity":"sha512-%sA==","shasum":"%040x","tarball":"https://registry.example.com/%s/-/%s-%s.tgz",`+
		`"fileCount":%d,"unpackedSize":%d,"signatures":[{"sig":"%s","keyid":"SHA256:%s"}]},"engines":{"node":">=%d"}}`,
		v.name, v.version(), jsonMembers(v.deps), jsonMembers(v.dev), file,
		sri[:85], v.rand.Uint64(), v.name, file, v.version(), v.rand.IntN(200), v.rand.IntN(1<<20), signature[:], signature[:43], 10+2*(v.major%5))
}

func jsonMembers(m map[string]string) string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := m[k]
		all = append(all, fmt.Sprintf("%q:%q", k, v))
	}
	return strings.Join(all, ",")
}
