package runfolder

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
)

// Epoch is one line of metrics.jsonl: what was measured at an epoch's end. All losses and accuracies are
// teacher-forced, with padding masked unless training.padding says otherwise.
type Epoch struct {
	Epoch                      int     // from 1
	Step                       int     // batches trained on since the run began; an update of the weights takes training.accumulate of them
	TrainLoss                  float64 // nats a token, dropout on, mean over the epoch's steps; NaN in self-critical epochs, which have no true captions
	TrainAccuracy              float64 // share of tokens, dropout on; NaN in self-critical epochs
	ValidationLoss             float64 // nats a token
	ValidationAccuracy         float64 // share of tokens
	ValidationNatsPerCharacter float64
	ValidationNatsPerCaption   float64
	LearningRate               float64
	Seconds                    float64 // this epoch, evaluation included
	TotalSeconds               float64 // training so far, over all resumes
	ExamplesPerSecond          float64 // training examples
	Best                       bool    // the best so far: the lowest validation loss, or the highest SelectionMetric
	SelectionMetric            float64 // what training.select names, of the validation split's greedy captions; NaN where the loss selects
	SelfCritical               bool    // an epoch of self-critical training (training.scst_epochs)
	MeanOf                     int     // not an epoch, but the mean of the weights of so many, the last of them Epoch; nothing was trained
}

