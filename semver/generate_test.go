package semver_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/semver"
)

// Texts that meet an odd rule each.
var (
	oddVersions = []string{
		"0.0.0", "0.0.0-0", "0.0.0-alpha", "0.0.1", "0.1.0", "1.0.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "9.9.9",
		"1.2.3-0", "1.2.3-alpha", "1.2.3-alpha.1", "1.2.3-beta", "1.2.3-4.5", "1.2.4-beta", "2.0.0-0", "2.0.0-rc.1", "1.3.0-0",
		"v1.2.3", "V1.2.3", "=1.2.3", "==1.2.3", "=v1.2.3", "vv1.2.3", " 1.2.3 ", "\t1.2.3\n", "v 1.2.3", "= v 1.2.3", "> 1.2.3",
		"1.2.3beta", "1.2.3beta.1", "1.2.3-", "1.2.3--", "1.2.3-.a", "1.2.3--.a", "1.2.3---", "1.2.3.4", "1.2.34.5", "1.2.34.5.6", "1.2.34.", "1.2.34.b",
		"01.2.3", "1.02.3", "1.2.03", "1.2.3-01", "1.2.3-01.002", "1.2.3-0a", "1.2.3-00a", "1.2.3-a.01", "1.2.3-00", "000.000.000",
		"1.2.3+build", "1.2.3+001", "1.2.3+1", "1.2.3+a.b", "1.2.3+a..b", "1.2.3+", "1.2.3-a+b", "1.2.3-a+b+c", "1.2.3+a-b", "1.2.3+a_b",
		"1", "1.2", "1.x", "x", "", " ", ".", "1..2", "1.2.", ".1.2.3", "a.b.c", "1.2.a", "latest", "1.2.3 4", "1.2.3\x00", "1.2.3-é", "１.2.3",
		"\u00a01.2.3", "1.2.3\ufeff", "\u20281.2.3\u3000", "\u00851.2.3", "\u180e1.2.3", "v\u00a0=\u20091.2.3", "1.2.\u20093",
		"9007199254740991.0.0", "9007199254740992.0.0", "0.9007199254740991.0", "0.0.9007199254740992", "99999999999999999999.0.0",
		"1.0.0-9007199254740990", "1.0.0-9007199254740991", "1.0.0-9007199254740992", "1.0.0-9007199254740993", "1.0.0-9007199254740994.b",
		"1.0.0-9007199254740993.a", "1.0.0-09007199254740993", "1.0.0-0009007199254740990", "1.0.0-99999999999999999999999999", "1.2.1-e",
		"1.0.0-a.b", "1.0.0-a.b.c", "1.0.0-a", "1.0.0-A", "1.0.0--", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a1", "1.0.0-a.1", "1.0.0-a.-",
		"1.2.3-" + strings.Repeat("a", 250), "1.2.3-" + strings.Repeat("a", 251), "1.2.3" + strings.Repeat("a", 251), "1.2.3" + strings.Repeat("a", 252),
		"1.2.3+" + strings.Repeat("b", 250), "1.2.3+" + strings.Repeat("b", 251), "1.2." + strings.Repeat("0", 250) + "1", "1.2." + strings.Repeat("0", 252) + "1",
		strings.Repeat(" ", 251) + "1.2.3", strings.Repeat(" ", 252) + "1.2.3", strings.Repeat("\u00a0", 251) + "1.2.3", strings.Repeat("\u3000", 252) + "1.2.3",
		strings.Repeat("v", 251) + "1.2.3", "1.2.3-1" + strings.Repeat("0", 249), "1.2.3-2" + strings.Repeat("0", 249) + ".1",
	}
	oddRanges = []string{
		"", " ", "*", "x", "X", "v*", "=*", ">=*", "<=*", ">*", "<*", "==*", "**", "*.*", "*.1", "x.1.2", "1.*", "1.*.3", "1.x.x", "1.x.3", "1.2.*", "1.2.x-beta", "1.2.xbeta", "*-beta",
		"1", "1.2", "1.2.3", "v1", "=1", "=v1.2.3", "==1.2.3", "v=1.2.3", "vv1.2.3", ">=v1.2.3", ">=v0.0.0", ">=00.0.0", ">=0.0.0", ">=0.0.0-0", ">0.0.0-0", "<0.0.0", "<0.0.0-0", "<0.0.0-0 1", "1 <0.0.0-0",
		"^1", "^1.2", "^1.2.3", "^0", "^0.0", "^0.0.0", "^0.0.1", "^0.1", "^0.1.2", "^0.x", "^0.0.x", "^0.1.x", "^x", "^", "^^1", "^*1.2.3", "^1.2.3-beta.4", "^0.0.1-beta", "^0.1.2-beta", "^0.0.0-0", "^1.x.3", "^x.1.2", "^00.1.2", "^00.00.01", "^0.00.1", "^v1.2", "^=1.2", "^ 1.2", "^ v 1.2", "^>1.2", "^1.2.3beta", "^1.2.34.5", "^1.2.3-", "^1.2.3+b",
		"~1", "~1.2", "~1.2.3", "~0", "~0.0", "~0.0.0", "~>1.2", "~> 1.2", "~ 1.2", "~ > 1.2", "~>=1.2", "~ >= 1.2", "~=1.2", "~x", "~", "~~1", "~ ~ 1", "~>", "~> ~>1", "~*1.2.3", "~>*1.2.3", "~1.2.3-beta", "~1.x.3", "~1.2.xbeta", "~v1.2", "~^1", "^~1", "^ ~ 1", "~>>1",
		">1", ">1.2", ">1.2.3", "<1", "<1.2", "<=1", "<=1.2", ">=1", ">=1.2", ">x", "<x", ">=x", "> 1", "> 1.2.3", ">= 1.2.3", "> = 1.2.3", ">=  1.2.3", ">\t1", "=> 1", "=>1", "= > 1", "><1", "<>1", ">>1", ">", "<", "=", ">=", ">==1.2", "<v 1", "> v 1", "v 1.2.3", "= 1.2.3", "> 1.2.3-x> 2.0.0", "1.2.3-v= 3.0.0", "1.2.3v= 3.0.0", "1.2v= 3.0.0",
		">1.2.3 <2", ">1.2.3 < 2", "> 1.2.3 < 2", ">=1.2.3<2", ">=1.2.3,<2", ">=1.2.3 && <2", "1 2", "1 1", "1 1.2 1", "* 1", "1 *", "1 * 2", "* * *", "foo * foo", "* foo", "foo *", "foo", "foo 1", "1 foo", "foo || 1", "1 || foo", "foo || bar",
		"1 - 2", "1.2 - 2.3", "1.2.3 - 2.3.4", "1.2.3 - 2", "1 - 2.3.4", "1.2.3-a - 2.3.4-b", "1.2.3a - 2.3.4b", "v1.2.3 - v2.0.0", "=1.2.3 - =2.0.0", "v 1.2.3 - 2.0.0", "1.2.3 - v 2.0.0", "x - 1", "1 - x", "x - x", "1.2.3- 2.0.0", "1.2.3 -2.0.0", "1.2.3 -  2.0.0", " 1.2.3 - 2.0.0 ", "1.2.3 - 2.0.0 3", "0 1.2.3 - 2.0.0", "1.2.3 - 2.0.0 - 3.0.0", "1.x.3 - 2.x.3", "x.1 - 2", "^1 - 2", ">1 - 2", "1 - >2", "1.2.34.5 - 2.3.45.6", "0.0.0 - 1", "1.2.3- - 2.0.0-", "1.2.3+a - 2.0.0+b", "1.2.3 +a - 2.0.0", "+a 1.2.3 - 2.0.0", "+a +b 1.2.3 - 2.0.0", "1.2.3 - +b 2.0.0", "- 1", "1 -",
		"1 || 2", "1||2", "1 | 2", "1 ||| 2", "1 || || 2", "||", "||1", "1||", "|| ||", "1 || *", "* || 1", "<0.0.0-0 || 1", "1 || <0.0.0-0", "<0.0.0-0 || <0.0.0-0", "<0.0.0-0 || *", ">x || <x || 1 || 2", "<0.0.0-0 || 1 || <0.0.0-0 2 || 3", ">=0.0.0 || 1.2.3-beta", "1.2.3 || 1.2.3",
		"1.2.3+build", "+build", "1 +build 2", "+a 1", "1 +a", "++a", "1.2.3+a+b", "1.2.3+a..b", "1.2.3+", "^1.2.3+a.b.c", ">=0.0.0+a", "+a", "1+a.2.3",
		"1.2.3*", "*1.2.3", "foo*", ">=*1.2.3", ">1.2.3*", "1.2*", "1.2.3**", "=>*1.2.3", "<=*1.2.3 2", "1.2.*3", "1.*2.3", ">*1", "0.0.0*", ">=0.0.0*", ">=*0.0.0",
		"1.2.3.4", "1.2.34.5", ">=1.2.34.5", "01.2.3", "1.02", "^01.2", "1.2.3-01", "1.2.3-00.01", ">1.2.3-01", "1.2.3-beta.01", "1.2.3-", "1.2.3--", ">=1.2.3beta", "1.2.3 beta", "=1.2.3-alpha || 2", "1.2.3-alpha <2",
		"latest", "next", "http", "1.2.3\u00a0||\u20282", "\ufeff1.2.3", "\u00851.2.3", "1\u3000-\u30002", ">\u20001", "1.2.3\n2", "1.2.3\r\n", "1.2.3é", "é || 1", "1.2.3\x00", "\x00", "1\v2", "1\f2",
		"9007199254740991", "9007199254740990", "^9007199254740991", "^9007199254740990", ">9007199254740991", "<=9007199254740991", "9007199254740992", "<9007199254740992", "1.9007199254740991", "^0.9007199254740991", "^0.0.9007199254740991", "1.0.0 - 1.2.9007199254740991", "1.0.0 - 1.9007199254740991", "9007199254740992 || 1",
		"<=1000000000000000000000", "<=1000000000000000000000 || 1", "<=999999999999999999999 || 1", "<=999999999999999900000 || 1", ">1000000000000000000000 || 1", ">1.1000000000000000000000 || 1", "<=1.1234500000000000000000000", "<=1.1234500000000000000000000 || 1", "^1000000000000000000000 || 1", "1000000000000000000000 || 1", ">=1000000000000000000000 || 1", "1.2.3 - 1000000000000000000000", "1.0.0 - 1.1234500000000000000000000", "1.0.0 - 1.2.1000000000000000000000", "1.0.0-a - 1.2.1000000000000000000000-b", "1 - 1.1000000000000000000000000 || 1.2.3",
		"1.0.0-9007199254740993", ">=1.0.0-9007199254740992", "<1.0.0-9007199254740994.b", "^1.0.0-09007199254740993", "1.2.3-0a.00", "~1.2.3-0009",
		"1.2.3-" + strings.Repeat("a", 250), "1.2.3-" + strings.Repeat("a", 251), "1.2.3-" + strings.Repeat("a", 252) + " || 1", "1.x.x-" + strings.Repeat("a", 251), "1.x.x-" + strings.Repeat("a", 252) + " || 1", "^1.2.3" + strings.Repeat("a", 250), "^1.2.3" + strings.Repeat("a", 251), "^1.x.3-" + strings.Repeat("9", 256), "^1.x.3-" + strings.Repeat("9", 257) + " || 1",
		strings.Repeat("9", 256) + " || 1", strings.Repeat("9", 257) + " || 1", strings.Repeat("9", 258) + " || 1", "<=" + strings.Repeat("9", 256) + " || 1", "<=" + strings.Repeat("0", 255) + "1", "1.2." + strings.Repeat("0", 252) + " || 3", "1.2." + strings.Repeat("0", 253) + " || 3", "1.2." + strings.Repeat("0", 512) + " || 3", "1.2." + strings.Repeat("0", 513) + " || 3", "x.x." + strings.Repeat("0", 300), "1.x." + strings.Repeat("0", 300) + " || 3", "^1.x." + strings.Repeat("0", 300) + " || 3", "^1.x." + strings.Repeat("9", 257) + ".5 || 3",
		"1.2.3 - 2.0." + strings.Repeat("0", 256), strings.Repeat("=", 300) + "1.2.3 || 1", strings.Repeat("v", 300) + "1", "> " + strings.Repeat("0", 600) + ".1.2-v= 3.0.0", "> " + strings.Repeat("9", 300) + ".1.2-v= 3.0.0", "1.2.3-" + strings.Repeat("0", 300) + "v= 3.0.0", "1.2.3-" + strings.Repeat("b", 300) + "v= 3.0.0", "0.0.0 " + strings.Repeat("00.", 50) + "0v= 3.0.0 || 1",
		strings.Repeat("1 || ", 300) + "2", strings.Repeat("1 ", 300) + "2", strings.Repeat(" ", 3000) + "1", strings.Repeat("~", 300), strings.Repeat("+", 300) + "a", strings.Repeat("1.", 300),
	}
)

