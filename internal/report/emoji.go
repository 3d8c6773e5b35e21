package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize/english"
	"github.com/forPelevin/gomoji"

	"github.com/captionlab/captionlab/internal/score"
)

// Emoji are the emoji of a split's free-running captions beside those of its references.
type Emoji struct {
	Scores            *score.Emoji
	Cleaning          score.EmojiCleaning // of all splits
	Split, References string              // References: raw or cleaned
}

// emojiTables shows them, and says what the figures mean.
func emojiTables(e *Emoji) (tables []table, note string) {
	if e == nil {
		return nil, ""
	}
	g, r := &e.Scores.Generated, &e.Scores.References
	note = fmt.Sprintf("Free-running captions of the %s split against the %s references. An emoji is what Unicode shows as one: a flag, a family or a keycap is one, "+
		"©, ™ and digits are none without a variation selector.", e.Split, e.References)
	if d := e.Scores.Divergence; d != nil {
		note += fmt.Sprintf(" Between the two distributions of emoji the Jensen-Shannon divergence is %s bits (0: the same; 1: none in common).", fixed(*d, 3))
	}
	if c := e.Cleaning; c.Raw > 0 {
		note += fmt.Sprintf(" Cleaning kept %s of the %s emoji of the captions that were not dropped (%s).", comma(c.Kept), comma(c.Raw), percent(c.Share()))
		if c.BrokenRaw+c.BrokenCleaned > 0 {
			note += fmt.Sprintf(" %s before it, %s after.", english.Plural(c.BrokenRaw, "broken sequence", ""), comma(c.BrokenCleaned))
		}
	}
	return []table{emojiUseTable(g, r), emojiMatchTable(e.Scores), emojiFrequentTable(g, r)}, note
}

func emojiUseTable(g, r *score.EmojiUse) table {
	t := table{Caption: "Emoji in captions", Columns: []column{{Name: "What"}, {Name: "Generated", Number: true}, {Name: "References", Number: true}}}
	per := func(u *score.EmojiUse) string { return fixed(float64(u.Emoji)/float64(max(u.Captions, 1)), 2) }
	t.row("captions", comma(g.Captions), comma(r.Captions))
	t.row("with an emoji", percent(g.Coverage()), percent(r.Coverage()))
	t.row("emoji a caption", per(g), per(r))
	t.row("different emoji", comma(g.Distinct), comma(r.Distinct))
	t.row("of several code points, whole", comma(g.Sequences), comma(r.Sequences))
	t.row("broken sequences", comma(g.Fragments()), comma(r.Fragments()))
	kinds := maps.Clone(g.Broken)
	maps.Copy(kinds, r.Broken)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		t.row("of these, a lone "+kind, comma(g.Broken[kind]), comma(r.Broken[kind]))
	}
	return t
}

func emojiMatchTable(e *score.Emoji) table {
	t := table{Caption: "Precision, recall and F1 of a caption's emoji, copies counted (captions without emoji on both sides are left out)", Columns: []column{
		{Name: "Against"}, {Name: "Captions", Number: true}, {Name: "Mean"}, {Name: "Precision", Number: true}, {Name: "Recall", Number: true}, {Name: "F1", Number: true},
	}}
	for _, against := range []struct {
		name string
		m    score.EmojiMatch
	}{{"the best reference", e.Best}, {"the union of all references", e.Union}} {
		for _, mean := range []struct {
			name string
			m    score.Match
		}{{"micro: over emoji", against.m.Micro}, {"macro: over captions", against.m.Macro}} {
			t.row(against.name, comma(against.m.Captions), mean.name, percent(mean.m.Precision), percent(mean.m.Recall), percent(mean.m.F1))
		}
	}
	return t
}

func emojiFrequentTable(g, r *score.EmojiUse) table {
	t := table{Caption: "The ten most frequent", Columns: []column{
		{Name: "Place", Number: true}, {Name: "Generated"}, {Name: "Share", Number: true}, {Name: "References"}, {Name: "Share", Number: true},
	}}
	cells := func(u *score.EmojiUse, n int) (name, share string) {
		if n >= len(u.Frequent) {
			return "", ""
		}
		f := u.Frequent[n]
		return emojiName(f.Emoji), percent(f.Share)
	}
	for n := range max(len(g.Frequent), len(r.Frequent)) {
		generated, gs := cells(g, n)
		reference, rs := cells(r, n)
		t.row(strconv.Itoa(n+1), generated, gs, reference, rs)
	}
	return t
}

// emojiName is an emoji with Unicode's name for it, for readers without its glyph.
func emojiName(emoji string) string {
	name := ""
	if info, err := gomoji.GetInfo(emoji); err == nil {
		_, name, _ = strings.Cut(info.UnicodeName, " ") // it begins with the version of Unicode
	}
	if utf8.RuneCountInString(emoji) == 1 {
		emoji += "\ufe0f" // or ❤ is shown as text
	}
	return strings.TrimSpace(emoji + " " + name)
}
