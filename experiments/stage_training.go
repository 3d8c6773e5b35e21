package experiments

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/decode"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/progress"
	"github.com/captionlab/captionlab/internal/report"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/train"
)

// checkpointsDir is a run folder's, of the decoder's training.
const checkpointsDir = "checkpoints"

// batches are the teacher-forced batches of a split.
func (e *experiment) batches(split string) (*batch.Set, error) {
	t := e.config.Training
	o := batch.Options{Name: split, Size: t.Batch, Time: e.maxTokens, CountPadding: t.CountsPadding(), Seed: t.Seed, Bucket: t.Bucket}
	if split == dataset.Train {
		o.Shuffle, o.Pairs = true, t.Examples == "pairs"
	}
	var items []batch.Item
	for _, n := range e.data.Splits[split] {
		p := e.data.Examples[n]
		for _, c := range p.Captions {
			ids := e.tokenizer.Encode(c.Text)
			items = append(items, batch.Item{Picture: e.rows[p.ID], Tokens: ids})
			o.Time = max(o.Time, len(ids)) // a held-out caption may be longer than any training caption
		}
	}
	return batch.New(items, batch.Features{Size: e.size, Values: e.values}, o)
}

// train fits the decoder, and the encoder's layers that are trained with it, or goes on from the run's last checkpoint.
func (e *experiment) train(ctx context.Context) error {
	if isEnsemble(e.config) {
		return e.assemble()
	}
	var err error
	e.decoder, err = model.New(e.config.Decoder, decoderSize(e.encoder.FeatureShape(), e.tokenizer, e.vectors))
	if err != nil {
		return err
	}
	if err := e.accel.CheckSize(e.stepFLOPs(), "one training step"); err != nil {
		return err
	}
	if e.config.Training.UsesBFloat16() && e.accel.Name != "xla:cuda" {
		e.say("warning: training.precision = \"bfloat16\" saves no time on a CPU")
	}
	e.trainer, err = e.fit(ctx, checkpointsDir, false, func(row train.Epoch) error { return e.recordEpoch(row) })
	if err != nil || e.front == nil {
		return err
	}
	return e.encodeTrained(ctx)
}

// stepFLOPs estimates one training step: each weight is used at every position, once forward and twice backward; those of the
// encoder's trained layers once a picture.
func (e *experiment) stepFLOPs() float64 {
	weights := 0
	for _, l := range e.decoder.Layers() {
		if l.Kind != "Embedding" { // looked up, not multiplied
			weights += l.Params
		}
	}
	flops := 2 * float64(weights) * float64(e.maxTokens+1)
	if e.front != nil {
		flops += e.front.FLOPs()
	}
	return 3 * flops * float64(e.config.Training.Batch)
}

// fit trains one decoder with its checkpoints in a folder of the run; blind takes the picture away from it.
func (e *experiment) fit(ctx context.Context, dir string, blind bool, onEpoch func(train.Epoch) error) (*train.Trainer, error) {
	trainSet, err := e.batches(dataset.Train)
	if err != nil {
		return nil, err
	}
	validation, err := e.batches(dataset.Validation)
	if err != nil {
		return nil, err
	}
	if blind {
		trainSet, validation = trainSet.Zeroed(), validation.Zeroed()
	}
	t, err := train.New(e.accel.Backend, e.learner(blind), e.config.Training, e.folder.Path(dir))
	if err != nil {
		return nil, err
	}
	if err := t.UseDevices(e.config.Runtime.Devices); err != nil {
		return nil, err
	}
	if found, done, step := t.Resumed(); found {
		e.say("%s: going on after %d epochs, step %d", dir, done, step)
	}
	label := "training"
	if blind {
		label = "training blind control"
	} else if err := e.beforeEpochs(t, trainSet.PerEpoch()); err != nil {
		return nil, err
	}
	read, done, err := e.reader(t.Store(), blind)
	if err != nil {
		return nil, err
	}
	defer done()
	critical, err := e.selfCritical(ctx, t, read, blind)
	if err != nil {
		return nil, err
	}
	w := &watched{e: e, label: label, blind: blind, trainer: t, critical: critical, steps: e.profile.Training(label), onEpoch: onEpoch}
	events := train.Events{Metric: e.selection(t, read, blind), Step: w.step, Epoch: w.epoch, Mean: w.mean}
	if !blind {
		events.NoMean = e.folder.ForgetMean
	}
	if critical != nil {
		events.SelfCritical = critical
	}
	err = t.Run(ctx, trainSet, validation, events)
	w.bar.Finish()
	if err != nil {
		return nil, err
	}
	if err := t.LoadBest(); err != nil {
		return nil, fmt.Errorf("load the best epoch's weights: %w", err)
	}
	return t, nil
}

// beforeEpochs says what is amiss with training by epochs of so many batches, and takes up what the run measured before.
func (e *experiment) beforeEpochs(t *train.Trainer, batches int) error {
	found, done, step := t.Resumed()
	if warning := longWarmup(e.config.Training, batches); warning != "" {
		e.say("warning: %s", warning)
	}
	if err := e.epochsBefore(found); err != nil {
		return err
	}
	return e.beginEvents(done, step)
}

