package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/captionlab/captionlab/internal/score"
)

// System is one way to caption the pictures, with its scores: the run's model first, then what it is measured against.
type System struct {
	Name, Meaning string
	Scores        []Score
}

// Score is a metric of free-running captions, a fraction. Low and High bound the model's own by bootstrap; Difference is
// another system's from the model, where the two can be compared picture by picture.
type Score struct {
	Name, Signature  string
	Value, Low, High float64
	Difference       *Difference
}

// Difference is the model's score minus another system's, with its 95 % interval by paired bootstrap; it is not
// distinguishable where the interval holds zero.
type Difference struct {
	Gain, Low, High float64
	Distinguishable bool
}

const notDistinguishable = "not distinguishable"

// systemsTables show scores in percent, as papers do, and what the model gains over the other systems.
func systemsTables(d Data) (scores, gains table, note string) {
	scores.Caption = "Free-running captions of the validation pictures (in percent; 95 % intervals by bootstrap over pictures)"
	gains.Caption = "What the model gains over the others (points; 95 % intervals by paired bootstrap over pictures)"
	if len(d.Systems) == 0 {
		return scores, gains, ""
	}
	scores.Columns, gains.Columns = []column{{Name: "Captions"}, {Name: "Meaning"}}, []column{{Name: "Against"}}
	var signatures []string
	for _, s := range d.Systems[0].Scores {
		name := column{Name: metricName(s.Name), Number: true}
		scores.Columns, gains.Columns = append(scores.Columns, name), append(gains.Columns, name)
		signatures = append(signatures, s.Signature)
	}
	for n, s := range d.Systems {
		cells, compared := []string{s.Name, s.Meaning}, []string{s.Name}
		for _, m := range s.Scores {
			text := fixed(100*m.Value, 1)
			if n == 0 {
				text = fmt.Sprintf("%s (%s to %s)", text, fixed(100*m.Low, 1), fixed(100*m.High, 1))
			}
			cells = append(cells, text)
			if g := m.Difference; g != nil {
				text := fmt.Sprintf("%s (%s to %s)", points(g.Gain), points(g.Low), points(g.High))
				if !g.Distinguishable {
					text = "≈ " + text
				}
				compared = append(compared, text)
			}
		}
		scores.row(cells...)
		if len(compared) == len(gains.Columns) {
			gains.row(compared...)
		}
	}
	return scores, gains, systemsNote(d, signatures)
}

func systemsNote(d Data, signatures []string) string {
	var parts []string
	for _, s := range d.Systems {
		if s.Name == "human" {
			parts = append(parts, "One person's caption can only be scored against the others', one reference fewer, which lowers scores: "+
				"compare it with the row of the model against the same references.")
		}
	}
	parts = append(parts, "≈: "+notDistinguishable+", as the interval holds zero or ends next to it, or all of it is too small to matter.")
	for _, s := range d.Splits {
		if few := score.FewImages(s.Images); s.Name == d.CaptionedSplit && few != "" {
			parts = append(parts, few)
		}
	}
	if d.NoMETEOR != "" {
		parts = append(parts, "METEOR is absent: "+d.NoMETEOR+".")
	}
	return strings.Join(append(parts, "Signatures: "+strings.Join(folded(signatures), "; ")+"."), " ")
}

// folded puts signatures that differ in the metric's name alone, as BLEU's four do, into one.
func folded(signatures []string) (out []string) {
	last := ""
	for _, s := range signatures {
		name, rest, _ := strings.Cut(s, "|")
		if n := len(out) - 1; n >= 0 && rest == last {
			out[n] = strings.TrimSuffix(out[n], "|"+rest) + ", " + name + "|" + rest
		} else {
			out = append(out, s)
		}
		last = rest
	}
	return out
}

// points are a difference of fractions in percent; what rounds to nothing has no sign.
func points(difference float64) string {
	if math.Abs(difference) < 0.0005 {
		return fixed(0, 1)
	}
	return signed(100*difference, 1)
}

// metricName is a metric's name as papers write it.
func metricName(name string) string {
	names := map[string]string{"bleu_1": "BLEU-1", "bleu_2": "BLEU-2", "bleu_3": "BLEU-3", "bleu_4": "BLEU-4", "rouge_l": "ROUGE-L",
		"cider": "CIDEr", "cider_d": "CIDEr-D", "cider_plain": "CIDEr (plain)", "chrf": "chrF", "meteor": "METEOR"}
	if known, ok := names[name]; ok {
		return known
	}
	return name
}
