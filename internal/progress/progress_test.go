package progress

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens anew")

// clock is a time that moves when the test says so.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock                { return &clock{time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)} }
func steps(b *Bar, c *clock, n int, every time.Duration, each int64) {
	for range n {
		c.pass(every)
		b.Add(each)
	}
}

func TestPlainLines(t *testing.T) {
	tests := map[string]struct {
		reason string
		show   func(w *bytes.Buffer, c *clock)
	}{
		"steady": {"a line every ten seconds, however many steps; the time left follows from the rate", func(w *bytes.Buffer, c *clock) {
			b := newBar(w, "encoding pictures", "images", 200, c.now)
			steps(b, c, 100, 250*time.Millisecond, 2)
			b.Finish()
			b.Finish() // says nothing more
			b.Add(1)
		}},
		"warmup": {"a slow first step (compilation) leaves the shown rate after half a minute", func(w *bytes.Buffer, c *clock) {
			b := newBar(w, "training", "steps", 1000, c.now)
			steps(b, c, 1, 30*time.Second, 1)
			steps(b, c, 160, 250*time.Millisecond, 1)
			b.Note("loss 1.234")
			steps(b, c, 839, 250*time.Millisecond, 1)
			b.Finish()
		}},
		"resumed": {"what an earlier run did counts as done, not as speed", func(w *bytes.Buffer, c *clock) {
			b := newBar(w, "training", "steps", 100, c.now)
			b.Skip(60)
			steps(b, c, 40, time.Second, 1)
			b.Finish()
		}},
		"bytes": {"bytes are shown in kB and MB", func(w *bytes.Buffer, c *clock) {
			b := newBar(w, "reading", "B", 61_000_000, c.now)
			steps(b, c, 12, time.Second, 5_000_000)
			b.Finish()
		}},
		"unknown": {"no total: no time left", func(w *bytes.Buffer, c *clock) {
			b := newBar(w, "reading", "records", 0, c.now)
			steps(b, c, 3, 10*time.Second, 1)
			b.Finish()
		}},
		"stopped": {"a job that is cut short says how far it came", func(w *bytes.Buffer, c *clock) {
			b := newBar(w, "training", "steps", 7200, c.now)
			steps(b, c, 2, 10*time.Second, 1)
			b.Finish()
		}},
		"empty": {"nothing to do: nothing to say", func(w *bytes.Buffer, c *clock) {
			newBar(w, "encoding", "images", 0, c.now).Finish()
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			test.show(&got, newClock())
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

// On a terminal each drawing starts over at the left edge, never wraps, and the last one gives way to a plain line.
func TestTerminal(t *testing.T) {
	const width = 60
	var got bytes.Buffer
	c := newClock()
	b := newBar(&got, "training, epoch 1/20", "steps", 100, c.now)
	b.width = func() int { return width }
	b.draw(100)
	for range 100 {
		c.pass(200 * time.Millisecond)
		b.Note("loss 1.234 and a long text that a narrow terminal has no room for")
		b.Add(1)
	}
	b.Finish()
	drawings := strings.Split(got.String(), "\r")
	if len(drawings) < 3 {
		t.Fatalf("%d drawings: %q", len(drawings), got.String())
	}
	for _, d := range drawings[:len(drawings)-1] {
		if n := utf8.RuneCountInString(d); n > width {
			t.Errorf("a drawing of %d columns wraps at %d: %q", n, width, d)
		}
	}
	last := drawings[len(drawings)-1]
	if !strings.Contains(last, "training, epoch 1/20: 100/100 steps in 20s, 5.0 steps/s, loss 1.234") || !strings.HasSuffix(last, "\n") {
		t.Errorf("last line %q", last)
	}
}

func TestSilent(t *testing.T) {
	b := New(nil, "x", "y", 1)
	b.Add(1)
	b.Skip(1)
	b.Note("z")
	b.Finish()
	if b != nil {
		t.Error("a bar without a writer is not nil")
	}
}

func TestConcurrentAdds(t *testing.T) {
	var w bytes.Buffer
	b := New(&w, "encoding", "images", 800)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				b.Add(1)
				b.Note("n")
			}
		})
	}
	all.Wait()
	b.Finish()
	if !strings.HasPrefix(w.String(), "encoding: 800/800 images in ") {
		t.Errorf("got %q", w.String())
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond:                "0.4s",
		59*time.Second + 600*time.Millisecond: "1m00s", // not "60s"
		12 * time.Second:                      "12s",
		time.Minute - time.Millisecond:        "1m00s",
		190 * time.Second:                     "3m10s",
		time.Hour - time.Millisecond:          "1h00m",
		125 * time.Minute:                     "2h05m",
		9990 * time.Millisecond:               "10s", // not "10.0s"
	} {
		if got := duration(d); got != want {
			t.Errorf("duration(%v) = %q, want %q", d, got, want)
		}
	}
}
