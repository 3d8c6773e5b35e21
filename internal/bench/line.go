// Package bench makes tables and a plot of what benchmarks of ours and of peers measured side by side.
package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Ours is who measured our side.
const Ours = "ours"

// Line is one figure of one round, a line of results.jsonl. Both sides append such lines themselves.
type Line struct {
	Benchmark string  `json:"benchmark"`       // by its name in the table, as step-words
	Who       string  `json:"who"`             // Ours or a peer, as keras-jax
	Round     int     `json:"round"`           // from 1 on; a ratio is between figures of one round
	Value     float64 `json:"value"`           // less is better
	Unit      string  `json:"unit"`            // as s/step
	Error     string  `json:"error,omitempty"` // why there is no figure, or why it doesn't count

	// Check are numbers that both sides must agree on, by name: losses, counts of tokens.
	Check     map[string]float64 `json:"check,omitempty"`
	PeakBytes int64              `json:"peak_bytes,omitempty"` // the most resident memory of the process that measured
	Version   string             `json:"version,omitempty"`    // of what measured
	Note      string             `json:"note,omitempty"`       // how the figure came about, where that is not plain
}

// Read parses the lines of results.jsonl; name is the file's for errors.
func Read(r io.Reader, name string) ([]Line, error) {
	var lines []Line
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		if len(scanner.Bytes()) == 0 {
			continue
		}
		var l Line
		err := json.Unmarshal(scanner.Bytes(), &l)
		if err == nil {
			err = l.valid()
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		lines = append(lines, l)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return lines, nil
}

func (l Line) valid() error {
	switch {
	case l.Benchmark == "" || l.Who == "":
		return errors.New("expected a benchmark and who measured it")
	case l.Round < 1:
		return fmt.Errorf("%s of %s: expected a round of at least 1, got %d", l.Benchmark, l.Who, l.Round)
	case l.Error != "":
		return nil
	case !(l.Value > 0) || math.IsInf(l.Value, 0):
		return fmt.Errorf("%s of %s: expected a value above 0, got %v", l.Benchmark, l.Who, l.Value)
	case l.Unit == "":
		return fmt.Errorf("%s of %s: expected a unit", l.Benchmark, l.Who)
	}
	return nil
}
