package ptb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// span is a range of UTF-16 code units, both ends included.
type span struct{ lo, hi uint16 }

// node is one state of the nondeterministic automaton: a set of units to read on the way to out, or, without a set,
// up to two ways that read nothing. accept is 1 + the number of the expression that ends here.
type node struct {
	set      int // index into program.sets; -1: nothing is read
	out, alt int // -1: none
	accept   int
}

// program collects the expressions' automata and the sets of units that they read.
type program struct {
	nodes   []node
	sets    [][]span
	setIDs  map[string]int
	defs    map[string]string
	classes map[string][]span
}

// add compiles an expression and returns the node that it starts at; where it ends, accept is set. It panics if the
// expression is wrong: they are constants.
func (p *program) add(expression string, accept int) int {
	c := &compiler{program: p, text: expression}
	f, err := c.alternatives()
	if err == nil && c.at < len(c.text) {
		err = fmt.Errorf("%q is left over", c.text[c.at:])
	}
	if err != nil {
		panic(fmt.Errorf("ptb: expression %q: %w", expression, err))
	}
	end := p.node(node{set: -1, out: -1, alt: -1, accept: accept + 1})
	p.nodes[f.end].out = end
	return f.start
}

func (p *program) node(n node) int {
	p.nodes = append(p.nodes, n)
	return len(p.nodes) - 1
}

// fragment is a piece of automaton whose end has no way out yet.
type fragment struct{ start, end int }

// compiler reads one expression: characters, "." (anything but a line break), [sets], {definitions}, groups and the
// usual repetitions. Letters stand for both cases, but inside sets for themselves.
type compiler struct {
	*program
	text string
	at   int
}

func (c *compiler) more() bool { return c.at < len(c.text) }

func (c *compiler) empty() int { return c.node(node{set: -1, out: -1, alt: -1}) }

func (c *compiler) alternatives() (fragment, error) {
	f, err := c.sequence()
	for err == nil && c.more() && c.text[c.at] == '|' {
		c.at++
		var g fragment
		if g, err = c.sequence(); err != nil {
			break
		}
		start, end := c.node(node{set: -1, out: f.start, alt: g.start}), c.empty()
		c.nodes[f.end].out, c.nodes[g.end].out = end, end
		f = fragment{start, end}
	}
	return f, err
}

func (c *compiler) sequence() (fragment, error) {
	start := c.empty()
	f := fragment{start, start}
	for c.more() && c.text[c.at] != '|' && c.text[c.at] != ')' {
		g, err := c.repeated()
		if err != nil {
			return f, err
		}
		c.nodes[f.end].out = g.start
		f.end = g.end
	}
	return f, nil
}

// repeated reads one atom and what follows it: *, +, ?, {n} or {n,m}.
func (c *compiler) repeated() (fragment, error) {
	from := c.at
	f, err := c.atom()
	if err != nil || !c.more() {
		return f, err
	}
	to := c.at
	low, high := 1, 1 // high -1: no limit
	switch c.text[c.at] {
	case '*':
		low, high = 0, -1
	case '+':
		low, high = 1, -1
	case '?':
		low, high = 0, 1
	case '{':
		inner, _, ok := strings.Cut(c.text[c.at+1:], "}")
		if !ok || inner == "" || inner[0] < '0' || inner[0] > '9' {
			return f, nil // a definition follows
		}
		first, second, both := strings.Cut(inner, ",")
		if low, err = strconv.Atoi(first); err != nil {
			return f, err
		}
		if high = low; both {
			if high, err = strconv.Atoi(second); err != nil {
				return f, err
			}
		}
		c.at += len(inner) + 1
	default:
		return f, nil
	}
	c.at++
	after := c.at
	again := func() (fragment, error) {
		c.at = from
		g, err := (&compiler{program: c.program, text: c.text[:to], at: from}).atom()
		c.at = after
		return g, err
	}
	start := c.empty()
	whole := fragment{start, start}
	join := func(g fragment) {
		c.nodes[whole.end].out = g.start
		whole.end = g.end
	}
	for n := 0; n < max(low, high); n++ {
		if n > 0 {
			if f, err = again(); err != nil {
				return f, err
			}
		}
		if n < low {
			join(f)
			continue
		}
		end := c.empty()
		c.nodes[f.end].out = end
		join(fragment{c.node(node{set: -1, out: f.start, alt: end}), end})
	}
	if high < 0 {
		if low > 0 {
			if f, err = again(); err != nil {
				return f, err
			}
		}
		end := c.empty()
		loop := c.node(node{set: -1, out: f.start, alt: end})
		c.nodes[f.end].out = loop
		join(fragment{loop, end})
	}
	return whole, nil
}

