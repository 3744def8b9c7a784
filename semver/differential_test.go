package semver_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/semver"
)

// nodeModules is where npm's semver is installed: the folder that TESTDEPS_NODE_MODULES names,
// else the one that "make testdeps" fills.
func nodeModules() string {
	if dir := os.Getenv("TESTDEPS_NODE_MODULES"); dir != "" {
		return dir
	}
	return filepath.Join("..", ".cache", "testdeps", "node_modules")
}

// request is one question to testdata/differential.js.
type request struct {
	Ask      string   `json:"ask"`
	S        string   `json:"s"`
	A        string   `json:"a"`
	B        string   `json:"b"`
	Versions []string `json:"versions"`
}

// oracle finds node and npm's semver; without them the test is skipped.
func oracle(t *testing.T) (node, pkg string) {
	t.Helper()
	const how = `; "make testdeps" installs npm's semver, or TESTDEPS_NODE_MODULES names a node_modules folder with it`
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("node isn't installed: %v%s", err, how)
	}
	pkg, err = filepath.Abs(filepath.Join(nodeModules(), "semver"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(pkg, "package.json")); err != nil {
		t.Skipf("npm's semver isn't installed: %v%s", err, how)
	}
	return node, pkg
}

// ask runs npm's semver over all requests in one process.
func ask(t *testing.T, node, pkg string, requests []request) []json.RawMessage {
	t.Helper()
	var in, out, errOut bytes.Buffer
	enc := json.NewEncoder(&in)
	enc.SetEscapeHTML(false)
	for _, r := range requests {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "differential.js"), pkg)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("node: %v\n%s", err, errOut.String())
	}
	answers := make([]json.RawMessage, 0, len(requests))
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		answers = append(answers, slices.Clone(lines.Bytes()))
	}
	if err := lines.Err(); err != nil || len(answers) != len(requests) {
		t.Fatalf("%d answers to %d requests: %v", len(answers), len(requests), err)
	}
	return answers
}

// TestDifferential compares this package with npm's over crafted, random and real texts.
func TestDifferential(t *testing.T) {
	t.Parallel()
	node, pkg := oracle(t)
	requests := generate(t, testing.Short())
	d := differ{T: t}
	for i, answer := range ask(t, node, pkg, requests) {
		switch r := requests[i]; r.Ask {
		case "version":
			d.version(r, answer)
		case "range":
			d.ranges(r, answer)
		case "compare":
			d.compare(r, answer)
		case "sort":
			d.sort(r, answer)
		case "intersects":
			d.intersects(r, answer)
		}
	}
	t.Logf("%d version/range pairs in three modes (%d matches), %d ranges (%d valid), %d versions, %d comparisons, %d intersections: %d differences, npm threw %d times",
		d.pairs, d.matches, d.rangeCount, d.validRanges, d.versions, d.comparisons, d.intersections, d.differences, d.thrown)
	if !testing.Short() && d.pairs < 150_000 {
		t.Errorf("only %d version/range pairs were compared", d.pairs)
	}
}

type differ struct {
	*testing.T
	pairs, matches, rangeCount, validRanges                   int
	versions, comparisons, intersections, differences, thrown int
}

func (d *differ) decode(answer json.RawMessage, into any) {
	d.Helper()
	if err := json.Unmarshal(answer, into); err != nil {
		d.Fatalf("answer %s: %v", answer, err)
	}
}

const maxReported = 60

func (d *differ) differs(format string, args ...any) {
	d.Helper()
	if d.differences++; d.differences <= maxReported {
		d.Errorf(format, args...)
	}
}

func (d *differ) version(r request, answer json.RawMessage) {
	d.versions++
	var want [2]*[3]string
	d.decode(answer, &want)
	for i, parse := range []func(string) (semver.Version, error){semver.Parse, semver.ParseLoose} {
		v, err := parse(r.S)
		switch {
		case (err == nil) != (want[i] != nil):
			d.differs("version %q, loose %v: err = %v, npm has %v", r.S, i == 1, err, want[i])
		case err != nil:
		default:
			if got := [3]string{v.String(), v.Prerelease(), v.Build()}; got != *want[i] {
				d.differs("version %q, loose %v = %q, npm has %q", r.S, i == 1, got, *want[i])
			}
		}
	}
}

var rangeModes = []func(string) (semver.Range, error){
	semver.ParseRangeStrict, semver.ParseRange, semver.ParseRangeIncludePrerelease,
}

