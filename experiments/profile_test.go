package experiments_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/captionlab/captionlab/experiments"
)

// TestProfile: a run that fails leaves its profile and a report of its epochs, and the part that is resumed leaves its own beside it.
func TestProfile(t *testing.T) {
	config, results := crashFolder(t, crashData(t))
	o := experiments.Options{Profile: true, Epoch: func(experiments.Epoch) { panic("the disk is full") }}
	if _, err := experiments.Run(t.Context(), config, nil, o); err == nil || !strings.Contains(err.Error(), "Options.Epoch panicked: the disk is full") {
		t.Fatalf("error %v, want the panic's", err)
	}
	dir := onlyRun(t, results)
	page := checkProfile(t, dir, "")
	for _, want := range []string{"\n| data |", "\n| features |", "\n| training |"} {
		if !strings.Contains(page, want) {
			t.Errorf("the failed run's page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "\n| report |") {
		t.Errorf("the failed run's page tells of a stage that it didn't reach:\n%s", page)
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.md"))
	for _, want := range []string{"the disk is full", "captionlab resume", "| best → 1 |"} {
		if err != nil || !strings.Contains(string(report), want) {
			t.Errorf("the failed run's report lacks %q (%v):\n%s", want, err, report)
		}
	}
	o.Epoch = nil
	result, err := experiments.Resume(t.Context(), dir, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "profiles", "profile-2.md"); result.Profile != want {
		t.Errorf("the result names %q, want %q", result.Profile, want)
	}
	page = checkProfile(t, dir, "-2")
	// Which functions the sampling meets in so short a run is chance: internal/profile tests that table.
	for _, want := range []string{"# Profile of crash-2\n", "\n| training |", "\n| report |", "First step", "\n## Go code\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the resumed run's page lacks %q:\n%s", want, page)
		}
	}
	checkProfile(t, dir, "") // the first part's is still there
}

// checkProfile reads one part's profiles, and returns its page.
func checkProfile(t *testing.T, dir, part string) string {
	t.Helper()
	for name, kind := range map[string]string{"cpu": "cpu", "heap": "inuse_space"} {
		data, err := os.ReadFile(filepath.Join(dir, "profiles", name+part+".pprof"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := profile.ParseData(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.CheckValid(); err != nil || len(p.Sample) == 0 || !slices.ContainsFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == kind }) {
			t.Errorf("%s%s.pprof: %d samples of %v, error %v", name, part, len(p.Sample), p.SampleType, err)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "profiles", "profile"+part+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
