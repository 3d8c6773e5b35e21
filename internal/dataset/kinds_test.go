package dataset

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestConfigAllowsEveryKind: what can be built can be asked for, and the other way round.
func TestConfigAllowsEveryKind(t *testing.T) {
	field, _ := reflect.TypeFor[Settings]().FieldByName("Format")
	allowed := strings.Fields(field.Tag.Get("oneof"))
	slices.Sort(allowed)
	known := append(slices.Collect(maps.Keys(kinds)), "auto")
	slices.Sort(known)
	if !slices.Equal(allowed, known) {
		t.Errorf("the config allows %v, kinds has %v", allowed, known)
	}
}
