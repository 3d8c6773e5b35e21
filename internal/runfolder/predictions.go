package runfolder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/captionlab/captionlab/internal/checkout"
)

// Prediction is one line of predictions/<split>.jsonl: what the model says of a picture.
type Prediction struct {
	ImageID        string   `json:"image_id"`
	Path           string   `json:"path"`
	Split          string   `json:"split"`
	Caption        string   `json:"caption"`
	LogProbability float64  `json:"log_probability"` // natural logarithm, summed over the caption's tokens and its end
	Tokens         int      `json:"tokens"`
	References     []string `json:"references"`

	// ScoredReferences are the references that metrics are taken against, by evaluation.references: with them any
	// metric can be computed later from the run folder alone. Runs of earlier versions have none.
	ScoredReferences []string `json:"scored_references,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (p Prediction) MarshalJSON() ([]byte, error) {
	type plain Prediction
	if p.References == nil {
		p.References = []string{}
	}
	return json.Marshal(struct {
		plain
		LogProbability Number `json:"log_probability"`
	}{plain(p), Number(p.LogProbability)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Prediction) UnmarshalJSON(data []byte) error {
	type plain Prediction
	var v struct {
		plain
		LogProbability Number `json:"log_probability"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*p = Prediction(v.plain)
	p.LogProbability = float64(v.LogProbability)
	return nil
}

// Scored are the references that the caption is scored against; whole is false where the run kept the cleaned ones only.
func (p Prediction) Scored() (references []string, whole bool) {
	if len(p.ScoredReferences) == 0 {
		return p.References, false
	}
	return p.ScoredReferences, true
}

// PredictionsFile is the file of a split's predictions, relative to the run folder.
func PredictionsFile(split string) string { return "predictions/" + split + ".jsonl" }

// WritePredictions writes predictions/<split>.jsonl, whole or not at all.
func (f *Folder) WritePredictions(split string, predictions []Prediction) error {
	var b bytes.Buffer
	for _, p := range predictions {
		line, err := encode(p, "")
		if err != nil {
			return fmt.Errorf("predictions of %s: %w", p.ImageID, err)
		}
		b.Write(line)
	}
	return f.WriteFile(PredictionsFile(split), b.Bytes())
}

// ReadPredictions reads predictions/<split>.jsonl; the error is fs.ErrNotExist when the split was not captioned. Pictures that a
// run of an earlier version names by relative paths are found from any folder of the checkout.
func (f *Folder) ReadPredictions(split string) ([]Prediction, error) {
	path := f.Path(PredictionsFile(split))
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no predictions for split %q: %w", split, err)
	}
	if err != nil {
		return nil, fmt.Errorf("predictions: %w", err)
	}
	defer file.Close()
	var predictions []Prediction
	dec := json.NewDecoder(bufio.NewReader(file))
	for {
		var p Prediction
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return predictions, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, len(predictions)+1, err)
		}
		p.Path = checkout.Find(p.Path) // earlier versions wrote relative ones
		predictions = append(predictions, p)
	}
}
