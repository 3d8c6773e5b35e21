// Package setting says which keys of a config are to blame for values that don't go together.
package setting

import "fmt"

// Problem is a value, or a combination of values, that can't be.
type Problem struct {
	Keys []string // as decoder.layers; the likeliest to be at fault first
	Err  error    // what is wrong and what was expected
}

// Error is the likeliest key and the reason.
func (p *Problem) Error() string { return p.Keys[0] + ": " + p.Err.Error() }

// Unwrap gives the reason.
func (p *Problem) Unwrap() error { return p.Err }

// Problems are found by one check.
type Problems []*Problem

// Refuse adds a problem; keys are the likeliest to be at fault first.
func (p *Problems) Refuse(keys []string, format string, args ...any) {
	*p = append(*p, &Problem{keys, fmt.Errorf(format, args...)})
}

// Err is the first problem; nil without any.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p[0]
}