// real returns the versions and ranges of published packages.
func real(t testing.TB) (versions, ranges []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "real.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		kind, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch kind {
		case "v":
			versions = append(versions, text)
		case "r":
			ranges = append(ranges, text)
		}
	}
	if len(versions) < 1000 || len(ranges) < 1000 {
		t.Fatalf("testdata/real.txt has %d versions and %d ranges", len(versions), len(ranges))
	}
	return versions, ranges
}

type generator struct {
	*rand.Rand
	versions, ranges []string // real and odd ones
}

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// generate makes the requests, always the same ones.
func generate(t testing.TB, short bool) []request {
	scale := 12
	if short {
		scale = 1
	}
	versions, ranges := real(t)
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	g.versions = append(append(g.versions, versions...), oddVersions...)
	g.ranges = append(append(g.ranges, ranges...), oddRanges...)
	var requests []request

	for _, r := range oddRanges {
		requests = append(requests, request{Ask: "range", S: r, Versions: append(oddVersions[:len(oddVersions):len(oddVersions)], g.near(r, 20)...)})
	}
	for i, r := range ranges {
		if short && i%10 != 0 {
			continue
		}
		requests = append(requests, request{Ask: "range", S: r, Versions: g.near(r, 12)})
	}
	for range 500 * scale {
		r := g.rangeText()
		requests = append(requests, request{Ask: "range", S: r, Versions: g.near(r, 14)})
	}
	for _, v := range g.versions {
		requests = append(requests, request{Ask: "version", S: v})
	}
	for i := range 1000 * scale {
		requests = append(requests,
			request{Ask: "version", S: g.mutate(g.versionText())},
			request{Ask: "compare", A: g.versionText(), B: g.versionText()})
		if i%3 == 0 {
			requests = append(requests, request{Ask: "intersects", A: g.rangeText(), B: g.rangeText()})
		}
	}
	for _, a := range oddVersions {
		for _, b := range oddVersions {
			requests = append(requests, request{Ask: "compare", A: a, B: b})
		}
	}
	for range 200 * scale {
		a, b := pick(g, oddRanges), pick(g, oddRanges)
		requests = append(requests, request{Ask: "intersects", A: a, B: b})
	}
	for range 5 * scale {
		requests = append(requests, request{Ask: "sort", Versions: g.sortable(200)})
	}
	return requests
}

