package study_test

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
)

var update = flag.Bool("update", false, "write the golden files")

// tables are a study of two groups: one done by two seeds, one whose second seed failed.
func tables() (*study.Ledger, []study.Row) {
	l := &study.Ledger{
		Name: "tokens", Description: "What should a token be?", Config: "studies/tokens.toml",
		Axes:  []study.Axis{{Key: "text.tokenizer", Values: []any{"char", "word"}}, {Key: "training.learning_rate", Values: []any{0.001}}},
		Seeds: []int64{1, 2},
	}
	cell := func(id, tokenizer string, seed int64, status study.Status) study.Cell {
		return study.Cell{ID: id, Settings: map[string]any{"text.tokenizer": tokenizer, "training.learning_rate": 0.001}, Seed: seed, Status: status,
			Run: "run-" + id, Seconds: 10 * float64(seed)}
	}
	broken := cell("word-s2", "word", 2, runfolder.Failed)
	broken.Error = "the loss became NaN\nat step 3"
	return l, []study.Row{
		{Cell: cell("char-s1", "char", 1, runfolder.Done), Figures: map[string]float64{"validation_nats_per_character": 0.5, "validation_cider": 0.25}},
		{Cell: cell("char-s2", "char", 2, runfolder.Done), Figures: map[string]float64{"validation_nats_per_character": 0.7, "validation_cider": math.NaN()}},
		{Cell: cell("word-s1", "word", 1, runfolder.Done), Figures: map[string]float64{"validation_nats_per_character": 0.4, "other": 3}},
		{Cell: broken},
	}
}

// TestTables compares the CSV and the Markdown page with their goldens.
func TestTables(t *testing.T) {
	l, rows := tables()
	var csv bytes.Buffer
	if err := study.WriteCSV(&csv, l.Axes, rows); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"study.csv": csv.Bytes(), "study.md": study.Markdown(l, rows, nil)} {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMarkdownWarns: warnings stand with the table whose figures they are about.
func TestMarkdownWarns(t *testing.T) {
	l, rows := tables()
	page := string(study.Markdown(l, rows, []string{"the data have changed"}))
	table, warning, open := strings.Index(page, "| word |"), strings.Index(page, "\n\n**Warning:** the data have changed\n\n"), strings.Index(page, "Not done:")
	if table < 0 || warning < table || open < warning {
		t.Errorf("the warning is not between the table and what is not done:\n%s", page)
	}
}

func TestGroups(t *testing.T) {
	_, rows := tables()
	groups := study.Groups(rows)
	if len(groups) != 2 || groups[0].Done != 2 || groups[1].Done != 1 || len(groups[1].Cells) != 2 {
		t.Fatalf("groups %+v", groups)
	}
	// By hand: mean of 0.5 and 0.7, and the sample deviation √(2·0.1²/1).
	s := groups[0].Figures["validation_nats_per_character"]
	if s.N != 2 || math.Abs(s.Mean-0.6) > 1e-12 || math.Abs(s.Deviation-0.1*math.Sqrt2) > 1e-12 {
		t.Errorf("over two seeds %+v", s)
	}
	if s := groups[0].Figures["validation_cider"]; s.N != 1 || s.Mean != 0.25 || !math.IsNaN(s.Deviation) {
		t.Errorf("what one seed has %+v", s)
	}
}

// TestBest: the lowest loss a character is best among the same texts; among others, of which the losses leave different parts out, CIDEr says.
func TestBest(t *testing.T) {
	_, rows := tables()
	for _, c := range []struct {
		reason, want, by string
		rows             []study.Row
		sameText         bool
	}{
		{"the same texts", "char-s1", "validation_nats_per_character", rows[:2], true},
		{"other tokens", "char-s1", "validation_cider", rows, false},
		{"a failed cell", "", "validation_nats_per_character", rows[3:], true},
	} {
		best, by := study.Best(c.rows, c.sameText)
		id := ""
		if best != nil {
			id = best.ID
		}
		if id != c.want || by.Name != c.by {
			t.Errorf("%s: %q by %s, want %q by %s", c.reason, id, by.Name, c.want, c.by)
		}
	}
}

func TestTitles(t *testing.T) {
	got := study.Titles([]study.Axis{{Key: "training.seed"}, {Key: "data.limit"}, {Key: "data.emojigram.seed"}, {Key: "cleaning"}})
	if diff := cmp.Diff([]string{"training.seed", "limit", "data.emojigram.seed", "cleaning"}, got); diff != "" {
		t.Errorf("titles that would be the same stay whole (-want +got):\n%s", diff)
	}
}
