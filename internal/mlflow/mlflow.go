// Package mlflow writes finished runs into an MLflow file store (a folder mlruns), which MLflow's clients and its UI read.
//
// The layout is that of mlflow/store/tracking/file_store.py: a folder an experiment with meta.yaml, in it a folder a run
// with meta.yaml, params, metrics, tags and artifacts, a file a key.
package mlflow

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"go.yaml.in/yaml/v3"
)

// Status is a run's status, numbered as in MLflow's service.proto.
type Status int

// The statuses of a run.
const (
	Running  Status = 1
	Finished Status = 3
	Failed   Status = 4
	Killed   Status = 5
)

// Point is a metric's value at a step.
type Point struct {
	Time  time.Time
	Step  int
	Value float64
}

// Run is a run as MLflow has it.
type Run struct {
	Key            string // the same for the same run, however often it is exported
	Name           string
	Status         Status
	Started, Ended time.Time // Ended is zero while the run goes on
	Params         map[string]string
	Metrics        map[string][]Point // in the order of their steps
	Tags           map[string]string
	Artifacts      map[string]string // path in the run's artifacts, with slashes -> file
}

// ID is the run's id: 32 hexadecimal digits made from its key.
func (r Run) ID() string {
	sum := sha256.Sum256([]byte(r.Key))
	return hex.EncodeToString(sum[:16])
}

// longestParam is the longest value of a parameter that MLflow's file store takes, in characters.
const longestParam = 6000

// Export writes a run into the store's experiment of that name, which is made where there is none, and returns the run's
// folder. A run that is there from an earlier export is replaced as a whole, except for tags that were given to it since.
func Export(store, experiment string, r Run) (dir string, err error) {
	if store, err = filepath.Abs(store); err != nil {
		return "", err
	}
	dir, err = export(store, experiment, r)
	if err != nil {
		return "", fmt.Errorf("MLflow store %s: %w", store, err)
	}
	return dir, nil
}

