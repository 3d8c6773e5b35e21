package runfolder

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/shirou/gopsutil/v4/mem"

	"github.com/captionlab/captionlab/internal/checkout"
)

// recorded are the modules whose versions decide a run's figures. The first is among them where another module's program runs
// the experiments.
var recorded = []string{
	checkout.Module, "github.com/gomlx/gomlx", "github.com/gomlx/compute", "github.com/gomlx/go-xla", "gonum.org/v1/plot",
}

// Provenance is this process: command, commit, versions, host. What it can't find stays empty.
func Provenance(ctx context.Context) Process {
	p := Process{GoVersion: runtime.Version(), Modules: map[string]string{}, Host: host(ctx)}
	if len(os.Args) > 0 {
		p.Command = strings.Join(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...), " ")
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	source := "." // where go run and tests, which carry no commit, are started
	for _, dep := range build.Deps {
		if slices.Contains(recorded, dep.Path) {
			p.Modules[dep.Path] = dep.Version
		}
		if dep.Path == checkout.Module && dep.Replace != nil {
			source = dep.Replace.Path
		}
	}
	if build.Main.Path == checkout.Module { // else they are those of another program's repository
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				p.GitCommit = s.Value
			case "vcs.modified":
				p.GitDirty = s.Value == "true"
			}
		}
	}
	if p.GitCommit == "" {
		asked.Lock()
		defer asked.Unlock()
		if asked.commit == "" {
			asked.commit, asked.dirty = commitOf(ctx, source)
		}
		p.GitCommit, p.GitDirty = asked.commit, asked.dirty
	}
	return p
}

// asked is what git said of the program when it was first asked: a commit made while it runs doesn't change it.
var asked struct {
	sync.Mutex
	commit string
	dirty  bool
}

// commitOf asks git about a folder; the commit is "" where it isn't in a checkout of this module.
func commitOf(ctx context.Context, dir string) (commit string, dirty bool) {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	root, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		return "", false
	}
	if !checkout.Is(root) {
		return "", false
	}
	if commit, err = git("rev-parse", "HEAD"); err != nil {
		return "", false
	}
	status, err := git("status", "--porcelain")
	return commit, err != nil || status != ""
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

// ResetPeakMemory lets PeakMemory begin anew, and reports whether the system can (Linux, mostly).
func ResetPeakMemory() bool {
	f, err := os.OpenFile("/proc/self/clear_refs", os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	_, err = f.WriteString("5") // see proc_pid_clear_refs(5)
	return errors.Join(err, f.Close()) == nil
}

// PeakMemory is the most resident memory this process has used since ResetPeakMemory, in bytes; 0 where it can't be known. On
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
