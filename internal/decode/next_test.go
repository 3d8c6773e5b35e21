package decode_test

import (
	"context"
	"math"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/token"
)

// TestNextTokens: a caption's probability is the product of its tokens', each given the ones before it, and the
// probabilities of all that may follow sum to one.
func TestNextTokens(t *testing.T) {
	m := newTiny(t, "pre")
	caption := []int32{4, 5, 4}
	next, err := decode.NewNextTokens(acceltest.XLA(t), m.store, m.decoder, maxLength)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Finalize()
	for picture, want := range m.logProbabilities(t, [][]int32{caption})[0] {
		var beginnings [][]int32
		for n := range len(caption) + 1 {
			beginnings = append(beginnings, caption[:n])
		}
		logs, err := next.LogProbabilities(context.Background(), m.rows[picture], beginnings)
		if err != nil {
			t.Fatal(err)
		}
		got := 0.0
		for n, following := range append(append([]int32{}, caption...), token.End) {
			got += float64(logs[n][following])
			sum := 0.0
			for _, p := range logs[n] {
				sum += math.Exp(float64(p))
			}
			if math.Abs(sum-1) > 1e-4 {
				t.Errorf("picture %d: probabilities after %v sum to %v", picture, beginnings[n], sum)
			}
		}
		if math.Abs(got-want) > 1e-4 {
			t.Errorf("picture %d: step by step %v, as a whole %v", picture, got, want)
		}
	}
	if _, err := next.LogProbabilities(context.Background(), m.rows[0], [][]int32{{4, 4, 4, 4}}); err == nil {
		t.Error("a beginning longer than the longest caption is not refused")
	}
}

// TestNextTokensOfAnyNumber: each of more numbers of beginnings than an Exec keeps graphs gives what the beginnings give alone.
func TestNextTokensOfAnyNumber(t *testing.T) {
	m := newTiny(t, "pre")
	next, err := decode.NewNextTokens(acceltest.XLA(t), m.store, m.decoder, maxLength)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Finalize()
	var beginnings [][]int32
	var alone [][]float32
	for n := range 40 {
		beginnings = append(beginnings, [][]int32{{}, {4}, {5, 4}, {4, 5, 5}}[n%4])
		one, err := next.LogProbabilities(context.Background(), m.rows[0], beginnings[n:])
		if err != nil {
			t.Fatal(err)
		}
		alone = append(alone, one...)
		all, err := next.LogProbabilities(context.Background(), m.rows[0], beginnings)
		if err != nil || len(all) != n+1 {
			t.Fatalf("%d beginnings: %d distributions (error %v)", n+1, len(all), err)
		}
		for k, row := range all {
			for id, log := range row {
				if want := alone[k][id]; len(row) != len(alone[k]) || math.Abs(float64(log-want)) > 1e-5 {
					t.Fatalf("%d beginnings: token %d after %v has %v, alone %v", n+1, id, beginnings[k], log, want)
				}
			}
		}
	}
}
