package report

import "fmt"

// TokenRow describes the tokenizer on the captions of one split.
type TokenRow struct {
	Split            string
	TokensPerCaption float64
	Fertility        float64 // tokens a word, where words are what white space separates
	UnknownRate      float64 // share of tokens
}

// tokensTable shows what the tokenizer makes of the captions.
func tokensTable(d Data) (t table, note string) {
	t = table{Caption: "Tokens", Columns: []column{
		{Name: "Split"}, {Name: "Tokens a caption", Number: true}, {Name: "Tokens a word", Number: true}, {Name: "Unknown", Number: true},
	}}
	for _, r := range d.Tokens {
		t.row(r.Split, fixed(r.TokensPerCaption, 1), fixed(r.Fertility, 2), fixed(100*r.UnknownRate, 2)+" %")
	}
	if d.Vocabulary > 0 {
		note = fmt.Sprintf("Vocabulary: %s tokens, special ones included, from the training split only.", comma(d.Vocabulary))
	}
	if d.Tokenizer != "" && !d.Lossless {
		note += fmt.Sprintf(" The tokenizer (%s) does not keep all of the text, so its nats a character are too low to compare with those of "+
			"characters, bytes or bpe.", d.Tokenizer)
	}
	return t, note
}
