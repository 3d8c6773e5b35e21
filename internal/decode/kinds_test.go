package decode

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestConfigAllowsEveryKind: what can be built can be asked for, and the other way round.
func TestConfigAllowsEveryKind(t *testing.T) {
	field, _ := reflect.TypeFor[Settings]().FieldByName("Method")
	allowed := strings.Fields(field.Tag.Get("oneof"))
	slices.Sort(allowed)
	if known := slices.Sorted(maps.Keys(kinds)); !slices.Equal(allowed, known) {
		t.Errorf("the config allows %v, kinds has %v", allowed, known)
	}
}
