package accel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/gomlx/go-xla/pjrt"

	"github.com/captionlab/captionlab/internal/fetch"
)

// source is one way to an XLA plugin.
type source struct {
	name     string
	device   string // what the plugin must be for; "" for any
	demanded bool   // the user named it: no other source is tried after it
	find     func(ctx context.Context) (path string, err error)
}

// surroundings are what the choice of sources depends on. Tests put others in place of here().
type surroundings struct {
	env          func(string) string
	installed    func() map[string]string // plugin name -> path, in go-xla's search folders and where install put one
	gpu          func() bool
	cached       func() (string, error) // the pinned plugin in the cache folder; "" if it isn't there
	install      func(ctx context.Context, device string, log io.Writer) error
	wheel        func(ctx context.Context, log io.Writer) (string, error)
	load         func(path, options, want string) (*Accel, error)
	goos, goarch string
	cacheDir     string
	localOnly    bool // no installer and no download
}

func here(cacheDir string, devices int) surroundings {
	dir := filepath.Join(cacheDir, "xla")
	return surroundings{
		env: os.Getenv,
		installed: func() map[string]string {
			plugins := pluginsIn([]string{filepath.Join(dir, "go-xla")})
			maps.Copy(plugins, pjrt.AvailablePlugins())
			return plugins
		},
		gpu:    nvidiaGPU,
		cached: func() (string, error) { return fetch.Present(dir, cpuPlugin) },
		install: func(ctx context.Context, device string, log io.Writer) error {
			return install(ctx, dir, device, log)
		},
		wheel: func(ctx context.Context, log io.Writer) (string, error) {
			return fetch.Ensure(ctx, dir, cpuPlugin, log)
		},
		load: func(path, options, want string) (*Accel, error) { return openXLA(path, options, want, devices) },
		goos: runtime.GOOS, goarch: runtime.GOARCH, cacheDir: cacheDir,
	}
}

// sources lists the ways to a plugin in the order of Open's documentation.
func (a surroundings) sources(r request, log io.Writer) []source {
	if filepath.IsAbs(r.plugin) {
		return []source{{name: "GOMLX_BACKEND", device: r.device, demanded: true, find: found(r.plugin, nil)}}
	}
	if list := a.env(pjrt.PJRTPluginPathsEnv); list != "" {
		plugins := pluginsIn(filepath.SplitList(list))
		device, path := a.choose(r, plugins, log)
		var err error
		if path == "" {
			err = fmt.Errorf("%s holds no plugin for %s", list, wanted(r))
		}
		return []source{{name: pjrt.PJRTPluginPathsEnv, device: device, demanded: true, find: found(path, err)}}
	}
	installed := a.installed()
	device, path := a.choose(r, installed, log)
	if r.plugin != "" {
		var err error
		if path == "" {
			err = fmt.Errorf("plugin %q is not installed; installed are %s", r.plugin, names(installed))
		}
		return []source{{name: "GOMLX_BACKEND", device: r.device, demanded: true, find: found(path, err)}}
	}
	var err error
	if path == "" {
		err = errors.New("none for " + device)
	}
	list := []source{{name: "go-xla's library folders", device: device, find: found(path, err)}}
	if device == "cpu" {
		list = append(list, source{name: "the cache folder", device: device, find: func(context.Context) (string, error) {
			path, err := a.cached()
			if err == nil && path == "" {
				err = errors.New("no plugin in " + filepath.Join(a.cacheDir, "xla"))
			}
			return absolute(path, err)
		}})
	}
	if a.localOnly {
		return list
	}
	list = append(list, source{name: "go-xla's installer", device: device, find: func(ctx context.Context) (string, error) {
		if a.env("GOMLX_NO_AUTO_INSTALL") != "" {
			return "", errors.New("turned off by GOMLX_NO_AUTO_INSTALL")
		}
		if device == "cuda" && !a.gpu() {
			return "", errors.New("no NVIDIA GPU is visible (no /dev/nvidia*, no answer of nvidia-smi)")
		}
		if err := a.install(ctx, device, log); err != nil {
			return "", err
		}
		if path := pick(device, a.installed()); path != "" {
			return path, nil
		}
		return "", errors.New("it ended without an error, but no plugin is there")
	}})
	if device == "cpu" {
		list = append(list, source{name: "the pinned wheel", device: device, find: func(ctx context.Context) (string, error) {
			if a.goos != "linux" || a.goarch != "amd64" {
				return "", fmt.Errorf("%s %s is for Linux on x86-64 only, this is %s/%s", cpuPlugin.Wheel.Package, cpuPlugin.Wheel.Version, a.goos, a.goarch)
			}
			return absolute(a.wheel(ctx, log))
		}})
	}
	return list
}