func (d *differ) ranges(r request, answer json.RawMessage) {
	d.rangeCount++
	var want struct {
		Ranges    [3]*string
		Matches   string
		Max       *string
		Satisfies bool
	}
	d.decode(answer, &want)
	var ranges [3]semver.Range
	for i, parse := range rangeModes {
		rng, err := parse(r.S)
		ranges[i] = rng
		if (err == nil) != (want.Ranges[i] != nil) {
			d.differs("range %q, mode %d: err = %v, npm has %v", r.S, i, err, deref(want.Ranges[i]))
			return
		}
		if err != nil {
			continue
		}
		d.validRanges++
		if got, want := rng.String(), *want.Ranges[i]; got != want && !(got == "*" && want == "" && rng.Any()) {
			d.differs("range %q, mode %d = %q, npm has %q", r.S, i, got, want)
		}
	}
	for i, v := range r.Versions {
		d.pairs++
		if want.Matches[i] != '0' {
			d.matches++
		}
		if want.Matches[i] == '9' {
			d.throws(r.S)
			continue
		}
		if got := matchBits(ranges, v); got != want.Matches[i] {
			d.differs("%q in %q (bits: strict, loose, prereleases) = %c, npm has %c", v, r.S, got, want.Matches[i])
		}
	}
	if got := semver.Satisfies(r.Versions[0], r.S); got != want.Satisfies {
		d.differs("Satisfies(%q, %q) = %v, npm has %v", r.Versions[0], r.S, got, want.Satisfies)
	}
	best, ok := semver.MaxSatisfying(r.Versions, ranges[1])
	if ok != (want.Max != nil) || ok && best != *want.Max {
		d.differs("highest of %q in %q = %q, npm has %q", r.Versions, r.S, best, deref(want.Max))
	}
}

// matchBits is the digit that differential.js answers for one version. The third range is that
// of the second with prereleases: both must say the same.
func matchBits(ranges [3]semver.Range, version string) byte {
	bits := byte('0')
	if v, err := semver.Parse(version); err == nil && ranges[0].Match(v) {
		bits |= 1
	}
	v, err := semver.ParseLoose(version)
	if err != nil {
		return bits
	}
	if ranges[1].Match(v) {
		bits |= 2
	}
	if ranges[2].Match(v) {
		bits |= 4
	}
	if ranges[1] != (semver.Range{}) && ranges[1].MatchPrerelease(v) != ranges[2].Match(v) {
		return '!'
	}
	return bits
}

func (d *differ) compare(r request, answer json.RawMessage) {
	d.comparisons++
	var want *[2]int
	d.decode(answer, &want)
	a, errA := semver.ParseLoose(r.A)
	b, errB := semver.ParseLoose(r.B)
	if ok := errA == nil && errB == nil; ok != (want != nil) {
		d.differs("comparing %q with %q: %v, npm has %v", r.A, r.B, errors.Join(errA, errB), want)
	} else if ok {
		if got := [2]int{semver.Compare(a, b), semver.CompareBuild(a, b)}; got != *want {
			d.differs("comparing %q with %q = %v, npm has %v", r.A, r.B, got, *want)
		}
	}
}

func (d *differ) sort(r request, answer json.RawMessage) {
	var want []string
	d.decode(answer, &want)
	got := slices.Clone(r.Versions)
	semver.Sort(got)
	if !slices.Equal(got, want) {
		d.differs("Sort(%q)\n = %q\nnpm has %q", r.Versions, got, want)
	}
}

func (d *differ) intersects(r request, answer json.RawMessage) {
	var want [3]string
	d.decode(answer, &want)
	for i, parse := range rangeModes {
		d.intersections++
		a, errA := parse(r.A)
		b, errB := parse(r.B)
		got := "no"
		switch {
		case want[i] == "throws":
			d.throws(r.A + r.B)
			continue
		case errA != nil || errB != nil:
			got = "invalid"
		case a.Intersects(b):
			got = "yes"
		}
		if got != want[i] {
			d.differs("%q intersects %q, mode %d: %s, npm says %s", r.A, r.B, i, got, want[i])
		}
	}
}

// throws counts where npm accepts a range and then throws instead of answering: a comparator of
// 256 characters became longer when normalised, and npm reads the normalised text once more.
func (d *differ) throws(text string) {
	if d.thrown++; len(text) < 256 {
		d.differs("npm throws for %q", text)
	}
}

func deref(s *string) string {
	if s == nil {
		return "(none)"
	}
	return strings.ReplaceAll(*s, "\n", " ")
}
