package config

import (
	"math"
	"os"
	"regexp"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/checkout"
	"github.com/captionlab/captionlab/internal/encoder"
	"github.com/captionlab/captionlab/internal/setting"
)

// validName is what package runfolder accepts as part of a folder's name.
var validName = regexp.MustCompile(`^[\pL\pN_-][\pL\pN_.-]*$`)

// maxName keeps a run folder's name below the 255 bytes of common file systems.
const maxName = 150

// check looks at values that are right each by itself for combinations that can't be run.
func (l *loader) check() {
	l.checkExperiment()
	l.checkData()
	l.refuseAll(l.config.Text.Check())
	l.checkEncoder()
	l.checkVectors()
	l.refuseAll(l.config.Decoder.Check())
	l.checkAttention()
	l.refuseAll(l.config.Training.Check())
	l.checkTrained()
	l.checkBidirectional()
	l.refuseAll(l.config.Decoding.Check())
	l.checkRuntime()
	l.refuseAll(l.config.Slurm.Check())
	l.checkEnsemble()
}

// refuse reports a combination at the first of the keys that a file or an override gave.
func (l *loader) refuse(keys []string, format string, args ...any) *Problem {
	for _, key := range keys {
		if from, ok := l.origin[key]; ok {
			at := from.value
			if at.line == 0 {
				at = from.key
			}
			return l.problem(from.source, at, key, format, args...)
		}
	}
	return l.problem(l.files[0], span{line: 1}, keys[0], format, args...)
}

// refuseAll reports what a component finds wrong with its own section.
func (l *loader) refuseAll(problems setting.Problems) {
	for _, p := range problems {
		l.refuse(p.Keys, "%s", p.Err)
	}
}

func (l *loader) checkExperiment() {
	if name := l.config.Experiment.Name; !validName.MatchString(name) || len(name) > maxName {
		l.refuse([]string{"experiment.name"}, "expected letters, digits, -, _ and . (not first), at most %d bytes: it is part of the run folder's name", maxName)
	}
	for key, value := range map[string]string{"runtime.cache": l.config.Runtime.Cache, "runtime.results": l.config.Runtime.Results} {
		if value == "" {
			l.refuse([]string{key}, "expected a folder")
		}
	}
}

// officialNever are the formats without a split of their own, and what to do instead.
var officialNever = map[string]string{
	"emojigram": "", "instagram": "", "stamps": "",
	"flickr30k": "; the usual one is Karpathy's: data.format = \"karpathy\" with dataset_flickr30k.json",
	"instapic":  " for validation: its files are training and two kinds of test",
}

func (l *loader) checkData() {
	d := l.config.Data
	if emojigram(l.config) {
		d.Format = "emojigram"
	}
	if d.Format != "emojigram" && d.Root == "" {
		p := l.refuse([]string{"data.root", "data.format"}, "%s is read from a folder, and data.root names none", d.Format)
		p.Key = "data.root"
		p.Hint = missingData[d.Format]
		if p.Hint == "" {
			p.Hint = "name the folder: data.root=FOLDER after the config, or make experiment CONFIG=... DATA=FOLDER"
		}
	}
	if d.Format == "emojigram" && d.Root != "" {
		l.refuse([]string{"data.root", "data.format"}, "emojigram is made by captionlab itself and reads no folder; data.format = \"auto\" recognises what lies there")
	}
	if d.Format == "emojigram" {
		for key, path := range map[string]string{"data.captions": d.Captions, "data.images": d.Images, "data.manifest": d.Manifest} {
			if path != "" {
				l.refuse([]string{key, "data.format"}, "emojigram is made by captionlab itself and reads no files; data.root names the folder of others")
			}
		}
	}
	if instead, never := officialNever[d.Format]; d.Split == "official" && never {
		l.refuse([]string{"data.split", "data.format"}, "%s has no official split%s", d.Format, instead)
	}
	if d.Split == "file" && d.SplitFile == "" {
		l.refuse([]string{"data.split_file", "data.split"}, "data.split = \"file\" needs a file: split.json of an earlier run, or lines of picture,split")
	}
	if d.Split != "file" && d.SplitFile != "" {
		l.refuse([]string{"data.split_file", "data.split"}, "%s would not be read: expected data.split = \"file\", got %q", d.SplitFile, d.Split)
	}
	if d.Fraction == 0 {
		l.refuse([]string{"data.fraction"}, "expected a share above 0, up to 1 for all training images")
	}
	sum, smallest := 0.0, math.Inf(1)
	for _, share := range d.Ratio {
		sum, smallest = sum+share, min(smallest, share)
	}
	switch {
	case len(d.Ratio) < 2 || len(d.Ratio) > 3:
		l.refuse([]string{"data.ratio"}, "expected two shares (train, test) or three (train, validation, test), got %d", len(d.Ratio))
	case smallest <= 0:
		l.refuse([]string{"data.ratio"}, "expected shares above 0, got %s", literal(smallest))
	case math.Abs(sum-1) > 1e-9:
		l.refuse([]string{"data.ratio"}, "expected shares that add up to 1, got %.6g", sum)
	case d.Format == "emojigram" && smallest*float64(d.Emojigram.Images) < 1:
		l.refuse([]string{"data.emojigram.images", "data.ratio"}, "a share of %s of %d pictures leaves a split without any", literal(smallest), d.Emojigram.Images)
	}
}

