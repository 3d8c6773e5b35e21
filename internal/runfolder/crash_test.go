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
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTornLineIsRepaired(t *testing.T) {
	whole := create(t)
	for n := 1; n <= 3; n++ {
		if err := whole.AppendEpoch(Epoch{Epoch: n, Step: 10 * n, TrainLoss: 1 / float64(n)}); err != nil {
			t.Fatal(err)
		}
	}
	want := read(t, whole.Path(MetricsFile))
	third := strings.LastIndex(strings.TrimSuffix(want, "\n"), "\n") + 1
	for cut := third; cut < len(want); cut++ { // a crash may end the file after any byte of the third line
		f := create(t)
		torn := want[:cut]
		if err := os.WriteFile(f.Path(MetricsFile), []byte(torn), 0o644); err != nil {
			t.Fatal(err)
		}
		epochs, err := f.Epochs()
		if err != nil || len(epochs) != 2 {
			t.Fatalf("cut at %d: reads %d epochs (%v), want 2", cut, len(epochs), err)
		}
		if got := read(t, f.Path(MetricsFile)); got != torn {
			t.Fatalf("cut at %d: reading changed the file, which a run in progress may be writing", cut)
		}
		if err := f.AppendEpoch(Epoch{Epoch: 3, Step: 30, TrainLoss: 1 / 3.0}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, f.Path(MetricsFile)); got != want {
			t.Fatalf("cut at %d: after the repair\n%s\nwant\n%s", cut, got, want)
		}
	}
}

