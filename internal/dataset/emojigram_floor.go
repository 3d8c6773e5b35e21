package dataset

import (
	"math"
	"runtime"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/sync/errgroup"
)

// likely is a cleaned caption and its probability given the picture.
type likely struct {
	text string
	p    float64
}

// distribution is the exact distribution of a scene's cleaned captions: every caption that the grammar can
// write, with every dirt, is cleaned, and equal texts are merged. Captions that cleaning drops are left out, so
// the probabilities, which sum to 1, are of captions as training sees them.
func (s scene) distribution(share float64, clean CleanSettings, unit string) []likely {
	w := s.words()
	var all []likely
	at, kept := map[string]int{}, 0.0
	add := func(raw string, p float64) {
		text, _ := Clean(raw, clean, unit)
		if text == "" || p == 0 {
			return
		}
		kept += p
		n, ok := at[text]
		if !ok {
			n = len(all)
			at[text] = n
			all = append(all, likely{text: text})
		}
		all[n].p += p
	}
	dirts := choices(dirt)
	for _, c := range choices(rules[s.Kind]) {
		text := fill(c.text, w)
		add(text, c.p*(1-share))
		if share > 0 {
			soil(w, text)
			for _, d := range dirts {
				add(fill(d.text, w), c.p*share*d.p)
			}
		}
	}
	for n := range all {
		all[n].p /= kept
	}
	return all
}

// emojigramFloor is the entropy of the cleaned captions given what their pictures show, the mean over the captions of pictures
// (by their numbers): no model's expected loss is lower. captions is how many a picture has left, which differs where cleaning drops some.
func emojigramFloor(e EmojigramSettings, clean CleanSettings, unit string, pictures []int, captions func(picture int) int) Floor {
	type bits struct{ entropy, characters float64 }
	known := map[string]*bits{} // scenes of the same structure have the same captions
	of := make([]*bits, len(pictures))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, picture := range pictures {
		sc := newScene(e.Seed, picture)
		structure := sc.structure()
		b, ok := known[structure]
		if !ok {
			b = &bits{}
			known[structure] = b
			group.Go(func() error {
				for _, c := range sc.distribution(e.Dirt, clean, unit) {
					b.entropy -= c.p * math.Log(c.p)
					b.characters += c.p * float64(characters(c.text, unit)+1)
				}
				return nil
			})
		}
		of[n] = b
	}
	_ = group.Wait() // none fails
	entropy, length, count := 0.0, 0.0, 0.0
	for n, b := range of {
		weight := float64(captions(pictures[n]))
		entropy, length, count = entropy+weight*b.entropy, length+weight*b.characters, count+weight
	}
	count = max(1, count)
	return Floor{NatsPerCaption: entropy / count, NatsPerCharacter: entropy / max(1, length), Characters: length / count}
}

// characters counts the code points or grapheme clusters of text.
func characters(text, unit string) int {
	if unit == "codepoint" {
		return utf8.RuneCountInString(text)
	}
	return uniseg.GraphemeClusterCount(text)
}
