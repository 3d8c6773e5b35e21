package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: whatever the file and the override hold, Load returns, and every problem has a place and a message.
func FuzzLoad(f *testing.F) {
	configs, err := filepath.Glob("testdata/refused/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range configs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		_, text2, _ := strings.Cut(string(text), "-- x.toml --\n")
		text2, _, _ = strings.Cut(text2, "\n-- ")
		f.Add(text2, "training.epochs=5")
	}
	f.Add("\ufeffa = '''\n'''''\nb=\"\\\"\"\r\n[a.b]\r\n[[c]]\r\nd=[{e={f=1}},\n#x\n]", "a.\"b.c\"=[1,")
	f.Add("text = {\n unit = 1,\n}", "data.ratio=[[1]]")
	f.Add("extends = 'x.toml'", "\x00=\xff")
	f.Fuzz(func(t *testing.T, text, override string) {
		path := write(t, filepath.Join(t.TempDir(), "x.toml"), text)
		loaded, err := Load(path, []string{override})
		if err == nil {
			again := write(t, path, string(loaded.Resolved))
			if _, err := Load(again, nil); err != nil {
				t.Fatalf("the resolved config is refused: %v", err)
			}
			return
		}
		problems, ok := AsProblems(err)
		if !ok {
			t.Fatalf("%T: %v", err, err)
		}
		for _, p := range problems {
			isOverride := strings.HasPrefix(p.Where, "override 1")
			if p.Message == "" || !isOverride && p.Line == 0 {
				t.Errorf("no message or no line: %+v", p)
			}
			if strings.ContainsAny(strings.ReplaceAll(p.Error(), "\n", ""), "\x00\x1b\r\x7f") {
				t.Errorf("control characters in %q", p.Error())
			}
		}
	})
}

// FuzzLocate: the scanner ends on any text, and its places lie within the text.
func FuzzLocate(f *testing.F) {
	f.Add("a.b = { c = [1, {d = 2}], e = '}' } # x\n[f]\n\"g\\\"\" = \"\"\"\n\"\"\"\"\nh = 1")
	f.Add("[[[")
	f.Add("{{{[[[\"")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		for path, at := range locate(text) {
			for _, s := range []span{at.key, at.value} {
				if s.line == 0 {
					continue
				}
				if s.line > len(lines) || s.column+s.length > len(lines[s.line-1]) {
					t.Errorf("%q lies at %+v, outside of the text", path, s)
				}
			}
		}
	})
}
