package dataset

import "github.com/rivo/uniseg"

// SplitSummary describes one split.
type SplitSummary struct {
	Split            string
	Images, Captions int
	MeanLength       float64 // of the cleaned captions, in units of text.unit
}

// Summary describes the splits that have pictures, in the order train, validation, test.
func (d *Dataset) Summary() []SplitSummary {
	var out []SplitSummary
	for _, split := range splitNames {
		if len(d.Splits[split]) == 0 {
			continue
		}
		row, units := SplitSummary{Split: split, Images: len(d.Splits[split])}, 0
		for _, n := range d.Splits[split] {
			for _, c := range d.Examples[n].Captions {
				row.Captions++
				if d.unit == "codepoint" {
					units += len([]rune(c.Text))
				} else {
					units += uniseg.GraphemeClusterCount(c.Text)
				}
			}
		}
		row.MeanLength = float64(units) / float64(max(row.Captions, 1))
		out = append(out, row)
	}
	return out
}
