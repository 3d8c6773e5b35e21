package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstagramUnread(t *testing.T) {
	root := t.TempDir()
	err := instagramUnread(Settings{Root: root})
	for _, want := range []string{root, "instagram_data/captions_csv.csv", "prithvijaunjale", "unpack it there"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	for _, name := range instagramFiles {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := instagramUnread(Settings{Root: root}); !strings.Contains(err.Error(), "can't read yet") {
		t.Errorf("error %q should say that the data are there", err)
	}
}
