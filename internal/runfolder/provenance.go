package runfolder

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/mem"
)

// recorded are the modules whose versions decide a run's figures.
var recorded = []string{
	"github.com/gomlx/gomlx", "github.com/gomlx/compute", "github.com/gomlx/go-xla", "gonum.org/v1/plot",
}

// Provenance is an Info that holds what the program is and where it runs: command, commit, versions, host. What it
// can't find stays empty.
func Provenance(ctx context.Context) Info {
	i := Info{GoVersion: runtime.Version(), Modules: map[string]string{}, Host: host(ctx)}
	if len(os.Args) > 0 {
		i.Command = strings.Join(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...), " ")
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			for _, path := range recorded {
				if dep.Path == path {
					i.Modules[path] = dep.Version
				}
			}
		}
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				i.GitCommit = s.Value
			case "vcs.modified":
				i.GitDirty = s.Value == "true"
			}
		}
	}
	if i.GitCommit == "" { // go run and tests carry no commit
		i.GitCommit, i.GitDirty = checkout(ctx)
	}
	return i
}

// Stamp copies what Provenance found into i; the rest of i stays.
func (i *Info) Stamp(p Info) {
	i.Command, i.GitCommit, i.GitDirty, i.GoVersion = p.Command, p.GitCommit, p.GitDirty, p.GoVersion
	i.Modules, i.Host = p.Modules, p.Host
}

// checkout asks git about the working folder.
func checkout(ctx context.Context) (commit string, dirty bool) {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "", false
	}
	status, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output()
	return strings.TrimSpace(string(out)), err != nil || len(bytes.TrimSpace(status)) > 0
}

func host(ctx context.Context) Host {
	h := Host{OS: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU()}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		h.MemoryBytes = int64(m.Total)
	}
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				h.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return h
}

// PeakMemory is the most resident memory this process has used so far, in bytes; 0 where it can't be known. On
// Linux it is VmHWM: getrusage would count the parent's memory before exec as well.
func PeakMemory() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib * 1024
		}
	}
	return 0
}
