// Package accel opens the backend that graphs run on: XLA, on CPU or CUDA, or the pure-Go one. It alone imports backends.
package accel

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the backend named "go"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/captionlab/captionlab/internal/fetch"
)

// Accel is an open backend.
type Accel struct {
	Backend       compute.Backend
	Name          string // "xla:cpu", "xla:cuda", "go"
	Plugin        string // the PJRT plugin's file name
	PluginVersion string
	Devices       int
	Description   string // one line for people
}

// Close frees the backend.
func (a *Accel) Close() {
	if a != nil && a.Backend != nil {
		a.Backend.Finalize()
	}
}

// cpuPlugin is the pinned CPU plugin. It comes in a wheel, so a machine that reaches only package registries can
// have it.
var cpuPlugin = fetch.File{
	Name:   "pjrt_c_api_cpu_plugin.so",
	SHA256: "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
	Size:   201600336,
	Wheel: &fetch.Wheel{Package: "lammps-jax-pjrt-cpu", Version: "0.11.2",
		SHA256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		Member: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"},
}

// Open opens the backend that the settings ask for. For XLA the plugin is, in this order: what the user set
// (GOMLX_BACKEND, PJRT_PLUGIN_LIBRARY_PATH), one that is installed, go-xla's own installer where its release host
// answers, the pinned wheel in cacheDir. The error says what was tried.
func Open(ctx context.Context, s Settings, cacheDir string, log io.Writer) (*Accel, error) {
	if log == nil {
		log = io.Discard
	}
	if s.Backend == "go" {
		backend, err := compute.NewWithConfig("go")
		if err != nil {
			return nil, fmt.Errorf("open the pure-Go backend: %w", err)
		}
		return &Accel{Backend: backend, Name: "go", Devices: 1, Description: "pure Go, for small models only"}, nil
	}
	xla.EnableAutoInstall(false) // it would wait for a host that may not answer; install asks first
	device, err := chooseDevice(s.Device)
	if err != nil {
		return nil, err
	}
	var tried []string
	for _, c := range candidates(device, cacheDir) {
		plugin, err := c.find(ctx, log)
		if err == nil && plugin == "" {
			continue
		}
		var a *Accel
		if err == nil {
			a, err = open(plugin, device)
		}
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		tried = append(tried, c.about+": "+err.Error())
		if c.final { // what the user asked for is not silently replaced
			break
		}
	}
	return nil, fmt.Errorf("no XLA plugin for %s could be opened:\n  %s\nset PJRT_PLUGIN_LIBRARY_PATH to a folder that holds a PJRT plugin, or GOMLX_BACKEND=xla:/path/to/plugin.so, or use runtime.backend = \"go\" for small models", device, strings.Join(tried, "\n  "))
}

// candidate is one place that a plugin may come from. find returns "" when there is none to try.
type candidate struct {
	about string
	find  func(ctx context.Context, log io.Writer) (plugin string, err error)
	final bool
}

func candidates(device, cacheDir string) []candidate {
	named := func(plugin string) func(context.Context, io.Writer) (string, error) {
		return func(context.Context, io.Writer) (string, error) { return plugin, nil }
	}
	var list []candidate
	if env := os.Getenv("GOMLX_BACKEND"); strings.HasPrefix(env, "xla:") {
		list = append(list, candidate{about: "GOMLX_BACKEND=" + env, find: named(strings.TrimPrefix(env, "xla:")), final: true})
	}
	list = append(list, candidate{about: "an installed plugin (PJRT_PLUGIN_LIBRARY_PATH and go-xla's folders)", find: installed(device)})
	cached := filepath.Join(cacheDir, "xla", cpuPlugin.Name)
	if device == "cpu" {
		if hash, err := fetch.SHA256File(cached); err == nil && hash == cpuPlugin.SHA256 {
			list = append(list, candidate{about: "the cached plugin " + cached, find: named(cached)})
		}
	}
	list = append(list, candidate{about: "go-xla's installer", find: install(device)})
	if device == "cpu" {
		list = append(list, candidate{about: "the pinned wheel", find: func(ctx context.Context, log io.Writer) (string, error) {
			if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
				return "", fmt.Errorf("it is built for linux/amd64, this is %s/%s", runtime.GOOS, runtime.GOARCH)
			}
			return fetch.Ensure(ctx, filepath.Join(cacheDir, "xla"), cpuPlugin, log)
		}})
	}
	return list
}

// installed looks where go-xla looks.
func installed(device string) func(context.Context, io.Writer) (string, error) {
	return func(context.Context, io.Writer) (string, error) {
		for name := range pjrt.AvailablePlugins() {
			if strings.Contains(name, device) {
				return name, nil
			}
		}
		return "", nil
	}
}

// releaseHost is where go-xla's installer downloads from.
const releaseHost = "github.com:443"

// install runs go-xla's installer when its host answers, so that a machine without it waits three seconds only.
func install(device string) func(context.Context, io.Writer) (string, error) {
	return func(ctx context.Context, log io.Writer) (string, error) {
		if os.Getenv("GOMLX_NO_AUTO_INSTALL") != "" {
			return "", nil
		}
		dialer := net.Dialer{Timeout: 3 * time.Second}
		conn, err := dialer.DialContext(ctx, "tcp", releaseHost)
		if err != nil {
			return "", fmt.Errorf("its host does not answer: %w", err)
		}
		conn.Close()
		fmt.Fprintf(log, "installing the XLA plugin for %s by go-xla's installer\n", device)
		dir, err := installer.DefaultHomeLibPath()
		if err != nil {
			return "", err
		}
		if err := installer.AutoInstallPlugin(device, dir, true, installer.Quiet); err != nil {
			return "", err
		}
		return device, nil
	}
}

// chooseDevice resolves "auto": CUDA where there are an NVIDIA GPU and a plugin for it, else the CPU.
func chooseDevice(device string) (string, error) {
	switch device {
	case "cpu":
		return "cpu", nil
	case "cuda":
		if !installer.HasNvidiaGPU() {
			return "", fmt.Errorf("runtime.device is \"cuda\", but no NVIDIA GPU was found: check the driver, or use \"auto\" or \"cpu\"")
		}
		return "cuda", nil
	}
	if installer.HasNvidiaGPU() {
		return "cuda", nil
	}
	return "cpu", nil
}

// open opens a plugin by path or name.
func open(plugin, device string) (*Accel, error) {
	var backend compute.Backend
	var err error
	if caught := exceptions.TryCatch[error](func() { backend, err = compute.NewWithConfig("xla:" + plugin) }); caught != nil {
		err = caught
	}
	if err != nil {
		return nil, err
	}
	a := &Accel{Backend: backend, Name: "xla:" + device, Plugin: filepath.Base(plugin), Devices: backend.NumDevices()}
	if p, err := pjrt.GetPlugin(plugin); err == nil {
		major, minor := p.Version()
		a.PluginVersion = fmt.Sprintf("PJRT C API %d.%d", major, minor)
	}
	a.Description = fmt.Sprintf("XLA on %s, %s, %s", device, a.Plugin, a.PluginVersion)
	return a, nil
}