func (c *compiler) atom() (fragment, error) {
	r, size := utf8.DecodeRuneInString(c.text[c.at:])
	c.at += size
	switch r {
	case '(':
		f, err := c.alternatives()
		if err == nil && (!c.more() || c.text[c.at] != ')') {
			err = fmt.Errorf("no ) at %d", c.at)
		}
		c.at++
		return f, err
	case '{':
		name, _, _ := strings.Cut(c.text[c.at:], "}")
		definition, ok := c.defs[name]
		if !ok {
			return fragment{}, fmt.Errorf("no definition %q", name)
		}
		c.at += len(name) + 1
		inner := &compiler{program: c.program, text: definition}
		f, err := inner.alternatives()
		if err == nil && inner.more() {
			err = fmt.Errorf("definition %s: %q is left over", name, inner.text[inner.at:])
		}
		return f, err
	case '[':
		set, err := c.set()
		return c.reads(set), err
	case '.':
		return c.reads(complement(breaks)), nil
	case '\\':
		r = c.escaped()

	}
	return c.reads(bothCases(r)), nil
}

// reads makes the fragment that reads one unit of the set.
func (c *compiler) reads(set []span) fragment {
	set = tidy(set)
	key := fmt.Sprint(set)
	id, ok := c.setIDs[key]
	if !ok {
		id = len(c.sets)
		c.sets, c.setIDs[key] = append(c.sets, set), id
	}
	end := c.empty()
	return fragment{c.node(node{set: id, out: end, alt: -1}), end}
}

// set reads the rest of [...] or [^...]; {name} inside it is a named set.
func (c *compiler) set() (out []span, err error) {
	negated := c.more() && c.text[c.at] == '^'
	if negated {
		c.at++
	}
	for {
		if !c.more() {
			return nil, fmt.Errorf("no ] at %d", c.at)
		}
		if c.text[c.at] == ']' {
			c.at++
			break
		}
		if name, _, ok := strings.Cut(c.text[c.at:], "}"); ok && strings.HasPrefix(name, "{") && c.classes[name[1:]] != nil {
			out = append(out, c.classes[name[1:]]...)
			c.at += len(name) + 1
			continue
		}
		low := c.setUnit()
		high := low
		if strings.HasPrefix(c.text[c.at:], "-") && !strings.HasPrefix(c.text[c.at:], "-]") {
			c.at++
			high = c.setUnit()
		}
		out = append(out, span{low, high})
	}
	if negated {
		out = complement(out)
	}
	return out, nil
}

func (c *compiler) setUnit() uint16 {
	r, size := utf8.DecodeRuneInString(c.text[c.at:])
	c.at += size
	if r == '\\' && c.more() {
		r = c.escaped()
	}
	return uint16(r)
}

// escaped reads what follows a backslash: t, n, v, f, r, u and four hexadecimal digits, or a character that stands for itself.
func (c *compiler) escaped() rune {
	r, size := utf8.DecodeRuneInString(c.text[c.at:])
	c.at += size
	if n := strings.IndexRune("tnvfr", r); n >= 0 {
		return rune('\t' + n)
	}
	if r == 'u' && len(c.text) >= c.at+4 {
		if unit, err := strconv.ParseUint(c.text[c.at:c.at+4], 16, 16); err == nil {
			c.at += 4
			return rune(unit)
		}
	}
	return r
}

// bothCases are the units that a letter of an expression stands for; ſ, the Kelvin sign and the dotted and dotless i
// are cases of s, k and i.
func bothCases(r rune) []span {
	set := []span{{uint16(r), uint16(r)}}
	if lower := r | 0x20; lower >= 'a' && lower <= 'z' {
		upper := uint16(lower) - 0x20
		set = []span{{upper, upper}, {uint16(lower), uint16(lower)}}
		switch lower {
		case 's':
			set = append(set, span{0x17f, 0x17f})
		case 'k':
			set = append(set, span{0x212a, 0x212a})
		case 'i':
			set = append(set, span{0x130, 0x131})
		}
	}
	return set
}

// tidy sorts spans and joins those that touch.
func tidy(set []span) []span {
	set = slices.Clone(set)
	slices.SortFunc(set, func(a, b span) int { return int(a.lo) - int(b.lo) })
	out := set[:0]
	for _, s := range set {
		if n := len(out) - 1; n >= 0 && int(s.lo) <= int(out[n].hi)+1 {
			out[n].hi = max(out[n].hi, s.hi)
			continue
		}
		out = append(out, s)
	}
	return out
}

func complement(set []span) []span {
	var out []span
	next := 0
	for _, s := range tidy(set) {
		if next < int(s.lo) {
			out = append(out, span{uint16(next), s.lo - 1})
		}
		next = int(s.hi) + 1
	}
	if next <= 0xffff {
		out = append(out, span{uint16(next), 0xffff})
	}
	return out
}
