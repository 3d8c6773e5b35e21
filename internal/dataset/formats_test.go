package dataset

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the expected results in testdata anew")

// unpack writes an archive's files below a new folder. Those that are named like pictures become small ones, each
// different from the others. It gives the folder, the settings and what is expected.
func unpack(t *testing.T, archive *txtar.Archive) (root string, s Settings, want string) {
	t.Helper()
	root = t.TempDir()
	s = Settings{Split: "ratio", Ratio: []float64{1, 0}, Language: "en", Restval: "train"}
	given := false
	for n, file := range archive.Files {
		path := filepath.Join(root, filepath.FromSlash(file.Name))
		switch {
		case file.Name == "settings":
			if _, err := toml.Decode(string(file.Data), &s); err != nil {
				t.Fatal(err)
			}
			given = s.Root != ""
			continue
		case file.Name == "want":
			want = string(file.Data)
			continue
		case strings.HasSuffix(file.Name, "/"):
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		case IsPicture(file.Name) && len(file.Data) == 0:
			file.Data = smallPicture(t, n)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s.Root = filepath.Join(root, s.Root); !given {
		s.Root = root
	}
	return root, s, want
}

func smallPicture(t *testing.T, seed int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	for n := range img.Pix {
		img.Pix[n] = byte(n * (seed + 1) * 37)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// described is a data set as text.
func described(d *Dataset, root string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "format %s\n", d.Name)
	for _, split := range splitNames {
		for _, n := range d.Splits[split] {
			e := d.Examples[n]
			where, err := filepath.Rel(root, e.Path)
			if err != nil {
				where = e.Path
			}
			fmt.Fprintf(&b, "%s %s at %s\n", split, e.ID, filepath.ToSlash(where))
			for _, c := range e.Captions {
				fmt.Fprintf(&b, "  %q %s\n", c.Raw, c.Source)
			}
		}
	}
	for _, p := range d.Problems {
		fmt.Fprintf(&b, "problem %s\n", p)
	}
	return b.String()
}

// TestFormats loads the data sets of testdata/formats: every format with what copies of it have wrong.
func TestFormats(t *testing.T) {
	covered := map[string]bool{"emojigram": true} // which has tests of its own
	eachArchive(t, "testdata/formats", func(t *testing.T, root string, s Settings) string {
		if err := Present(s); err != nil {
			t.Errorf("Present: %v", err)
		}
		d, err := Load(context.Background(), s, plain, "grapheme", t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		covered[d.Name] = true
		return described(d, root)
	})
	for _, name := range formatNames() {
		if !covered[name] {
			t.Errorf("no archive of testdata/formats is %s", name)
		}
	}
}

// TestBroken: what can't be used at all gives one error that says so.
func TestBroken(t *testing.T) {
	eachArchive(t, "testdata/broken", func(t *testing.T, root string, s Settings) string {
		d, err := Load(context.Background(), s, plain, "grapheme", t.TempDir(), nil)
		if err == nil {
			t.Fatalf("it loaded:\n%s", described(d, root))
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("the error has several lines")
		}
		return strings.ReplaceAll(err.Error(), root, "ROOT") + "\n"
	})
}

func eachArchive(t *testing.T, folder string, result func(t *testing.T, root string, s Settings) string) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatal(folder, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			root, s, want := unpack(t, archive)
			got := result(t, root, s)
			if diff := cmp.Diff(want, got); diff != "" && !*update {
				t.Errorf("-want +got\n%s", diff)
			} else if diff != "" {
				archive.Files = append(slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" }), txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