// missingData says what to download for a data set and where to put it.
var missingData = map[string]string{
	"flickr8k": "get Flickr8k (Flickr8k.token.txt, the Flickr_8k.*Images.txt files and the pictures), then name its folder: " +
		"data.root=FOLDER after the config, or make experiment CONFIG=... DATA=FOLDER",
	"instagram": "download the Kaggle data set \"Instagram images with captions\" by prithvijaunjale (4 GB) and name the folder that holds " +
		"instagram_data and instagram_data2: data.root=FOLDER after the config, or make experiment CONFIG=... DATA=FOLDER",
}

func (l *loader) checkEncoder() {
	e := l.config.Encoder
	unreadable := false
	if e.Weights != "" {
		if stat, err := os.Stat(checkout.Find(e.Weights)); err != nil || stat.IsDir() {
			unreadable = true
			l.refuse([]string{"encoder.weights"}, "expected a file with weights; %s: %s", e.Weights, readError(err))
		}
	}
	checked, problems := encoder.Check(e)
	for _, p := range problems {
		if unreadable && p.Keys[0] == "encoder.weights" {
			continue
		}
		l.refuse(p.Keys, "%s", p.Err)
	}
	l.config.Encoder = checked // names the layer
}

func (l *loader) checkRuntime() {
	r := l.config.Runtime
	if r.Backend != "go" {
		return
	}
	if e, err := encoder.New(l.config.Encoder); err == nil && e.FLOPs() > accel.MaxGoFLOPs {
		l.refuse([]string{"runtime.backend", "encoder.layer"}, "%s up to %s takes %.0f billion operations a picture, too many for the pure-Go backend "+
			"(at most %.0f; about a second each billion); expected \"xla\"", l.config.Encoder.Name, l.config.Encoder.Layer, e.FLOPs()/1e9, accel.MaxGoFLOPs/1e9)
	}
	if r.Device == "cuda" {
		l.refuse([]string{"runtime.device", "runtime.backend"}, "the pure-Go backend has no cuda device; expected \"auto\" or \"cpu\"")
	}
	if r.Devices > 1 {
		l.refuse([]string{"runtime.devices", "runtime.backend"}, "the pure-Go backend is one device; expected 1, or runtime.backend = \"xla\"")
	}
	if !l.config.Decoder.Unrolled {
		l.refuse([]string{"decoder.unrolled", "runtime.backend"}, "the pure-Go backend can't run the scan; expected decoder.unrolled = true")
	}
	if len(l.config.Decoding.Splits) > 0 {
		l.refuse([]string{"decoding.splits", "runtime.backend"}, "the pure-Go backend can't run the search for captions; expected decoding.splits = []")
	}
	if l.config.Training.Select != "loss" {
		l.refuse([]string{"training.select", "runtime.backend"}, "the pure-Go backend can't run the search for captions; expected \"loss\"")
	}
}
