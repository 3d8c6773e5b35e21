package checkout

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFind: from a folder of the checkout a relative path is found there, and else at the top; another module's folder is no checkout.
func TestFind(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module "+Module+"\n\ngo 1.26\n")
	write("vectors.txt", "")
	write("both.txt", "")
	write("notebooks/both.txt", "")
	write("elsewhere/go.mod", "module "+Module+"/notebook\n")
	for folder, wants := range map[string]map[string]string{
		"notebooks": {
			"": "", "vectors.txt": filepath.Join(top, "vectors.txt"), "both.txt": "both.txt", "none.txt": "none.txt",
			filepath.Join(top, "none.txt"): filepath.Join(top, "none.txt"),
		},
		"elsewhere": {"vectors.txt": filepath.Join(top, "vectors.txt")}, // its own go.mod doesn't end the search
	} {
		t.Chdir(filepath.Join(top, folder))
		if got := Root(); got != top {
			t.Errorf("in %s: root %s, want %s", folder, got, top)
		}
		for path, want := range wants {
			if got := Find(path); got != want {
				t.Errorf("in %s: %q is found as %q, want %q", folder, path, got, want)
			}
		}
	}
	t.Chdir(filepath.Dir(top))
	if got := Root(); got != filepath.Dir(top) {
		t.Errorf("outside a checkout the root is %s", got)
	}
}
