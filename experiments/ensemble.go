package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/dataset"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/model"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/token"
	"github.com/captionlab/captionlab/internal/train"
)

// An ensemble is a run that trains nothing: ensemble.runs of its config names finished runs, whose models are one decoder
// (model.NewEnsemble). All stages but training are those of any run, so that it has scores, a report and captions of its own,
// and Compare, Resume and OpenCaptioner take its folder. Its members' folders must stay where they are, and where a
// member's training goes on to other weights, Resume and OpenCaptioner refuse the ensemble. An ensemble of one run is that run
// decoded in another way.

// Ensemble decodes several runs together, the best epoch's model of each, and scores the captions in a new run folder, as Run
// does: at each step the probability of a token is the mean of the members' (Sutskever et al. 2014). They must have the same
// vocabulary and features, and none may have trained on a picture that another holds out. OpenRun finds them. The config is the first run's;
// overrides are keys of [decoding], [evaluation], [experiment] and [runtime].
func Ensemble(ctx context.Context, runs, overrides []string, o Options) (*Result, error) {
	if len(runs) < 2 {
		return nil, fmt.Errorf("an ensemble needs at least two run folders, not %d", len(runs))
	}
	name := fmt.Sprintf("ensemble-of-%d", len(runs))
	return decodeRuns(ctx, runs, name, "Are these runs better together than each by itself?", overrides, o)
}

// Decode decodes a finished run's model, the best epoch's, in another way and scores the captions in a new run folder, as Run
// does. It trains nothing. The config is the run's; overrides are keys of [decoding], [evaluation], [experiment] and [runtime].
// OpenRun finds the run; it may be an ensemble, too.
func Decode(ctx context.Context, runDir string, overrides []string, o Options) (*Result, error) {
	run, err := OpenRun("", runDir)
	if err != nil {
		return nil, err
	}
	c, err := ownConfig(run.folder, withoutVectors...)
	if err != nil {
		return nil, err
	}
	runs := c.Config.Ensemble.Runs
	if len(runs) == 0 {
		runs = []string{run.Dir}
	}
	const suffix = "-decoded"
	description := "The model of " + run.Folder + ", decoded anew"
	return decodeRuns(ctx, runs, strings.TrimSuffix(run.Name, suffix)+suffix, description, overrides, o)
}

// decodeRuns decodes the models of one run or several together in a new run folder.
func decodeRuns(ctx context.Context, runDirs []string, name, description string, overrides []string, o Options) (*Result, error) {
	if err := onlyOf(overrides, "the runs' models are as they are", "decoding", "evaluation", "experiment", "runtime"); err != nil {
		return nil, err
	}
	var runs []string
	for _, dir := range runDirs {
		r, err := OpenRun("", dir)
		if err != nil {
			return nil, err
		}
		abs, err := filepath.Abs(r.Dir)
		if err != nil {
			return nil, err
		}
		if slices.Contains(runs, abs) {
			return nil, fmt.Errorf("%s is named twice: its probabilities would count double", dir)
		}
		runs = append(runs, abs)
	}
	members, err := openMembers(runs)
	if err != nil {
		return nil, err
	}
	c, err := ensembleConfig(members, runs, name, description, overrides)
	if err != nil {
		return nil, err
	}
	if err := canProfile(o); err != nil {
		return nil, err
	}
	folder, err := createFolder(c)
	if err != nil {
		return nil, err
	}
	unlock, err := folder.Lock() // which it holds since it was made
	if err != nil {
		return nil, &RunError{Dir: folder.Dir, Err: err}
	}
	defer unlock()
	if err := folder.WriteFile(runfolder.VocabularyFile, members[0].vocabulary); err != nil { // the members', not one made anew
		return nil, &RunError{Dir: folder.Dir, Err: err}
	}
	return carryOut(ctx, folder, c, o)
}

