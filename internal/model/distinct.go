package model

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// distinctTokens are a batch's tokens without repetition.
type distinctTokens struct {
	ids   *Node // [n]
	slots *Node // [batch, time], each token's place in ids
}

const distinctKey = "/distinct_tokens"

// SetDistinct tells the decoder of a graph which tokens occur in its batch: ids [n], which may be filled up with any token, and of every one of the batch's
// tokens its place among them, slots [batch, time].
func SetDistinct(ids, slots *Node) {
	model.SetGraphParam(ids.Graph(), distinctKey, distinctTokens{ids, slots})
}

// SharesTokens says whether a decoder makes use of SetDistinct with n ids while it trains. It doesn't where the vocabulary is no
// larger, and where dropout of embeddings makes each of a token's occurrences another one.
func SharesTokens(d Decoder, n int) bool {
	switch d := d.(type) {
	case decoderBehind:
		return SharesTokens(d.Decoder, n)
	case attenderBehind:
		return SharesTokens(d.Attender, n)
	case bidirectionalBehind:
		return SharesTokens(d.both, n)
	}
	s, ok := d.(interface {
		dropsOn(place string) bool
		tokens() int
	})
	return ok && !s.dropsOn("embedding") && n < s.tokens()
}

func (s Size) tokens() int { return s.Vocabulary }

// embeddedTokens are a batch's tokens as rows of a table.
type embeddedTokens struct {
	table *Node // [n, embedding]
	rows  *Node // [time, batch]
}

// embed takes the table of the batch's own tokens where the graph has been told of them, and else the whole vocabulary's.
func embed(table, tokens *Node) embeddedTokens {
	param, _ := model.GetGraphParam(table.Graph(), distinctKey)
	if d, ok := param.(distinctTokens); ok {
		return embeddedTokens{lookUp(table, d.ids), TransposeAllAxes(d.slots, 1, 0)}
	}
	return embeddedTokens{table, TransposeAllAxes(tokens, 1, 0)}
}

// each is every token's embedding, [time, batch, embedding].
func (e embeddedTokens) each() *Node { return lookUp(e.table, e.rows) }

// lookUp is the rows of table [n, width] that rows [...] name, [..., width].
func lookUp(table, rows *Node) *Node { return Gather(table, ExpandAxes(rows, -1)) }

// times is every token's embedding times kernel [embedding, n], [time, batch, n]. Where the table has at most half as many rows as the
// batch has tokens, each row's product is computed once and looked up.
func (e embeddedTokens) times(kernel *Node) *Node {
	if 2*e.table.Shape().Dim(0) > e.rows.Shape().Size() {
		return product(e.each(), kernel)
	}
	return lookUp(product(e.table, kernel), e.rows)
}
