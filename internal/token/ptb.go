package token

import "github.com/captionlab/captionlab/internal/ptb"

// ptbWords cuts text as coco-caption does before it scores: in lower case, punctuation left out unless it is kept.
func ptbWords(text string, s WordSettings) []string {
	if s.Punctuation == keep {
		return ptb.Raw(text)
	}
	return ptb.Tokenize(text)
}
