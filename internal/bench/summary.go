package bench

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// tolerance is how far numbers that both sides must agree on may be apart, relative to ours. Whole numbers are counts, and
// must be equal.
const tolerance = 1e-3

// side is one side's figures of one benchmark over all rounds.
type side struct {
	who              string
	values           map[int]float64 // by round
	median, low, top float64         // of the values; 0 without any
	ratio            spread          // of a peer's value to ours in the same round: above 1, we are faster
	unit             string
	errors           []string // why figures are missing or don't count
	checks           []string // what was compared with ours
	peak             int64
	version, note    string
}

// spread is the median with the least and the greatest over the rounds; the zero value for no round.
type spread struct {
	median, low, top float64
	rounds           int
}

// span is the least and the greatest ratio for people.
func (s spread) span(to string) string {
	if s.rounds == 1 {
		return "one round"
	}
	return ratio(s.low) + to + ratio(s.top)
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	s := slices.Sorted(slices.Values(values))
	return spread{(s[(len(s)-1)/2] + s[len(s)/2]) / 2, s[0], s[len(s)-1], len(s)}
}

// row is one benchmark's sides, ours first.
type row struct {
	benchmark
	ours  side
	peers []side
}

// peer finds a side that has a ratio.
func (r row) peer(who string) (side, bool) {
	for _, p := range r.peers {
		if p.who == who && p.ratio.median > 0 {
			return p, true
		}
	}
	return side{}, false
}

// summarize makes the rows of the lines: known benchmarks in their order, then others by name.
func summarize(lines []Line) []row {
	byName := map[string][]Line{}
	for _, l := range lines {
		byName[l.Benchmark] = append(byName[l.Benchmark], l)
	}
	var rows []row
	take := func(b benchmark) {
		if lines, ok := byName[b.name]; ok {
			rows = append(rows, newRow(b, lines))
			delete(byName, b.name)
		}
	}
	for _, b := range benchmarks {
		take(b)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		take(benchmark{name: name, title: name})
	}
	return rows
}

func newRow(b benchmark, lines []Line) row {
	sides := map[string]*side{Ours: {who: Ours, values: map[int]float64{}}}
	checks := map[string]map[int]map[string]float64{} // by round
	for _, l := range lines {
		s := sides[l.Who]
		if s == nil {
			s = &side{who: l.Who, values: map[int]float64{}}
			sides[l.Who] = s
		}
		if l.Error != "" {
			s.errors = append(s.errors, l.Error)
			continue
		}
		s.values[l.Round] = l.Value
		s.unit, s.version, s.note, s.peak = l.Unit, cmp.Or(l.Version, s.version), cmp.Or(l.Note, s.note), max(s.peak, l.PeakBytes)
		if checks[l.Who] == nil {
			checks[l.Who] = map[int]map[string]float64{}
		}
		checks[l.Who][l.Round] = l.Check
	}
	for _, s := range sides {
		all := spreadOf(slices.Collect(maps.Values(s.values)))
		s.median, s.low, s.top = all.median, all.low, all.top
	}
	r := row{benchmark: b, ours: *sides[Ours]}
	for _, who := range ordered(sides) {
		s := sides[who]
		var ratios []float64
		for round, value := range s.values {
			if mine, ok := r.ours.values[round]; ok && s.unit == r.ours.unit {
				ratios = append(ratios, value/mine)
			}
		}
		s.ratio = spreadOf(ratios)
		if len(s.values) > 0 && len(r.ours.values) > 0 {
			if s.unit != r.ours.unit {
				s.errors = append(s.errors, fmt.Sprintf("measured %s, ours %s", s.unit, r.ours.unit))
			}
			for _, round := range slices.Sorted(maps.Keys(checks[Ours])) {
				if theirs, ok := checks[who][round]; ok {
					s.compare(theirs, checks[Ours][round])
				}
			}
		}
		r.peers = append(r.peers, *s)
	}
	return r
}