// ensembleConfig is the first member's config, for all of them, with another name.
func ensembleConfig(members []member, runs []string, name, description string, overrides []string) (*config.Loaded, error) {
	first := members[0].config
	var controls []string
	for _, control := range first.Evaluation.Controls {
		if control != "blind" { // a training
			controls = append(controls, control)
		}
	}
	base := append(slices.Clone(withoutVectors), "experiment.name="+name, "experiment.description="+quoted(description),
		"evaluation.controls="+list(controls), "ensemble.runs="+list(runs))
	c, err := config.Load(members[0].folder.Path(runfolder.ResolvedFile), append(base, overrides...))
	if err != nil {
		return nil, fmt.Errorf("the config of %s: %w", members[0].folder.Dir, err)
	}
	return c, nil
}

// quoted is a TOML string; JSON's are.
func quoted(s string) string {
	text, _ := json.Marshal(s) // a string has JSON
	return string(text)
}

func list(values []string) string {
	quotedValues := make([]string, len(values))
	for n, v := range values {
		quotedValues[n] = quoted(v)
	}
	return "[" + strings.Join(quotedValues, ", ") + "]"
}

// member is one run of an ensemble.
type member struct {
	folder     *runfolder.Folder
	config     config.Config
	info       runfolder.Info
	vocabulary []byte // its vocab.json
	tokenizer  token.Tokenizer
	scaler     []byte // its scaler.json
	splits     map[string][]string
}

// openMembers reads the runs of an ensemble, and refuses runs that have no model, and such that can't be decoded together.
func openMembers(runs []string) ([]member, error) {
	members := make([]member, len(runs))
	for n, dir := range runs {
		var err error
		if members[n], err = openMember(dir); err != nil {
			return nil, err
		}
		if err := members[n].fits(members[0]); err != nil {
			return nil, err
		}
		for _, other := range members[:n] {
			if err := errors.Join(members[n].heldOut(other), other.heldOut(members[n])); err != nil {
				return nil, err
			}
		}
	}
	return members, nil
}

func openMember(dir string) (m member, err error) {
	if m.folder, err = runfolder.Open(checkout.Find(dir)); err != nil {
		return m, err
	}
	c, err := ownConfig(m.folder, withoutVectors...)
	if err != nil {
		return m, err
	}
	m.config = c.Config
	if len(m.config.Ensemble.Runs) > 0 {
		return m, fmt.Errorf("%s is an ensemble itself: name its runs, %s", dir, strings.Join(m.config.Ensemble.Runs, ", "))
	}
	if enc, err := encoder.New(m.config.Encoder); err != nil {
		return m, fmt.Errorf("the encoder of %s: %w", dir, err)
	} else if enc.Trains() {
		return m, fmt.Errorf("%s trained layers of its encoder with its decoder: only a model on an encoder that stays as it is can be decoded anew or in an ensemble", dir)
	}
	if m.info, err = m.folder.Info(); err != nil {
		return m, err
	}
	if err := mustBeTrained(m.folder); err != nil {
		return m, err
	}
	split, err := m.folder.ReadSplit()
	if err != nil {
		return m, fmt.Errorf("the splits of %s: %w", dir, err)
	}
	m.splits = split.Splits
	if m.scaler, err = os.ReadFile(m.folder.Path(scalerFile)); err != nil {
		return m, fmt.Errorf("the run has no features yet: %w", err)
	}
	m.tokenizer, m.vocabulary, err = readVocabulary(m.folder)
	return m, err
}

// fits refuses a run whose tokens or features are not those of the first.
func (m member) fits(first member) error {
	a, b := first.folder.Dir, m.folder.Dir
	switch {
	case !bytes.Equal(m.vocabulary, first.vocabulary):
		return fmt.Errorf("%s and %s have different vocabularies, of %d tokens (%s) and %d (%s): an ensemble takes the mean of the probabilities of the same tokens",
			a, b, first.tokenizer.Size(), first.tokenizer.Kind(), m.tokenizer.Size(), m.tokenizer.Kind())
	case m.info.Hashes["features"] != first.info.Hashes["features"]:
		return fmt.Errorf("%s and %s have different features, of %s and of %s, or by other weights: an ensemble's runs share one encoder",
			a, b, first.encoderName(), m.encoderName())
	case !bytes.Equal(m.scaler, first.scaler):
		return fmt.Errorf("%s and %s scale their features differently (encoder.normalize is %q and %q, or they had other training pictures)",
			a, b, first.config.Encoder.Normalize, m.config.Encoder.Normalize)
	}
	return nil
}