// sortable returns valid versions.
func (g *generator) sortable(n int) []string {
	var versions []string
	for len(versions) < n {
		if v := g.versionText(); isLoose(v) && !strings.Contains(v, "900719925474099") {
			versions = append(versions, v)
		}
	}
	return versions
}

var (
	tags     = []string{"0", "1", "2", "10", "a", "alpha", "beta", "rc", "x", "v", "-", "0a", "01", "00", "b2", "A", "alpha.1", "beta.2", "rc.0", "9007199254740993"}
	marks    = []string{"", "", "", "<", "<=", ">", ">=", "=", "^", "^", "~", "~>", "v", "==", "=v", ">=v", "~=", "^v"}
	tokens   = []string{"1.2.3", "1.2.3", "1.2.3", "0", "1", "2", "10", ".", ".", "x", "*", "-", "+", "~", "^", "<", ">", "=", "v", " ", " ", " ", "||", "a", " - ", "0.0.0", "+a", "\u00a0"}
	blanks   = []string{"", "", "", "", " ", "  ", "\t"}
	alphabet = []rune("0123456789012.....xX*--++~^<>=v |aber_#\t\u00a0\u0085\ufeff")
)

func (g *generator) number() string {
	switch g.IntN(12) {
	case 0:
		return pick(g, []string{"x", "X", "*"})
	case 1:
		return pick(g, []string{"00", "01", "10", "12", "99", "9007199254740991", "9007199254740992", "1e3", "-1", ""})
	}
	return strconv.Itoa(g.IntN(4))
}

