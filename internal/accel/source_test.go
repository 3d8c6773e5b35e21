package accel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// around are surroundings with nothing in them: every source fails with a reason.
func around(change func(a *surroundings)) surroundings {
	a := surroundings{
		env:       func(string) string { return "" },
		installed: func() map[string]string { return nil },
		gpu:       func() bool { return false },
		cached:    func() (string, error) { return "", nil },
		install:   func(context.Context, string, io.Writer) error { return errors.New("page can't be reached") },
		wheel:     func(context.Context, io.Writer) (string, error) { return "", errors.New("pip failed:\nno index") },
		load: func(path, options, want string) (*Accel, error) {
			if strings.Contains(path, "broken") {
				return nil, errors.New("open " + path + ": not a plugin")
			}
			return &Accel{Name: "xla:" + want, Plugin: path, Description: options}, nil
		},
		goos: "linux", goarch: "amd64", cacheDir: "cache",
	}
	if change != nil {
		change(&a)
	}
	return a
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// folder makes a folder with empty files in it.
func folder(t *testing.T, names ...string) string {
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOrderOfSources(t *testing.T) {
	const (
		cpuFile  = "pjrt_c_api_cpu_plugin.so"
		cudaFile = "pjrt_c_api_cuda_plugin.so"
	)
	own := folder(t, cpuFile, cudaFile, "notes.txt", "libother.so")
	cpuOnly := folder(t, "pjrt_c_api_cpu_v0.98.0_plugin.so", "pjrt_c_api_cpu_v0.114.0_plugin.so")
	empty := folder(t)
	installed := func() map[string]string { return map[string]string{"cpu": "/lib/cpu.so", "cuda": "/lib/cuda.so"} }
	tests := map[string]struct {
		reason  string
		device  string
		change  func(a *surroundings)
		name    string // of the Accel
		plugin  string // "" and no errors: the pure-Go backend
		options string
		log     string   // must be told
		errs    []string // in the error, in this order
	}{
		"variable, path": {"GOMLX_BACKEND wins over all", "auto", func(a *surroundings) {
			a.env = env("GOMLX_BACKEND", "xla:/own.so", "PJRT_PLUGIN_LIBRARY_PATH", own)
			a.installed = installed
		}, "xla:", "/own.so", "", "", nil},
		"variable, options": {"its options are passed on", "auto", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "xla:/own.so,tf32=false,shared_buffers") }, "xla:", "/own.so", "tf32=false,shared_buffers", "", nil},
		"variable, cpu": {"a device's name is the device, not a download", "auto", func(a *surroundings) {
			a.env = env("GOMLX_BACKEND", "xla:cpu,tf32=false")
			a.installed = installed
			a.gpu = yes
		}, "xla:cpu", "/lib/cpu.so", "tf32=false", "", nil},
		"variable, xla": {"the backend alone changes nothing", "cpu", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "xla"); a.installed = installed }, "xla:cpu", "/lib/cpu.so", "", "", nil},
		"variable, go":  {"the user may take the pure-Go backend for a run", "auto", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "go") }, "go", "", "", "GOMLX_BACKEND asks for the pure-Go backend", nil},
		"variable, named": {"other plugins by name", "auto", func(a *surroundings) {
			a.env = env("GOMLX_BACKEND", "xla:rocm")
			a.installed = func() map[string]string { return map[string]string{"rocm": "/lib/rocm.so"} }
		}, "xla:", "/lib/rocm.so", "", "", nil},
		"variable, unknown":  {"a name that isn't installed names those that are", "auto", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "xla:rocm"); a.installed = installed }, "", "", "", "", []string{`GOMLX_BACKEND: plugin "rocm" is not installed; installed are cpu, cuda`, "correct or unset"}},
		"variable, broken":   {"what the user named is not passed over", "auto", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "xla:/broken.so"); a.installed = installed }, "", "", "", "", []string{"GOMLX_BACKEND: open /broken.so", "correct or unset"}},
		"variable, relative": {"go-xla takes absolute paths only", "auto", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "xla:lib/own.so") }, "", "", "", "", []string{"must be absolute"}},
		"variable, backend":  {"no such backend", "auto", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "torch") }, "", "", "", "", []string{"GOMLX_BACKEND=torch: no such backend"}},
		"variable, conflict": {"config and variable disagree", "cuda", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "xla:cpu") }, "", "", "", "", []string{"runtime.device is cuda"}},
		"variable, go, cuda": {"the pure-Go backend has no CUDA", "cuda", func(a *surroundings) { a.env = env("GOMLX_BACKEND", "go") }, "", "", "", "", []string{"runtime.device is cuda"}},
		"folder":             {"PJRT_PLUGIN_LIBRARY_PATH before what is installed", "cpu", func(a *surroundings) { a.env = env("PJRT_PLUGIN_LIBRARY_PATH", empty+":"+own); a.installed = installed }, "xla:cpu", filepath.Join(own, cpuFile), "", "", nil},
		"folder, file":       {"a plugin file instead of its folder", "cpu", func(a *surroundings) { a.env = env("PJRT_PLUGIN_LIBRARY_PATH", filepath.Join(own, cpuFile)) }, "xla:cpu", filepath.Join(own, cpuFile), "", "", nil},
		"folder, cuda":       {"auto takes CUDA where there is a GPU", "auto", func(a *surroundings) { a.env = env("PJRT_PLUGIN_LIBRARY_PATH", own); a.gpu = yes }, "xla:cuda", filepath.Join(own, cudaFile), "", "", nil},
		"folder, versions":   {"a versioned file name counts too", "cpu", func(a *surroundings) { a.env = env("PJRT_PLUGIN_LIBRARY_PATH", cpuOnly) }, "xla:cpu", filepath.Join(cpuOnly, "pjrt_c_api_cpu_v0.114.0_plugin.so"), "", "", nil},
		"folder, none":       {"a setting that leads nowhere is an error, not a download", "cpu", func(a *surroundings) { a.env = env("PJRT_PLUGIN_LIBRARY_PATH", empty); a.installed = installed }, "", "", "", "", []string{empty + " holds no plugin for cpu", "correct or unset"}},
		"installed":          {"an installed plugin before the cache", "auto", func(a *surroundings) { a.installed = installed; a.cached = cached }, "xla:cpu", "/lib/cpu.so", "", "", nil},
		"installed, cuda":    {"auto: a GPU and a plugin for it", "auto", func(a *surroundings) { a.installed = installed; a.gpu = yes }, "xla:cuda", "/lib/cuda.so", "", "", nil},
		"installed, no GPU":  {"auto: a CUDA plugin alone is of no use", "auto", func(a *surroundings) { a.installed = installed }, "xla:cpu", "/lib/cpu.so", "", "", nil},
		"GPU, no plugin":     {"auto: a GPU without a plugin runs on the CPU, and says so", "auto", func(a *surroundings) { a.gpu = yes; a.cached = cached }, "xla:cpu", "/cache/cpu.so", "", `runtime.device = "cuda" installs one`, nil},
		"GPU, device cpu":    {"cpu is cpu", "cpu", func(a *surroundings) { a.installed = installed; a.gpu = yes }, "xla:cpu", "/lib/cpu.so", "", "", nil},
		"cache":              {"the cache before the installer", "auto", func(a *surroundings) { a.cached = cached; a.install = mustNot(t) }, "xla:cpu", "/cache/cpu.so", "", "", nil},
		"installed is broken": {"an installed plugin that doesn't open is passed over aloud", "auto", func(a *surroundings) {
			a.installed = func() map[string]string { return map[string]string{"cpu": "/lib/broken.so"} }
			a.cached = cached
		}, "xla:cpu", "/cache/cpu.so", "", "passing over an XLA plugin: open /lib/broken.so", nil},
		"installed CUDA is broken": {"auto chose CUDA: the error speaks of CUDA, and the plugin is loaded once", "auto", func(a *surroundings) {
			a.installed = func() map[string]string { return map[string]string{"cuda": "/lib/broken.so"} }
			a.gpu = yes
			a.install = func(context.Context, string, io.Writer) error { return nil }
			load, loads := a.load, 0
			a.load = func(path, options, want string) (*Accel, error) {
				if loads++; loads > 1 {
					t.Errorf("%s is loaded again", path)
				}
				return load(path, options, want)
			}
		}, "", "", "", "passing over an XLA plugin: open /lib/broken.so", []string{"library folders: open /lib/broken.so", "installer: it leads to /lib/broken.so again\n", "NVIDIA driver"}},
		"installer":        {"the installer before the wheel", "auto", installs("cpu"), "xla:cpu", "/lib/cpu_new.so", "", "", nil},
		"installer, cuda":  {"cuda: the installer, where there is a GPU", "cuda", func(a *surroundings) { installs("cuda")(a); a.gpu = yes }, "xla:cuda", "/lib/cuda_new.so", "", "", nil},
		"installer is off": {"GOMLX_NO_AUTO_INSTALL is kept", "auto", func(a *surroundings) { a.env = env("GOMLX_NO_AUTO_INSTALL", "1"); a.install = mustNot(t) }, "", "", "", "", []string{"go-xla's installer: turned off by GOMLX_NO_AUTO_INSTALL"}},
		"wheel": {"the pinned wheel last", "auto", func(a *surroundings) {
			a.wheel = func(context.Context, io.Writer) (string, error) { return "/cache/new.so", nil }
		}, "xla:cpu", "/cache/new.so", "", "", nil},
		"nothing": {"every source is named, in order, with what to do", "auto", nil, "", "", "", "", []string{"tried\n  go-xla's library folders: none for cpu\n  the cache folder: no plugin in " + filepath.Join("cache", "xla") +
			"\n  go-xla's installer: page can't be reached\n  the pinned wheel: pip failed:\n    no index\ncheck the network"}},
		"other platform":   {"the wheel is for one platform, and says so", "auto", func(a *surroundings) { a.goos, a.goarch = "darwin", "arm64"; a.wheel = nil }, "", "", "", "", []string{"the pinned wheel: lammps-jax-pjrt-cpu 0.11.2 is for Linux on x86-64 only, this is darwin/arm64"}},
		"cuda, nothing":    {"cuda never falls back to the CPU", "cuda", func(a *surroundings) { a.gpu = yes; a.cached = cached }, "", "", "", "", []string{"library folders: none for cuda\n  go-xla's installer: page can't be reached\n", "NVIDIA driver"}},
		"cuda, no GPU":     {"no download for a device that isn't there", "cuda", func(a *surroundings) { a.install = mustNot(t) }, "", "", "", "", []string{"no NVIDIA GPU is visible"}},
		"local only":       {"doctor asks no installer and no index", "auto", func(a *surroundings) { a.localOnly = true; a.install = mustNot(t); a.wheel = nil }, "", "", "", "", []string{"library folders", "cache folder"}},
		"cache is damaged": {"an unreadable cache is one failed source of several", "auto", func(a *surroundings) { a.cached = func() (string, error) { return "", errors.New("no permission") } }, "", "", "", "", []string{"the cache folder: no permission", "the pinned wheel"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			a, err := around(test.change).open(t.Context(), test.device, &log)
			if !strings.Contains(log.String(), test.log) || test.log == "" && log.Len() > 0 {
				t.Errorf("%s: log %q, want %q", test.reason, log.String(), test.log)
			}
			if len(test.errs) > 0 {
				if err == nil {
					t.Fatalf("%s: opened %+v", test.reason, a)
				}
				rest := err.Error()
				for _, want := range test.errs {
					_, after, ok := strings.Cut(rest, want)
					if !ok {
						t.Errorf("%s: no %q in\n%v", test.reason, want, err)
					}
					rest = after
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", test.reason, err)
			}
			if test.name == "go" {
				defer a.Close()
				if a.Name != "go" {
					t.Errorf("%s: opened %s", test.reason, a.Name)
				}
				return
			}
			if diff := cmp.Diff([]string{test.name, test.plugin, test.options}, []string{a.Name, a.Plugin, a.Description}); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

func yes() bool               { return true }
func cached() (string, error) { return "/cache/cpu.so", nil }

// installs makes the installer work: after it the plugin is there.
func installs(device string) func(a *surroundings) {
	return func(a *surroundings) {
		plugins := map[string]string{}
		a.installed = func() map[string]string { return plugins }
		a.install = func(_ context.Context, d string, _ io.Writer) error {
			plugins[d] = "/lib/" + d + "_new.so"
			return nil
		}
		a.wheel = func(context.Context, io.Writer) (string, error) {
			return "", errors.New("the wheel was asked before the installer")
		}
		_ = device
	}
}

func mustNot(t *testing.T) func(context.Context, string, io.Writer) error {
	return func(context.Context, string, io.Writer) error {
		t.Error("the installer was called")
		return errors.New("called")
	}
}

func TestCancelledOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := around(func(a *surroundings) {
		a.install = func(context.Context, string, io.Writer) error { cancel(); return ctx.Err() }
		a.wheel = func(context.Context, io.Writer) (string, error) { t.Error("went on"); return "", nil }
	})
	if _, err := a.open(ctx, "auto", io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestWithin(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	start := time.Now()
	err := within(t.Context(), 50*time.Millisecond, func() error { <-hang; return nil })
	if err == nil || err.Error() != "no answer within 50ms" || time.Since(start) > 5*time.Second {
		t.Errorf("a page that never answers: %v after %v", err, time.Since(start))
	}
	want := errors.New("404")
	if err := within(t.Context(), time.Minute, func() error { return want }); err != want {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := within(ctx, 0, func() error { <-hang; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestInstalledPlace: what go-xla's installer puts into the cache folder is found the next time.
func TestInstalledPlace(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	cache := t.TempDir()
	path := filepath.Join(cache, "xla", "go-xla", "pjrt_c_api_cpu_v0.114.0_plugin.so")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if got := here(cache, 1).installed()["cpu_v0.114.0"]; got != path {
		t.Errorf("found %q, want %q", got, path)
	}
}

func TestWholeFloat32(t *testing.T) {
	for options, want := range map[string]string{"": "tf32=false", "preallocate": "preallocate,tf32=false", "tf32=true,preallocate": "tf32=true,preallocate"} {
		if got := wholeFloat32(options); got != want {
			t.Errorf("%q became %q, want %q", options, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, s := range []Settings{{Backend: "torch"}, {Device: "tpu"}, {Backend: "go", Device: "cuda"}} {
		if _, err := Open(t.Context(), s, t.TempDir(), nil); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}
