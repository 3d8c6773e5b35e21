package config

import (
	"reflect"
	"slices"
	"strings"
)

// rule is an entry of [study.when] or [study.skip].
type rule struct {
	name       string
	conditions []condition
	set        []assignment
	at         span
}

// condition holds in the cells that have one of the allowed values of an axis.
type condition struct {
	dimension int
	allowed   []bool // by value
}

// matches reports whether the rule's conditions hold; at are the values of the dimensions.
func (r rule) matches(at []int) bool {
	for _, c := range r.conditions {
		if !c.allowed[at[c.dimension]] {
			return false
		}
	}
	return true
}

func (s *studyLoader) readRules() {
	when := s.section(s.content, studyKey, "when")
	for _, name := range s.ordered(when, []string{studyKey, "when"}) {
		path := []string{studyKey, "when", name}
		table := s.section(when, path...)
		r := rule{name: name, at: s.at(path...).key}
		for key := range table {
			if key != "if" && key != "set" {
				here := append(slices.Clone(path), key)
				s.refused(s.at(here...).key, strings.Join(here, "."), "unknown key%s", nearOrList(key, []string{"if", "set"}, "a rule has"))
			}
		}
		r.conditions = s.conditions(s.section(table, append(path, "if")...), append(slices.Clone(path), "if"))
		r.set = s.extra(s.section(table, append(path, "set")...), append(slices.Clone(path), "set"))
		if table != nil && (table["if"] == nil || table["set"] == nil) {
			s.refused(r.at, strings.Join(path, "."), "expected if = { … } and set = { … }")
		}
		s.when = append(s.when, r)
	}
	skip := s.section(s.content, studyKey, "skip")
	for _, name := range s.ordered(skip, []string{studyKey, "skip"}) {
		path := []string{studyKey, "skip", name}
		s.skip = append(s.skip, rule{name: name, at: s.at(path...).key, conditions: s.conditions(s.section(skip, path...), path)})
	}
}

// conditions reads a table of axes and the values that they must have: one, or an array of several.
func (s *studyLoader) conditions(table map[string]any, path []string) (found []condition) {
	if table == nil {
		return nil
	}
	if len(table) == 0 {
		s.refused(s.at(path...).key, strings.Join(path, "."), "expected at least one condition, as in { training.epochs = [5, 10] }")
	}
	var names []string // of axes with cases
	for _, d := range s.dimensions {
		if d.axes[0].field == nil {
			names = append(names, d.axes[0].name)
		}
	}
	for _, l := range s.leaves(table, path, nil, names) {
		at, a := s.find(l.name)
		if a == nil {
			s.refused(s.at(l.path...).key, l.name, "is no axis of this study%s", nearOrList(l.name, s.axisNames(), "its axes are"))
			continue
		}
		c := condition{dimension: at, allowed: make([]bool, len(a.values))}
		list, isList := l.value.([]any)
		if isList && a.field != nil && a.field.kind.Kind() == reflect.Slice && (len(list) == 0 || !isArray(list[0])) {
			isList = false // one value, which is an array itself
		}
		if !isList {
			list = []any{l.value}
		}
		for n, v := range list {
			where := s.at(l.path...).value
			if isList {
				where = s.element(l.path, n).value
			}
			if k, ok := s.valueOf(a, v, where); ok {
				c.allowed[k] = true
			}
		}
		found = append(found, c)
	}
	return found
}

func isArray(v any) bool {
	_, ok := v.([]any)
	return ok
}

// valueOf is the number of an axis' value.
func (s *studyLoader) valueOf(a *axis, v any, where span) (int, bool) {
	want := v
	if a.field != nil {
		converted, err := a.field.convert(v)
		if err != nil {
			s.refused(where, a.name, "%s", err)
			return 0, false
		}
		want = ledgerValue(converted)
	}
	for n, have := range a.values {
		if reflect.DeepEqual(have, want) {
			return n, true
		}
	}
	known := make([]string, len(a.values))
	for n, have := range a.values {
		known[n] = valueText(have)
	}
	rest := "; it goes through " + strings.Join(known, ", ")
	if _, isText := want.(string); isText {
		rest = nearOrList(valueText(want), known, "it goes through")
	}
	s.refused(where, a.name, "%s never has the value %s%s", a.where(), valueText(want), rest)
	return 0, false
}

// find is the axis of that name, and the number of its dimension.
func (s *studyLoader) find(name string) (int, *axis) {
	for n, d := range s.dimensions {
		for _, a := range d.axes {
			if a.name == name {
				return n, a
			}
		}
	}
	return 0, nil
}

func (s *studyLoader) axisNames() (names []string) {
	for _, d := range s.dimensions {
		for _, a := range d.axes {
			names = append(names, a.name)
		}
	}
	return names
}

// extra reads what a rule sets: any key but those that vary anyway.
func (s *studyLoader) extra(table map[string]any, path []string) (found []assignment) {
	for _, l := range s.leaves(table, path, nil, nil) {
		at := s.at(l.path...)
		if by := s.varies(l.name); by != "" {
			s.refused(at.key, l.name, "varies already, by %s", by)
			continue
		}
		if set, ok := s.assignment(l, l.value, at); ok {
			found = append(found, set)
		}
	}
	return found
}

// varies names the axis that sets a key, or is empty.
func (s *studyLoader) varies(key string) string {
	if s.seeded && key == "training.seed" {
		return "study.seeds"
	}
	if s.splitSeeds && key == "data.split_seed" {
		return "study.split_seeds"
	}
	for _, d := range s.dimensions {
		for _, a := range d.axes {
			for _, sets := range a.sets {
				if slices.ContainsFunc(sets, func(set assignment) bool { return set.field.Path() == key }) {
					return a.where()
				}
			}
		}
	}
	return ""
}
