package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/captionlab/captionlab/internal/study"
)

// A study file is a config with a [study] section: what all runs have in common stands in the config's own sections
// and in what it extends, and [study] says what varies.
//
//	[study]
//	name = "tokenization"              # default: the file's name
//	description = "…"                  # default: the config's
//	seeds = [1, 2, 3]                  # training.seed of each run
//	split_seeds = true                 # and data.split_seed too
//
//	[study.axes]                       # every value with every value of the other axes
//	text.tokenizer = ["char", "word"]
//	training.epochs = { logrange = [5, 40], count = 4 }
//
//	[study.zip.size]                   # keys that vary together
//	decoder.units = [128, 256]
//	decoder.embedding = [64, 128]
//
//	[study.cases.cleaning]             # an axis whose values are named sets of keys
//	raw = { text.links = "keep", text.hashtags = "keep" }
//	cleaned = {}
//
//	[study.when.words]                 # keys that some of the runs have besides
//	if = { text.tokenizer = "word" }
//	set = { training.learning_rate = 0.001 }
//
//	[study.skip]                       # combinations that are left out, by the reason
//	"raw captions train longest" = { cleaning = "raw", training.epochs = [5, 10] }
const studyKey = "study"

// studyKeys are the keys of [study].
var studyKeys = []string{"name", "description", "seeds", "split_seeds", "axes", "zip", "cases", "when", "skip"}

const (
	maxStudyName = 60
	maxCells     = 10_000
)

// Study is a study file that passed every check: a ledger with every cell pending, and the cells' configs.
type Study struct {
	study.Ledger
	Configs []*Loaded // one a cell
	Skipped []Skipped // what [study.skip] left out
}

// Skipped says how many combinations a rule left out.
type Skipped struct {
	Reason string
	Cells  int
}

// IsStudy reports whether the file is a study. A file that can't be read is none.
func IsStudy(path string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	var values struct{ Study map[string]any }
	_, err = toml.Decode(string(data), &values)
	return err == nil && values.Study != nil
}

// LoadStudy reads a study file as Load reads a config, and expands it: the config of every cell is checked. Overrides
// hold for all cells.
func LoadStudy(path string, overrides []string) (*Study, error) {
	l, given, err := read(path, overrides)
	if err != nil {
		return nil, err
	}
	if l.study == nil {
		if len(l.problems) == 0 {
			p := l.problem(l.files[0], span{line: 1}, "", "no [study] section: this file is one run, not a study")
			p.Hint = "captionlab run " + path
		}
		return nil, l.problems.sorted()
	}
	s := &studyLoader{loader: l, studyText: l.study, given: given, overrides: overrides}
	s.ledger.Config = path
	s.parse()
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	expanded := s.expand()
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	return expanded, nil
}

// studyText is a [study] section.
type studyText struct {
	source  *source
	places  map[string]place
	content map[string]any
}

// at is where a key stands, by its path in the file.
func (t *studyText) at(path ...string) place {
	p := t.places[strings.Join(path, pathSeparator)]
	if p.key.line == 0 {
		p.key.line = 1 // the scanner missed it; a position near by is better than none
	}
	if p.value.line == 0 {
		p.value = p.key
	}
	return p
}

// element is where element n of the array at a path stands.
func (t *studyText) element(path []string, n int) place {
	at := t.at(path...)
	if p := t.places[elementName(path, n)]; p.value.line > 0 {
		at.value = p.value
	}
	return at
}

// studyLoader reads a [study] section.
type studyLoader struct {
	*loader
	*studyText
	given      []byte
	overrides  []string
	ledger     study.Ledger
	splitSeeds bool
	seeded     bool
	dimensions []*dimension
	when, skip []rule
}

// refused reports a problem at a place of the study.
func (s *studyLoader) refused(at span, key, format string, args ...any) {
	s.loader.problem(s.studyText.source, at, key, format, args...)
}

func (s *studyLoader) parse() {
	for _, name := range slices.Sorted(maps.Keys(s.content)) {
		if !slices.Contains(studyKeys, name) {
			s.refused(s.at(studyKey, name).key, "study."+name, "unknown key%s", nearOrList(name, studyKeys, "[study] has"))
		}
	}
	s.head()
	s.readAxes()
	slices.SortStableFunc(s.dimensions, func(a, b *dimension) int {
		if a.at.line != b.at.line {
			return a.at.line - b.at.line
		}
		return a.at.column - b.at.column
	})
	s.checkAxes()
	s.readRules()
}

// nearOrList is the nearest of the names, or all of them.
func nearOrList(name string, names []string, owner string) string {
	if near := didYouMean(name, names); near != "" {
		return near
	}
	return "; " + owner + " " + strings.Join(names, ", ")
}

// head reads name, description and seeds.
func (s *studyLoader) head() {
	path := s.studyText.source.name
	s.ledger.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	s.ledger.Description = s.config.Experiment.Description
	at := s.at(studyKey).key
	s.text("name", &s.ledger.Name)
	s.text("description", &s.ledger.Description)
	if _, given := s.content["name"]; given {
		at = s.at(studyKey, "name").value
	}
	if name := s.ledger.Name; !validName.MatchString(name) || len(name) > maxStudyName {
		s.refused(at, "study.name", "expected letters, digits, -, _ and . (not first), at most %d bytes, got %s: it is part of the folders' names", maxStudyName, literal(name))
	}
	if from, ok := s.origin["experiment.name"]; ok && s.own(from) {
		s.problem(from.source, from.key, "experiment.name", "a study names its runs itself, after study.name")
	}
	if v, ok := s.content["split_seeds"]; ok {
		if s.splitSeeds, ok = v.(bool); !ok {
			s.refused(s.at(studyKey, "split_seeds").value, "study.split_seeds", "expected true or false, got %s", describe(v))
		}
	}
	s.readSeeds()
}

// text reads a string of [study].
func (s *studyLoader) text(name string, to *string) {
	v, ok := s.content[name]
	if !ok {
		return
	}
	if *to, ok = v.(string); !ok {
		s.refused(s.at(studyKey, name).value, "study."+name, "expected a string, got %s", describe(v))
	}
}

func (s *studyLoader) readSeeds() {
	v, given := s.content["seeds"]
	if !given {
		if s.splitSeeds {
			s.refused(s.at(studyKey, "split_seeds").key, "study.split_seeds", "needs study.seeds")
		}
		return
	}
	s.seeded = true
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		s.refused(s.at(studyKey, "seeds").value, "study.seeds", "expected an array of integers, as [1, 2, 3], got %s", describe(v))
		return
	}
	f := s.byPath["training.seed"]
	for n, v := range list {
		at := s.element([]string{studyKey, "seeds"}, n).value
		seed, err := f.convert(v)
		switch {
		case err != nil:
			s.refused(at, "study.seeds", "%s", err)
		case slices.Contains(s.ledger.Seeds, seed.Int()):
			s.refused(at, "study.seeds", "%d is there twice", seed.Int())
		default:
			s.ledger.Seeds = append(s.ledger.Seeds, seed.Int())
		}
	}
}

// hashOf identifies what the cells compute together.
func hashOf(configs []*Loaded) string {
	hashes := make([]string, len(configs))
	for n, c := range configs {
		hashes[n] = c.Hash
	}
	slices.Sort(hashes)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(hashes, "\n"))))
}
