package config

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate that name was probably meant to be, or "".
func Nearest(name string, candidates []string) string {
	normal := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	name = normal(name)
	if len(name) > 100 {
		return ""
	}
	best, bestDistance := "", 1+max(1, min(2, len(name)-2), len(name)/3)
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(name, normal(c))
		if len(name) >= 3 && strings.HasPrefix(normal(c), name) {
			d = min(d, 1) // a name cut short
		}
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// didYouMean is ` (did you mean "x"?)`, or nothing when no candidate is near.
func didYouMean(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", literal(near))
	}
	return ""
}
