package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/experiments"
)

// TestDataCheckFields: the help of data check names every field of its JSON.
func TestDataCheckFields(t *testing.T) {
	_, help, ok := strings.Cut(dataCheckCommand().Long, "Fields of --json")
	if !ok {
		t.Fatal("the help names no fields")
	}
	report := reflect.TypeFor[experiments.DataReport]()
	for n := range report.NumField() {
		name, _, _ := strings.Cut(report.Field(n).Tag.Get("json"), ",")
		if !regexp.MustCompile(`[ \n]` + name + `[ ,.\n]`).MatchString(help) {
			t.Errorf("the help doesn't name %s", name)
		}
	}
}
