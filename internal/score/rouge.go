package score

import (
	"context"
	"math/bits"
)

// measureROUGE is ROUGE-L (Lin 2004) as coco-caption computes it (rouge.py): the longest common subsequence with each
// reference, the best precision and the best recall, maybe of two references, and their F with beta 1.2.
func measureROUGE(_ context.Context, s *set) (*measured, error) {
	const beta = 1.2
	s.tokens()
	m := &measured{width: 1, rows: make([]float64, len(s.images)), finish: mean}
	parallelWith(len(s.images), func() func(int) {
		var l subsequence
		return func(image int) {
			candidate, references := s.of(image)
			l.learn(candidate.tokens)
			var precision, recall float64
			for _, r := range references {
				common := float64(l.common(r.tokens))
				precision = max(precision, common/float64(len(candidate.tokens)))
				recall = max(recall, common/float64(len(r.tokens)))
			}
			if precision != 0 && recall != 0 {
				m.rows[image] = (1 + beta*beta) * precision * recall / (recall + beta*beta*precision)
			}
		}
	})
	return m, nil
}

func signROUGE(_ string, s *set) string {
	return signature("ROUGE-L", s, reference, "beta:1.2", "case:lc", "tok:"+tokenizer)
}

// subsequence finds the length of the longest common subsequence with one sequence, 64 of its tokens at a time
// (Hyyrö, Bit-parallel LCS-length computation revisited, 2004).
type subsequence struct {
	blocks int
	at     map[int32]int // token -> its row of masks
	masks  []uint64      // [tokens, blocks]: where the token stands
	state  []uint64
}

func (l *subsequence) learn(tokens []int32) {
	l.blocks = (len(tokens) + 63) / 64
	if l.at == nil {
		l.at = map[int32]int{}
	}
	clear(l.at)
	l.masks = l.masks[:0]
	for _, t := range tokens {
		if _, ok := l.at[t]; !ok {
			l.at[t] = len(l.at)
		}
	}
	l.masks = append(l.masks, make([]uint64, len(l.at)*l.blocks)...)
	for n, t := range tokens {
		l.masks[l.at[t]*l.blocks+n/64] |= 1 << (n % 64)
	}
}

func (l *subsequence) common(tokens []int32) int {
	l.state = append(l.state[:0], make([]uint64, l.blocks)...)
	for n := range l.state {
		l.state[n] = ^uint64(0)
	}
	for _, t := range tokens {
		row, ok := l.at[t]
		if !ok {
			continue
		}
		carry := uint64(0)
		for n, mask := range l.masks[row*l.blocks : (row+1)*l.blocks] {
			v := l.state[n]
			var sum uint64
			sum, carry = bits.Add64(v, v&mask, carry)
			l.state[n] = sum | v&^mask
		}
	}
	length := 0
	for _, v := range l.state {
		length += bits.OnesCount64(^v)
	}
	return length
}
