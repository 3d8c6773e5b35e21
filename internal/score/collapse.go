package score

import (
	"fmt"
	"iter"
	"strings"

	"github.com/captionlab/captionlab/internal/ptb"
)

// Training is what captions are held against to see whether a model collapsed: its training captions.
type Training struct {
	captions map[string]bool // word for word
	words    map[string]int
	frequent int // words that occur at least frequentWord times
}

// frequentWord is how often a word must occur in the training captions to count as vocabulary: Tanti et al.'s (2018)
// five times, so that the shares compare with theirs whatever the run's tokens are.
const frequentWord = 5

// repeatedOrder is the length of the n-grams whose repetition within a caption is counted.
const repeatedOrder = 3

// NewTraining reads the training captions.
func NewTraining(captions iter.Seq[string]) *Training {
	t := &Training{captions: map[string]bool{}, words: map[string]int{}}
	var all []string
	for c := range captions {
		all = append(all, c)
	}
	for _, tokens := range ptb.TokenizeLines(all) {
		t.captions[strings.Join(tokens, " ")] = true
		for _, w := range tokens {
			if t.words[w]++; t.words[w] == frequentWord {
				t.frequent++
			}
		}
	}
	return t
}

// Diversity says how varied captions are, in the metrics' tokens: words in lower case, without punctuation.
type Diversity struct {
	Captions   int
	Distinct   int     // different captions
	Vocabulary float64 // share of the words that occur at least 5 times in training which occur in the captions
	Copied     float64 // share of captions that are a training caption word for word
	Repeating  float64 // share of captions in which a sequence of three words stands twice
	Words      float64 // mean words a caption
}

// DistinctShare is the share of different captions.
func (d Diversity) DistinctShare() float64 { return float64(d.Distinct) / float64(max(d.Captions, 1)) }

// Diversity measures captions; of none all figures are 0.
func (t *Training) Diversity(captions []string) Diversity {
	d := Diversity{Captions: len(captions)}
	distinct, used := map[string]bool{}, map[string]bool{}
	copied, repeating, words := 0, 0, 0
	for _, tokens := range ptb.TokenizeLines(captions) {
		text := strings.Join(tokens, " ")
		distinct[text] = true
		if t.captions[text] {
			copied++
		}
		if repeats(tokens) {
			repeating++
		}
		words += len(tokens)
		for _, w := range tokens {
			if t.words[w] >= frequentWord {
				used[w] = true
			}
		}
	}
	n := float64(max(len(captions), 1))
	d.Distinct, d.Vocabulary = len(distinct), float64(len(used))/float64(max(t.frequent, 1))
	d.Copied, d.Repeating, d.Words = float64(copied)/n, float64(repeating)/n, float64(words)/n
	return d
}

// repeats is whether a sequence of three words stands twice.
func repeats(tokens []string) bool {
	seen := map[[repeatedOrder]string]bool{}
	for n := 0; n+repeatedOrder <= len(tokens); n++ {
		gram := [repeatedOrder]string(tokens[n : n+repeatedOrder])
		if seen[gram] {
			return true
		}
		seen[gram] = true
	}
	return false
}

// The thresholds of Collapsed, held against what people wrote of the same pictures. On Flickr8k good models use a
// fifth to a quarter of the vocabulary that people use (11 to 14 % of the training vocabulary) and copy 9 to 13 % of
// their captions; the thresholds lie well beyond.
const (
	MinDistinct   = 0.2 // of people's share of distinct captions
	MinVocabulary = 0.1 // of people's share of the vocabulary
	MaxCopied     = 0.2 // above people's share
	MaxRepeating  = 0.1 // above people's share
	MinLength     = 0.6 // of people's mean length
	MaxLength     = 1.5
)

// Collapsed says in words which thresholds a model's captions pass, held against people's captions of the same
// pictures; nothing where they pass none.
func Collapsed(model, people Diversity) (warnings []string) {
	warn := func(passed bool, format string, args ...any) {
		if passed {
			warnings = append(warnings, fmt.Sprintf(format, args...))
		}
	}
	if model.Captions == 0 || people.Captions == 0 {
		return nil
	}
	percent := func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
	warn(model.DistinctShare() < MinDistinct*people.DistinctShare(), "only %d of %d captions are different ones (people's: %d of %d)",
		model.Distinct, model.Captions, people.Distinct, people.Captions)
	warn(model.Vocabulary < MinVocabulary*people.Vocabulary, "the captions use %s of the training vocabulary (people's: %s)",
		percent(model.Vocabulary), percent(people.Vocabulary))
	warn(model.Copied > people.Copied+MaxCopied, "%s of the captions are training captions word for word (people's: %s)",
		percent(model.Copied), percent(people.Copied))
	warn(model.Repeating > people.Repeating+MaxRepeating, "%s of the captions say three words in a row twice (people's: %s)",
		percent(model.Repeating), percent(people.Repeating))
	warn(model.Words < MinLength*people.Words, "captions have %.1f words on average, people's %.1f: too short", model.Words, people.Words)
	warn(model.Words > MaxLength*people.Words, "captions have %.1f words on average, people's %.1f: too long", model.Words, people.Words)
	return warnings
}
