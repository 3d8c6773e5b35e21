package report

import (
	"slices"
	"testing"
)

func TestPlaceKeepsNamesApart(t *testing.T) {
	control := func(name string, value float64) level {
		return level{name: controlPrefix + name, value: value, above: true}
	}
	floor := func(value float64) level { return level{name: "entropy floor", value: value, left: true} }
	for _, test := range []struct {
		reason string
		levels []level
		want   []string // from the top down, the names' places as ^ (above) and v (below)
	}{
		{"far apart: each bears its own", []level{control("a", 1), control("b", 2), floor(0.5)},
			[]string{"^control: b", "^control: a", "ventropy floor"}},
		{"close: the highest bears both", []level{control("a", 0.559), control("b", 0.598), floor(0.5)},
			[]string{"^control: b, a", "^", "ventropy floor"}},
		{"three close ones in a row", []level{control("a", 1), control("b", 1.1), control("c", 1.25)},
			[]string{"^control: c, b", "^", "^control: a"}},
		{"no room below the floor", []level{floor(0.1)}, []string{"^entropy floor"}},
	} {
		var got []string
		for _, l := range place(test.levels, 0, 3) {
			mark := "v"
			if l.above {
				mark = "^"
			}
			got = append(got, mark+l.name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.reason, got, test.want)
		}
	}
}
