// Package ptb cuts captions into tokens as coco-caption does: the Penn Treebank tokenization of Stanford CoreNLP
// 3.4.1, in lower case, without punctuation.
package ptb

// punctuation is what coco-caption leaves out (pycocoevalcap 1.2, ptbtokenizer.py). Tokens are in lower case by then,
// so that -lrb- is none of these and stays, there as here.
var punctuation = map[string]bool{
	"''": true, "'": true, "``": true, "`": true, "-LRB-": true, "-RRB-": true, "-LCB-": true, "-RCB-": true, ".": true,
	"?": true, "!": true, ",": true, ":": true, "-": true, "--": true, "...": true, ";": true,
}

// Tokenize returns a caption's tokens, in lower case, without punctuation: what pycocoevalcap's PTBTokenizer makes of
// the caption alone. Line breaks separate tokens; a byte that is not UTF-8 counts as U+FFFD.
func Tokenize(text string) []string { return content(Raw(text)) }

// TokenizeLines tokenizes captions as pycocoevalcap does: as the lines of one file. Next to a line's end a token can
// depend on the line that follows: "vitamin C." ends in the word "c" before a line that begins with "The ", in the
// abbreviation "c." else.
func TokenizeLines(lines []string) [][]string {
	out := RawLines(lines)
	for n, tokens := range out {
		out[n] = content(tokens)
	}
	return out
}

// Raw returns a caption's tokens before punctuation is left out: the line that Stanford's PTBTokenizer prints with
// -preserveLines -lowerCase.
func Raw(text string) []string { return RawLines([]string{text})[0] }

func content(tokens []string) []string {
	out := tokens[:0]
	for _, t := range tokens {
		if !punctuation[t] {
			out = append(out, t)
		}
	}
	return out
}
