package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// dimension is an axis, or several whose values go together.
type dimension struct {
	axes []*axis
	at   span
}

func (d *dimension) size() int { return len(d.axes[0].values) }

// axis is what one key, or a named set of cases, goes through.
type axis struct {
	name   string
	group  string         // of zipped axes
	field  *field         // nil for cases
	values []any          // as the ledger has them
	sets   [][]assignment // what each value sets
	path   []string       // in the file
}

// assignment is a key with its value and where it was given.
type assignment struct {
	field *field
	value reflect.Value
	from  origin
}

// leaf is a config key within one of the study's tables, or a name there that is none.
type leaf struct {
	field *field // nil: an unknown name
	name  string
	path  []string // in the file
	value any
}

// section is a table of the study by its path, or nil when it isn't there or is none.
func (s *studyLoader) section(table map[string]any, path ...string) map[string]any {
	name := path[len(path)-1]
	v, ok := table[name]
	if !ok {
		return nil
	}
	inner, ok := v.(map[string]any)
	if !ok {
		s.refused(s.at(path...).key, strings.Join(path, "."), "expected a section, [%s], got %s", strings.Join(path, "."), describe(v))
	}
	return inner
}

// ordered are the names of a table in the file's order.
func (s *studyLoader) ordered(table map[string]any, path []string) []string {
	names := slices.Sorted(maps.Keys(table))
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := s.at(append(slices.Clone(path), a)...).key, s.at(append(slices.Clone(path), b)...).key
		if x.line != y.line {
			return x.line - y.line
		}
		return x.column - y.column
	})
	return names
}

// leaves finds the config keys of a table: dotted keys, "quoted.keys" and sub-tables. others are names that may stand
// there besides.
func (s *studyLoader) leaves(table map[string]any, path, section, others []string) (found []leaf) {
	for _, name := range s.ordered(table, path) {
		here := append(slices.Clone(path), name)
		parts := append(slices.Clone(section), strings.Split(name, ".")...)
		dotted := strings.Join(parts, ".")
		f := s.byPath[dotted]
		inner, isTable := table[name].(map[string]any)
		at := s.at(here...).key
		switch {
		case f != nil && !Decides(dotted):
			s.refused(at, dotted, "changes nothing that a run computes, so it can't tell cells apart")
		case f != nil || slices.Contains(others, dotted):
			found = append(found, leaf{field: f, name: dotted, path: here, value: table[name]})
		case s.sections[dotted] && isTable:
			found = append(found, s.leaves(inner, here, parts, others)...)
		case s.sections[dotted]:
			s.refused(at, dotted, "is a section; expected one of its keys, as in %s.key", dotted)
		case isTable && !strings.Contains(name, ".") && len(section) == 0 && near(name, others) == "":
			s.refused(at, dotted, "unknown section%s", s.suggestSection(dotted))
		case near(dotted, others) != "":
			s.refused(at, dotted, "unknown key%s", didYouMean(dotted, others))
		default:
			s.refused(at, dotted, "unknown key%s", s.suggestKey(parts[:len(parts)-1], parts[len(parts)-1]))
		}
	}
	return found
}

func near(name string, names []string) string { return Nearest(name, names) }

// readAxes reads [study.axes], [study.zip] and [study.cases].
func (s *studyLoader) readAxes() {
	for _, l := range s.leaves(s.section(s.content, studyKey, "axes"), []string{studyKey, "axes"}, nil, nil) {
		if a := s.axis(l, ""); a != nil {
			s.dimensions = append(s.dimensions, &dimension{axes: []*axis{a}, at: s.at(l.path...).key})
		}
	}
	zips := s.section(s.content, studyKey, "zip")
	for _, name := range s.ordered(zips, []string{studyKey, "zip"}) {
		s.zip(name, s.section(zips, studyKey, "zip", name))
	}
	cases := s.section(s.content, studyKey, "cases")
	for _, name := range s.ordered(cases, []string{studyKey, "cases"}) {
		s.cases(name, s.section(cases, studyKey, "cases", name))
	}
}

