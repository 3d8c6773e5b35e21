package model

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Vectors are word vectors that the token embedding starts with. Settings.VectorsTrainable says whether training changes
// them; tokens without a vector start as they would without Vectors, and are trained either way.
type Vectors struct {
	Tokens []int32   // ascending
	Values []float32 // [len(Tokens), embedding]
}

// check refuses vectors that don't fit.
func (v *Vectors) check(s Settings, vocabulary int) error {
	if len(v.Values) != len(v.Tokens)*s.Embedding || len(v.Tokens) == 0 {
		return fmt.Errorf("%d word vectors have %d values together; expected %d each, as decoder.embedding says", len(v.Tokens), len(v.Values), s.Embedding)
	}
	last := int32(-1)
	for _, id := range v.Tokens {
		if id <= last || int(id) >= vocabulary {
			return fmt.Errorf("word vectors of token %d after %d; expected ascending tokens below %d", id, last, vocabulary)
		}
		last = id
	}
	for n, x := range v.Values {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("the word vector of token %d has the value %v", v.Tokens[n/s.Embedding], x)
		}
	}
	return nil
}

// rows are each token's row in the table that holds the vectors first and the other tokens after them, [vocabulary].
func (v *Vectors) rows(vocabulary int) []int32 {
	rows := make([]int32, vocabulary)
	with, without := int32(0), int32(len(v.Tokens))
	for id := range rows {
		if int(with) < len(v.Tokens) && v.Tokens[with] == int32(id) {
			rows[id] = with
			with++
			continue
		}
		rows[id] = without
		without++
	}
	return rows
}

// embedding is the token embedding, [vocabulary, embedding]. With word vectors it is made of two variables: one holds the
// vectors, as the file has them or as a checkpoint does, so that freezing is a matter of leaving it out of training; the
// other one the tokens without.
func (d *recurrentDecoder) embedding(scope *model.Scope, g *Graph) *Node {
	v, others := d.Pretrained, d.Vocabulary
	if v != nil {
		others -= len(v.Tokens)
	}
	var table []*Node
	if v != nil {
		values := tensors.FromFlatDataAndDimensions(v.Values, len(v.Tokens), d.Embedding)
		variable := scope.At("embedding").VariableWithValue("vectors", values)
		table = append(table, variable.SetTrainable(d.VectorsTrainable).NodeValue(g))
	}
	if others > 0 {
		init := d.initialWeights(scope.Store(), uniformWithin(scope.Store(), 0.05))
		table = append(table, d.at(scope, g, "embedding").make("embeddings", init, others, d.Embedding))
	}
	if v == nil {
		return table[0]
	}
	return lookUp(Concatenate(table, 0), Const(g, v.rows(d.Vocabulary)))
}

// embeddingLayers lists the token embedding.
func (d *recurrentDecoder) embeddingLayers() []Layer {
	width := []int{0, d.Embedding}
	if d.Pretrained == nil {
		return []Layer{{Name: "embedding", Kind: "Embedding", Output: width, Params: d.Vocabulary * d.Embedding}}
	}
	with := len(d.Pretrained.Tokens)
	rows := []Layer{{Name: "embedding_vectors", Kind: "Embedding", Output: width, Params: with * d.Embedding, Frozen: !d.VectorsTrainable}}
	if others := d.Vocabulary - with; others > 0 {
		rows = append(rows, Layer{Name: "embedding", Kind: "Embedding", Output: width, Params: others * d.Embedding})
	}
	return rows
}
