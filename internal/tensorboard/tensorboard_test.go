package tensorboard_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/captionlab/captionlab/internal/tensorboard"
	"github.com/captionlab/captionlab/internal/tensorboard/eventtest"
)

var at = time.UnixMicro(1767268800250000)

// onePixel is a PNG.
const onePixel = "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001481f0a5a0000000049454e44ae426082"

// TestSameBytesAsTensorBoard: testdata/reference.py made the same events with TensorBoard's protocol buffers, its plugins'
// summaries and its writer of records.
func TestSameBytesAsTensorBoard(t *testing.T) {
	want, err := os.ReadFile("testdata/reference.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	png, err := hex.DecodeString(onePixel)
	if err != nil {
		t.Fatal(err)
	}
	params := []tensorboard.HParam{{Name: "decoder.units", Value: 256., Differs: true}, {Name: "text.lowercase", Value: false}, {Name: "text.tokenizer", Value: "wörter"}}
	metrics := []tensorboard.Metric{{Tag: "results/validation_cider", Name: "validation_cider", Validation: true}, {Tag: "results/best_epoch", Name: "best_epoch"}}
	got, err := tensorboard.Bytes(at, func(w *tensorboard.Writer) error {
		for _, write := range []func() error{
			func() error { return w.Purge(at, 7) },
			func() error {
				return w.Write(at, 0, tensorboard.Experiment("why", at, params, metrics), tensorboard.SessionStart(params, at))
			},
			func() error {
				return w.Write(at, 7, tensorboard.Scalar("train/loss", 1./3), tensorboard.Scalar("empty", 0))
			},
			func() error {
				return w.Write(at, 8, tensorboard.Text("config", "*emoji* 🎉"),
					tensorboard.Image(tensorboard.Picture{Tag: "pictures/a.png", Title: "a caption", Description: "- a reference", Encoded: png, Width: 1, Height: 1}),
					tensorboard.SessionEnd(at))
			},
		} {
			if err := write(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := eventtest.Records(want)
	if err != nil {
		t.Fatal(err)
	}
	b, err := eventtest.Records(got)
	if err != nil {
		t.Fatal(err)
	}
	for n := range max(len(a), len(b)) {
		if n >= len(a) || n >= len(b) || !bytes.Equal(a[n], b[n]) {
			t.Errorf("event %d of %d and %d:\n%q\nwant\n%q", n, len(b), len(a), at0(b, n), at0(a, n))
		}
	}
	if !t.Failed() && !bytes.Equal(got, want) {
		t.Error("the same events, framed otherwise")
	}
}

func at0(records [][]byte, n int) []byte {
	if n < len(records) {
		return records[n]
	}
	return nil
}

// TestFilesOfARunThatGoesOn: each part has a file of its own, whose name sorts after the earlier ones whatever the clock
// says, and a purge drops the steps that are done again.
func TestFilesOfARunThatGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tensorboard")
	for part, p := range []struct {
		at          time.Time
		first, last int
	}{{at, 1, 5}, {at, 4, 6}, {at.Add(-time.Hour), 6, 7}} {
		f, earlier, err := tensorboard.Append(dir, p.at)
		if err != nil {
			t.Fatal(err)
		}
		if earlier != (part > 0) {
			t.Errorf("part %d: earlier is %v", part, earlier)
		}
		if err := f.Purge(p.at, p.first); err != nil {
			t.Fatal(err)
		}
		for step := p.first; step <= p.last; step++ {
			if err := f.Write(p.at, step, tensorboard.Scalar("x", float64(10*part+step))); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if part == 0 { // as a kill leaves it: the record of step 5 is torn
			paths, _ := filepath.Glob(filepath.Join(dir, "*"))
			stat, err := os.Stat(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(paths[0], stat.Size()-3); err != nil {
				t.Fatal(err)
			}
		}
	}
	events := eventtest.Read(t, dir)
	if got, want := fmt.Sprint(eventtest.Kept(events)["x"]), "[{1 1} {2 2} {3 3} {4 14} {5 15} {6 26} {7 27}]"; got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
	var files []string
	for _, e := range events {
		if !slices.Contains(files, e.File) {
			files = append(files, e.File)
		}
	}
	if want := []string{"events.out.tfevents.1767268800.0000.captionlab", "events.out.tfevents.1767268800.0001.captionlab",
		"events.out.tfevents.1767268800.0002.captionlab"}; !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	if err := tensorboard.Remove(dir, ".0001.captionlab"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("%q after the removal of one of three", left)
	}
}

// TestNextName: files of other programs, whose names have a host, count by their second.
func TestNextName(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "events.out.tfevents.1999999999.host.17.0"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	name, err := tensorboard.NextName(dir, at)
	if want := "events.out.tfevents.1999999999.0001.captionlab"; err != nil || name != want {
		t.Errorf("%s, %v; want %s", name, err, want)
	}
	if name, err := tensorboard.NextName(filepath.Join(dir, "none"), at); err != nil || name != "events.out.tfevents.1767268800.0000.captionlab" {
		t.Errorf("%s, %v in a folder that is not there", name, err)
	}
}

// TestRecordsNotice: the reader of the tests sees a flipped bit in length and data.
func TestRecordsNotice(t *testing.T) {
	file, err := tensorboard.Bytes(at, func(w *tensorboard.Writer) error { return w.Write(at, 1, tensorboard.Scalar("x", 1)) })
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 9, 15, len(file) - 1} {
		bad := bytes.Clone(file)
		bad[n] ^= 1
		if _, err := eventtest.Records(bad); err == nil {
			t.Errorf("byte %d flipped, and nobody minds", n)
		}
	}
}

// TestNotUTF8: what is not UTF-8 can't be in a string of protocol buffers; it is replaced.
func TestNotUTF8(t *testing.T) {
	dir := t.TempDir()
	f, _, err := tensorboard.Append(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Write(at, 1, tensorboard.Scalar("a\xffb", 1), tensorboard.Text("t", "\xfe")); err != nil {
		t.Fatal(err)
	}
	if v := eventtest.Read(t, dir)[1].Values; v[0].Tag != "a\uFFFDb" || v[1].Strings[0] != "\uFFFD" {
		t.Errorf("%+v", v)
	}
}