// axis reads the values of one key: an array, or a range. It returns nil after a problem.
func (s *studyLoader) axis(l leaf, group string) *axis {
	raw, ok := l.value.([]any)
	at := func(n int) place { return s.element(l.path, n) }
	if form, isForm := l.value.(map[string]any); isForm {
		raw, ok = s.rangeForm(l, form)
		if !ok {
			return nil
		}
		at = func(int) place { return s.at(l.path...) }
	}
	if !ok || len(raw) == 0 {
		got := describe(l.value)
		if ok {
			got = "an empty array"
		}
		s.refused(s.at(l.path...).value, l.name, "expected an array of values, or a range, as { range = [5, 20], step = 5 }, got %s", got)
		return nil
	}
	a := &axis{name: l.name, group: group, field: l.field, path: l.path}
	for n, v := range raw {
		set, ok := s.assignment(l, v, at(n))
		if !ok {
			return nil
		}
		value := ledgerValue(set.value)
		if slices.ContainsFunc(a.values, func(other any) bool { return reflect.DeepEqual(other, value) }) {
			s.refused(at(n).value, l.name, "%s is there twice", literal(set.value.Interface()))
			return nil
		}
		a.values, a.sets = append(a.values, value), append(a.sets, []assignment{set})
	}
	return a
}

// assignment checks one value of a key.
func (s *studyLoader) assignment(l leaf, v any, at place) (assignment, bool) {
	value, err := l.field.convert(v)
	if err != nil {
		s.refused(at.value, l.name, "%s", err)
		return assignment{}, false
	}
	return assignment{l.field, value, origin{s.studyText.source, at}}, true
}

// ledgerValue is a value as JSON has it.
func ledgerValue(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		return v.Int()
	case reflect.Slice:
		list := make([]any, v.Len())
		for n := range list {
			list[n] = ledgerValue(v.Index(n))
		}
		return list
	}
	return v.Interface()
}

// zip reads one group of keys that vary together.
func (s *studyLoader) zip(name string, table map[string]any) {
	path := []string{studyKey, "zip", name}
	d := &dimension{at: s.at(path...).key}
	for _, l := range s.leaves(table, path, nil, nil) {
		a := s.axis(l, name)
		if a == nil {
			return
		}
		if len(d.axes) > 0 && len(a.values) != d.size() {
			s.refused(s.at(l.path...).value, l.name, "expected %d values, as %s has, got %d: zipped keys vary together", d.size(), d.axes[0].name, len(a.values))
			return
		}
		d.axes = append(d.axes, a)
	}
	switch {
	case len(d.axes) > 1:
		s.dimensions = append(s.dimensions, d)
	case table != nil && len(s.problems) == 0:
		s.refused(d.at, strings.Join(path, "."), "expected at least two keys that vary together")
	}
}

// cases reads one axis of named cases.
func (s *studyLoader) cases(name string, table map[string]any) {
	path := []string{studyKey, "cases", name}
	a := &axis{name: name, path: path}
	at := s.at(path...).key
	if strings.Contains(name, ".") || name == "" {
		s.refused(at, strings.Join(path, "."), "expected a name without a dot, so that it can't be taken for a config's key")
		return
	}
	for _, label := range s.ordered(table, path) {
		here := append(slices.Clone(path), label)
		inner := s.section(table, here...)
		var sets []assignment
		for _, l := range s.leaves(inner, here, nil, nil) {
			if set, ok := s.assignment(l, l.value, s.at(l.path...)); ok {
				sets = append(sets, set)
			}
		}
		a.values, a.sets = append(a.values, label), append(a.sets, sets)
	}
	switch {
	case len(a.values) > 0:
		s.dimensions = append(s.dimensions, &dimension{axes: []*axis{a}, at: at})
	case table != nil:
		s.refused(at, strings.Join(path, "."), "expected cases, as in raw = { text.links = \"keep\" }")
	}
}

// checkAxes looks for keys that two axes set, and for fixed values that an axis overrides.
func (s *studyLoader) checkAxes() {
	if len(s.dimensions) == 0 && !s.seeded && len(s.problems) == 0 {
		s.refused(s.at(studyKey).key, studyKey, "nothing varies: expected [study.axes], [study.zip], [study.cases] or seeds")
	}
	owner := map[string]string{} // key -> the axis that sets it
	if s.seeded {
		owner["training.seed"] = "study.seeds"
	}
	if s.splitSeeds {
		owner["data.split_seed"] = "study.split_seeds"
	}
	for _, d := range s.dimensions {
		for _, a := range d.axes {
			own := map[string]bool{}
			for _, sets := range a.sets {
				for _, set := range sets {
					key := set.field.Path()
					if own[key] {
						continue
					}
					own[key] = true
					if by, ok := owner[key]; ok {
						s.refused(set.from.key, key, "varies already, by %s", by)
						continue
					}
					owner[key] = a.where()
				}
			}
		}
	}
	// What the study itself or the command line fixes can't vary too; what it extends may say anything.
	for key, by := range owner {
		if from, ok := s.origin[key]; ok && s.own(from) {
			s.problem(from.source, from.key, key, "is fixed here, but %s varies it", by)
		}
	}
}