func (g *generator) prerelease() string {
	parts := make([]string, 1+g.IntN(3))
	for i := range parts {
		parts[i] = pick(g, tags)
	}
	return strings.Join(parts, ".")
}

// partial is a version that can be cut short.
func (g *generator) partial(full bool) string {
	n := 3
	if !full {
		n = 1 + g.IntN(3)
	}
	parts := make([]string, n)
	for i := range parts {
		if parts[i] = strconv.Itoa(g.IntN(3)); !full {
			parts[i] = g.number()
		}
	}
	s := strings.Join(parts, ".")
	if n == 3 {
		switch g.IntN(6) {
		case 0, 1:
			s += "-" + g.prerelease()
		case 2:
			s += pick(g, []string{"", "", "-", "."}) + g.prerelease()
		}
	}
	if g.IntN(12) == 0 {
		s += "+" + g.prerelease()
	}
	return s
}

func (g *generator) versionText() string {
	switch g.IntN(8) {
	case 0:
		return pick(g, g.versions)
	case 1:
		return pick(g, oddVersions)
	case 2:
		return g.mutate(g.partial(true))
	case 3:
		return g.soup()
	case 4:
		return pick(g, []string{"v", "=", " ", "v ", "= "}) + g.partial(true)
	}
	return g.partial(true)
}

