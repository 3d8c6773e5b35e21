package study_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
)

func ledger() *study.Ledger {
	return &study.Ledger{
		Name: "sizes", Description: "does <more> help?", Config: "studies/sizes.toml", Hash: "0123456789abcdef",
		Axes: []study.Axis{
			{Key: "training.epochs", Values: []any{int64(5), int64(10)}},
			{Key: "training.learning_rate", Values: []any{0.001, 1.0}, Zip: "rate"},
			{Key: "cleaning", Values: []any{"dirty", "clean"}},
		},
		Seeds: []int64{1, 2},
		Cells: []study.Cell{
			{ID: "5-s1", Settings: map[string]any{"training.epochs": int64(5), "text.lowercase": true, "data.ratio": []any{0.5, int64(1)}}, Seed: 1,
				Hash: "aa", Run: "r1", Status: runfolder.Done, Seconds: 1.5},
			{ID: "10-s1", Settings: map[string]any{"training.epochs": int64(10)}, Seed: 1, Hash: "bb", Status: study.Pending},
		},
	}
}

// TestLedgerComesBack: every value comes back with its type, and the folder is found again.
func TestLedgerComesBack(t *testing.T) {
	results := t.TempDir()
	want := ledger()
	dir, err := study.Create(results, want)
	if err != nil {
		t.Fatal(err)
	}
	if base := filepath.Base(dir); !strings.HasSuffix(base, "Z-sizes-01234567") {
		t.Errorf("folder %s", base)
	}
	if other := (&study.Ledger{Name: "es", Hash: want.Hash}); !study.IsOf(dir, want) || study.IsOf(dir, other) {
		t.Errorf("%s by its name: of the study %v, of another %v", dir, study.IsOf(dir, want), study.IsOf(dir, other))
	}
	got, err := study.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want.Axes[1].Values[1] = int64(1) // JSON doesn't tell 1.0 from 1
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v\nwant\n%+v", got, want)
	}
	if err := os.Mkdir(filepath.Join(results, "other"), 0o755); err != nil {
		t.Fatal(err)
	}
	dirs, err := study.List(results)
	if err != nil || !reflect.DeepEqual(dirs, []string{dir}) {
		t.Errorf("list %v, %v", dirs, err)
	}
	if runs, err := runfolder.List(results); err != nil || len(runs) != 0 {
		t.Errorf("a study folder is taken for a run: %v, %v", runs, err)
	}
	if _, err := study.Read(filepath.Join(results, "other")); err == nil || !strings.Contains(err.Error(), "not a study folder") {
		t.Errorf("error %v", err)
	}
}

// TestOneProcessAStudy: a study in progress is not begun a second time.
func TestOneProcessAStudy(t *testing.T) {
	dir, err := study.Create(t.TempDir(), ledger())
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := study.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := study.Lock(dir); err == nil || !strings.Contains(err.Error(), "in progress") {
		t.Errorf("error %v", err)
	}
	unlock()
	again, err := study.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