// ordered are the peers among the sides, in the order of the columns.
func ordered(sides map[string]*side) []string {
	var names []string
	for _, p := range peers {
		if sides[p.name] != nil {
			names = append(names, p.name)
		}
	}
	for _, who := range slices.Sorted(maps.Keys(sides)) {
		if who != Ours && !slices.Contains(names, who) {
			names = append(names, who)
		}
	}
	return names
}

// compare holds the numbers that both sides must agree on against each other.
func (s *side) compare(theirs, ours map[string]float64) {
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		want := ours[name]
		got, ok := theirs[name]
		far := tolerance * math.Max(math.Abs(want), 1e-9)
		if want == math.Trunc(want) && got == math.Trunc(got) {
			far = 0
		}
		switch {
		case !ok && slices.Contains(s.errors, "did not say its "+name): // in a round before, too
		case !ok:
			s.errors = append(s.errors, "did not say its "+name)
		case !(math.Abs(got-want) <= far):
			s.errors = append(s.errors, fmt.Sprintf("computed something else: %s is %.6g, ours %.6g", name, got, want))
		case !slices.Contains(s.checks, name): // a round before had it, too
			s.checks = append(s.checks, name)
		}
	}
}

// verdict is a goal and what was seen. miss is how far the figure is from the goal, as a share of it; 0 or less: reached.
type verdict struct {
	what, seen string
	miss       float64
}

func (v verdict) outcome() string {
	if v.miss <= 0 {
		return "reached"
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(100*v.miss))
}

// verdicts are the goals of all rows that have the figures.
func verdicts(rows []row) []verdict {
	var all []verdict
	for _, r := range rows {
		for _, g := range r.goals {
			if v, ok := r.verdict(g); ok {
				all = append(all, v)
			}
		}
	}
	ours, peak := map[string]float64{}, map[string]int64{}
	for _, r := range rows {
		ours[r.name], peak[r.name] = r.ours.median, r.ours.peak
	}
	for _, s := range slowdowns {
		if ours[s.name] > 0 && ours[s.of] > 0 {
			ratio := ours[s.name] / ours[s.of]
			all = append(all, verdict{what: fmt.Sprintf("%s: at most %g × %s", s.name, s.most, s.of), seen: fmt.Sprintf("%.2f ×", ratio), miss: ratio/s.most - 1})
		}
	}
	for _, c := range ceilings {
		if p := peak[c.name]; p > 0 {
			all = append(all, verdict{what: fmt.Sprintf("%s: at most %s of memory", c.name, humanize.IBytes(uint64(c.most))), seen: humanize.IBytes(uint64(p)),
				miss: float64(p)/float64(c.most) - 1})
		}
	}
	return all
}

// fastest is the fastest of a goal's peers that computed what we did.
func (r row) fastest(g goal) (best side, ok bool) {
	for _, p := range r.peers {
		if s, measured := r.peer(p.who); measured && len(s.errors) == 0 && (g.peers == nil || slices.Contains(g.peers, p.who)) && (!ok || s.median < best.median) {
			best, ok = s, true
		}
	}
	return best, ok
}

func (r row) verdict(g goal) (verdict, bool) {
	best, ok := r.fastest(g)
	if !ok {
		return verdict{}, false
	}
	var failed []string // one of them may be the fastest
	for _, p := range r.peers {
		if len(p.errors) > 0 && (g.peers == nil || slices.Contains(g.peers, p.who)) {
			failed = append(failed, title(p.who))
		}
	}
	var names []string
	for _, who := range g.peers {
		names = append(names, title(who))
	}
	of := "the fastest peer"
	if len(names) == 1 {
		of = names[0]
	} else if len(names) > 1 {
		of = "the fastest of " + strings.Join(names, ", ")
	}
	verb := "at least"
	if g.aim {
		verb = "the aim is"
	}
	if len(failed) > 0 {
		of += " that did not fail (" + strings.Join(failed, ", ") + " did)"
	}
	return verdict{fmt.Sprintf("%s: %s %g × %s", r.name, verb, g.least, of),
		fmt.Sprintf("%s × (%s), %s", ratio(best.ratio.median), best.ratio.span(" to "), title(best.who)), 1 - best.ratio.median/g.least}, true
}