func TestLockRepairs(t *testing.T) {
	f := create(t)
	unlock, _ := f.Lock()
	unlock()
	if err := os.WriteFile(f.Path(MetricsFile), []byte(`{"epoch":1}`+"\n"+`{"epo`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile(tempDir+"/.report.html123", []byte("half")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lock(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f.Path(MetricsFile)); got != `{"epoch":1}`+"\n" {
		t.Errorf("metrics.jsonl holds %q", got)
	}
	if _, err := os.Stat(f.Path(tempDir)); err == nil {
		t.Error("temporary files of a killed run are still there")
	}
}

func TestBrokenMetricsAreNamed(t *testing.T) {
	f := create(t)
	if err := os.WriteFile(f.Path(MetricsFile), []byte("{\"epoch\":1}\nnot json\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Epochs(); err == nil || !strings.Contains(err.Error(), MetricsFile+":2:") {
		t.Errorf("got %v, want the file and line 2", err)
	}
}

func TestEpochIsWrittenOnce(t *testing.T) {
	f := create(t)
	for _, e := range []Epoch{{Epoch: 1, Seconds: 10}, {Epoch: 2, Seconds: 11}, {Epoch: 2, Seconds: 99}, {Epoch: 1, Seconds: 99}} {
		if err := f.AppendEpoch(e); err != nil {
			t.Fatal(err)
		}
	}
	epochs, err := f.Epochs()
	if err != nil || len(epochs) != 2 || epochs[0].Seconds != 10 || epochs[1].Seconds != 11 {
		t.Errorf("history is %+v (%v)", epochs, err)
	}
}

// TestMeanIsNoEpoch: the row of a mean of weights is in metrics.jsonl, written once, and neither among the epochs nor in the
// CSV; a run that takes over the training has it, too, until an epoch follows.
func TestMeanIsNoEpoch(t *testing.T) {
	f := create(t)
	if _, found, err := f.Mean(); found || err != nil {
		t.Errorf("a run without epochs has a mean (error %v)", err)
	}
	mean := Epoch{Epoch: 2, MeanOf: 2, ValidationLoss: 0.5, TrainLoss: math.NaN(), Best: true}
	for _, e := range []Epoch{{Epoch: 1}, {Epoch: 2, ValidationLoss: 1}, mean, mean} {
		if err := f.AppendEpoch(e); err != nil {
			t.Fatal(err)
		}
	}
	epochs, err := f.Epochs()
	if err != nil || len(epochs) != 2 || epochs[1].ValidationLoss != 1 {
		t.Errorf("the epochs are %+v (%v)", epochs, err)
	}
	got, found, err := f.Mean()
	if err != nil || !found || got.MeanOf != 2 || got.ValidationLoss != 0.5 || !got.Best || !math.IsNaN(got.TrainLoss) {
		t.Errorf("the mean is %+v, found %v (%v)", got, found, err)
	}
	if lines := strings.Count(read(t, f.Path(MetricsFile)), "\n"); lines != 3 {
		t.Errorf("metrics.jsonl has %d lines, want 3", lines)
	}
	if lines := strings.Count(read(t, f.Path(MetricsCSV)), "\n"); lines != 3 {
		t.Errorf("metrics.csv has %d lines, want the header and 2", lines)
	}
	other := create(t)
	if err := other.CopyEpochs(f); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{MetricsFile, MetricsCSV} {
		if read(t, other.Path(name)) != read(t, f.Path(name)) {
			t.Errorf("%s of a run that shares the training is\n%s, want\n%s", name, read(t, other.Path(name)), read(t, f.Path(name)))
		}
	}
	shorter := create(t)
	if err := errors.Join(shorter.CopyEpochs(f), shorter.ForgetMean(), shorter.ForgetMean()); err != nil {
		t.Fatal(err)
	}
	if _, found, err := shorter.Mean(); found || err != nil || strings.Count(read(t, shorter.Path(MetricsFile)), "\n") != 2 {
		t.Errorf("a longer training has the shorter one's mean (%v), in\n%s", err, read(t, shorter.Path(MetricsFile)))
	}
	if err := other.AppendEpoch(Epoch{Epoch: 3}); err != nil {
		t.Fatal(err)
	}
	if mean, found, err := other.Mean(); found || err != nil {
		t.Errorf("a longer training has the shorter one's mean %+v (%v)", mean, err)
	}
	mean.Epoch = 3
	if err := other.AppendEpoch(mean); err != nil {
		t.Fatal(err)
	}
	further := create(t)
	if err := further.CopyEpochs(other); err != nil {
		t.Fatal(err)
	}
	if got, found, err := further.Mean(); !found || got.Epoch != 3 || err != nil || strings.Count(read(t, further.Path(MetricsFile)), "\n") != 4 {
		t.Errorf("the mean of the longer training is %+v, found %v (%v), in\n%s", got, found, err, read(t, further.Path(MetricsFile)))
	}
}

// TestMetricsFiles: the CSV has the names and figures of the JSON lines; a diverged epoch is null and empty.
func TestMetricsFiles(t *testing.T) {
	f := create(t)
	first := Epoch{1, 80, 1.25, 0.5, math.NaN(), math.Inf(1), 1.5, 42.5, 0.001, 12.5, 12.5, 320, true, 0.75, false, 0}
	if err := f.AppendEpoch(first); err != nil {
		t.Fatal(err)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(read(t, f.Path(MetricsFile))), &line); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(read(t, f.Path(MetricsCSV)))).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatalf("metrics.csv has %d rows (%v), want 2", len(records), err)
	}
	if len(records[0]) != len(line) {
		t.Errorf("%d columns, %d names in metrics.jsonl", len(records[0]), len(line))
	}
	for n, name := range records[0] {
		value, ok := line[name]
		if !ok {
			t.Errorf("column %s is not in metrics.jsonl", name)
			continue
		}
		want := fmt.Sprint(value)
		if value == nil {
			want = ""
		}
		if records[1][n] != want {
			t.Errorf("%s is %q in metrics.csv, %v in metrics.jsonl", name, records[1][n], value)
		}
	}
	if bits := line["validation_bits_per_character"]; bits != 1.5/math.Ln2 { // the figures that compare tokenizers
		t.Errorf("%v bits for 1.5 nats a character", bits)
	}
	var old Epoch
	if err := old.UnmarshalJSON([]byte(`{"epoch":1,"validation_nats_per_character":1.5}`)); err != nil || !math.IsNaN(old.ValidationNatsPerCaption) {
		t.Errorf("a row without nats a caption has %v (error %v)", old.ValidationNatsPerCaption, err)
	}
	epochs, err := f.Epochs()
	if err != nil || !math.IsNaN(epochs[0].ValidationLoss) || epochs[0].TrainLoss != 1.25 || epochs[0].ValidationNatsPerCaption != 42.5 || !epochs[0].Best {
		t.Errorf("read back as %+v (%v)", epochs, err)
	}
}

// TestReadersSeeWholeFiles: while a file is rewritten, whoever opens it sees the old or the new one.
func TestReadersSeeWholeFiles(t *testing.T) {
	f := create(t)
	content := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n%26)}, 200_000) }
	if err := f.WriteFile("sub/file", content(0)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		for n := range 40 {
			if err := f.WriteFile("sub/file", content(n)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		data := read(t, f.Path("sub", "file"))
		if len(data) != 200_000 || strings.Trim(data, data[:1]) != "" {
			t.Fatal("a file that is neither the old one nor the new one")
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(f.Path("sub", "*")); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
			return
		default:
		}
	}
}

// TestKill kills a process that writes a run, at twenty different moments, and opens what it left.
func TestKill(t *testing.T) {
	results := t.TempDir()
	if dir := os.Getenv("CAPTIONLAB_TEST_WRITE_IN"); dir != "" {
		writeForever(dir)
		return
	}
	for n := range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "CAPTIONLAB_TEST_WRITE_IN="+results)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		dir := make([]byte, 4096)
		size, err := out.Read(dir) // the child says where it writes
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(n) * 1700 * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		checkKilled(t, strings.TrimSpace(string(dir[:size])))
	}
}

