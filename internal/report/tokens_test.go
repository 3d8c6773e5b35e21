package report

import (
	"slices"
	"strings"
	"testing"
)

// TestTokens: unknown tokens are shown to a hundredth of a percent, and a tokenizer that loses text is said to.
func TestTokens(t *testing.T) {
	d := Data{Vocabulary: 2539, Tokenizer: "word", Tokens: []TokenRow{{"validation", 10.94, 0.99, 0.00123}}}
	table, note := tokensTable(d)
	if got, want := table.Rows[0].Cells, []string{"validation", "10.9", "0.99", "0.12 %"}; !slices.Equal(got, want) {
		t.Errorf("row %q, want %q", got, want)
	}
	if !strings.Contains(note, "2,539 tokens") || !strings.Contains(note, "(word) does not keep all of the text") {
		t.Errorf("note %q", note)
	}
	d.Lossless = true
	if _, note := tokensTable(d); strings.Contains(note, "keep") {
		t.Errorf("of a lossless tokenizer: %q", note)
	}
}
