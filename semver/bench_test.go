package semver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/semver"
)

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{"1.2.3", "10.20.30-alpha.1+build.5"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := semver.ParseLoose(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseRange(b *testing.B) {
	for _, s := range []string{"1.2.3", "^1.2.3", "~1.2", ">= 1.2.3 < 2", "1.2.3 - 2.3.4", "^10.12.0 || ^12.13.0 || >=14.0.0"} {
		b.Run(strings.ReplaceAll(s, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := semver.ParseRange(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseRangeHostile reads the longest ranges of kinds that cost some parsers more than
// linear time.
func BenchmarkParseRangeHostile(b *testing.B) {
	for _, token := range []string{"0", "1", "x", " ", "> ", ">", "~", "~ ", "^ ", "+", "+a ", "=", "v", "v ", "1 - ", "||", "0.", "1.2.3-a.", "00 ", "*", "-", "\u00a0", strings.Repeat("0", 256) + "."} {
		text := "> " + strings.Repeat(token, (64<<10-4)/len(token)) + " a"
		b.Run(strings.ReplaceAll(token[:min(len(token), 8)], " ", "_"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_, _ = semver.ParseRange(text)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	r := rangeOf(b, "^1.2.3 || ^2.0.0-beta.1")
	for _, s := range []string{"1.9.0", "2.0.0-beta.10", "3.0.0"} {
		v := loose(b, s)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Match(v)
			}
		})
	}
}

func BenchmarkSort(b *testing.B) {
	versions, _ := real(b)
	work := make([]string, len(versions))
	slices.Reverse(versions)
	b.ReportAllocs()
	for b.Loop() {
		copy(work, versions)
		semver.Sort(work)
	}
}
