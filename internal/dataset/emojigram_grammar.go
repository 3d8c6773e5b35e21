package dataset

import (
	"math/rand/v2"
	"strings"
)

// A caption is opener + sentence + ending, each drawn by itself; then, in the configured share of captions, one
// kind of dirt. Every choice is listed here with its probability, so that the distribution is known exactly.

// choice is one text with its probability.
type choice struct {
	text string
	p    float64
}

var openers = []choice{{"", 0.55}, {"omg ", 0.15}, {"pov: ", 0.15}, {"today: ", 0.15}}
var endings = []choice{{"", 0.6}, {"!", 0.25}, {" lol", 0.15}}

// dirts are the kinds of dirt, each as likely as the others, with their variants, each as likely as the others.
var dirts = [][]func(string) string{
	appended(" #instagood", " #love", " #photooftheday #art", " #emoji", " #follow4follow", " #nofilter", " #fun #happy", " #vibes"),
	appended(" @bestie", " @my_friend", " @emoji.daily", " with @anna"),
	appended(" https://example.org/p/1", " http://example.org/x?id=42", " www.example.org"),
	appended("!!!", "???", "......"),
	{func(s string) string { return cutWord(s, 1) }, func(s string) string { return cutWord(s, 2) }},
}

func appended(texts ...string) []func(string) string {
	var all []func(string) string
	for _, text := range texts {
		all = append(all, func(s string) string { return s + text })
	}
	return all
}

// cutWord drops the last n letters of the text's last plain word, as a caption typed in haste does; a text whose
// last word is shorter stays.
func cutWord(s string, n int) string {
	at := strings.LastIndexByte(s, ' ') + 1
	word := s[at:]
	for _, r := range word {
		if r >= 0x80 { // an emoji is never cut
			return s
		}
	}
	if len(word) <= n+1 {
		return s
	}
	return s[:len(s)-n]
}

// caption draws one caption.
func (s scene) caption(rng *rand.Rand, dirt float64) string {
	sentences := s.sentences()
	text := pickOf(rng, openers) + sentences[rng.IntN(len(sentences))] + pickOf(rng, endings)
	if rng.Float64() < dirt {
		kind := dirts[rng.IntN(len(dirts))]
		text = kind[rng.IntN(len(kind))](text)
	}
	return text
}

func pickOf(rng *rand.Rand, choices []choice) string {
	u := rng.Float64()
	for _, c := range choices {
		if u -= c.p; u < 0 {
			return c.text
		}
	}
	return choices[len(choices)-1].text // what rounding leaves
}

// distribution calls yield with every caption the scene can have and its probability; equal texts may come more
// than once.
func (s scene) distribution(dirt float64, yield func(text string, p float64)) {
	sentences := s.sentences()
	for _, opener := range openers {
		for _, sentence := range sentences {
			for _, ending := range endings {
				text := opener.text + sentence + ending.text
				p := opener.p * ending.p / float64(len(sentences))
				yield(text, p*(1-dirt))
				if dirt == 0 {
					continue
				}
				for _, kind := range dirts {
					for _, variant := range kind {
						yield(variant(text), p*dirt/float64(len(dirts)*len(kind)))
					}
				}
			}
		}
	}
}
