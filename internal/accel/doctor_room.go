package accel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
)

// What an experiment with VGG16 needs, roughly: the plugin, the weights, features and a run; a training process.
const (
	needDisk   = 3 << 30
	needMemory = 4 << 30
)

func checkDisk(ctx context.Context, cacheDir string) []Finding {
	dir, err := filepath.Abs(cacheDir)
	for err == nil { // the cache may not exist yet: its folder's disk
		if _, missing := os.Stat(dir); missing == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	usage, err := disk.UsageWithContext(ctx, dir)
	if err != nil {
		return []Finding{{Name: "disk", Status: Warning, Detail: fmt.Sprintf("free space of %s is not known: %v", dir, err)}}
	}
	f := Finding{Name: "disk", Status: OK, Detail: fmt.Sprintf("%s free at %s", human(usage.Free), dir)}
	if usage.Free < needDisk {
		f.Status, f.Fix = Warning, fmt.Sprintf("free some: plugin, weights, features and runs take up to %s", human(needDisk))
	}
	return []Finding{f}
}

func checkMemory(ctx context.Context, _ string) []Finding {
	memory, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return []Finding{{Name: "memory", Status: Warning, Detail: fmt.Sprintf("not known: %v", err)}}
	}
	total, available := memory.Total, memory.Available
	limit := ""
	if allowed, used, ok := containerMemory("/sys/fs/cgroup"); ok && allowed < total {
		total, available, limit = allowed, min(available, allowed-min(used, allowed)), " (this container's limit)"
	}
	f := Finding{Name: "memory", Status: OK, Detail: fmt.Sprintf("%s free of %s%s", human(available), human(total), limit)}
	if available < needMemory {
		f.Status, f.Fix = Warning, fmt.Sprintf("close programs: experiments with VGG16 take up to %s; or use smaller batches (training.batch)", human(needMemory))
	}
	return []Finding{f}
}

// containerMemory reads the limit and the use of a container's memory, less the file cache that would make way.
func containerMemory(cgroup string) (limit, used uint64, ok bool) {
	read := func(name string) (uint64, error) {
		text, err := os.ReadFile(filepath.Join(cgroup, name))
		if err != nil {
			return 0, err
		}
		return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	}
	limit, err := read("memory.max") // "max" where there is none
	if err != nil {
		return 0, 0, false
	}
	if used, err = read("memory.current"); err != nil {
		return 0, 0, false
	}
	if stat, err := os.ReadFile(filepath.Join(cgroup, "memory.stat")); err == nil {
		for line := range strings.Lines(string(stat)) {
			if value, found := strings.CutPrefix(line, "inactive_file "); found {
				cache, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
				used -= min(cache, used)
			}
		}
	}
	return limit, used, true
}

func human(n uint64) string { return humanize.IBytes(n) }
