package registry

import "github.com/pantry-go/pantry/spelling"

// didYouMean is the nearest word as the end of a message, or "".
func didYouMean(word string, words []string) string {
	if n := spelling.Nearest(word, words); n != "" {
		return "; did you mean " + quote(n) + "?"
	}
	return ""
}
