package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// parseValue reads one TOML value.
func parseValue(text string) (any, error) {
	var m map[string]any
	if _, err := toml.Decode("v = "+text, &m); err != nil {
		return nil, err
	}
	if len(m) != 1 {
		return nil, errors.New("more than one value")
	}
	return m["v"], nil
}

// convert turns a decoded TOML value into the field's Go value, or says what was expected.
func (f *field) convert(v any) (reflect.Value, error) {
	to := reflect.New(f.kind).Elem()
	if f.kind.Kind() != reflect.Slice {
		return to, f.scalar(to, v)
	}
	list, ok := v.([]any)
	if !ok {
		return to, fmt.Errorf("expected %s, got %s", f.expected(), describe(v))
	}
	to.Set(reflect.MakeSlice(f.kind, len(list), len(list)))
	for n, element := range list {
		if err := f.scalar(to.Index(n), element); err != nil {
			return to, fmt.Errorf("value %d: %w", n+1, err)
		}
		if f.Type == "strings" && slices.Contains(list[:n], element) {
			return to, fmt.Errorf("value %d: %s is there twice", n+1, literal(element))
		}
	}
	return to, nil
}

// scalar stores a string, boolean, integer or number.
func (f *field) scalar(to reflect.Value, v any) error {
	wrong := func() error { return fmt.Errorf("expected %s, got %s", f.expectedOne(), describe(v)) }
	switch to.Kind() {
	case reflect.String:
		s, ok := v.(string)
		if !ok {
			return wrong()
		}
		if value, reason, ok := strings.Cut(f.Refused, ": "); ok && s == value {
			return fmt.Errorf("expected %s; %s is refused: %s", f.expectedOne(), literal(s), reason)
		}
		if len(f.OneOf) > 0 && !slices.Contains(f.OneOf, s) {
			return fmt.Errorf("expected %s, got %s%s", f.expectedOne(), literal(s), didYouMean(s, f.OneOf))
		}
		if !utf8.ValidString(s) {
			return fmt.Errorf("expected UTF-8, got %q", s)
		}
		to.SetString(s)
	case reflect.Bool:
		b, ok := v.(bool)
		if !ok {
			return wrong()
		}
		to.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, ok := v.(int64)
		if !ok || to.OverflowInt(n) || !f.within(float64(n)) {
			return wrong()
		}
		to.SetInt(n)
	case reflect.Float64:
		x, ok := v.(float64)
		if n, isInt := v.(int64); isInt {
			x, ok = float64(n), true
		}
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) || !f.within(x) {
			return wrong()
		}
		to.SetFloat(x)
	}
	return nil
}

func (f *field) within(x float64) bool {
	return (f.min == nil || x >= *f.min) && (f.max == nil || x <= *f.max)
}

// expected describes the values that the key takes.
func (f *field) expected() string {
	switch f.Type {
	case "strings":
		if len(f.OneOf) > 0 {
			return "an array of " + quotedList(f.OneOf)
		}
		return "an array of strings"
	case "numbers":
		return "an array of numbers"
	}
	return f.expectedOne()
}

// expectedOne describes the values of a scalar key, or of one element of an array.
func (f *field) expectedOne() string {
	switch {
	case len(f.OneOf) == 1:
		return literal(f.OneOf[0])
	case len(f.OneOf) > 1:
		return "one of " + quotedList(f.OneOf)
	}
	name := map[string]string{"string": "a string", "strings": "a string", "boolean": "true or false", "integer": "an integer",
		"number": "a number", "numbers": "a number"}[f.Type]
	switch {
	case f.min != nil && f.max != nil:
		return fmt.Sprintf("%s from %s to %s", name, f.Min, f.Max)
	case f.min != nil:
		return fmt.Sprintf("%s of at least %s", name, f.Min)
	case f.max != nil:
		return fmt.Sprintf("%s of at most %s", name, f.Max)
	}
	return name
}

func quotedList(values []string) string {
	quoted := make([]string, len(values))
	for n, v := range values {
		quoted[n] = literal(v)
	}
	return strings.Join(quoted, ", ")
}

// describe names a decoded TOML value by its type and, where it is short, its content.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) > 60 {
			return "a long string"
		}
		return "the string " + literal(v)
	case int64:
		return "the integer " + literal(v)
	case float64:
		return "the number " + literal(v)
	case bool:
		return "the boolean " + literal(v)
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a section"
	case []map[string]any:
		return "an array of tables"
	}
	return "an array"
}

// literal writes a value as TOML.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		text := strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
		if !strings.ContainsAny(text, ".en") { // an integer; neither inf nor nan
			text += ".0"
		}
		return text
	case []string:
		return list(v)
	case []float64:
		return list(v)
	}
	return fmt.Sprint(v)
}

func list[T any](values []T) string {
	parts := make([]string, len(values))
	for n, v := range values {
		parts[n] = literal(v)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// quote writes a TOML basic string. strconv.Quote won't do: TOML 1.0 has no \x, \a and \v.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
