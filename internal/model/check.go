package model

import (
	"fmt"
	"slices"

	"github.com/captionlab/captionlab/internal/setting"
)

// Check refuses settings that don't go together; each by itself is within its bounds.
func (s Settings) Check() (problems setting.Problems) {
	s = s.withDefaults()
	if s.Name == "gru" && !s.ResetAfter && s.LayerNorm {
		problems.Refuse([]string{"decoder.layer_norm", "decoder.reset_after"}, "layer normalisation is defined for a GRU whose reset gate acts after the recurrent product; expected decoder.reset_after = true")
	}
	if s.Inject == "init" && s.LearnState {
		problems.Refuse([]string{"decoder.learn_state", "decoder.inject"}, "with decoder.inject = \"init\" the image is the initial state; there is none to learn")
	}
	if s.Inject != "merge" && s.Merge != "concat" {
		problems.Refuse([]string{"decoder.merge", "decoder.inject"}, "decoder.merge = %q needs decoder.inject = \"merge\", got %q", s.Merge, s.Inject)
	}
	if len(s.DropoutOn) == 0 {
		problems.Refuse([]string{"decoder.dropout_on"}, "names nothing for dropout to act on; decoder.dropout = 0 turns it off")
	}
	if s.Dropout > 0 && len(s.DropoutOn) > 0 && !slices.ContainsFunc(s.DropoutOn, s.has) {
		problems.Refuse([]string{"decoder.dropout_on", "decoder.dropout"}, "this decoder has nothing of what it names for dropout to act on; decoder.dropout = 0 turns it off")
	}
	if (s.Initializer == "uniform" || s.Initializer == "normal") && s.InitializerScale <= 0 {
		problems.Refuse([]string{"decoder.initializer_scale", "decoder.initializer"}, "all weights would begin at zero; expected a number above 0")
	}
	if reads := s.headSize(); s.Tied && reads != s.Embedding {
		what := fmt.Sprintf("decoder.units = %d", s.Units)
		switch {
		case s.Hidden > 0:
			what = fmt.Sprintf("decoder.hidden = %d", s.Hidden)
		case reads != s.Units:
			what = fmt.Sprintf("decoder.units + decoder.embedding = %d (merged by concatenation)", reads)
		}
		problems.Refuse([]string{"decoder.tied", "decoder.embedding", "decoder.units", "decoder.hidden"}, "the output layer's kernel can be the embedding transposed only where it reads as many values; "+
			"it reads %s, and decoder.embedding = %d (decoder.hidden = %d adds a layer between)", what, s.Embedding, s.Embedding)
	}
	return append(problems, s.attentionProblems()...)
}
