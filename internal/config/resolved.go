package config

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// unhashed are the keys that don't change a run's figures: two runs that differ in these alone are the same run.
var unhashed = []string{"extends", "experiment.name", "experiment.description", "training.checkpoint_minutes", "runtime.cache",
	"runtime.results", "runtime.tensorboard"}

// Decides reports whether a key changes a run's figures. Those of [slurm] say where a run is computed.
func Decides(key string) bool {
	return !slices.Contains(unhashed, key) && !strings.HasPrefix(key, "slurm.")
}

// resolved writes every key with its value and meaning.
func (l *loader) resolved(overrides []string) []byte {
	var b bytes.Buffer
	names := make([]string, len(l.files))
	for n, f := range l.files {
		names[n] = OneLine(f.name)
	}
	fmt.Fprintf(&b, "# Every key of %s, with its default where no file gave it.\n", strings.Join(names, ", which extends "))
	for _, o := range overrides {
		fmt.Fprintf(&b, "# Overridden: %s\n", OneLine(o))
	}
	section := ""
	for _, f := range l.fields {
		if f.Path() == "extends" {
			continue
		}
		if f.Section != section {
			section = f.Section
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		fmt.Fprintf(&b, "# %s\n%s = %s\n", f.Doc, f.Name, literal(l.value(f).Interface()))
	}
	return b.Bytes()
}

// hashed writes the keys that decide the run's figures, a line each.
func (l *loader) hashed() (lines []keyLine) {
	for _, f := range l.fields {
		value := literal(l.value(f).Interface())
		if root := l.config.Data.Root; f.Path() == "data.root" && root != "" {
			value = literal(filepath.Clean(root)) // a folder is the same with a slash after it
		}
		if Decides(f.Path()) && !(f.late && value == f.Default) {
			lines = append(lines, keyLine{f.Path(), fmt.Sprintf("%s = %s\n", f.Path(), value)})
		}
	}
	return lines
}

type keyLine struct{ key, line string }

// HashOf is Hash over those of its keys, as training.epochs, for which keep holds.
func (l *Loaded) HashOf(keep func(key string) bool) string {
	h := sha256.New()
	for _, k := range l.hashed {
		if keep(k.key) {
			h.Write([]byte(k.line))
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