// choose takes the plugin of the device asked for; for "auto", CUDA's where there are a GPU and a plugin for it.
func (a surroundings) choose(r request, plugins map[string]string, log io.Writer) (device, path string) {
	if r.plugin != "" {
		return r.device, plugins[r.plugin]
	}
	if r.device != "auto" {
		return r.device, pick(r.device, plugins)
	}
	if a.gpu() {
		if path := pick("cuda", plugins); path != "" {
			return "cuda", path
		}
		fmt.Fprintln(log, `an NVIDIA GPU is visible, but no CUDA plugin is installed: running on the CPU (runtime.device = "cuda" installs one)`)
	}
	return "cpu", pick("cpu", plugins)
}

// hint is what a user can do when every source of a plugin for the device failed.
func (a surroundings) hint(device string) string {
	switch {
	case device == "cuda":
		return "CUDA needs an NVIDIA driver, and a network for go-xla's installer (or a plugin that it put into .local/lib/go-xla of another machine's home); " +
			"set GOMLX_BACKEND=xla:/absolute/path/of/pjrt_c_api_cuda_plugin.so, or use runtime.device = \"cpu\""
	case a.env("GOMLX_BACKEND") != "" || a.env(pjrt.PJRTPluginPathsEnv) != "":
		return "correct or unset GOMLX_BACKEND and " + pjrt.PJRTPluginPathsEnv + "; without them a plugin is looked for and fetched"
	}
	return "check the network or pip's index and run again, or set GOMLX_BACKEND=xla:/absolute/path/of/pjrt_c_api_cpu_plugin.so; " +
		"for small models, runtime.backend = \"go\" needs no plugin"
}

var pluginFile = regexp.MustCompile(`^pjrt(?:_c_api_(.+)_plugin|[-_]plugin[-_](.+))\.(?:so|dylib|dll)$`)

// pluginsIn lists the plugins in folders, or named as files, by go-xla's rules for names; the first of a name counts.
func pluginsIn(paths []string) map[string]string {
	plugins := map[string]string{}
	for _, path := range paths {
		files := []string{path}
		if entries, err := os.ReadDir(path); err == nil {
			files = files[:0]
			for _, e := range entries {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
		for _, file := range files {
			m := pluginFile.FindStringSubmatch(filepath.Base(file))
			info, err := os.Stat(file)
			if m == nil || err != nil || info.IsDir() {
				continue
			}
			if name := m[1] + m[2]; plugins[name] == "" {
				plugins[name], _ = filepath.Abs(file)
			}
		}
	}
	return plugins
}

// pick returns the path of the plugin named after the device, or of the highest version of it ("cpu_v0.114.0").
func pick(device string, plugins map[string]string) string {
	if path := plugins[device]; path != "" {
		return path
	}
	best, path := "", ""
	for name, p := range plugins {
		version, ok := strings.CutPrefix(name, device+"_v")
		if ok && (path == "" || compareVersions(version, best) > 0) {
			best, path = version, p
		}
	}
	return path
}

// compareVersions orders versions like 0.98.0 and 0.114.0 number by number.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

func found(path string, err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return path, err }
}

func absolute(path string, err error) (string, error) {
	if err != nil || path == "" {
		return path, err
	}
	return filepath.Abs(path)
}

func wanted(r request) string {
	if r.plugin != "" {
		return r.plugin
	}
	return strings.Replace(r.device, "auto", "cpu", 1)
}

func names(plugins map[string]string) string {
	if len(plugins) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(plugins)), ", ")
}
