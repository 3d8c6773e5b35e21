// Package accel opens the backend that graphs run on: XLA on a CPU or a CUDA GPU, or GoMLX's pure-Go backend. It is the
// only importer of a backend.
package accel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/go-logr/logr"
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
	"k8s.io/klog/v2"

	"github.com/captionlab/captionlab/internal/fetch"
)

// Accel is an open backend and what is known of it.
type Accel struct {
	Backend       compute.Backend
	Name          string // "xla:cpu", "xla:cuda" or "go"
	Plugin        string // absolute path of the XLA plugin; "" for the pure-Go backend
	PluginVersion string // "PJRT C API 0.115"; plugins tell no version of XLA
	Devices       int
	Description   string // one line for people
}

// Open opens the backend of the settings. For "xla", a plugin is taken from the first of these that has one:
//
//  1. what the user set: GOMLX_BACKEND (as GoMLX reads it, except that no name leads to a download by itself), then
//     PJRT_PLUGIN_LIBRARY_PATH (folders or plugin files). If that fails, so does Open.
//  2. an installed plugin, in go-xla's standard folders or in cacheDir/xla;
//  3. go-xla's own installer, where its release page answers (never with GOMLX_NO_AUTO_INSTALL), for a CPU into
//     cacheDir/xla/go-xla; it checks no SHA-256;
//  4. on Linux x86-64, the pinned wheel of the Python index, fetched by pip into cacheDir/xla and checked by SHA-256.
//
// Device "auto" takes CUDA where an NVIDIA GPU is visible and a CUDA plugin is installed, else the CPU; "cuda" takes
// steps 1 to 3 only. GOMLX_BACKEND=go opens the pure-Go backend whatever the settings say of XLA; settings that ask for
// "go" get it without a look at the environment. A backend with fewer devices than the settings ask for is refused. log
// (may be nil) hears of downloads and of plugins that are passed
// over. The error of a failed Open names each source tried, why it failed and what to do.
func Open(ctx context.Context, s Settings, cacheDir string, log io.Writer) (*Accel, error) {
	if log == nil {
		log = io.Discard
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	a, err := s.open(ctx, cacheDir, log)
	if err != nil {
		return nil, err
	}
	if a.Devices < s.Devices {
		a.Close()
		return nil, fmt.Errorf("runtime.devices is %d, but %s has %s: expected at most %d", s.Devices, a.Name, english.Plural(a.Devices, "device", ""), a.Devices)
	}
	return a, nil
}

func (s Settings) open(ctx context.Context, cacheDir string, log io.Writer) (*Accel, error) {
	if s.Backend == "go" {
		return openGo("")
	}
	return here(cacheDir, s.Devices).open(ctx, s.Device, log)
}

// open takes the first source that yields a plugin that opens.
func (a surroundings) open(ctx context.Context, device string, log io.Writer) (*Accel, error) {
	r, err := parseRequest(a.env("GOMLX_BACKEND"), device)
	if err != nil {
		return nil, err
	}
	if r.backend == "go" {
		fmt.Fprintln(log, "GOMLX_BACKEND asks for the pure-Go backend instead of XLA")
		return openGo(r.options)
	}
	sources := a.sources(r, log)
	failed := &OpenError{Hint: a.hint(sources[0].device)}
	broken := map[string]bool{}
	for _, source := range sources {
		path, err := source.find(ctx)
		if err == nil && broken[path] {
			err = errors.New("it leads to " + path + " again")
		}
		if err == nil {
			var opened *Accel
			if opened, err = a.load(path, r.options, source.device); err == nil {
				return opened, nil
			}
			broken[path] = true
			if !source.demanded {
				fmt.Fprintf(log, "passing over an XLA plugin: %v\n", err)
			}
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("open XLA: %w", ctx.Err())
		}
		failed.Tried = append(failed.Tried, source.name+": "+strings.ReplaceAll(err.Error(), "\n", "\n    "))
	}
	return nil, failed
}

// OpenError says why no XLA plugin could be opened.
type OpenError struct {
	Tried []string // "source: reason", in the order tried
	Hint  string   // what the user can do
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("no XLA plugin could be opened; tried\n  %s\n%s", strings.Join(e.Tried, "\n  "), e.Hint)
}

// Close releases the backend. On nil it does nothing.
func (a *Accel) Close() {
	if a != nil && a.Backend != nil {
		a.Backend.Finalize()
	}
}

func (s Settings) check() error {
	switch s.Backend {
	case "", "xla", "go":
	default:
		return fmt.Errorf("runtime.backend %q: expected xla or go", s.Backend)
	}
	switch s.Device {
	case "", "auto", "cpu", "cuda":
	default:
		return fmt.Errorf("runtime.device %q: expected auto, cpu or cuda", s.Device)
	}
	if s.Backend == "go" && s.Device == "cuda" {
		return errors.New("runtime.device is cuda, but the pure-Go backend (runtime.backend = \"go\") runs on the CPU only")
	}
	return nil
}

func openGo(options string) (*Accel, error) {
	backend, err := gobackend.New(options)
	if err != nil {
		return nil, fmt.Errorf("open the pure-Go backend: %w", err)
	}
	return &Accel{Backend: backend, Name: "go", Devices: backend.NumDevices(), Description: "pure-Go backend, for small models only"}, nil
}

// newClient makes a CPU as many devices as are asked for. XLA's own default is four, and a pool of at least as many threads:
// on two cores these take turns, which costs small steps of training some 7 %.
func newClient(config string, cuda bool, devices int) (compute.Backend, error) {
	if cuda {
		return xla.New(config)
	}
	backend, err := xla.NewWithOptions(config, pjrt.NamedValuesMap{"cpu_device_count": int64(max(devices, 1))})
	if err != nil { // a plugin that doesn't know the option
		return xla.New(config)
	}
	return backend, nil
}

// openXLA loads a plugin and makes a client of it. want is "cpu", "cuda" or "" for any device; devices is how many a CPU is
// to be.
func openXLA(path, options, want string, devices int) (*Accel, error) {
	xla.EnableAutoInstall(false) // Open alone decides about downloads
	load, cleanup, err := loadable(path)
	if err != nil {
		return nil, err
	}
	defer cleanup()
	config := load
	if pjrt.IsCUDAName(load) {
		options = wholeFloat32(options)
	}
	if options != "" {
		config += "," + options
	}
	if !pjrt.IsCUDAName(load) { // CUDA's search for its drivers tells by log alone what is missing
		// klog would repeat the error that New returns.
		logging := klog.CaptureState()
		defer logging.Restore()
		klog.SetLogger(logr.Discard())
	}
	backend, err := newClient(config, pjrt.IsCUDAName(load), devices)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	device := deviceOf(backend.DeviceDescription(0))
	if want != "" && device != want {
		backend.Finalize()
		return nil, fmt.Errorf("%s is a plugin for %s, not for %s", path, device, want)
	}
	a := &Accel{Backend: backend, Name: "xla:" + device, Plugin: path, Devices: backend.NumDevices()}
	if plugin, err := pjrt.GetPlugin(load); err == nil {
		major, minor := plugin.Version()
		a.PluginVersion = fmt.Sprintf("PJRT C API %d.%d", major, minor)
	}
	if ok, err := fetch.Present(filepath.Dir(path), cpuPlugin); err == nil && ok == path {
		a.PluginVersion += fmt.Sprintf(" (%s %s)", cpuPlugin.Wheel.Package, cpuPlugin.Wheel.Version)
	}
	a.Description = fmt.Sprintf("XLA on %s, %s, %s, plugin %s", device, english.Plural(a.Devices, "device", ""), a.PluginVersion, path)
	return a, nil
}

// wholeFloat32 are a GPU's options with which float32 is float32, unless the user wants it otherwise: go-xla would have matrices
// multiplied with 10 bits of mantissa. Convolutions are XLA's business.
func wholeFloat32(options string) string {
	if strings.Contains(options, "tf32") {
		return options
	}
	return strings.TrimPrefix(options+",tf32=false", ",")
}

// deviceOf reads the kind of device out of PJRT's description of one.
func deviceOf(description string) string {
	lower := strings.ToLower(description)
	for _, kind := range []string{"cuda", "rocm", "tpu", "cpu"} {
		if strings.Contains(lower, kind) {
			return kind
		}
	}
	return "device " + description
}
