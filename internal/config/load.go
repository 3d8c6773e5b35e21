package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Loaded is a config that passed every check.
type Loaded struct {
	Config   Config
	Path     string
	Given    []byte // the file as given
	Resolved []byte // every key with its value and meaning; loads to the same Config
	Hash     string // SHA-256 in hex of the resolved keys that decide a run's figures
	Notes    []Note

	hashed []keyLine // what Hash is made of
}

// Load reads a config file, what it extends, and overrides of the form section.key=value, and checks everything.
//
// Overrides are TOML values; a string may come without quotes, an array without brackets. The error is Problems,
// all of them at once; a file that can't be read is one too.
func Load(path string, overrides []string) (*Loaded, error) {
	l, given, err := read(path, overrides)
	if err != nil {
		return nil, err
	}
	if l.study != nil {
		p := l.problem(l.study.source, l.study.at("study").key, "study", "this file is a study of several runs, not one run")
		p.Hint = "captionlab sweep " + path
	}
	if len(l.problems) == 0 { // values that were refused would make the checks between keys mislead
		l.check()
	}
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	return l.loaded(given, overrides), nil
}

// read reads the file, what it extends and the overrides, and checks each value by itself.
func read(path string, overrides []string) (l *loader, given []byte, err error) {
	s, err := newSchema()
	if err != nil {
		return nil, nil, err
	}
	l = &loader{schema: s, origin: map[string]origin{}}
	if err := l.defaults(); err != nil {
		return nil, nil, err
	}
	given = l.file(path, nil)
	for n, text := range overrides {
		l.override(n+1, text)
	}
	return l, given, nil
}

// loaded is the config as it stands.
func (l *loader) loaded(given []byte, overrides []string) *Loaded {
	l.config.Extends = ""
	c := &Loaded{Config: l.config, Path: l.files[0].name, Given: given, Resolved: l.resolved(overrides), Notes: l.notes(), hashed: l.hashed()}
	c.Hash = c.HashOf(func(string) bool { return true })
	return c
}

// source is one text that values come from: a file, or an override.
type source struct {
	name  string
	lines []string
	file  bool
	rank  int
}

// origin is where a key got its value.
type origin struct {
	source *source
	place
}

type loader struct {
	*schema
	config   Config
	origin   map[string]origin // by key path; keys with their default have none
	files    []*source         // the config and what it extends
	study    *studyText        // the [study] section of the config, if it has one
	problems Problems
}

func (l *loader) defaults() error {
	for _, f := range l.fields {
		v, err := parseValue(f.Default)
		if err != nil {
			return fmt.Errorf("default of %s: %w", f.Path(), err)
		}
		to, err := f.convert(v)
		if err != nil {
			return fmt.Errorf("default of %s: %w", f.Path(), err)
		}
		l.value(f).Set(to)
	}
	return nil
}

// value is the field in the config that is being loaded.
func (l *loader) value(f *field) reflect.Value {
	return reflect.ValueOf(&l.config).Elem().FieldByIndex(f.index)
}

// problem adds a problem at a place of a source.
func (l *loader) problem(src *source, at span, key, format string, args ...any) *Problem {
	p := Problem{Where: src.name, Key: key, Message: fmt.Sprintf(format, args...), rank: src.rank}
	if src.file {
		p.Line = at.line
	}
	if at.line > 0 && at.line <= len(src.lines) {
		p.Source, p.Column, p.Length = strings.TrimSuffix(src.lines[at.line-1], "\r"), at.column, max(at.length, 1)
	}
	l.problems = append(l.problems, p)
	return &l.problems[len(l.problems)-1]
}

// file reads one file, after what it extends. chain are the files that led here, as absolute paths.
func (l *loader) file(path string, chain []string) []byte {
	src := &source{name: path, file: true, rank: len(l.files)}
	l.files = append(l.files, src)
	data, err := os.ReadFile(path)
	if err != nil {
		l.problem(src, span{}, "", "%s", readError(err))
		return nil
	}
	src.lines = strings.Split(string(data), "\n")
	var values map[string]any
	if _, err := toml.Decode(string(data), &values); err != nil {
		l.syntax(src, err)
		return data
	}
	places := locate(string(data))
	if base, ok := values["extends"].(string); ok && base != "" {
		l.base(src, places["extends"].value, path, base, chain)
	}
	if table, ok := values[studyKey].(map[string]any); ok && len(chain) == 0 {
		delete(values, studyKey)
		l.study = &studyText{source: src, places: places, content: table}
	}
	l.table(src, places, values, nil)
	return data
}

// base reads the file that another one extends.
func (l *loader) base(src *source, at span, path, base string, chain []string) {
	if !filepath.IsAbs(base) {
		base = filepath.Join(filepath.Dir(path), base)
	}
	here := realPath(path)
	chain = append(chain, here)
	target := realPath(base)
	if n := slices.Index(chain, target); n >= 0 {
		names := make([]string, 0, len(chain)+1)
		for _, c := range append(chain[n:], target) {
			names = append(names, filepath.Base(c))
		}
		l.problem(src, at, "extends", "a circle: %s", strings.Join(names, " extends "))
		return
	}
	if stat, err := os.Stat(base); err != nil || stat.IsDir() {
		l.problem(src, at, "extends", "expected a config file, relative to this one; %s: %s%s", base, readError(err),
			didYouMean(filepath.Base(base), tomlFiles(filepath.Dir(base))))
		return
	}
	l.file(base, chain)
}

func realPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

func tomlFiles(dir string) []string {
	names, _ := fs.Glob(os.DirFS(dir), "*.toml") // not filepath.Glob, to which [ in dir would be a pattern
	return names
}

func readError(err error) string {
	var path *fs.PathError
	switch {
	case err == nil:
		return "is a folder"
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.As(err, &path):
		return path.Err.Error()
	}
	return err.Error()
}

// syntax reports what the TOML parser refused.
func (l *loader) syntax(src *source, err error) {
	var p toml.ParseError
	if !errors.As(err, &p) {
		l.problem(src, span{}, "", "not a TOML file: %v", err)
		return
	}
	message := strings.TrimSuffix(p.Message, ".")
	if message == "" {
		message = strings.TrimPrefix(err.Error(), "toml: ")
	}
	at := span{line: min(max(p.Position.Line, 1), len(src.lines)), length: 1}
	start := 0
	for _, line := range src.lines[:at.line-1] {
		start += len(line) + 1
	}
	if column := p.Position.Start - start; column >= 0 && column <= len(src.lines[at.line-1]) {
		at.column, at.length = column, p.Position.Len
	}
	l.problem(src, at, "", "not valid TOML: %s", OneLine(message))
}

// table sets the keys of one table, and of those below it.
func (l *loader) table(src *source, places map[string]place, values map[string]any, path []string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		here := append(append([]string(nil), path...), name)
		at := places[strings.Join(here, pathSeparator)]
		if at.key.line == 0 {
			at.key.line = 1 // the scanner missed it; a position near by is better than none
		}
		dotted := strings.Join(here, ".")
		section, isSection := values[name].(map[string]any)
		switch {
		case dotted == studyKey && isSection:
			l.problem(src, at.key, dotted, "a study extends a config, not another study")
		case dotted == studyKey:
			l.problem(src, at.key, dotted, "expected a section, [study], got %s", describe(values[name]))
		case l.byPath[dotted] != nil:
			l.set(l.byPath[dotted], values[name], origin{src, at})
		case l.sections[dotted] && isSection:
			l.table(src, places, section, here)
		case l.sections[dotted]:
			l.problem(src, at.key, dotted, "expected a section, [%s], got %s", dotted, describe(values[name]))
		case isSection:
			l.problem(src, at.key, dotted, "unknown section%s", l.suggestSection(dotted))
		default:
			l.problem(src, at.key, dotted, "unknown key%s", l.suggestKey(path, name))
		}
	}
}

// set stores one value, or reports why it can't be.
func (l *loader) set(f *field, v any, from origin) {
	value, err := f.convert(v)
	if err != nil {
		at := from.value
		if at.line == 0 {
			at = from.key
		}
		l.problem(from.source, at, f.Path(), "%s", err)
		return
	}
	l.value(f).Set(value)
	l.origin[f.Path()] = from
}

func (l *loader) suggestSection(name string) string {
	if near := didYouMean(name, slices.Sorted(maps.Keys(l.sections))); near != "" {
		return near
	}
	var top []string
	for _, f := range l.fields {
		if f.Section != "" && !slices.Contains(top, f.Section) {
			top = append(top, f.Section)
		}
	}
	return "; expected one of " + strings.Join(top, ", ")
}

// suggestKey looks for the key that was meant: a near name in the same section, then the same name in another.
func (l *loader) suggestKey(path []string, name string) string {
	section := strings.Join(path, ".")
	var here, elsewhere []string
	for _, f := range l.fields {
		if f.Section == section {
			here = append(here, f.Name)
		} else if f.Name == name {
			elsewhere = append(elsewhere, f.Path())
		}
	}
	if len(elsewhere) > 0 {
		return fmt.Sprintf(" (did you mean %s?)", strings.ReplaceAll(quotedList(elsewhere), ", ", " or "))
	}
	if near := didYouMean(name, append(here, l.sectionsBelow(section)...)); near != "" {
		return near
	}
	if section == "" {
		return "; keys belong in a section, as in training.epochs"
	}
	return fmt.Sprintf("; [%s] has %s", section, strings.Join(here, ", "))
}

func (l *loader) sectionsBelow(section string) (names []string) {
	for _, s := range slices.Sorted(maps.Keys(l.sections)) {
		if parent, name, ok := cutLast(s); ok && parent == section {
			names = append(names, name)
		} else if !ok && section == "" {
			names = append(names, s)
		}
	}
	return names
}

func cutLast(path string) (section, name string, ok bool) {
	n := strings.LastIndexByte(path, '.')
	if n < 0 {
		return "", path, false
	}
	return path[:n], path[n+1:], true
}
