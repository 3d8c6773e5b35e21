package dataset

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

// captionsPerPicture of emojigram are drawn independently of each other, so a picture may have one twice.
const captionsPerPicture = 5

// rule is a caption's pattern and how often it is used compared with the other rules of its list. In text,
// {a|b} is either with the same probability and $name a word about the scene (see words).
type rule struct {
	weight float64
	text   string
}

// rules by the kind of scene. A name that ends in 1, 2 or 3 is of the first, second or third different emoji in
// the order of subjects, which a model can tell without knowing where they are; only $first, $second, $third
// and $row go by place.
var rules = map[string][]rule{
	solo: {
		{5, "{$pun1|$quip1} {$e1|$e1$e1|✨ $e1}"},
		{3, "{$a1|meet my $n1|found $a1} on $color $surface {$e1|❤️}"},
		{2, "one $size $n1, {no regrets|big mood|send help|zero plans}"},
		{2, "$color day, $n1 mode {on $e1|✨}"},
		{2, "{$pun1|$quip1}, says the {$n1|$size $n1} $e1"},
		{1, "pov: you are $a1 {on a friday|and it's monday} $e1"},
		{1, "{nobody asked|fun fact|plot twist}: my $n1 loves $color $surface"},
		{1, "when in doubt, $n1 it out $e1❤️"},
		{1, "$size $n1 energy {$e1|🙌🏽} on $color $surface"},
		{1, "keep calm and {love|hug|follow} the $n1 $e1"},
	},
	pair: {
		{3, "{$a1 and $a2|$a2 and $a1} on $color $surface"},
		{3, "the $first is $before the $second {$row|✨}"},
		{1, "find the $second: $after the $first, on $color"},
		{2, "$n1 + $n2 = {love|trouble|goals|lunch} $e1$e2"},
		{3, "{$pun1|$quip1} with {$a2|my $n2} $e2"},
		{3, "{$pun2|$quip2}, said the $n1 to the $n2"},
		{1, "$e1 or $e2? {both|yes|never}! {i'm on team $n1|team $n2 here}"},
		{1, "$color mood with my $n1 and my $n2 $e1$e2"},
		{1, "$n1 by day, $n2 by night {✨|$e1$e2}"},
	},
	twins:    sameRules,
	triplets: sameRules,
	crowd: {
		{3, "two $p1 and $a2 on $color $surface"},
		{2, "$a2 with two {$p1|best $p1} $row"},
		{3, "{$pun1|$quip1}, said the $n2 to the $p1 $e2"},
		{2, "one $n2, two $p1, {zero regrets|no plan|big mood}"},
		{1, "spot the $n2 {$row|✨} {if you can|in two seconds}"},
		{1, "$p1 vs $n2 on $color: who wins?"},
		{1, "$e1$e1 plus $e2 on $color $surface {❤️|✨}"},
	},
	trio: {
		{3, "$n1, $n2 and $n3 on $color $surface"},
		{2, "the $second is in the middle {$row|✨}"},
		{1, "left to right: $first, $second, $third"},
		{4, "{$pun1|$quip1|$pun2|$quip2|$pun3|$quip3} $e1$e2$e3"},
		{2, "$n1, $n2, $n3: {dream team|pick one|my weekend}"},
		{1, "$color squad $e1$e2$e3 {❤️|🙌🏽} {forever|on a friday}"},
	},
}

var sameRules = []rule{
	{3, "$count {$p1|happy $p1} on $color $surface"},
	{2, "$count $p1, {zero worries|one dream|no plan|big mood} $row"},
	{2, "$times the $n1, $times the {fun|trouble|love}"},
	{3, "{$pun1|$quip1}, times $count {$e1|$row}"},
	{2, "can't have {just|only} one $n1 $row"},
	{1, "$color squad goals $row {❤️|✨}"},
	{1, "i can count my $p1: $count {$e1|🙌🏽}"},
	{1, "$color days and $count $p1 $row"},
}

