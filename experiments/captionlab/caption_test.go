package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// A picture that looks like an override is a picture; an override that isn't taken is a wrong command line.
func TestCaptionOverrides(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("run", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"my.photo=1.jpg": "", "run/run.json": `{"name": "x"}`, "run/config.resolved.toml": ""} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pictures, overrides := apart([]string{"my.photo=1.jpg", "decoding.method=beam", "other.jpg"})
	if !slices.Equal(pictures, []string{"my.photo=1.jpg", "other.jpg"}) || !slices.Equal(overrides, []string{"decoding.method=beam"}) {
		t.Errorf("pictures %q, overrides %q", pictures, overrides)
	}
	for _, test := range []struct {
		override, want string
		code           int
	}{
		{"decoding.method=greedy", "the run has no vocabulary yet", 1}, // the run is asked, of the picture
		{"training.epochs=5", "training.epochs=5: the run's model is as it is", 2},
	} {
		var stdout, stderr bytes.Buffer
		code := execute(context.Background(), []string{"caption", "run", "my.photo=1.jpg", test.override}, &stdout, &stderr)
		if code != test.code || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s: exit code %d, stderr %q, want %d and %q", test.override, code, stderr.String(), test.code, test.want)
		}
	}
}

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
