package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/study"
)

// expand makes the cells: every value of every dimension with every value of the others, the first one varying
// slowest, and the seeds fastest.
func (s *studyLoader) expand() *Study {
	out := &Study{}
	total := max(len(s.ledger.Seeds), 1)
	for _, d := range s.dimensions {
		if total *= d.size(); total > maxCells {
			s.refused(s.at(studyKey).key, studyKey, "more than %d cells", maxCells)
			return nil
		}
		for _, a := range d.axes {
			s.ledger.Axes = append(s.ledger.Axes, study.Axis{Key: a.name, Values: a.values, Zip: a.group})
		}
	}
	skipped := map[string]int{}
	var refused cellProblems
	used := map[string]int{}
	for at := make([]int, len(s.dimensions)); at != nil; at = s.next(at) {
		if by := slices.IndexFunc(s.skip, func(r rule) bool { return r.matches(at) }); by >= 0 {
			skipped[s.skip[by].name] += max(len(s.ledger.Seeds), 1)
			continue
		}
		seeds := s.ledger.Seeds
		if !s.seeded {
			seeds = []int64{0} // the config's own
		}
		for _, seed := range seeds {
			cell, config, problems := s.cell(at, seed, used)
			refused.add(cell.ID, problems)
			s.ledger.Cells, out.Configs = append(s.ledger.Cells, cell), append(out.Configs, config)
		}
	}
	if len(s.ledger.Cells) == 0 {
		s.refused(s.at(studyKey, "skip").key, "study.skip", "leaves no cell")
		return nil
	}
	s.problems = append(s.problems, refused.merged(len(s.ledger.Cells))...)
	if len(s.problems) > 0 {
		return nil
	}
	for _, r := range s.skip {
		out.Skipped = append(out.Skipped, Skipped{r.name, skipped[r.name]})
	}
	s.refuseTwins(out.Configs)
	if !s.seeded {
		for _, c := range s.ledger.Cells {
			if !slices.Contains(s.ledger.Seeds, c.Seed) {
				s.ledger.Seeds = append(s.ledger.Seeds, c.Seed)
			}
		}
	}
	s.ledger.Hash = hashOf(out.Configs)
	out.Ledger = s.ledger
	return out
}

// next counts up, the last dimension first; nil after the last combination.
func (s *studyLoader) next(at []int) []int {
	for n := len(at) - 1; n >= 0; n-- {
		if at[n]++; at[n] < s.dimensions[n].size() {
			return at
		}
		at[n] = 0
	}
	return nil
}

// cell resolves one cell. Its problems are those of its config.
func (s *studyLoader) cell(at []int, seed int64, used map[string]int) (study.Cell, *Loaded, Problems) {
	l := *s.loader
	l.origin, l.problems = maps.Clone(s.origin), nil
	cell := study.Cell{Settings: map[string]any{}, Status: study.Pending}
	var id, given []string
	set := func(one assignment) {
		l.value(one.field).Set(one.value)
		l.origin[one.field.Path()] = one.from
		given = append(given, one.field.Path()+"="+literal(one.value.Interface()))
	}
	for n, d := range s.dimensions {
		for _, a := range d.axes {
			cell.Settings[a.name] = a.values[at[n]]
			id = append(id, idPart(a.name, a.values[at[n]]))
			for _, one := range a.sets[at[n]] {
				set(one)
			}
		}
	}
	by := map[string]string{} // key -> the rule that set it
	for _, r := range s.when {
		if !r.matches(at) {
			continue
		}
		for _, one := range r.set {
			key := one.field.Path()
			if other, ok := by[key]; ok {
				l.problem(s.studyText.source, one.from.key, key, "is set by study.when.%s too, and both rules hold", other)
			}
			by[key] = r.name
			set(one)
		}
	}
	if s.seeded {
		from := origin{s.studyText.source, s.at(studyKey, "seeds")}
		l.config.Training.Seed, l.origin["training.seed"] = seed, from
		given = append(given, fmt.Sprintf("training.seed=%d", seed))
		if s.splitSeeds {
			l.config.Data.SplitSeed, l.origin["data.split_seed"] = seed, from
			given = append(given, fmt.Sprintf("data.split_seed=%d", seed))
		}
		id = append(id, fmt.Sprintf("s%d", seed))
	}
	cell.Seed = l.config.Training.Seed
	cell.ID = strings.Join(id, "-")
	if used[cell.ID]++; used[cell.ID] > 1 {
		cell.ID += fmt.Sprintf("-%d", used[cell.ID])
	}
	l.config.Experiment.Name = cut(s.ledger.Name+"-"+cell.ID, maxName)
	l.config.Experiment.Description = strings.TrimSpace(fmt.Sprintf("Cell %s of the study %s. %s", cell.ID, s.ledger.Name, s.ledger.Description))
	l.check()
	if len(l.problems) > 0 {
		return cell, nil, l.problems
	}
	head := fmt.Sprintf("# Cell %s of a study. The run's own keys: %s\n", cell.ID, OneLine(strings.Join(given, ", ")))
	c := l.loaded(append([]byte(head), s.given...), append(slices.Clone(s.overrides), given...))
	cell.Hash = c.Hash
	return cell, c, nil
}

var notInID = regexp.MustCompile(`[^\pL\pN_.]+`)

// idPart is an axis' value as a cell's name has it: strings by themselves, the others after the last part of the key.
func idPart(name string, value any) string {
	_, last, _ := cutLast(name)
	text := valueText(value)
	if _, ok := value.(string); !ok {
		text = last + text
	}
	if text = strings.Trim(notInID.ReplaceAllString(text, "_"), "_"); text == "" {
		text = last
	}
	return text
}

// valueText is a value of the ledger without quotes.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for n := range v {
			parts[n] = valueText(v[n])
		}
		return strings.Join(parts, "_")
	}
	return fmt.Sprint(v)
}

// cut shortens a name to a number of bytes without cutting a character.
func cut(name string, bytes int) string {
	if len(name) <= bytes {
		return name
	}
	return strings.ToValidUTF8(name[:bytes], "")
}

// refuseTwins looks for cells that compute the same.
func (s *studyLoader) refuseTwins(configs []*Loaded) {
	first := map[string]string{}
	for n, c := range configs {
		id := s.ledger.Cells[n].ID
		if twin, ok := first[c.Hash]; ok {
			s.refused(s.at(studyKey).key, studyKey, "the cells %s and %s are the same run", twin, id)
			return
		}
		first[c.Hash] = id
	}
}

// cellProblems are the problems of cells, each named once.
type cellProblems struct {
	list  Problems
	cells map[string][]string // message -> cells that have it
}

func (c *cellProblems) add(id string, problems Problems) {
	if c.cells == nil {
		c.cells = map[string][]string{}
	}
	for _, p := range problems {
		text := p.Error()
		if len(c.cells[text]) == 0 {
			c.list = append(c.list, p)
		}
		c.cells[text] = append(c.cells[text], id)
	}
}

// merged says of each problem in which of all the cells it is.
func (c *cellProblems) merged(all int) Problems {
	for n, p := range c.list {
		switch in := c.cells[p.Error()]; {
		case len(in) == all:
		case len(in) == 1:
			c.list[n].Message += fmt.Sprintf(" (in the cell %s)", in[0])
		default:
			c.list[n].Message += fmt.Sprintf(" (in %d of %d cells, the first is %s)", len(in), all, in[0])
		}
	}
	return c.list
}
