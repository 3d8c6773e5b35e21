package mlflow

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var began = time.UnixMilli(1767268800250)

// example is a run with what needs care: a name for YAML to quote, no end, a value that is no number, a long parameter.
func example(t *testing.T) Run {
	t.Helper()
	artifact := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(artifact, []byte("<p>"), 0o644); err != nil {
		t.Fatal(err)
	}
	return Run{Key: "k", Name: "a: \"b\" 🎉", Status: Failed, Started: began,
		Params:    map[string]string{"data.root": "", "long": strings.Repeat("é", 7000)},
		Metrics:   map[string][]Point{"loss": {{began, 1, 0.1}, {began, 2, math.NaN()}, {began.Add(time.Second), 3, 1e-9}}, "none": {{began, 1, math.Inf(1)}}},
		Tags:      map[string]string{"mlflow.source.git.commit": "abc"},
		Artifacts: map[string]string{"sub/report.html": artifact},
	}
}

// TestExport: a second export leaves the store as it was, but for tags given in between, which stay.
func TestExport(t *testing.T) {
	store := filepath.Join(t.TempDir(), "ml [runs]*")
	dir, err := Export(store, "e", example(t))
	if err != nil {
		t.Fatal(err)
	}
	first := tree(t, store)
	rel, err := filepath.Rel(store, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"metrics/loss": "1767268800250 0.1 1\n1767268801250 1e-09 3\n", "params/data.root": "", "params/long": strings.Repeat("é", 5999) + "…",
		"tags/mlflow.runName": "a: \"b\" 🎉", "tags/mlflow.source.git.commit": "abc", "artifacts/sub/report.html": "<p>",
	} {
		if got, ok := first[filepath.Join(rel, name)]; !ok || got != want {
			t.Errorf("%s: %.80q, want %.80q", name, got, want)
		}
	}
	if _, ok := first[filepath.Join(rel, "metrics", "none")]; ok {
		t.Error("a metric without a number has a file")
	}
	if meta := first[filepath.Join(rel, "meta.yaml")]; !strings.Contains(meta, "end_time: null\n") || !strings.Contains(meta, "status: 4\n") {
		t.Errorf("meta.yaml:\n%s", meta)
	}
	given := filepath.Join(dir, "tags", "reviewed")
	if err := os.WriteFile(given, []byte("yes"), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := Export(store, "e", example(t))
	if err != nil || again != dir {
		t.Fatalf("%s, %v; want %s", again, err, dir)
	}
	first[filepath.Join(rel, "tags", "reviewed")] = "yes"
	if second := tree(t, store); !maps.Equal(first, second) {
		t.Errorf("%q, want %q", slices.Sorted(maps.Keys(second)), slices.Sorted(maps.Keys(first)))
	}
}

// TestExportAfterKill: an export that was killed between its two renames has left the run in the trash. The next one finds its tags
// there, and leaves the trash empty.
func TestExportAfterKill(t *testing.T) {
	store := t.TempDir()
	r := example(t)
	dir, err := Export(store, "e", r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tags", "reviewed"), []byte("yes"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := tree(t, store)
	left := filepath.Join(store, ".trash", ".exporting-"+filepath.Base(filepath.Dir(dir))+"-"+r.ID()+"-123")
	other := filepath.Join(store, ".trash", ".exporting-other-run-4")
	for _, name := range []string{left, other} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(dir, filepath.Join(left, "before")); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(store, "e", r); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, store); !maps.Equal(got, want) {
		t.Errorf("%q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	if entries, err := os.ReadDir(filepath.Join(store, ".trash")); err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(other) {
		t.Errorf("left in the trash: %v, %v; want what another export is writing", entries, err)
	}
}

// TestExperimentOfMLflow: an experiment of that name that MLflow made takes the runs.
func TestExperimentOfMLflow(t *testing.T) {
	store := t.TempDir()
	// As MLflow 3.17's client writes it.
	meta := "artifact_location: file:///m/415\ncreation_time: 1767268800250\nexperiment_id: '415'\nlast_update_time: 1767268800250\nlifecycle_stage: active\nname: 'e: 1'\n"
	if err := os.MkdirAll(filepath.Join(store, "415"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(store, "415", "meta.yaml"), []byte(meta), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, err := Export(store, "e: 1", example(t))
	if err != nil || filepath.Base(filepath.Dir(dir)) != "415" {
		t.Errorf("%s, %v; want it in 415", dir, err)
	}
	other, err := Export(store, "e", example(t))
	if id := filepath.Base(filepath.Dir(other)); err != nil || id == "415" || len(id) != 18 {
		t.Errorf("%s, %v; want an id of 18 digits", other, err)
	}
}

// TestRefused: what can't be written leaves nothing behind.
func TestRefused(t *testing.T) {
	store := t.TempDir()
	for reason, change := range map[string]func(*Run){
		"a name that leaves the folder":    func(r *Run) { r.Params["../x"] = "" },
		"an artifact that is not there":    func(r *Run) { r.Artifacts["x"] = filepath.Join(store, "none") },
		"a metric with a mark in its name": func(r *Run) { r.Metrics["a=b"] = []Point{{began, 1, 1}} },
	} {
		r := example(t)
		change(&r)
		if dir, err := Export(store, "e", r); err == nil || !strings.Contains(err.Error(), store) {
			t.Errorf("%s: %s, %v", reason, dir, err)
		}
		for name := range tree(t, store) {
			if filepath.Base(name) != "meta.yaml" || strings.Count(name, string(filepath.Separator)) != 1 {
				t.Errorf("%s: %s is left", reason, name)
			}
		}
	}
}

// tree reads all files below a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
