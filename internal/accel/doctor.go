package accel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/dustin/go-humanize/english"
	"github.com/gomlx/compute"
)

// Finding is one thing that Diagnose looked at.
type Finding struct {
	Name   string
	Status string // OK, Missing or Warning
	Detail string
	Fix    string // what to do; "" where nothing is to be done
}

// The states of a Finding. What is missing stops experiments only where its Fix doesn't say what it is for.
const (
	OK      = "ok"
	Missing = "missing"
	Warning = "warning"
)

// checks are what Diagnose looks at, in the order of its findings.
var checks = []func(ctx context.Context, cacheDir string) []Finding{
	checkGo, checkCompiler, checkXLA, checkGPU, checkWeights, checkPython, checkJupyter, checkGoNB, checkJava, checkDisk, checkMemory,
}

// Diagnose looks at what experiments need on this machine, and says how to get what is missing. It opens the XLA
// plugin that Open would take, and fetches nothing.
func Diagnose(ctx context.Context, cacheDir string) []Finding {
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { found[i] = check(ctx, cacheDir) })
	}
	all.Wait()
	var findings []Finding
	for _, f := range found {
		findings = append(findings, f...)
	}
	return findings
}

// checkXLA opens the plugin that is here already, if one is.
func checkXLA(ctx context.Context, cacheDir string) []Finding {
	a, err := openLocal(ctx, cacheDir)
	if err != nil {
		var failed *OpenError
		f := Finding{Name: "XLA plugin", Status: Missing, Detail: err.Error()}
		if errors.As(err, &failed) {
			f.Detail, f.Fix = "none: "+strings.Join(failed.Tried, "; "), failed.Hint
		}
		return []Finding{f}
	}
	defer a.Close()
	if a.Name == "go" {
		return []Finding{{Name: "XLA plugin", Status: Warning, Detail: "GOMLX_BACKEND asks for the pure-Go backend", Fix: "unset GOMLX_BACKEND: VGG16 is too large for the pure-Go backend"}}
	}
	devices := []string{}
	for n := range a.Devices {
		devices = append(devices, a.Backend.DeviceDescription(compute.DeviceNum(n)))
	}
	return []Finding{
		{Name: "XLA plugin", Status: OK, Detail: fmt.Sprintf("%s, %s", a.Plugin, a.PluginVersion)},
		{Name: "XLA devices", Status: OK, Detail: fmt.Sprintf("%s: %s; %s", a.Name, strings.Join(devices, ", "), english.Plural(runtime.NumCPU(), "CPU core", ""))},
	}
}

// openLocal opens what Open would for the default settings, from sources that need no download.
func openLocal(ctx context.Context, cacheDir string) (*Accel, error) {
	around := here(cacheDir, 1)
	around.localOnly = true
	a, err := around.open(ctx, "auto", io.Discard)
	var failed *OpenError
	if errors.As(err, &failed) {
		failed.Hint = "the first run installs it with go-xla's installer or fetches it with pip; if that fails: " + failed.Hint
	}
	return a, err
}

// checkGPU says whether CUDA could be used. Without a GPU there is nothing to say.
func checkGPU(ctx context.Context, _ string) []Finding {
	if !nvidiaGPU() {
		return nil
	}
	f := Finding{Name: "NVIDIA GPU", Status: OK, Detail: strings.ReplaceAll(gpuList(ctx), "\n", "; ")}
	if f.Detail == "" {
		f.Detail = "a device file is there, but nvidia-smi does not list a GPU"
		f.Status, f.Fix = Warning, "install NVIDIA's driver"
	} else if pick("cuda", here("", 1).installed()) == "" {
		f.Status, f.Fix = Warning, `no CUDA plugin: a run with runtime.device="cuda" installs it`
	}
	return []Finding{f}
}