// longWarmup says that cross-entropy ends before its warm-up; "" where it doesn't.
func longWarmup(s train.Settings, batches int) string {
	updates := s.Updates(batches)
	if s.WarmupSteps <= updates {
		return ""
	}
	return fmt.Sprintf("training.warmup_steps = %d, but %s of cross-entropy have %s: the learning rate never reaches training.learning_rate = %g",
		s.WarmupSteps, english.Plural(s.Epochs, "epoch", ""), english.Plural(updates, "update", ""), s.LearningRate)
}

// epochsBefore reads what the run measured before, so that a broken line in it is said before an epoch is trained. Epochs without
// a checkpoint are trained again: one, after a crash between an epoch's row and its checkpoint, more where checkpoints are lost.
func (e *experiment) epochsBefore(checkpoint bool) error {
	rows, err := e.folder.Epochs()
	if err == nil && len(rows) > 0 && !checkpoint {
		e.say("warning: %s has epochs up to %d, but %s has no file last, which names a checkpoint: training begins again at epoch 1, and epochs that are in %s keep their rows",
			runfolder.MetricsFile, rows[len(rows)-1].Epoch, checkpointsDir, runfolder.MetricsFile)
	}
	return err
}

// recordEpoch appends one row to metrics.jsonl.
func (e *experiment) recordEpoch(row train.Epoch) error {
	examples := float64(e.countCaptions(dataset.Train))
	if e.config.Training.Examples == "pairs" {
		examples = row.Train.Tokens // each predicts one
	}
	epoch := runfolder.Epoch{
		Epoch: row.Epoch, Step: row.Step,
		TrainLoss: row.Train.Loss(), TrainAccuracy: row.Train.Accuracy(),
		ValidationLoss: row.Validation.Loss(), ValidationAccuracy: row.Validation.Accuracy(),
		ValidationNatsPerCharacter: e.perCharacter(row.Validation, dataset.Validation),
		ValidationNatsPerCaption:   e.perCaption(row.Validation, dataset.Validation),
		LearningRate:               row.Rate,
		Seconds:                    row.Seconds, TotalSeconds: row.Total, ExamplesPerSecond: examples / math.Max(row.Seconds, 1e-9), Best: row.Best,
		SelectionMetric: row.Metric, SelfCritical: row.Critical,
	}
	if e.config.Training.Select == "loss" {
		epoch.SelectionMetric = math.NaN()
	}
	if row.Critical { // of sampled captions, not of the data's
		epoch.TrainLoss, epoch.TrainAccuracy, epoch.ExamplesPerSecond = math.NaN(), math.NaN(), math.NaN()
	}
	if row.MeanOf > 0 {
		return e.folder.AppendEpoch(meanRow(epoch, row.MeanOf))
	}
	if err := e.folder.AppendEpoch(epoch); err != nil {
		return err
	}
	if err := e.events.epoch(e.folder, row.Epoch); err != nil {
		return err
	}
	if e.epoch != nil {
		e.epoch(epoch)
	}
	return nil
}

// perCharacter is a score's nats a character of the split's captions, ends counted.
func (e *experiment) perCharacter(s train.Score, split string) float64 {
	if e.config.Training.CountsPadding() {
		return math.NaN() // the sum holds padding
	}
	return s.Nats / float64(max(e.characters(split), 1))
}

// perCaption is a score's nats a caption of the split.
func (e *experiment) perCaption(s train.Score, split string) float64 {
	if e.config.Training.CountsPadding() {
		return math.NaN()
	}
	return s.Nats / float64(max(e.countCaptions(split), 1))
}

// controlMeanings are the controls by their name in [evaluation], and what each one takes away.
var controlMeanings = map[string]string{
	"zeroed":   "the trained model with every picture's features set to zero",
	"shuffled": "the trained model with another picture's features",
	"blind":    "a second model, trained like the first on zeroed features",
}

