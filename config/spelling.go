package config

import "github.com/pantry-go/pantry/spelling"

// didYouMean is `: did you mean "x"?` for the known word nearest to s, or "".
func didYouMean(s string, known []string) string {
	if n := spelling.Nearest(s, known); n != "" {
		return ": did you mean " + quoted(n) + "?"
	}
	return ""
}
