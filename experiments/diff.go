package experiments

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// Change is something in which two runs differ; "" is what a run has not.
type Change struct{ Name, A, B string }

// FigureChange is a figure of two runs; NaN is what a run has not.
type FigureChange struct {
	Name string
	A, B float64
}

// RunDiff is what tells two runs apart.
type RunDiff struct {
	A, B        *RunFolder
	Config      []Change       // keys of the resolved config
	Environment []Change       // versions, machine, data
	Figures     []FigureChange // all figures that one of them has
}

// DiffRuns compares two runs' configs, environments and figures.
func DiffRuns(a, b *RunFolder) (*RunDiff, error) {
	x, err := a.Settings()
	if err != nil {
		return nil, err
	}
	y, err := b.Settings()
	if err != nil {
		return nil, err
	}
	d := &RunDiff{A: a, B: b, Config: changes(x, y), Environment: changes(environment(a.RunInfo), environment(b.RunInfo))}
	for _, name := range slices.Sorted(maps.Keys(merged(a.Results, b.Results))) {
		d.Figures = append(d.Figures, FigureChange{name, orNaN(a.Results, name), orNaN(b.Results, name)})
	}
	return d, nil
}

func changes(a, b map[string]string) (all []Change) {
	for _, name := range slices.Sorted(maps.Keys(merged(a, b))) {
		if a[name] != b[name] {
			all = append(all, Change{name, a[name], b[name]})
		}
	}
	return all
}

func merged[T any](a, b map[string]T) map[string]bool {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}

// environment is what a run was made with, by name.
func environment(i RunInfo) map[string]string {
	each := func(of func(runfolder.Process) string) string { return strings.Join(i.EachProcess(of), ", then ") } // where a run was resumed elsewhere
	e := map[string]string{
		"status": string(i.Status), "commit": each(runfolder.Process.Commit), "go": each(func(p runfolder.Process) string { return p.GoVersion }), "backend": i.Backend, "device": i.Device,
		"plugin": strings.TrimSpace(i.Plugin + " " + i.PluginVersion), "os": each(func(p runfolder.Process) string { return p.Host.OS }), "cpu": each(func(p runfolder.Process) string { return p.Host.CPU }), "command": i.Command,
	}
	if i.Host.Cores > 0 {
		e["cores"] = strconv.Itoa(i.Host.Cores)
	}
	if i.Host.MemoryBytes > 0 {
		e["memory"] = fmt.Sprintf("%.1f GiB", float64(i.Host.MemoryBytes)/(1<<30))
	}
	for name, version := range i.Modules {
		e[name] = version
	}
	for name, hash := range i.Hashes {
		e["hash of "+name] = hash
	}
	return e
}