// row gives Epoch its JSON names and lets figures be null.
type row struct {
	Epoch                      int     `json:"epoch"`
	Step                       int     `json:"step"`
	TrainLoss                  Number  `json:"train_teacher_forced_loss"`
	TrainAccuracy              Number  `json:"train_teacher_forced_accuracy"`
	ValidationLoss             Number  `json:"validation_teacher_forced_loss"`
	ValidationAccuracy         Number  `json:"validation_teacher_forced_accuracy"`
	ValidationNatsPerCharacter Number  `json:"validation_nats_per_character"`
	ValidationBitsPerCharacter Number  `json:"validation_bits_per_character"` // the same in bits, for other readers
	ValidationNatsPerCaption   Number  `json:"validation_nats_per_caption"`
	LearningRate               Number  `json:"learning_rate"`
	Seconds                    Number  `json:"seconds"`
	TotalSeconds               Number  `json:"total_seconds"`
	ExamplesPerSecond          Number  `json:"examples_per_second"`
	Best                       bool    `json:"best"`
	SelectionMetric            *Number `json:"selection_metric,omitempty"`
	SelfCritical               bool    `json:"self_critical,omitempty"`
	MeanOf                     int     `json:"mean_of_epochs,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (e Epoch) MarshalJSON() ([]byte, error) {
	var selection *Number // none where the loss selects
	if n := Number(e.SelectionMetric); !math.IsNaN(e.SelectionMetric) {
		selection = &n
	}
	return json.Marshal(row{
		e.Epoch, e.Step, Number(e.TrainLoss), Number(e.TrainAccuracy), Number(e.ValidationLoss),
		Number(e.ValidationAccuracy), Number(e.ValidationNatsPerCharacter), Number(e.ValidationNatsPerCharacter / math.Ln2),
		Number(e.ValidationNatsPerCaption), Number(e.LearningRate),
		Number(e.Seconds), Number(e.TotalSeconds), Number(e.ExamplesPerSecond), e.Best, selection, e.SelfCritical, e.MeanOf,
	})
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Epoch) UnmarshalJSON(data []byte) error {
	r := row{ValidationNatsPerCaption: Number(math.NaN())} // where an older release wrote none
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	selection := math.NaN()
	if r.SelectionMetric != nil {
		selection = float64(*r.SelectionMetric)
	}
	*e = Epoch{
		r.Epoch, r.Step, float64(r.TrainLoss), float64(r.TrainAccuracy), float64(r.ValidationLoss),
		float64(r.ValidationAccuracy), float64(r.ValidationNatsPerCharacter), float64(r.ValidationNatsPerCaption), float64(r.LearningRate),
		float64(r.Seconds), float64(r.TotalSeconds), float64(r.ExamplesPerSecond), r.Best, selection, r.SelfCritical, r.MeanOf,
	}
	return nil
}

// AppendEpoch adds e to metrics.jsonl, synced to disk, and rewrites metrics.csv. An epoch that is already there is
// not written again, so a resumed run that repeats its last epoch keeps the history as it was.
func (f *Folder) AppendEpoch(e Epoch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := f.Path(MetricsFile)
	if err := repairMetrics(path); err != nil {
		return err
	}
	epochs, err := readMetrics(path)
	if err != nil {
		return err
	}
	known := false
	for _, old := range epochs {
		known = known || old.Epoch == e.Epoch && old.MeanOf == e.MeanOf
	}
	if !known {
		line, err := encode(e, "")
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if err := appendSynced(path, line); err != nil {
			return err
		}
		epochs = append(epochs, e)
	}
	return f.writeCSV(epochs)
}

// Epochs reads the epochs of metrics.jsonl. A torn last line, which a crash or a run in progress may leave, is not an epoch
// yet; and the mean of epochs' weights is none.
func (f *Folder) Epochs() ([]Epoch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, err := readMetrics(f.Path(MetricsFile))
	return onlyEpochs(rows), err
}

// Mean is the row of metrics.jsonl of the mean of the last epochs' weights; found is false for a run without.
func (f *Folder) Mean() (mean Epoch, found bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, err := readMetrics(f.Path(MetricsFile))
	if n := len(rows) - 1; n >= 0 && rows[n].MeanOf > 0 { // it comes last: a longer training goes on without it
		return rows[n], true, err
	}
	return Epoch{}, false, err
}

// ForgetMean takes out the row of the mean of a shorter training's weights, where it comes last.
func (f *Folder) ForgetMean() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, err := readMetrics(f.Path(MetricsFile))
	if n := len(rows) - 1; err != nil || n < 0 || rows[n].MeanOf == 0 {
		return err
	}
	return f.writeMetrics(rows[:len(rows)-1])
}

// CopyEpochs begins the metrics with the epochs of another run, whose training this one goes on with, and with the mean of
// their weights: it is this run's own unless another epoch is trained (see ForgetMean).
func (f *Folder) CopyEpochs(from *Folder) error {
	rows, err := from.Epochs()
	if err != nil {
		return err
	}
	mean, found, err := from.Mean()
	if err != nil {
		return err
	}
	if found {
		rows = append(rows, mean)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writeMetrics(rows)
}

// writeMetrics replaces both files.
func (f *Folder) writeMetrics(rows []Epoch) error {
	var lines []byte
	for _, e := range rows {
		line, err := encode(e, "")
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Path(MetricsFile), err)
		}
		lines = append(lines, line...)
	}
	return errors.Join(f.WriteFile(MetricsFile, lines), f.writeCSV(rows))
}

func onlyEpochs(rows []Epoch) []Epoch {
	return slices.DeleteFunc(rows, func(e Epoch) bool { return e.MeanOf > 0 })
}

func readMetrics(path string) ([]Epoch, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	var epochs []Epoch
	for n, line := range bytes.SplitAfter(data, []byte("\n")) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // a torn line: the newline is written last
		}
		var e Epoch
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
		}
		epochs = append(epochs, e)
	}
	return epochs, nil
}

// repairMetrics cuts off a last line without a newline. Nothing is lost: the checkpoint that belongs to an epoch is
// reached again from the one before.
func repairMetrics(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	if whole == len(data) {
		return nil
	}
	if err := os.Truncate(path, int64(whole)); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func appendSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// csvColumns are the header of metrics.csv; the names are those of metrics.jsonl.
var csvColumns = []string{
	"epoch", "step", "train_teacher_forced_loss", "train_teacher_forced_accuracy", "validation_teacher_forced_loss",
	"validation_teacher_forced_accuracy", "validation_nats_per_character", "validation_bits_per_character", "validation_nats_per_caption", "learning_rate", "seconds",
	"total_seconds", "examples_per_second", "best", "selection_metric",
}

// writeCSV leaves out the mean: whoever draws a column by epoch wants no second point at the last one.
func (f *Folder) writeCSV(rows []Epoch) error {
	epochs := onlyEpochs(rows)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(csvColumns)
	figure := func(x float64) string {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	for _, e := range epochs {
		record := []string{strconv.Itoa(e.Epoch), strconv.Itoa(e.Step)}
		for _, x := range []float64{
			e.TrainLoss, e.TrainAccuracy, e.ValidationLoss, e.ValidationAccuracy, e.ValidationNatsPerCharacter,
			e.ValidationNatsPerCharacter / math.Ln2, e.ValidationNatsPerCaption, e.LearningRate, e.Seconds, e.TotalSeconds, e.ExamplesPerSecond,
		} {
			record = append(record, figure(x))
		}
		w.Write(append(record, strconv.FormatBool(e.Best), figure(e.SelectionMetric)))
	}
	w.Flush()
	return f.WriteFile(MetricsCSV, b.Bytes())
}
