package datacheck

import (
	"cmp"
	"math"
	"slices"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/score"
	"github.com/captionlab/captionlab/internal/token"
)

// mostWords is how many words a report lists.
const mostWords = 100

// readText counts images, captions, lengths, characters, emoji and words.
func (r *Report) readText(q Request) {
	uncut := q.Clean
	uncut.MaxLength, uncut.OverLength = math.MaxInt, "truncate"
	length := func(c dataset.Caption) int {
		whole, _ := dataset.Clean(c.Raw, uncut, q.Token.Unit)
		return len(token.Units(whole, q.Token.Unit))
	}
	characters, emoji := map[string]int{}, map[string]int{}
	var perImage, lengths []int
	texts := map[string][]string{} // by split
	distinct := map[string]bool{}
	for _, split := range splits {
		at := q.Data.Splits[split]
		row := Split{Split: split, Images: len(at)}
		for _, n := range at {
			captions := q.Data.Examples[n].Captions
			row.Captions += len(captions)
			perImage = append(perImage, len(captions))
			for _, c := range captions {
				texts[split] = append(texts[split], c.Text)
				distinct[c.Text] = true
				lengths = append(lengths, length(c))
				for _, u := range token.Units(c.Text, q.Token.Unit) {
					characters[u]++
				}
				read := score.ReadEmoji(c.Text)
				for _, e := range read.Whole {
					emoji[e]++
				}
				r.BrokenEmoji += len(read.Broken)
			}
		}
		r.Splits = append(r.Splits, row)
		r.Images += row.Images
		r.Captions += row.Captions
	}
	for _, c := range q.Data.TooLong {
		lengths = append(lengths, length(c))
	}
	r.DistinctCaptions = len(distinct)
	r.CaptionsPerImage = spread(perImage)
	r.Characters, r.Emoji = tally(characters), tally(emoji)
	r.Length = Lengths{Unit: q.Token.Unit, Spread: spread(lengths), MaxLength: q.Clean.MaxLength, Bins: histogram(lengths)}
	for _, n := range lengths {
		if n > q.Clean.MaxLength {
			r.Length.Over++
		}
	}
	r.countWords(q.Token, texts)
	r.countWordless(q.Token, texts)
	for _, split := range splits[1:] {
		r.countShared(split, texts[dataset.Train], texts[split])
	}
}

// countWords takes the word tokenizer's view, with the config's own ways of cutting words.
func (r *Report) countWords(s token.Settings, texts map[string][]string) {
	r.Words.Counts, r.Words.Unknown = []Some{}, []WordShare{}
	s.Tokenizer, s.MinCount, s.MaxSize = "word", 1, 0
	words, err := token.Train(s, slices.Values(texts[dataset.Train]))
	if err != nil {
		r.find(Note, "no_words", 1, "words are not counted: %s", err) // a training split without a single one, say
		return
	}
	counts := map[string]int{}
	for _, text := range texts[dataset.Train] {
		for _, id := range words.Encode(text) {
			counts[words.Token(id)]++
		}
	}
	for _, n := range counts {
		if n == 1 {
			r.Words.Once++
		}
		if n >= 5 {
			r.Words.FiveTimes++
		}
	}
	all := tally(counts)
	r.Words.Distinct, r.Words.Total, r.Words.Counts = all.Distinct, all.Total, all.Counts[:min(len(all.Counts), mostWords)]
	for _, split := range splits[1:] {
		share := WordShare{Split: split}
		for _, text := range texts[split] {
			for _, id := range words.Encode(text) {
				share.Total++
				if id == token.Unknown {
					share.Unknown++
				}
			}
		}
		if share.Total > 0 {
			r.Words.Unknown = append(r.Words.Unknown, share)
		}
	}
}

// countWordless counts the captions of which a tokenizer of words leaves no token, such as those of emoji alone.
func (r *Report) countWordless(s token.Settings, texts map[string][]string) {
	if s.Tokenizer != "word" && s.Tokenizer != "ptb" {
		return // others drop nothing
	}
	s.MinCount, s.MaxSize = 1, 0
	words, err := token.Train(s, slices.Values(slices.Concat(texts[dataset.Train], texts[dataset.Validation], texts[dataset.Test])))
	count := func(split string) (n int) {
		for _, text := range texts[split] {
			if err != nil || len(words.Encode(text)) == 0 { // an error: no caption has a word
				n++
			}
		}
		return n
	}
	train := count(dataset.Train)
	all := train + count(dataset.Validation) + count(dataset.Test)
	r.find(Warning, "wordless_captions", all, "%s of which text.tokenizer = %q leaves nothing, %d of them in the training split: a model learns from those to say nothing",
		english.Plural(all, "caption", ""), s.Tokenizer, train)
}

// countShared counts the captions of a split that the training split has too.
func (r *Report) countShared(split string, train, texts []string) {
	inTrain := map[string]bool{}
	for _, text := range train {
		inTrain[text] = true
	}
	shared := map[string]int{}
	for _, text := range texts {
		if inTrain[text] {
			shared[text]++
		}
	}
	if len(shared) == 0 {
		return
	}
	all := tally(shared)
	s := Shared{Split: split, Captions: all.Total, Distinct: all.Distinct}
	for _, c := range all.Counts[:min(len(all.Counts), 3)] {
		s.Examples = append(s.Examples, c.Name)
	}
	r.Shared = append(r.Shared, s)
}

// tally sorts counts: the most frequent first, equally frequent ones in byte order.
func tally(counts map[string]int) Tally {
	t := Tally{Distinct: len(counts), Counts: make([]Some, 0, len(counts))}
	for name, n := range counts {
		t.Total += n
		t.Counts = append(t.Counts, Some{name, n})
	}
	slices.SortFunc(t.Counts, func(a, b Some) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return t
}

// spread describes numbers, and sorts them.
func spread(numbers []int) Spread {
	if len(numbers) == 0 {
		return Spread{}
	}
	slices.Sort(numbers)
	sum, last := 0, len(numbers)-1
	for _, n := range numbers {
		sum += n
	}
	at := func(share float64) int { return numbers[int(math.Ceil(share*float64(len(numbers))))-1] } // nearest rank
	return Spread{numbers[0], float64(sum) / float64(len(numbers)), at(0.5), at(0.95), numbers[last]}
}

// mostBins keeps a histogram on one screen.
const mostBins = 25

// histogram counts numbers in bins of one round width, from 0 to the largest.
func histogram(numbers []int) []Bin {
	bins := []Bin{}
	if len(numbers) == 0 {
		return bins
	}
	largest, width := slices.Max(numbers), 1
	for n := 0; largest/width >= mostBins; n++ { // 1, 2, 5, 10, 20, 50 and so on
		if n%3 == 1 {
			width = width / 2 * 5
		} else {
			width *= 2
		}
	}
	for from := 0; from <= largest; from += width {
		bins = append(bins, Bin{From: from, To: from + width - 1})
	}
	for _, n := range numbers {
		bins[n/width].Count++
	}
	return bins
}
