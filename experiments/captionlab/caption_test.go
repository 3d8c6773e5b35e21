package main

import "testing"

// A line of `captionlab caption` stays one line with two columns, whatever the picture's path.
func TestOnOneLine(t *testing.T) {
	for path, want := range map[string]string{
		"photos/à la 🐕.jpg":  "photos/à la 🐕.jpg",
		`a "quoted" \ b.jpg`: `a "quoted" \ b.jpg`,
		"a\tb.jpg":           `"a\tb.jpg"`,
		"a\nb.jpg":           `"a\nb.jpg"`,
		"a\x1b[31m.jpg":      `"a\x1b[31m.jpg"`,
	} {
		if got := onOneLine(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}
