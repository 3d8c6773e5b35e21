package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
)

// smallData are overrides by which planFolder's data set is made in no time.
func smallData(t *testing.T) []string {
	return []string{"data.emojigram.images=20", "data.emojigram.size=64", "runtime.cache=" + t.TempDir()}
}

func planned(t *testing.T, path string, overrides ...string) *sweep {
	t.Helper()
	s, err := newSweep(t.Context(), path, overrides, SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sweep) cell(t *testing.T, id string) *job {
	t.Helper()
	n := slices.IndexFunc(s.study.Cells, func(c study.Cell) bool { return c.ID == id })
	if n < 0 {
		t.Fatalf("no cell %s", id)
	}
	return s.jobs[n]
}

// TestChangedData: finished cells whose settings choose the same data, but that had others, are named wherever their figures are shown.
func TestChangedData(t *testing.T) {
	dir := t.TempDir()
	path, results := filepath.Join(dir, "plan.toml"), filepath.Join(dir, "results")
	text := fmt.Sprintf("runtime.results = %q\nencoder.layer = 'block5_pool'\nencoder.pooling = 'avg'\nencoder.sources = ['pypi']\n"+
		"[study]\nseeds = [1, 2]\n[study.axes]\ntext.tokenizer = ['char', 'word']\ndata.limit = [10, 20]\n", results)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := planned(t, path)
	cells := map[string]*runfolder.Folder{}
	had := func(id, data, pictures string) {
		t.Helper()
		if cells[id] == nil {
			cells[id] = fakeRun(t, results, s.cell(t, id).config, runfolder.Done, 1)
		}
		if err := cells[id].Update(func(i *runfolder.Info) { i.Hashes["data"], i.Hashes["pictures"] = data, pictures }); err != nil {
			t.Fatal(err)
		}
	}
	had("char-limit10-s1", "aaaaaaaaaaaa", "")
	had("char-limit10-s2", "aaaaaaaaaaaa", "cccccccccccc")
	had("word-limit10-s1", "aaaaaaaaaaaa", "cccccccccccc")
	had("char-limit20-s1", "bbbbbbbbbbbb", "dddddddddddd") // which it has by its settings
	if w := planned(t, path).result().Warnings; len(w) != 0 {
		t.Errorf("the same data: %q", w)
	}

	had("char-limit10-s2", "eeeeeeeeeeee", "cccccccccccc")
	var said strings.Builder
	s = planned(t, path)
	s.options.Stderr = &said
	s.announce()
	const changed = "warning: the data set's captions or splits have changed between finished cells (by their hashes: " +
		"char-limit10-s1, word-limit10-s1 had aaaaaaaa; char-limit10-s2 had eeeeeeee)"
	if !strings.Contains(said.String(), changed) || strings.Count(said.String(), "warning") != 1 {
		t.Errorf("said %s", said.String())
	}
	unlock, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := errors.Join(s.save(), s.writeTables()); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(s.dir, study.MarkdownFile))
	if err != nil || !strings.Contains(string(page), strings.TrimPrefix(changed, "warning: ")) {
		t.Errorf("study.md (%v):\n%s", err, page)
	}
	opened, err := OpenStudy(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := opened.WriteTable(&table); err != nil || !strings.Contains(table.String(), changed) {
		t.Errorf("the table (%v):\n%s", err, table.String())
	}

	had("char-limit10-s2", "aaaaaaaaaaaa", "ffffffffffff")
	if w := planned(t, path).result().Warnings; len(w) != 1 || !strings.Contains(w[0], "the picture files have changed") {
		t.Errorf("other pictures: %q", w)
	}
}

// TestBrokenLedger: a study whose ledger can't be read is not begun anew, since it would forget what failed and what is queued; it hides
// no other study.
func TestBrokenLedger(t *testing.T) {
	path, results := planFolder(t)
	s := planned(t, path)
	unlock, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if _, err := study.Create(results, &study.Ledger{Name: "other", Hash: "0123456789abcdef"}); err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(s.dir, study.File)
	if err := os.WriteFile(ledger, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newSweep(t.Context(), path, nil, SweepOptions{}); err == nil || !strings.Contains(err.Error(), ledger) {
		t.Errorf("the study itself: error %v", err)
	}
	if _, err := newSweep(t.Context(), path, []string{"decoder.units=8"}, SweepOptions{}); err != nil {
		t.Errorf("a study of other cells: error %v", err)
	}
	all, err := Studies(results)
	if len(all) != 1 || all[0].Name != "other" || err == nil || !strings.Contains(err.Error(), ledger) {
		t.Errorf("studies %v, error %v", all, err)
	}
}

// TestLeftOutRuns: a run whose config was edited is no cell's, nor is one whose config can't be read, and both are named. A run of
// an earlier version, with a hash of other keys, is the cell that its config says.
func TestLeftOutRuns(t *testing.T) {
	path, results := planFolder(t)
	s := planned(t, path)
	rewrite := func(f *runfolder.Folder, change func(config string) string) {
		t.Helper()
		text, err := os.ReadFile(f.Path(runfolder.ResolvedFile))
		if err == nil {
			err = f.WriteFile(runfolder.ResolvedFile, []byte(change(string(text))))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	longer := func(text string) string { return strings.Replace(text, "\nepochs = 5\n", "\nepochs = 10\n", 1) }
	edited := fakeRun(t, results, s.cell(t, "epochs5-s1").config, runfolder.Done, 1)
	rewrite(edited, longer)
	open := fakeRun(t, results, s.cell(t, "epochs5-s1").config, runfolder.Interrupted, 1)
	rewrite(open, longer)
	unreadable := fakeRun(t, results, s.cell(t, "epochs20-s1").config, runfolder.Done, 1)
	rewrite(unreadable, func(text string) string { return text + "[other]\nkey = 1\n" })
	earlier := fakeRun(t, results, s.cell(t, "epochs10-s2").config, runfolder.Done, 1)
	rewrite(earlier, func(text string) string { return strings.Replace(text, "\nrecurrent_initializer = ", "\n# ", 1) })
	if err := earlier.Update(func(i *runfolder.Info) { i.ConfigHash = "0123456789abcdef" }); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	s = planned(t, path)
	s.options.Stderr = &said
	s.announce()
	for id, want := range map[string]string{"epochs10-s1": "go on after epoch 5", "epochs20-s1": "go on after epoch 10", "epochs10-s2": planDone} {
		if got := s.cell(t, id).plan; got != want {
			t.Errorf("cell %s: %s, want %s", id, got, want)
		}
	}
	for _, f := range []*runfolder.Folder{edited, open, unreadable} {
		if strings.Count(said.String(), filepath.Base(f.Dir)+" (") != 1 {
			t.Errorf("%s is not named once:\n%s", f.Dir, said.String())
		}
	}
	if !strings.Contains(said.String(), "warning: 3 runs count for no cell: ") || !strings.Contains(said.String(), "was edited after it began") {
		t.Errorf("said\n%s", said.String())
	}
}

// donated is a new run of the cell epochs10-s1 that has taken over the training of a run of epochs5-s1 on other data.
func donated(t *testing.T) (s *sweep, j *job, donor, f *runfolder.Folder) {
	t.Helper()
	path, results := planFolder(t)
	small := smallData(t)
	donor = fakeRun(t, results, planned(t, path, small...).cell(t, "epochs5-s1").config, runfolder.Done, 1)
	if err := donor.Update(func(i *runfolder.Info) { i.Hashes["data"] = "others" }); err != nil {
		t.Fatal(err)
	}
	s = planned(t, path, small...)
	j = s.cell(t, "epochs10-s1")
	s.vocabs[corpus(j.config)] = donor.Dir // which has lost its vocab.json
	dir, err := s.prepare(j)
	if err != nil {
		t.Fatal(err)
	}
	j.dir = dir
	f = &runfolder.Folder{Dir: dir}
	if info, err := f.Info(); err != nil || info.Continues != filepath.Base(donor.Dir) || info.Hashes["data"] != "others" || lastCheckpoint(dir) != lastCheckpoint(donor.Dir) {
		t.Fatalf("nothing was taken over: %+v, %v", info, err)
	}
	return s, j, donor, f
}

// cancels is called by the first message that has the text.
type cancels struct {
	strings.Builder
	text   string
	cancel context.CancelFunc
}

func (c *cancels) Write(p []byte) (int, error) {
	if strings.Contains(string(p), c.text) {
		c.cancel()
	}
	return c.Builder.Write(p)
}

// TestDonorOfOtherData: a cell that took over a training on other data gives it back and begins anew, and doesn't take it again.
func TestDonorOfOtherData(t *testing.T) {
	s, j, donor, f := donated(t)
	ctx, cancel := context.WithCancel(t.Context())
	said := &cancels{text: "which is " + filepath.Base(donor.Dir) + ", whose training it took over; it trains from zero", cancel: cancel}
	s.options.Stderr = said
	if err := s.resume(ctx, f.Dir, Options{}); !errors.Is(err, ErrInterrupted) || ctx.Err() == nil {
		t.Errorf("error %v, said %s", err, said.String())
	}
	info, err := f.Info()
	if err != nil || info.Continues != "" || len(info.Hashes) != 0 {
		t.Errorf("run.json continues %q with hashes %v (%v)", info.Continues, info.Hashes, err)
	}
	left, err := filepath.Glob(f.Path("[cmv]*"))
	if want := []string{f.Path(runfolder.ResolvedFile), f.Path(runfolder.ConfigFile)}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left of what it took over: %q (%v)", left, err)
	}

	if err := f.Update(func(i *runfolder.Info) { i.Hashes["data"] = "mine" }); err != nil { // it has read its data by now
		t.Fatal(err)
	}
	if _, err := s.prepare(j); err != nil || lastCheckpoint(f.Dir) != "" {
		t.Errorf("it took the training over again, error %v", err)
	}
}

// TestOwnTrainingStays: a run that has trained since it took over a training loses nothing when its data have changed.
func TestOwnTrainingStays(t *testing.T) {
	s, _, _, f := donated(t)
	fakeCheckpoint(t, f, "step-00000060-epoch-0006")
	if err := s.resume(t.Context(), f.Dir, Options{}); !errors.Is(err, errNotAsBegun) {
		t.Errorf("error %v", err)
	}
	if lastCheckpoint(f.Dir) != "step-00000060-epoch-0006" {
		t.Error("its checkpoint is gone")
	}
}

// TestFailedCopyIsRemoved: what could be copied of a donor's checkpoints doesn't stay where the rest could not.
func TestFailedCopyIsRemoved(t *testing.T) {
	path, results := planFolder(t)
	donor := fakeRun(t, results, planned(t, path).cell(t, "epochs5-s1").config, runfolder.Done, 1)
	if err := syscall.Mkfifo(donor.Path(checkpointsDir, "zz"), 0o644); err != nil { // after the others, and no file to copy
		t.Fatal(err)
	}
	s := planned(t, path)
	dir, err := s.prepare(s.cell(t, "epochs10-s1"))
	if err == nil || !strings.Contains(err.Error(), donor.Dir) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".tmp", checkpointsDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
}

// TestTakenMeanwhile: a run that another process takes just before this one would go on with it is that one's, and nothing has failed.
func TestTakenMeanwhile(t *testing.T) {
	path, _ := planFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	var heard []string
	s, err := Sweep(ctx, path, smallData(t), SweepOptions{Cell: func(c StudyCell) {
		heard = append(heard, c.ID+" "+c.Status)
		if len(heard) > 1 {
			cancel()
			return
		}
		unlock, err := (&runfolder.Folder{Dir: c.Dir}).Lock()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(unlock)
	}})
	if !errors.Is(err, ErrInterrupted) || !slices.Equal(heard, []string{"epochs5-s1 running", "epochs5-s1 pending"}) {
		t.Fatalf("heard %q, error %v", heard, err)
	}
	if c := s.Cells[2]; c.Plan != planBusy || c.Status != "pending" || !strings.HasPrefix(c.Error, planBusy) {
		t.Errorf("the cell is %+v", c)
	}
}

// TestNothingFailed: --retry-failed, which the command names by FailedCells, helps only where a cell has failed.
func TestNothingFailed(t *testing.T) {
	s := &Study{Cells: []StudyCell{{ID: "a", Status: "done"}, {ID: "b", Status: "pending", Error: planBusy}, {ID: "c", Status: "interrupted", Error: "cancelled"}}}
	var failed *FailedCells
	err := s.failure("", nil)
	if err == nil || errors.As(err, &failed) || err.Error() != "2 of 3 cells are not done\n  b: "+planBusy+"\n  c: cancelled\nthe same command goes on" {
		t.Errorf("error %v", err)
	}
	s.Cells[2].Status = "failed"
	if err := s.failure("", nil); !errors.As(err, &failed) || len(failed.Cells) != 2 {
		t.Errorf("error %v", err)
	}
	s.Cells = s.Cells[:1]
	if err := s.failure("", nil); err != nil {
		t.Errorf("error %v", err)
	}
}
