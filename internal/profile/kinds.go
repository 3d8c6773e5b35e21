package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// kinds are the CPU seconds of a profile by what ran, in the order of kindNames.
type kinds struct {
	seconds   map[string]float64
	functions map[string]float64 // of Go code, by the function that ran
	stages    map[string]float64 // of Go code, by the stage's label
}

const (
	kindThreads   = "XLA's own threads, and other C code's"
	kindCalled    = "XLA and other C code, called by Go"
	kindCollector = "Go's garbage collector"
	kindGo        = "other Go code"
)

var kindNames = []string{kindThreads, kindCalled, kindCollector, kindGo}

// sorted sorts a CPU profile's samples by what ran. Go's profiler sees C code's threads too, but not their functions.
func sorted(cpu []byte) (kinds, error) {
	k := kinds{map[string]float64{}, map[string]float64{}, map[string]float64{}}
	p, err := profile.ParseData(cpu)
	if err != nil {
		return k, fmt.Errorf("CPU profile: %w", err)
	}
	at := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Unit == "nanoseconds" })
	if at < 0 {
		return k, fmt.Errorf("CPU profile: no samples in nanoseconds")
	}
	for _, s := range p.Sample {
		names := functions(s)
		seconds := float64(s.Value[at]) / 1e9
		kind := kindGo
		switch {
		case slices.Contains(names, "runtime._ExternalCode"):
			kind = kindThreads
		case slices.Contains(names, "runtime.cgocall"):
			kind = kindCalled
		case slices.ContainsFunc(names, collects):
			kind = kindCollector
		}
		k.seconds[kind] += seconds
		if kind == kindGo || kind == kindCollector {
			k.functions[names[0]] += seconds
			for _, stage := range s.Label[stageLabel] {
				k.stages[stage] += seconds
			}
		}
	}
	return k, nil
}

// functions are a sample's, the innermost first, and at least one.
func functions(s *profile.Sample) (names []string) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	if len(names) == 0 {
		return []string{"unknown"}
	}
	return names
}

// collects tells the functions below which the garbage collector works: in the background, or in place of who allocates.
func collects(name string) bool {
	return strings.HasPrefix(name, "runtime.gc") || name == "runtime.bgsweep" || name == "runtime.bgscavenge"
}

// most are the n names with the most seconds.
func most(seconds map[string]float64, n int) []string {
	names := slices.SortedFunc(maps.Keys(seconds), func(a, b string) int {
		return cmp.Or(cmp.Compare(seconds[b], seconds[a]), cmp.Compare(a, b))
	})
	return names[:min(n, len(names))]
}
