package runfolder

import (
	"fmt"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// Settings reads the run's resolved config: every key's path and its value as TOML writes it.
func (f *Folder) Settings() (map[string]string, error) {
	path := f.Path(ResolvedFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	settings, err := Flat(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// Flat makes one map of a config's TOML: training.epochs to its value as TOML writes it.
func Flat(config string) (map[string]string, error) {
	var values map[string]any
	if _, err := toml.Decode(config, &values); err != nil {
		return nil, err
	}
	flat := map[string]string{}
	flatten(flat, "", values)
	return flat, nil
}

func flatten(into map[string]string, prefix string, values map[string]any) {
	for key, v := range values {
		if section, ok := v.(map[string]any); ok {
			flatten(into, prefix+key+".", section)
			continue
		}
		into[prefix+key] = Literal(v)
	}
}

// Literal writes a decoded value as TOML does.
func Literal(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		parts := make([]string, len(v))
		for n, x := range v {
			parts[n] = Literal(x)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case float64:
		text := fmt.Sprint(v)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0" // TOML tells 5 from 5.0
		}
		return text
	}
	return fmt.Sprint(v)
}