// dirt is what real posts have around a caption. $text is the caption, $wide the same with doubled spaces, $cut
// the caption cut off in the middle of its last word.
var dirt = []rule{
	{6, "{$text #$tag1|$text #$color #$tag1|$text #$tag1 #instagood|#$color $text}"},
	{4, "{$text @$tag1.daily|@the_$tag1 $text}"},
	{2, "{$text https://example.com/p/$tag1|$text www.example.org/$tag1}"},
	{4, "$text{!!|!!!|...|?!?!}"},
	{2, "$cut{...|…}"},
	{2, "{$wide|$text \u200b\n}"},
}

// words are the values of the names in rules.
func (s scene) words() map[string]string {
	w := map[string]string{"color": s.Color, "surface": patterns[s.patternAt].word, "size": s.Size, "before": "left of", "after": "right of"}
	if s.Stacked {
		w["before"], w["after"] = "above", "below"
	}
	switch s.Kind {
	case twins:
		w["count"], w["times"] = "two", "double"
	case triplets:
		w["count"], w["times"] = "three", "triple"
	}
	places := []string{"first", "second", "third"}
	var who []int
	for n, t := range s.Emoji {
		w["row"] += t.Char
		w[places[n]] = subjects[t.subject].noun
		who = append(who, t.subject)
	}
	slices.Sort(who)
	if s.Kind == crowd && who[0] != who[1] { // the one that is there twice comes first
		slices.Reverse(who)
	}
	for n, at := range slices.Compact(who) {
		subject, digit := subjects[at], string(rune('1'+n))
		w["e"+digit], w["n"+digit], w["a"+digit], w["p"+digit] = subject.char, subject.noun, subject.article(), subject.plurals()
		w["pun"+digit], w["quip"+digit], w["tag"+digit] = subject.pun, subject.quip, subject.tag()
	}
	return w
}

// caption draws one caption of a scene; a share of them carries dirt.
func (s scene) caption(r *rand.Rand, share float64) string {
	w := s.words()
	text := fill(choose(r, rules[s.Kind]), w)
	if r.Float64() >= share {
		return text
	}
	return fill(choose(r, dirt), soil(w, text))
}

// soil adds the names that the rules of dirt use.
func soil(w map[string]string, text string) map[string]string {
	w["text"], w["wide"], w["cut"] = text, strings.ReplaceAll(text, " ", "  "), cut(text)
	return w
}

// cut drops the emoji and half of the last word.
func cut(text string) string {
	end := strings.LastIndexFunc(text, func(r rune) bool { return r < unicode.MaxASCII && unicode.IsLetter(r) }) + 1
	start := strings.LastIndexByte(text[:end], ' ') + 1
	return text[:end-(end-start)/2]
}

// choose draws a rule by its weight and each of its alternatives.
func choose(r *rand.Rand, from []rule) string {
	total := 0.0
	for _, rule := range from {
		total += rule.weight
	}
	u, text := r.Float64()*total, ""
	for _, rule := range from {
		if text = rule.text; u < rule.weight {
			break
		}
		u -= rule.weight
	}
	for {
		before, options, after, ok := alternatives(text)
		if !ok {
			return text
		}
		text = before + options[r.IntN(len(options))] + after
	}
}

// choice is one thing that choose may return, and its probability.
type choice struct {
	text string
	p    float64
}

// choices are all that choose may return.
func choices(from []rule) []choice {
	total := 0.0
	for _, rule := range from {
		total += rule.weight
	}
	var all []choice
	var expand func(text string, p float64)
	expand = func(text string, p float64) {
		before, options, after, ok := alternatives(text)
		if !ok {
			all = append(all, choice{text, p})
			return
		}
		for _, option := range options {
			expand(before+option+after, p/float64(len(options)))
		}
	}
	for _, rule := range from {
		expand(rule.text, rule.weight/total)
	}
	return all
}

// alternatives splits text at its first {a|b}.
func alternatives(text string) (before string, options []string, after string, ok bool) {
	before, rest, ok := strings.Cut(text, "{")
	if !ok {
		return text, nil, "", false
	}
	inside, after, _ := strings.Cut(rest, "}")
	return before, strings.Split(inside, "|"), after, true
}

// fill puts words in the place of their $names.
func fill(text string, w map[string]string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		end := 0
		for end < len(rest) && (rest[end] >= 'a' && rest[end] <= 'z' || rest[end] >= '1' && rest[end] <= '9') {
			end++
		}
		b.WriteString(w[rest[:end]])
		text = rest[end:]
	}
}
