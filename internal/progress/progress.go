// Package progress shows how far a long job is: a bar on a terminal, a plain line every ten seconds elsewhere.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	lineEvery   = 10 * time.Second       // plain lines
	drawEvery   = 150 * time.Millisecond // the bar
	sampleEvery = 500 * time.Millisecond
	rateWindow  = 30 * time.Second // the shown rate is that of the last half minute: compilation doesn't spoil it
)

// Bar shows one job's progress. Its methods may be called from several goroutines; on a nil *Bar they do nothing.
type Bar struct {
	mu          sync.Mutex
	w           io.Writer
	label, unit string
	total       int64 // 0: unknown
	note        string
	now         func() time.Time

	done, skipped int64
	started, last time.Time
	samples       []sample
	finished      bool

	drawn *progressbar.ProgressBar // nil: plain lines
	width func() int               // of the terminal
}

type sample struct {
	at   time.Time
	done int64
}

// New starts a bar over total units of work, for example "images"; total 0 is unknown. The unit "B" shows bytes in
// kB and MB. A nil w is silent.
func New(w io.Writer, label, unit string, total int64) *Bar {
	if w == nil {
		return nil
	}
	b := newBar(w, label, unit, total, time.Now)
	if file, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(file.Fd())) {
		b.width = func() int {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 80
			}
			return width
		}
		b.draw(max(total, 1))
	}
	return b
}

func newBar(w io.Writer, label, unit string, total int64, now func() time.Time) *Bar {
	at := now()
	return &Bar{w: w, label: label, unit: unit, total: total, now: now, started: at, last: at, samples: []sample{{at: at}}}
}

// theme has blocks that all fonts have; the library's own Unicode theme is of private-use characters of some.
var theme = progressbar.Theme{Saucer: "█", SaucerPadding: "░"}

func (b *Bar) draw(total int64) {
	b.drawn = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetWidth(16),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionSetTheme(theme),
	)
}

// Add counts n more units as done.
func (b *Bar) Add(n int64) { b.add(n, 0) }

// Skip counts n units that an earlier run had done: they count as done, but not for the rate.
func (b *Bar) Skip(n int64) { b.add(n, n) }

func (b *Bar) add(n, skipped int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	b.skipped += skipped
	if skipped != 0 {
		for i := range b.samples {
			b.samples[i].done += skipped
		}
	}
	b.show()
}

// Note sets a short text that stands at the end of the line, for example "loss 1.234".
func (b *Bar) Note(s string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note = s
}

// Finish ends the bar with a line that says what was done in what time. Only the first call counts.
func (b *Bar) Finish() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.finished {
		return
	}
	b.finished = true
	if b.drawn != nil {
		_ = b.drawn.Clear()
	}
	if b.done == 0 && b.total <= 0 {
		return
	}
	elapsed := b.now().Sub(b.started)
	line := fmt.Sprintf("%s: %s in %s", b.label, b.progress(), duration(elapsed))
	if rate := float64(b.done-b.skipped) / elapsed.Seconds(); elapsed > 0 && rate > 0 {
		line += ", " + b.speed(rate)
	}
	fmt.Fprintln(b.w, line+b.tail())
}

// show draws the bar or writes a line, where it is time to. The caller holds the lock.
func (b *Bar) show() {
	if b.finished {
		return
	}
	now := b.now()
	if now.Sub(b.samples[len(b.samples)-1].at) >= sampleEvery {
		b.samples = append(b.samples, sample{now, b.done})
		for len(b.samples) > 2 && now.Sub(b.samples[1].at) >= rateWindow {
			b.samples = b.samples[1:]
		}
	}
	every := lineEvery
	if b.drawn != nil {
		every = drawEvery
	}
	if now.Sub(b.last) < every || b.drawn == nil && b.total > 0 && b.done >= b.total { // the last line is Finish's
		return
	}
	b.last = now
	if b.drawn == nil {
		fmt.Fprintln(b.w, b.line(now))
		return
	}
	const bar = 26 // percent, bar and spaces before the text
	b.drawn.Describe(shorten(b.line(now), b.width()-bar-1))
	if b.total > 0 {
		_ = b.drawn.Set64(min(b.done, b.total-1)) // at 100% the bar would end its line
	}
}

// line is the text of a bar on its way.
func (b *Bar) line(now time.Time) string {
	line := b.label + ": " + b.progress()
	from := b.samples[0]
	rate := float64(b.done-from.done) / now.Sub(from.at).Seconds()
	if now.After(from.at) && rate > 0 {
		line += ", " + b.speed(rate)
		if b.total > b.done {
			line += ", " + duration(time.Duration(float64(b.total-b.done)/rate*float64(time.Second))) + " left"
		}
	}
	return line + b.tail()
}

func (b *Bar) tail() string {
	if b.note == "" {
		return ""
	}
	return ", " + b.note
}
