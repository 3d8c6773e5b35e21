// Package flickr8ktest finds the real Flickr8k for tests, where CAPTIONLAB_FLICKR8K names its folder.
package flickr8ktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/checkout"
)

// Folder is its folder, "" where there is none. A relative path starts at the checkout: tests run in their packages' folders.
func Folder() string {
	folder := os.Getenv("CAPTIONLAB_FLICKR8K")
	if folder == "" {
		return ""
	}
	return checkout.At(folder)
}

// Need is its folder; where there is none, the test is skipped.
func Need(t testing.TB) string {
	t.Helper()
	folder := Folder()
	if folder == "" {
		t.Skip("needs the real Flickr8k: CAPTIONLAB_FLICKR8K=FOLDER")
	}
	return folder
}

// Captions are the captions of a folder as they stand in Flickr8k.token.txt.
func Captions(t testing.TB, folder string) (captions []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "Flickr8k.token.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(data)) {
		_, text, ok := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
		if !ok {
			t.Fatalf("Flickr8k.token.txt has a row without a tab: %q", row)
		}
		captions = append(captions, text)
	}
	if len(captions) != 40460 {
		t.Fatalf("%d captions, want the published 40,460", len(captions))
	}
	return captions
}