func (g *generator) set() string {
	if g.IntN(6) == 0 {
		return g.partial(g.IntN(2) == 0) + " - " + pick(g, blanks) + g.partial(g.IntN(2) == 0)
	}
	parts := make([]string, 1+g.IntN(3))
	for i := range parts {
		parts[i] = pick(g, marks) + pick(g, blanks) + g.partial(g.IntN(2) == 0)
	}
	return strings.Join(parts, pick(g, []string{" ", " ", "  ", "\t ", ", "}))
}

func (g *generator) rangeText() string {
	switch g.IntN(8) {
	case 0:
		return pick(g, g.ranges)
	case 1:
		return g.mutate(pick(g, g.ranges))
	case 2:
		return g.mutate(pick(g, oddRanges))
	case 3:
		return g.soup()
	}
	sets := make([]string, 1)
	for g.IntN(3) == 0 && len(sets) < 4 {
		sets = append(sets, "")
	}
	for i := range sets {
		sets[i] = g.set()
	}
	s := strings.Join(sets, pick(g, []string{"||", " || ", " ||", "|| "}))
	if g.IntN(3) == 0 {
		return g.mutate(s)
	}
	return s
}

// soup is a few tokens without any order, some of them versions.
func (g *generator) soup() string {
	var b strings.Builder
	for range 1 + g.IntN(10) {
		switch token := pick(g, tokens); token {
		case "1.2.3":
			b.WriteString(g.partial(true))
		default:
			b.WriteString(token)
		}
	}
	return b.String()
}

// mutate changes a few characters.
func (g *generator) mutate(s string) string {
	r := []rune(s)
	for range 1 + g.IntN(3) {
		i := g.IntN(len(r) + 1)
		switch {
		case i == len(r) || g.IntN(3) == 0:
			r = append(r[:i:i], append([]rune{pick(g, alphabet)}, r[i:]...)...)
		case g.IntN(2) == 0:
			r = append(r[:i:i], r[i+1:]...)
		default:
			r[i] = pick(g, alphabet)
		}
	}
	return string(r)
}

// near returns versions of which many are at the bounds of a range: its own numbers, and their
// neighbours, with and without prereleases.
func (g *generator) near(r string, n int) []string {
	fields := strings.FieldsFunc(r, func(c rune) bool { return c < '0' || c > '9' })
	bound := strings.FieldsFunc(r, func(c rune) bool { return strings.ContainsRune(" |<>=~^v", c) })
	versions := make([]string, 0, n)
	for len(versions) < n {
		if len(bound) > 0 && g.IntN(4) == 0 {
			versions = append(versions, pick(g, bound))
			continue
		}
		if g.IntN(5) == 0 {
			versions = append(versions, g.versionText())
			continue
		}
		parts := make([]string, 3)
		start := 0
		if len(fields) > 0 {
			start = g.IntN(len(fields))
		}
		for i := range parts {
			v := g.IntN(3)
			if g.IntN(3) > 0 {
				if v = 0; start+i < len(fields) {
					v, _ = strconv.Atoi(fields[start+i])
				}
				v = max(0, v+pick(g, []int{-1, 0, 0, 0, 0, 1}))
			}
			parts[i] = strconv.Itoa(v)
		}
		s := strings.Join(parts, ".")
		if g.IntN(4) == 0 {
			s += "-" + pick(g, []string{"0", "alpha", "beta", "beta.2", g.prerelease()})
		}
		versions = append(versions, s)
	}
	return versions
}

func isLoose(s string) bool {
	_, err := semver.ParseLoose(s)
	return err == nil
}
