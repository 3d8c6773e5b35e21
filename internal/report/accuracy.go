package report

import "fmt"

// Accuracy is the accuracy of single tokens in one mode.
type Accuracy struct {
	Mode, Meaning  string
	Correct, Total int
	Macro          float64
}

// accuracyTable writes out the equation that a confusion matrix stands for, a row a mode.
func accuracyTable(accuracies []Accuracy) table {
	t := table{Caption: "Accuracy of tokens (validation)", Columns: []column{
		{Name: "Mode"}, {Name: "What is predicted"}, {Name: "Micro: right / all", Number: true}, {Name: "Macro: mean over kinds of token", Number: true},
	}}
	for _, a := range accuracies {
		t.row(a.Mode, a.Meaning, fmt.Sprintf("%s / %s = %s", comma(a.Correct), comma(a.Total), percent(float64(a.Correct)/float64(max(a.Total, 1)))), percent(a.Macro))
	}
	return t
}
