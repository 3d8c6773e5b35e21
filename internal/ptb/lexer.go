package ptb

import (
	"slices"
	"sync"
)

// language is what reads a text: the automaton, and where it begins for the whole and for the parts of a rule.
type language struct {
	machine *machine
	all     *state   // every rule, what must follow it included
	token   []*state // by rule: what the token looks like; nil where nothing must follow
	follow  []*state // by rule
}

// english is built when it is first used.
var english = sync.OnceValue(func() *language {
	p := program{setIDs: map[string]int{}, defs: definitions, classes: namedSets()}
	starts := make([]int, len(rules))
	parts := make([][2]int, len(rules))
	for n, r := range rules {
		starts[n] = p.add("("+r.token+")("+r.follow+")", n)
		if r.follow == "" {
			continue
		}
		parts[n] = [2]int{p.add(r.token, n), p.add(r.follow, n)}
	}
	l := &language{machine: newMachine(p), token: make([]*state, len(rules)), follow: make([]*state, len(rules))}
	l.all = l.machine.start(starts...)
	for n, r := range rules {
		if r.follow != "" {
			l.token[n], l.follow[n] = l.machine.start(parts[n][0]), l.machine.start(parts[n][1])
		}
	}
	return l
})

// lexer reads one text from its start to its end.
type lexer struct {
	*language
	*file
	at int

	// hopeless remembers, for every checkEvery-th position, the states that no token's end was reached from, so that
	// a text of a million "<a" costs no more than its length.
	hopeless map[checkpoint]bool
	passed   []checkpoint // since the last token's end of this match
	ends     []int        // of a rule's token, while what follows is told from it
}

type checkpoint struct{ at, state int32 }

const (
	farAhead   = 64 // units beyond the last token's end, from which on hopeless is asked
	checkEvery = 16
)

// next finds the longest match at l.at and returns its rule and where its token ends.
func (l *lexer) next() (r, end int) {
	s, accept, matched := l.all, 0, l.at
	for at := l.at; at < len(l.text); {
		s = l.machine.step(s, l.text[at])
		if s == dead {
			break
		}
		at++
		if s.accept > 0 {
			accept, matched, l.passed = s.accept, at, l.passed[:0]
		} else if at-matched > farAhead && at%checkEvery == 0 && !l.hope(s, at) {
			break
		}
	}
	for _, c := range l.passed {
		if l.hopeless == nil {
			l.hopeless = map[checkpoint]bool{}
		}
		l.hopeless[c] = true
	}
	l.passed = l.passed[:0]
	r = accept - 1
	if r < 0 { // every unit matches some rule
		return len(rules) - 1, l.at + 1
	}
	if l.token[r] == nil {
		return r, matched
	}
	return r, l.tokenEnd(r, matched)
}

// hope reports whether a token's end may still be reached from here, as far as is known.
func (l *lexer) hope(s *state, at int) bool {
	c := checkpoint{int32(at), s.number}
	if l.hopeless[c] {
		return false
	}
	l.passed = append(l.passed, c)
	return true
}

// tokenEnd tells the token from what follows it: the longest token after which the rest is what must follow.
func (l *lexer) tokenEnd(r, end int) int {
	l.ends = l.ends[:0]
	for s, at := l.token[r], l.at; at < end; {
		if s = l.machine.step(s, l.text[at]); s == dead {
			break
		}
		if at++; s.accept > 0 {
			l.ends = append(l.ends, at)
		}
	}
	for _, p := range slices.Backward(l.ends) {
		s := l.follow[r]
		for at := p; at < end && s != dead; at++ {
			s = l.machine.step(s, l.text[at])
		}
		if s.accept > 0 {
			return p
		}
	}
	return end // not reached: the whole has such a part
}
