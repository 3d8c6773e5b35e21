package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
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

// FuzzLocate: the scanner ends on any text, its places lie within the text, and in a document that the TOML
// decoder accepts every key has a place, at which its value stands.
func FuzzLocate(f *testing.F) {
	f.Add("a.b = { c = [1, {d = 2}], e = '}' } # x\n[f]\n\"g\\\"\" = \"\"\"\n\"\"\"\"\nh = 1")
	f.Add("[[[")
	f.Add("\"\"\"\n00000\"\"\" = 1")
	f.Add("a = [ # ]\n {b = 1,\n c = 2}, # }\n]\r\nd = 0x1F # 1\n[ e . 'f.g' ]\nh = true\n[[i]]\nj.k = 1\n[[i]]\nj.k = 2")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		places := locate(text)
		for path, at := range places {
			for _, s := range []span{at.key, at.value} {
				if s.line != 0 && (s.length < 0 || s.line > len(lines) || s.column+s.length > len(lines[s.line-1])) {
					t.Errorf("%q lies at %+v, outside of the text", path, s)
				}
			}
		}
		var values map[string]any
		if _, err := toml.Decode(text, &values); err == nil {
			checkPlaces(t, places, lines, values, nil)
		}
	})
}

func checkPlaces(t *testing.T, places map[string]place, lines []string, values map[string]any, path []string) {
	for name, v := range values {
		here := append(append([]string(nil), path...), name)
		at := places[strings.Join(here, pathSeparator)]
		if at.key.line == 0 {
			t.Errorf("%q has no place", here)
		}
		switch v := v.(type) {
		case map[string]any:
			checkPlaces(t, places, lines, v, here)
		case int64, bool:
			if at.value.line == 0 {
				t.Errorf("%q has no place for its value", here)
				continue
			}
			text := lines[at.value.line-1][at.value.column:][:at.value.length]
			if got, err := parseValue(text); err != nil || got != v {
				t.Errorf("%q is %v, but at its place stands %q", here, v, text)
			}
		}
	}
}