// own reports whether a value was given in the study file itself or on the command line.
func (s *studyLoader) own(from origin) bool {
	return from.source == s.studyText.source || !from.source.file
}

// where names the axis as the file does.
func (a *axis) where() string {
	switch {
	case a.group != "":
		return "study.zip." + a.group
	case a.field == nil:
		return "study.cases." + a.name
	}
	return "study.axes." + a.name
}

// rangeForm spells out { range = [from, to], step = n } or count = n, and { logrange = [from, to], count = n }.
func (s *studyLoader) rangeForm(l leaf, form map[string]any) ([]any, bool) {
	refuse := func(key, format string, args ...any) ([]any, bool) {
		at := s.at(l.path...).value
		if key != "" {
			at = s.at(append(slices.Clone(l.path), key)...).value
		}
		s.refused(at, l.name, format, args...)
		return nil, false
	}
	known := []string{"range", "logrange", "step", "count"}
	for _, name := range s.ordered(form, l.path) {
		if !slices.Contains(known, name) {
			s.refused(s.at(append(slices.Clone(l.path), name)...).key, l.name+"."+name, "unknown key%s", nearOrList(name, known, "a range has"))
			return nil, false
		}
	}
	if l.field.Type != "integer" && l.field.Type != "number" {
		return refuse("", "has no range: it takes %s", l.field.expected())
	}
	_, linear := form["range"]
	_, logarithmic := form["logrange"]
	if linear == logarithmic {
		return refuse("", "expected range or logrange, as { range = [5, 20], step = 5 } or { logrange = [5, 40], count = 4 }")
	}
	kind := map[bool]string{true: "range", false: "logrange"}[linear]
	ends, ok := form[kind].([]any)
	if !ok || len(ends) != 2 {
		return refuse(kind, "expected [from, to], got %s", describe(form[kind]))
	}
	from, ok1 := number(ends[0])
	to, ok2 := number(ends[1])
	switch {
	case !ok1 || !ok2 || from >= to:
		return refuse(kind, "expected two numbers, the lower one first")
	case logarithmic && from <= 0:
		return refuse(kind, "expected numbers above 0: logarithms are evenly spaced")
	}
	step, hasStep := form["step"]
	count, hasCount := form["count"]
	const most = 1000
	switch {
	case hasStep == hasCount || logarithmic && hasStep:
		want := map[bool]string{true: "step or count", false: "count"}[linear]
		return refuse(kind, "expected %s beside %s", want, kind)
	case hasCount:
		n, ok := count.(int64)
		if !ok || n < 2 || n > most {
			return refuse("count", "expected an integer from 2 to %d, got %s", most, describe(count))
		}
		return l.field.spread(int(n), func(n, of int) float64 {
			share := float64(n) / float64(of-1)
			if logarithmic {
				return from * math.Pow(to/from, share)
			}
			return from + (to-from)*share
		}), true
	}
	width, ok := number(step)
	if !ok || width <= 0 || (to-from)/width > most {
		return refuse("step", "expected a number above 0 that gives at most %d values, got %s", most, describe(step))
	}
	return l.field.spread(int(math.Floor((to-from)/width+1e-9))+1, func(n, _ int) float64 { return from + float64(n)*width }), true
}

// spread are the values of a range, integers for an integer key.
func (f *field) spread(count int, value func(n, of int) float64) (values []any) {
	for n := range count {
		x := value(n, count)
		if f.Type == "integer" {
			values = append(values, int64(math.Round(x)))
			continue
		}
		x, _ = strconv.ParseFloat(fmt.Sprintf("%.12g", x), 64) // 0.3, not 0.30000000000000004
		values = append(values, x)
	}
	return values
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}
