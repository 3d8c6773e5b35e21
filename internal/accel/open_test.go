package accel_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// onePlusOne runs the smallest graph there is.
func onePlusOne(t *testing.T, backend compute.Backend) {
	t.Helper()
	exec, err := graph.NewExec(backend, func(x *graph.Node) *graph.Node { return graph.Add(x, x) })
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Exec(float32(1))
	if err != nil {
		t.Fatal(err)
	}
	if got := out[0].Value(); got != float32(2) {
		t.Errorf("1+1 = %v", got)
	}
}

func TestOpenGo(t *testing.T) {
	t.Setenv("GOMLX_BACKEND", "xla:/nowhere.so") // the settings ask for go: the variable speaks of XLA
	a, err := accel.Open(t.Context(), accel.Settings{Backend: "go", Device: "auto"}, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	onePlusOne(t, a.Backend)
	if a.Name != "go" || a.Plugin != "" || a.Devices != 1 || !strings.Contains(a.Description, "small models") {
		t.Errorf("%+v", a)
	}
}

func TestOpenWithFewerDevicesThanAskedFor(t *testing.T) {
	_, err := accel.Open(t.Context(), accel.Settings{Backend: "go", Devices: 2}, t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), "runtime.devices is 2, but go has 1 device") {
		t.Errorf("error %v", err)
	}
}

// The plugin that TestOpenXLA and the other packages' tests run on is fetched on first use.
func TestOpenXLA(t *testing.T) {
	var log bytes.Buffer
	a, err := accel.Open(t.Context(), accel.Settings{Backend: "xla", Device: "cpu"}, acceltest.CacheDir(), &log)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	onePlusOne(t, a.Backend)
	if a.Name != "xla:cpu" || !filepath.IsAbs(a.Plugin) || !strings.HasPrefix(a.PluginVersion, "PJRT C API 0.") || a.Devices < 1 {
		t.Errorf("%+v", a)
	}

	t.Run("misleading folder", func(t *testing.T) {
		// go-xla would take this CPU plugin for CUDA's, and split its path at the comma.
		path := filepath.Join(t.TempDir(), "nvidia, cuda", "pjrt_c_api_cpu_plugin.so")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(a.Plugin, path); err != nil {
			t.Skip("no links here:", err)
		}
		t.Setenv("GOMLX_BACKEND", "")
		t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", filepath.Dir(path))
		b, err := accel.Open(t.Context(), accel.Settings{Device: "cpu"}, t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		onePlusOne(t, b.Backend)
		if b.Plugin != path || b.Name != "xla:cpu" {
			t.Errorf("%+v", b)
		}
	})
	t.Run("for another device", func(t *testing.T) {
		t.Setenv("GOMLX_BACKEND", "xla:"+a.Plugin)
		_, err := accel.Open(t.Context(), accel.Settings{Device: "cuda"}, t.TempDir(), nil)
		if err == nil || !strings.Contains(err.Error(), "is a plugin for cpu, not for cuda") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("unknown option", func(t *testing.T) {
		t.Setenv("GOMLX_BACKEND", "xla:"+a.Plugin+",speed=high")
		_, err := accel.Open(t.Context(), accel.Settings{}, t.TempDir(), nil)
		if err == nil || !strings.Contains(err.Error(), "speed") {
			t.Errorf("error %v", err)
		}
	})
}

func TestNotAPlugin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
	if err := os.WriteFile(path, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, path + ".missing"} {
		t.Setenv("GOMLX_BACKEND", "xla:"+path)
		_, err := accel.Open(t.Context(), accel.Settings{}, t.TempDir(), nil)
		if err == nil || !strings.Contains(err.Error(), "GOMLX_BACKEND: ") || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), ".go:") {
			t.Errorf("error %v", err)
		}
	}
}

func TestCheckSize(t *testing.T) {
	tests := []struct {
		reason, backend string
		flops           float64
		refused         bool
	}{
		{"VGG16 at 224×224 took 33 s a picture", "go", 31e9, true},
		{"EfficientNet-Lite0 is 0.8 GFLOP a picture", "go", 0.8e9, false},
		{"an LSTM step of 50 captions × 80 × 256 units, forward and backward", "go", 3 * 2 * 50 * 80 * 4 * 256 * (256 + 256), false},
		{"XLA takes everything", "xla:cpu", 31e12, false},
	}
	for _, test := range tests {
		err := (&accel.Accel{Name: test.backend}).CheckSize(test.flops, "this model")
		if (err != nil) != test.refused {
			t.Errorf("%s: %v", test.reason, err)
		}
		if err != nil && !strings.Contains(err.Error(), `this model takes 31 G floating-point operations, too many for the pure-Go backend`) {
			t.Errorf("message: %v", err)
		}
	}
	if err := (*accel.Accel)(nil).CheckSize(1e12, "x"); err != nil {
		t.Errorf("nil: %v", err)
	}
	(*accel.Accel)(nil).Close()
}

// TestOpenMakesDevicesOfTheCPU: as many as are asked for, one without.
func TestOpenMakesDevicesOfTheCPU(t *testing.T) {
	for asked, want := range map[int]int{0: 1, 1: 1, 3: 3} {
		a, err := accel.Open(t.Context(), accel.Settings{Device: "cpu", Devices: asked}, acceltest.CacheDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.Devices != want || a.Backend.NumDevices() != want {
			t.Errorf("%d devices asked for: %d, want %d", asked, a.Devices, want)
		}
		a.Close()
	}
}
