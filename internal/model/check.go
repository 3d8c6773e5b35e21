package model

import "fmt"

// Problem is a combination of keys that is no decoder.
type Problem struct {
	Keys []string // of [decoder], the likeliest to be at fault first
	Err  error
}

// Check refuses settings that don't go together; each by itself is within its bounds.
func (s Settings) Check() (problems []Problem) {
	s = s.withDefaults()
	refuse := func(keys []string, format string, args ...any) {
		problems = append(problems, Problem{keys, fmt.Errorf(format, args...)})
	}
	if s.Name == "gru" && !s.ResetAfter && s.LayerNorm {
		refuse([]string{"layer_norm", "reset_after"}, "layer normalisation is defined for a GRU whose reset gate acts after the recurrent product; expected decoder.reset_after = true")
	}
	if s.Inject == "init" && s.LearnState {
		refuse([]string{"learn_state", "inject"}, "with decoder.inject = \"init\" the image is the initial state; there is none to learn")
	}
	if s.Inject != "merge" && s.Merge != "concat" {
		refuse([]string{"merge", "inject"}, "decoder.merge = %q needs decoder.inject = \"merge\", got %q", s.Merge, s.Inject)
	}
	if len(s.DropoutOn) == 0 {
		refuse([]string{"dropout_on"}, "names nothing for dropout to act on; decoder.dropout = 0 turns it off")
	}
	if (s.Initializer == "uniform" || s.Initializer == "normal") && s.InitializerScale <= 0 {
		refuse([]string{"initializer_scale", "initializer"}, "all weights would begin at zero; expected a number above 0")
	}
	if reads := s.headSize(); s.Tied && reads != s.Embedding {
		what := fmt.Sprintf("decoder.units = %d", s.Units)
		switch {
		case s.Hidden > 0:
			what = fmt.Sprintf("decoder.hidden = %d", s.Hidden)
		case reads != s.Units:
			what = fmt.Sprintf("decoder.units + decoder.embedding = %d (merged by concatenation)", reads)
		}
		refuse([]string{"tied", "embedding", "units", "hidden"}, "the output layer's kernel can be the embedding transposed only where it reads as many values; "+
			"it reads %s, and decoder.embedding = %d (decoder.hidden = %d adds a layer between)", what, s.Embedding, s.Embedding)
	}
	return append(problems, s.attentionProblems()...)
}