func (m member) encoderName() string {
	e := m.config.Encoder
	return fmt.Sprintf("%s %s (pooling %s)", e.Name, e.Layer, e.Pooling)
}

// heldOut refuses a run that trained on pictures which another one holds out: the ensemble would have seen them.
func (m member) heldOut(other member) error {
	trained := map[string]bool{}
	for _, id := range m.splits[dataset.Train] {
		trained[id] = true
	}
	for _, split := range []string{dataset.Validation, dataset.Test} {
		for _, id := range other.splits[split] {
			if trained[id] {
				return fmt.Errorf("%s trained on picture %s, which %s has in its %s split: an ensemble of both would have seen it",
					m.folder.Dir, id, other.folder.Dir, split)
			}
		}
	}
	return nil
}

// assemble makes the ensemble's decoder and the trainer that holds its weights. checkpoints is a folder of the ensemble's own,
// which need not exist.
func assemble(a *accel.Accel, members []member, features []int, s train.Settings, checkpoints string) (model.Decoder, *train.Trainer, error) {
	var decoders []model.Decoder
	var dirs []string
	for _, m := range members {
		size, err := trainedSize(m.folder, features, m.tokenizer)
		if err != nil {
			return nil, nil, err
		}
		d, err := model.New(m.config.Decoder, size)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", m.folder.Dir, err)
		}
		decoders, dirs = append(decoders, d), append(dirs, m.folder.Path(checkpointsDir))
	}
	decoder, err := model.NewEnsemble(decoders)
	if err != nil {
		return nil, nil, err
	}
	t, err := train.New(a.Backend, decoder, s, checkpoints)
	if err != nil {
		return nil, nil, err
	}
	return decoder, t, t.LoadMembers(dirs)
}

// memberHash names the hash of a member's weights in run.json, which runs of earlier versions lack.
func memberHash(n int) string { return fmt.Sprintf("member_%d", n+1) }

// otherWeights refuses a member that was trained on.
func (m member) otherWeights() string { return "the weights of " + m.folder.Dir + " are not those" }

// isEnsemble tells that the config names runs instead of a training.
func isEnsemble(c config.Config) bool { return len(c.Ensemble.Runs) > 0 }

// assemble takes the place of the training in an ensemble.
func (e *experiment) assemble() error {
	members, err := openMembers(e.config.Ensemble.Runs)
	if err != nil {
		return err
	}
	own, err := os.ReadFile(e.folder.Path(runfolder.VocabularyFile))
	if err != nil {
		return err
	}
	scaler, err := os.ReadFile(e.folder.Path(scalerFile))
	if err != nil {
		return err
	}
	here := member{folder: e.folder, config: e.config, vocabulary: own, tokenizer: e.tokenizer, scaler: scaler,
		info: runfolder.Info{Hashes: map[string]string{"features": e.features.Fingerprint()}}}
	if err := members[0].fits(here); err != nil {
		return err
	}
	e.decoder, e.trainer, err = assemble(e.accel, members, e.features.Shape(), e.config.Training, e.folder.Path(checkpointsDir))
	if err != nil {
		return err
	}
	for n, kept := range e.trainer.Members() {
		if err := e.unchanged(memberHash(n), kept.Hash, members[n].otherWeights()); err != nil {
			return err
		}
		if status := members[n].info.Status; status != runfolder.Done {
			e.say("note: %s is not done (%s): its best epoch so far is decoded", members[n].folder.Dir, status)
		}
		weights := fmt.Sprintf("epoch %d", kept.Epoch)
		if kept.MeanOf > 0 {
			weights = fmt.Sprintf("mean of the last %d epochs' weights", kept.MeanOf)
		}
		e.say("ensemble: %s, %s, %s", members[n].folder.Dir, members[n].config.Decoder.Name, weights)
	}
	return nil
}
