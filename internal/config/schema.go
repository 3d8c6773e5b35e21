package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Key is one key of a config, as the struct tags describe it.
type Key struct {
	Section string   // "training"; "" for keys outside any section
	Name    string   // "epochs"
	Type    string   // "integer", "number", "string", "boolean", "strings" or "numbers"
	Default string   // as TOML writes it
	OneOf   []string // the values allowed, of each element for "strings"; none: any
	Min     string   // lowest value allowed; "" for none
	Max     string   // highest value allowed; "" for none
	Refused string   // "value: reason" of a value that users may expect; "" for none
	Doc     string
}

// Path is the key as overrides and messages write it: training.epochs.
func (k Key) Path() string { return joinPath(k.Section, k.Name) }

// Keys lists every key, in the order in which Resolved writes them.
func Keys() ([]Key, error) {
	s, err := newSchema()
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(s.fields))
	for n, f := range s.fields {
		keys[n] = f.Key
	}
	return keys, nil
}

// field is a key and its place in Config.
type field struct {
	Key
	index    []int // for reflect.Value.FieldByIndex
	kind     reflect.Type
	min, max *float64
	late     bool // hash:"set": added when there were runs already, which keep their hash: it counts where it isn't the default
}

// schema is what Config's struct tags say.
type schema struct {
	fields   []*field
	byPath   map[string]*field
	sections map[string]bool
}

var kindNames = map[reflect.Type]string{
	reflect.TypeFor[string]():    "string",
	reflect.TypeFor[bool]():      "boolean",
	reflect.TypeFor[int]():       "integer",
	reflect.TypeFor[int64]():     "integer",
	reflect.TypeFor[float64]():   "number",
	reflect.TypeFor[[]string]():  "strings",
	reflect.TypeFor[[]float64](): "numbers",
}

func newSchema() (*schema, error) {
	s := &schema{byPath: map[string]*field{}, sections: map[string]bool{}}
	if err := s.add(reflect.TypeFor[Config](), "", nil); err != nil {
		return nil, fmt.Errorf("struct tags of the settings: %w", err)
	}
	return s, nil
}

// add enters the keys of one struct. Sections within it come after its own keys, as TOML needs it.
func (s *schema) add(t reflect.Type, section string, index []int) error {
	type nested struct {
		t     reflect.Type
		path  string
		index []int
	}
	var later []nested
	for n := range t.NumField() {
		at := t.Field(n)
		here := append(append([]int(nil), index...), n)
		name := at.Tag.Get("toml")
		switch {
		case at.Anonymous && name == "":
			if err := s.add(at.Type, section, here); err != nil {
				return err
			}
		case name == "" || !at.IsExported():
			return fmt.Errorf("%s.%s has no toml tag or is not exported", t, at.Name)
		case at.Type.Kind() == reflect.Struct:
			later = append(later, nested{at.Type, joinPath(section, name), here})
		default:
			f, err := newField(at, section, name, here)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", t, at.Name, err)
			}
			if s.byPath[f.Path()] != nil {
				return fmt.Errorf("%s.%s: key %s is there twice", t, at.Name, f.Path())
			}
			s.fields, s.byPath[f.Path()] = append(s.fields, f), f
		}
	}
	for _, l := range later {
		s.sections[l.path] = true
		if err := s.add(l.t, l.path, l.index); err != nil {
			return err
		}
	}
	return nil
}

func newField(at reflect.StructField, section, name string, index []int) (*field, error) {
	f := &field{Key: Key{Section: section, Name: name, Doc: at.Tag.Get("doc"), Min: at.Tag.Get("min"), Max: at.Tag.Get("max"),
		Refused: at.Tag.Get("refused"), Type: kindNames[at.Type], OneOf: strings.Fields(at.Tag.Get("oneof"))}, index: index, kind: at.Type,
		late: at.Tag.Get("hash") == "set"}
	if f.Type == "" {
		return nil, fmt.Errorf("type %s can't be a key", at.Type)
	}
	for _, bound := range []struct {
		text string
		to   **float64
	}{{f.Min, &f.min}, {f.Max, &f.max}} {
		if bound.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(bound.text, 64)
		if err != nil {
			return nil, fmt.Errorf("bound: %w", err)
		}
		*bound.to = &v
	}
	text, ok := at.Tag.Lookup("default")
	if !ok {
		return nil, fmt.Errorf("no default tag")
	}
	v, err := f.defaultValue(text)
	if err != nil {
		return nil, fmt.Errorf("default %q: %w", text, err)
	}
	f.Default = literal(v.Interface())
	return f, nil
}

// defaultValue reads a default tag: a TOML value, or the bare text of a string.
func (f *field) defaultValue(text string) (reflect.Value, error) {
	if f.Type == "string" {
		return f.convert(text)
	}
	v, err := parseValue(text)
	if err != nil {
		return reflect.Value{}, err
	}
	return f.convert(v)
}

func joinPath(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
