// Package acceltest opens the backends that tests of other packages run on.
package acceltest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	"github.com/captionlab/captionlab/internal/accel"
)

var (
	xla    = sync.OnceValues(func() (compute.Backend, error) { return open("xla", 1) })
	xlas   = sync.OnceValues(func() (compute.Backend, error) { return open("xla", 4) })
	pureGo = sync.OnceValues(func() (compute.Backend, error) { return open("go", 1) })
)

// XLA returns the XLA CPU backend, fetching its plugin into the checkout's cache on first use.
func XLA(t testing.TB) compute.Backend { return must(t, xla) }

// Devices returns the XLA CPU backend with four devices.
func Devices(t testing.TB) compute.Backend { return must(t, xlas) }

// Go returns the pure-Go backend.
func Go(t testing.TB) compute.Backend { return must(t, pureGo) }

func must(t testing.TB, open func() (compute.Backend, error)) compute.Backend {
	t.Helper()
	backend, err := open()
	if err != nil {
		t.Fatalf("open backend: %v", err)
	}
	return backend
}

func open(name string, devices int) (compute.Backend, error) {
	a, err := accel.Open(context.Background(), accel.Settings{Backend: name, Device: "cpu", Devices: devices}, CacheDir(), os.Stderr)
	if err != nil {
		return nil, err
	}
	return a.Backend, nil
}

// CacheDir is the cache folder of the checkout that the test runs in.
func CacheDir() string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(dir, ".cache")
		}
		dir = filepath.Dir(dir)
	}
	return ".cache"
}
