// Package spelling finds what a misspelt word was meant to be.
package spelling

import "strings"

// Nearest returns the known word that s most likely stands for, or "". Case and the separators
// "-", "_" and "." do not count; of the rest a third may be wrong.
func Nearest(s string, known []string) string {
	const longest = 64 // nothing that could be meant is longer, and distance is quadratic
	if s == "" || len(s) > longest {
		return ""
	}
	best, bestDistance := "", longest
	plain := plainWord(s)
	for _, k := range known {
		w := plainWord(k)
		if d := distance(plain, w); d < bestDistance && d <= max(1, max(len(plain), len(w))/3) {
			best, bestDistance = k, d
		}
	}
	return best
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "")

func plainWord(s string) string { return separators.Replace(strings.ToLower(s)) }

// distance counts the insertions, deletions, replacements and swaps of neighbours that make b of
// a (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
