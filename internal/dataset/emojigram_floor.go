package dataset

import (
	"math"
	"runtime"

	"github.com/rivo/uniseg"
	"golang.org/x/sync/errgroup"
)

// emojigramFloor is the entropy of the cleaned captions given the scene, averaged over pictures: no model that
// sees the picture can have a lower expected loss. It is exact: every caption is enumerated, cleaned as the
// settings say, and equal ones are put together. A caption that cleaning drops is left out of the distribution,
// as it is left out of the data.
func emojigramFloor(s EmojigramSettings, clean CleanSettings, unit string, pictures []int) Floor {
	entropies, lengths := make([]float64, len(pictures)), make([]float64, len(pictures))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for n, picture := range pictures {
		group.Go(func() error {
			entropies[n], lengths[n] = sceneOf(s, picture).entropy(s.Dirt, clean, unit)
			return nil
		})
	}
	_ = group.Wait() // no scene fails
	var nats, characters float64
	for n := range pictures {
		nats += entropies[n]
		characters += lengths[n]
	}
	count := math.Max(float64(len(pictures)), 1)
	return Floor{NatsPerCaption: nats / count, NatsPerCharacter: nats / math.Max(characters, 1), Characters: characters / count}
}

// entropy of one scene's cleaned captions in nats, and their expected length, the end counted.
func (s scene) entropy(dirt float64, clean CleanSettings, unit string) (nats, length float64) {
	p := map[string]float64{}
	kept := 0.0
	cleaned := map[string]string{} // the same raw text comes from several choices
	s.distribution(dirt, func(raw string, q float64) {
		text, known := cleaned[raw]
		if !known {
			text, _ = Clean(raw, clean, unit)
			cleaned[raw] = text
		}
		if text != "" {
			p[text] += q
			kept += q
		}
	})
	for text, q := range p {
		q /= kept
		nats -= q * math.Log(q)
		units := uniseg.GraphemeClusterCount(text)
		if unit == "codepoint" {
			units = len([]rune(text))
		}
		length += q * float64(units+1)
	}
	return nats, length
}
