// Package settingtest holds sections of a config to what their packages can build.
package settingtest

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Allows checks that a field of Settings may have, by its oneof, the names of kinds and those beside them, and no other.
func Allows[Settings, Kind any](t *testing.T, field string, kinds map[string]Kind, beside ...string) {
	t.Helper()
	f, ok := reflect.TypeFor[Settings]().FieldByName(field)
	if !ok {
		t.Fatalf("there is no field %s", field)
	}
	allowed := strings.Fields(f.Tag.Get("oneof"))
	slices.Sort(allowed)
	known := append(slices.Collect(maps.Keys(kinds)), beside...)
	slices.Sort(known)
	if !slices.Equal(allowed, known) {
		t.Errorf("the config allows %v, kinds has %v", allowed, known)
	}
}
