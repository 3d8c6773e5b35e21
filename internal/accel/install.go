package accel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/captionlab/captionlab/internal/fetch"
)

// cpuPlugin is XLA's CPU plugin (PJRT C API 0.115) out of a wheel of the Python index, under the Apache licence 2.0:
// for machines that reach a package mirror but not go-xla's release page. Linux x86-64 only.
var cpuPlugin = fetch.File{
	Name:   "pjrt_c_api_cpu_plugin.so",
	SHA256: "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
	Size:   201600336,
	Wheel: &fetch.Wheel{
		Package: "lammps-jax-pjrt-cpu", Version: "0.11.2",
		SHA256: "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		Member: "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
	},
}

// reachTimeout is how long go-xla's download pages may take to answer: behind a package mirror they never do.
const reachTimeout = 3 * time.Second

// install runs go-xla's installer for one device, if its source answers in time: for a CPU into the folder go-xla of dir, for
// CUDA into its own library folder, where it looks for the libraries that come with the plugin. The installer takes no context:
// it goes on in the background when ctx ends.
func install(ctx context.Context, dir, device string, log io.Writer) error {
	ask := map[string]func() error{
		"cpu": func() error {
			_, err := installer.CPUGetDownloadURL(runtime.GOOS+"_"+runtime.GOARCH, pjrt.DefaultCPUVersion)
			return err
		},
		"cuda": func() error {
			_, err := installer.GetPipInfo("jax-cuda13-pjrt")
			return err
		},
	}[device]
	if ask == nil {
		return fmt.Errorf("it has none for %s", device)
	}
	if err := within(ctx, reachTimeout, ask); err != nil {
		return fmt.Errorf("its download page can't be reached: %w", firstLine(err))
	}
	fmt.Fprintf(log, "installing XLA's plugin for %s with go-xla's installer ...\n", device)
	if device != "cpu" {
		dir = ""
	}
	// For the CPU without the installer's cache: that is a folder of the user's, outside the checkout, in which two downloads write to one
	// file. CUDA's packages are several, and checked by hash.
	return within(ctx, 0, func() error { return installer.AutoInstallPlugin(device, dir, device != "cpu", installer.Quiet) })
}

// within calls f and returns its error, or an error if the time (0: no limit) or the context ends before it does.
func within(ctx context.Context, limit time.Duration, f func() error) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// firstLine cuts the stack trace off go-xla's errors.
func firstLine(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line)
}

// loadable returns the path by which go-xla can load a plugin. go-xla guesses the device from the whole path and splits
// it at commas, so a CPU plugin in a folder like "cuda-lab" is loaded through a link in the temporary folder.
// cleanup removes the link; the loaded plugin needs it no more.
func loadable(path string) (load string, cleanup func(), err error) {
	none := func() {}
	if _, err := os.Stat(path); err != nil {
		return "", none, err
	}
	folder, name := filepath.Split(path)
	cpu := strings.Contains(strings.ToLower(name), "cpu")
	misleading := strings.Contains(path, ",") || cpu && pjrt.IsCUDAName(folder)
	if !misleading || runtime.GOOS == "windows" {
		return path, none, nil
	}
	temp, err := os.MkdirTemp("", "captionlab-xla-")
	if err != nil {
		return "", none, err
	}
	cleanup = func() { _ = os.RemoveAll(temp) }
	load = filepath.Join(temp, strings.ReplaceAll(name, ",", "_"))
	if err := os.Symlink(path, load); err != nil {
		cleanup()
		return "", none, err
	}
	return load, cleanup, nil
}