func writeForever(results string) {
	f, err := Create(results, "killed", testHash, nil, nil)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(f.Dir)
	for n := 1; ; n++ {
		f.AppendEpoch(Epoch{Epoch: n, Step: n})
		f.Update(func(i *Info) { i.Results["epoch"] = float64(n) })
		f.WriteFile("report.html", bytes.Repeat([]byte("x"), 100_000))
	}
}

func checkKilled(t *testing.T, dir string) {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := f.Info(); err != nil || i.Status != Failed || i.Error != Killed {
		t.Errorf("a killed run reads as %s %q (%v)", i.Status, i.Error, err)
	}
	if _, err := f.Lock(); err != nil {
		t.Fatalf("a killed run can't be gone on with: %v", err)
	}
	epochs, err := f.Epochs()
	if err != nil {
		t.Fatal(err)
	}
	for n, e := range epochs {
		if e.Epoch != n+1 || e.Step != n+1 {
			t.Errorf("line %d holds epoch %d", n+1, e.Epoch)
		}
	}
	if page, err := os.ReadFile(f.Path("report.html")); err == nil && len(page) != 100_000 {
		t.Errorf("report.html has %d of 100000 bytes", len(page))
	}
	if err := f.AppendEpoch(Epoch{Epoch: len(epochs) + 1}); err != nil {
		t.Error(err)
	}
	entries, _ := os.ReadDir(dir)
	known := []string{lockFile, tempDir, ConfigFile, ResolvedFile, InfoFile, MetricsFile, MetricsCSV, "report.html"}
	for _, e := range entries {
		if !slices.Contains(known, e.Name()) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

// TestSelectionMetric: a metric of 0 is a figure, that of a run whose loss selects is none.
func TestSelectionMetric(t *testing.T) {
	f := create(t)
	for n, x := range []float64{0, 0.25, math.NaN()} {
		if err := f.AppendEpoch(Epoch{Epoch: n + 1, SelectionMetric: x}); err != nil {
			t.Fatal(err)
		}
	}
	epochs, err := f.Epochs()
	if err != nil || len(epochs) != 3 || epochs[0].SelectionMetric != 0 || epochs[1].SelectionMetric != 0.25 || !math.IsNaN(epochs[2].SelectionMetric) {
		t.Errorf("the epochs are %+v (%v)", epochs, err)
	}
	if last := strings.Split(read(t, f.Path(MetricsFile)), "\n")[2]; strings.Contains(last, "selection_metric") {
		t.Errorf("without a metric: %s", last)
	}
	for n, line := range strings.Split(strings.TrimSpace(read(t, f.Path(MetricsCSV))), "\n")[1:] {
		if want := []string{",0", ",0.25", ","}[n]; !strings.HasSuffix(line, want) {
			t.Errorf("epoch %d in metrics.csv: %s, want the end %s", n+1, line, want)
		}
	}
}

// TestSplit: what was written is read; none is fs.ErrNotExist.
func TestSplit(t *testing.T) {
	f := create(t)
	if _, err := f.ReadSplit(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no split.json: %v", err)
	}
	want := Split{Hash: "x", Splits: map[string][]string{"train": {"b", "a"}}}
	if err := f.WriteJSON(SplitFile, want); err != nil {
		t.Fatal(err)
	}
	if got, err := f.ReadSplit(); err != nil || got.Hash != want.Hash || !slices.Equal(got.Splits["train"], want.Splits["train"]) {
		t.Errorf("split %+v (%v)", got, err)
	}
	if err := f.WriteFile(SplitFile, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadSplit(); err == nil || !strings.Contains(err.Error(), f.Path(SplitFile)) {
		t.Errorf("half a split.json: %v", err)
	}
}
