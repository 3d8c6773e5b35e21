package report

import (
	"fmt"
	"strings"
)

// System is one way to caption the pictures, with its scores: the run's model first, then what it is measured against.
type System struct {
	Name, Meaning string
	Scores        []Score
}

// Score is a metric of free-running captions, a fraction. Low and High bound the model's own by bootstrap; Same says
// that the difference from the model's is not distinguishable from none.
type Score struct {
	Name, Signature  string
	Value, Low, High float64
	Same             bool
}

// systemsTable shows scores in percent, as papers do.
func systemsTable(systems []System) (table, string) {
	t := table{Caption: "Free-running captions of the validation pictures (in percent; 95 % intervals by bootstrap over pictures)", Columns: []column{{Name: "Captions"}, {Name: "Meaning"}}}
	if len(systems) == 0 {
		return t, ""
	}
	var signatures []string
	for _, s := range systems[0].Scores {
		t.Columns = append(t.Columns, column{Name: metricName(s.Name), Number: true})
		signatures = append(signatures, s.Signature)
	}
	for n, s := range systems {
		cells := []string{s.Name, s.Meaning}
		for _, m := range s.Scores {
			text := fixed(100*m.Value, 1)
			switch {
			case n == 0:
				text = fmt.Sprintf("%s (%s–%s)", text, fixed(100*m.Low, 1), fixed(100*m.High, 1))
			case m.Same:
				text += " ≈"
			}
			cells = append(cells, text)
		}
		t.row(cells...)
	}
	return t, "≈: not distinguishable from the model by paired bootstrap. METEOR is absent: it runs by its Java jar only. Signatures: " + strings.Join(signatures, "; ") + "."
}

// metricName is a metric's name as papers write it.
func metricName(name string) string {
	names := map[string]string{"bleu_1": "BLEU-1", "bleu_2": "BLEU-2", "bleu_3": "BLEU-3", "bleu_4": "BLEU-4", "rouge_l": "ROUGE-L",
		"cider": "CIDEr", "cider_d": "CIDEr-D", "chrf": "chrF", "meteor": "METEOR"}
	if known, ok := names[name]; ok {
		return known
	}
	return name
}