func export(store, experiment string, r Run) (dir string, err error) {
	if err := os.MkdirAll(filepath.Join(store, ".trash"), 0o755); err != nil {
		return "", err
	}
	id, err := findExperiment(store, experiment, r.Started)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(store, id, r.ID())
	// Beside, then one rename. What begins with a point in .trash is no experiment to MLflow, and no run.
	trash, prefix := filepath.Join(store, ".trash"), fmt.Sprintf(".exporting-%s-%s-", id, r.ID())
	killed, err := leftBehind(trash, prefix)
	if err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(trash, prefix)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	whole := filepath.Join(tmp, "run")
	if err := r.write(whole, dir, id); err != nil {
		return "", err
	}
	if err := keepTags(dir, whole); err != nil {
		return "", err
	}
	for _, left := range killed { // where it was killed between the renames below, the run is there alone
		if err := keepTags(filepath.Join(left, "before"), whole); err != nil {
			return "", err
		}
	}
	err = os.Rename(dir, filepath.Join(tmp, "before"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(whole, dir); err != nil {
		return "", err
	}
	for _, left := range killed {
		if err := os.RemoveAll(left); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// leftBehind are the folders that exports of a run which were killed left in the trash.
func leftBehind(trash, prefix string) (dirs []string, err error) {
	entries, err := os.ReadDir(trash)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			dirs = append(dirs, filepath.Join(trash, e.Name()))
		}
	}
	return dirs, err
}

// experimentMeta is an experiment's meta.yaml.
type experimentMeta struct {
	ArtifactLocation string `yaml:"artifact_location"`
	CreationTime     int64  `yaml:"creation_time"`
	ExperimentID     string `yaml:"experiment_id"`
	LastUpdateTime   int64  `yaml:"last_update_time"`
	LifecycleStage   string `yaml:"lifecycle_stage"`
	Name             string `yaml:"name"`
}

// findExperiment finds an experiment by its name, whoever made it, or makes it.
func findExperiment(store, name string, created time.Time) (id string, err error) {
	entries, err := os.ReadDir(store)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		path := filepath.Join(store, e.Name(), "meta.yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			continue // no experiment
		}
		var m experimentMeta
		if err := yaml.Unmarshal(text, &m); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		if m.Name == name {
			return e.Name(), nil
		}
	}
	sum := sha256.Sum256([]byte(name))
	const least = 100_000_000_000_000_000 // 18 digits, as MLflow draws them
	id = strconv.FormatUint(least+binary.BigEndian.Uint64(sum[:8])%(9*least), 10)
	dir := filepath.Join(store, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return id, writeYAML(filepath.Join(dir, "meta.yaml"), experimentMeta{ArtifactLocation: fileURL(dir), CreationTime: created.UnixMilli(),
		ExperimentID: id, LastUpdateTime: created.UnixMilli(), LifecycleStage: "active", Name: name})
}

// runMeta is a run's meta.yaml.
type runMeta struct {
	ArtifactURI    string   `yaml:"artifact_uri"`
	EndTime        *int64   `yaml:"end_time"`
	EntryPointName string   `yaml:"entry_point_name"`
	ExperimentID   string   `yaml:"experiment_id"`
	LifecycleStage string   `yaml:"lifecycle_stage"`
	RunID          string   `yaml:"run_id"`
	RunName        string   `yaml:"run_name"`
	RunUUID        string   `yaml:"run_uuid"`
	SourceName     string   `yaml:"source_name"`
	SourceType     int      `yaml:"source_type"`
	SourceVersion  string   `yaml:"source_version"`
	StartTime      int64    `yaml:"start_time"`
	Status         Status   `yaml:"status"`
	Tags           []string `yaml:"tags"`
	UserID         string   `yaml:"user_id"`
}

// write writes the run's files into dir, which will be moved to final.
func (r Run) write(dir, final, experiment string) error {
	const local = 4 // SourceType.LOCAL
	meta := runMeta{ArtifactURI: fileURL(filepath.Join(final, "artifacts")), ExperimentID: experiment, LifecycleStage: "active",
		RunID: r.ID(), RunName: r.Name, RunUUID: r.ID(), SourceType: local, StartTime: r.Started.UnixMilli(), Status: r.Status, Tags: []string{}}
	if !r.Ended.IsZero() {
		ended := r.Ended.UnixMilli()
		meta.EndTime = &ended
	}
	for _, sub := range []string{"params", "metrics", "tags", "artifacts"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	for name, value := range r.Params {
		if short := []rune(value); len(short) > longestParam {
			value = string(short[:longestParam-1]) + "…"
		}
		if err := writeKey(dir, "params", name, value); err != nil {
			return err
		}
	}
	tags := map[string]string{"mlflow.runName": r.Name}
	for name, value := range r.Tags {
		tags[name] = value
	}
	for name, value := range tags {
		if err := writeKey(dir, "tags", name, value); err != nil {
			return err
		}
	}
	for name, points := range r.Metrics {
		var lines strings.Builder
		for _, p := range points {
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
				continue
			}
			fmt.Fprintf(&lines, "%d %s %d\n", p.Time.UnixMilli(), strconv.FormatFloat(p.Value, 'g', -1, 64), p.Step)
		}
		if lines.Len() == 0 {
			continue
		}
		if err := writeKey(dir, "metrics", name, lines.String()); err != nil {
			return err
		}
	}
	for name, file := range r.Artifacts {
		if err := copyFile(filepath.Join(dir, "artifacts", filepath.FromSlash(name)), file); err != nil {
			return fmt.Errorf("artifact %s: %w", name, err)
		}
	}
	return writeYAML(filepath.Join(dir, "meta.yaml"), meta)
}

// validKey is what MLflow takes for the name of a parameter, a metric or a tag, and what is safe as a file's name.
var validKey = regexp.MustCompile(`^[\w][\w. -]*$`)

func writeKey(dir, kind, key, value string) error {
	if !validKey.MatchString(key) {
		return fmt.Errorf("%s %q: expected letters, digits, points, spaces, _ and -", kind, key)
	}
	return os.WriteFile(filepath.Join(dir, kind, key), []byte(value), 0o644)
}

// keepTags copies tags that a run has got in the store and that no export writes.
func keepTags(from, to string) error {
	entries, err := os.ReadDir(filepath.Join(from, "tags"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(to, "tags", e.Name())
		own := strings.HasPrefix(e.Name(), "captionlab.") // of an export before, which this run has no more
		if _, err := os.Stat(path); err == nil || own || !e.Type().IsRegular() {
			continue
		}
		if err := copyFile(path, filepath.Join(from, "tags", e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func writeYAML(path string, v any) error {
	text, err := yaml.Marshal(v)
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, text, 0o644)
}

// fileURL is a folder as MLflow names places of artifacts.
func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}