// evaluate scores the best epoch's weights under teacher forcing, and the controls beside them.
func (e *experiment) evaluate(ctx context.Context) error {
	results := map[string]float64{"best_epoch": float64(e.trainer.BestEpoch())}
	switch {
	case isEnsemble(e.config):
		results = map[string]float64{"ensemble_members": float64(len(e.config.Ensemble.Runs))}
	case e.config.Training.AverageLast > 0:
		results["kept_mean_of_epochs"] = float64(e.trainer.MeanOf())
	}
	add := func(t *train.Trainer, name, meaning, split string, data *batch.Set) error {
		score, err := t.Evaluate(ctx, data)
		if err != nil {
			return fmt.Errorf("%s on %s: %w", name, split, err)
		}
		c := report.Control{Name: name, Meaning: meaning, Split: split, Loss: score.Loss(), Accuracy: score.Accuracy(),
			NatsPerCharacter: e.perCharacter(score, split), NatsPerCaption: e.perCaption(score, split)}
		e.controls = append(e.controls, c)
		prefix := split + "_"
		if name != "model" {
			prefix += name + "_"
		}
		results[prefix+"teacher_forced_loss"], results[prefix+"teacher_forced_accuracy"] = c.Loss, c.Accuracy
		results[prefix+"nats_per_character"], results[prefix+"bits_per_character"] = c.NatsPerCharacter, c.NatsPerCharacter/math.Ln2
		results[prefix+"nats_per_caption"] = c.NatsPerCaption
		if name == "model" && !e.config.Training.CountsPadding() { // padding is no token of the captions
			results[split+"_perplexity"] = math.Exp(c.Loss)
		}
		e.say("%s, %s: teacher-forced loss %.4f nats a token, %.4f a character (%.4f bits), %.3f a caption; accuracy %.4f",
			name, split, c.Loss, c.NatsPerCharacter, c.NatsPerCharacter/math.Ln2, c.NatsPerCaption, c.Accuracy)
		return nil
	}
	var blind *train.Trainer // trained once, scored on every split
	if slices.Contains(e.config.Evaluation.Controls, "blind") {
		var err error
		if blind, err = e.fit(ctx, "checkpoints/blind", true, func(train.Epoch) error { return nil }); err != nil {
			return fmt.Errorf("the control that is trained without pictures: %w", err)
		}
	}
	for _, split := range e.splits[1:] {
		data, err := e.batches(split)
		if err != nil {
			return err
		}
		if err := add(e.trainer, "model", "the trained model with its pictures", split, data); err != nil {
			return err
		}
		if err := e.evaluateBackward(ctx, split, data, results); err != nil {
			return err
		}
		for _, name := range e.config.Evaluation.Controls {
			t, controlled := e.trainer, data.Zeroed()
			switch name {
			case "shuffled":
				if len(e.data.Splits[split]) < 2 {
					continue // there is no other picture
				}
				controlled = data.Shuffled(e.config.Training.Seed)
			case "blind":
				t = blind
			}
			if err := add(t, name, controlMeanings[name], split, controlled); err != nil {
				return err
			}
		}
		if floor, ok := e.floor(split); ok {
			results[split+"_entropy_floor_nats_per_character"] = floor
			results[split+"_distance_to_floor_nats_per_character"] = results[split+"_nats_per_character"] - floor
		}
	}
	return e.figures(results)
}

// evaluateBackward scores the backward direction of a bidirectional decoder under names of its own: perplexity and all that is
// compared with other decoders are the forward one's.
func (e *experiment) evaluateBackward(ctx context.Context, split string, data *batch.Set, results map[string]float64) error {
	d, ok := e.decoder.(model.Bidirectional)
	if !ok {
		return nil
	}
	t, err := e.trainer.WithDecoder(d.Backward())
	if err != nil {
		return err
	}
	score, err := t.Evaluate(ctx, data)
	if err != nil {
		return fmt.Errorf("the backward direction on %s: %w", split, err)
	}
	results[split+"_backward_teacher_forced_loss"], results[split+"_backward_teacher_forced_accuracy"] = score.Loss(), score.Accuracy()
	e.say("backward direction, %s: teacher-forced loss %.4f nats a token; accuracy %.4f", split, score.Loss(), score.Accuracy())
	return nil
}

// caption generates free-running captions of the splits that the config names.
func (e *experiment) caption(ctx context.Context) error {
	d := e.config.Decoding
	var err error
	if e.generator, err = decode.New(e.accel.Backend, e.trainer.Store(), e.decoder, d, e.maxTokens); err != nil {
		return err
	}
	for _, split := range d.Splits {
		pictures := e.data.Splits[split]
		if len(pictures) == 0 {
			continue
		}
		rows := e.splitRows(split)
		bar := progress.New(e.term, d.Method+" captions, "+split, "pictures", int64(len(rows)))
		captions, err := e.generator.Generate(ctx, rows, func(n int) { bar.Add(int64(n)) })
		bar.Finish()
		if err != nil {
			return err
		}
		predictions := make([]runfolder.Prediction, len(captions))
		for n, c := range captions {
			p := e.data.Examples[pictures[n]]
			path, err := filepath.Abs(p.Path) // whoever reads the run may work in another folder
			if err != nil {
				return fmt.Errorf("picture %s: %w", p.ID, err)
			}
			predictions[n] = runfolder.Prediction{ImageID: p.ID, Path: path, Split: split, Caption: e.tokenizer.Decode(c.Tokens),
				LogProbability: c.LogProbability, Tokens: len(c.Tokens), ScoredReferences: e.scoredReferences(pictures[n])}
			for _, reference := range p.Captions {
				predictions[n].References = append(predictions[n].References, reference.Text)
			}
		}
		e.captions[split], e.generated[split] = predictions, captions
		if err := errors.Join(e.folder.WritePredictions(split, predictions), writeCOCO(e.folder, split, predictions)); err != nil {
			return err
		}
	}
	return nil
}
