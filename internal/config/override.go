package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// override applies one section.key=value.
func (l *loader) override(n int, text string) {
	src := &source{name: fmt.Sprintf("override %d", n), lines: []string{text}, rank: 1_000_000 + n}
	whole := span{line: 1, length: len(text)}
	key, value, found := strings.Cut(text, "=")
	path, err := keyPath(key)
	if !found || err != nil {
		l.problem(src, whole, "", "expected section.key=value, as in training.epochs=5")
		return
	}
	start := len(key) + 1
	at := place{
		key:   span{line: 1, column: len(key) - len(strings.TrimLeft(key, " \t")), length: len(strings.TrimSpace(key))},
		value: span{line: 1, column: start, length: len(value)},
	}
	dotted := strings.Join(path, ".")
	f := l.byPath[dotted]
	switch {
	case dotted == "extends":
		l.problem(src, at.key, dotted, "only a file can say what it extends")
	case f != nil:
		l.set(f, f.bare(value), origin{src, at})
	case l.sections[dotted]:
		l.problem(src, at.key, dotted, "is a section; expected %s.key=value", dotted)
	case len(path) > 1 && !l.sections[strings.Join(path[:len(path)-1], ".")] && !l.hasKey(path[len(path)-1]):
		l.problem(src, at.key, dotted, "unknown section%s", l.suggestSection(strings.Join(path[:len(path)-1], ".")))
	default:
		l.problem(src, at.key, dotted, "unknown key%s", l.suggestKey(path[:len(path)-1], path[len(path)-1]))
	}
}

// keyPath splits a dotted key.
func keyPath(key string) ([]string, error) {
	if strings.ContainsAny(key, "\r\n") {
		return nil, fmt.Errorf("key %q spans lines", key)
	}
	var m map[string]any
	meta, err := toml.Decode(key+" = 0", &m)
	if err != nil {
		return nil, err
	}
	keys := meta.Keys()
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key in %q", key)
	}
	return keys[len(keys)-1], nil
}

// bare reads the value of an override: TOML, or what a shell left of it. Strings may come without quotes, arrays
// without brackets and quotes: decoding.splits=validation,test.
func (f *field) bare(text string) any {
	v, err := parseValue(text)
	if _, isString := v.(string); f.Type == "string" && (err != nil || !isString) {
		return text
	}
	_, isList := v.([]any)
	if isList || f.Type != "strings" && f.Type != "numbers" {
		if err != nil {
			return text
		}
		return v
	}
	inner := strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(inner, "["); ok && strings.HasSuffix(rest, "]") {
		inner = strings.TrimSuffix(rest, "]")
	}
	if v, err := parseValue("[" + inner + "]"); err == nil {
		return v
	}
	list := []any{}
	for _, part := range strings.Split(inner, ",") {
		v, err := parseValue(part)
		if err != nil {
			v = strings.Trim(strings.TrimSpace(part), `"'`)
		}
		list = append(list, v)
	}
	return list
}

// hasKey is whether a section has a key of this name.
func (l *loader) hasKey(name string) bool {
	return slices.ContainsFunc(l.fields, func(f *field) bool { return f.Name == name })
}
