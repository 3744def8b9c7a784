package registry

import "strings"

// nearest returns the word that a misspelt one is likely to mean: at most a third of the letters of
// the longer one differ. It is "" when none is near.
func nearest(word string, words []string) string {
	const longest = 64 // bounds the work; no name that could be meant is longer
	if word == "" || len(word) > longest {
		return ""
	}
	best, least := "", longest
	for _, w := range words {
		if len(w) > longest {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < least && d <= max(1, max(len(word), len(w))/3) {
			best, least = w, d
		}
	}
	return best
}

// didYouMean is the nearest word as the end of a message, or "".
func didYouMean(word string, words []string) string {
	if n := nearest(word, words); n != "" {
		return "; did you mean " + quote(n) + "?"
	}
	return ""
}

// distance is the number of letters to insert, delete, replace or swap with the next one.
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
