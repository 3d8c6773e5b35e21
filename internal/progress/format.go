package progress

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// progress is "120/6000 images", or "120 images" where the total is unknown.
func (b *Bar) progress() string {
	if b.unit == "B" {
		if b.total > 0 {
			return human(b.done) + " of " + human(b.total)
		}
		return human(b.done)
	}
	if b.total > 0 {
		return fmt.Sprintf("%d/%d %s", b.done, b.total, b.unit)
	}
	return fmt.Sprintf("%d %s", b.done, b.unit)
}

func (b *Bar) speed(rate float64) string {
	switch {
	case b.unit == "B":
		return human(int64(rate)) + "/s"
	case rate >= 10:
		return fmt.Sprintf("%.0f %s/s", rate, b.unit)
	case rate >= 1:
		return fmt.Sprintf("%.1f %s/s", rate, b.unit)
	}
	return fmt.Sprintf("%.2g %s/s", rate, b.unit)
}

func human(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// duration is a time as people say it: 0.4s, 12s, 3m10s, 2h5m.
func duration(d time.Duration) string {
	if tenths := d.Round(100 * time.Millisecond); tenths < 10*time.Second {
		return fmt.Sprintf("%.1fs", tenths.Seconds())
	}
	if d = d.Round(time.Second); d < time.Minute {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	if d < time.Hour {
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// shorten cuts a text to a width; a bar that wraps draws over itself.
func shorten(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string(runes[:width-1]) + "…"
}
