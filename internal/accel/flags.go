package accel

import (
	"fmt"
	"os"
	"strings"
)

// hostDevices is XLA's option for how many devices its CPU plugin shows.
const hostDevices = "xla_force_host_platform_device_count"

// setHostDevices asks the CPU plugin for one device, unless the user's XLA_FLAGS say how many. The plugin shows
// four otherwise and runs at least as many threads, which on two cores made a training step half as slow again.
// It takes effect when the plugin is loaded.
func setHostDevices() error {
	flags := os.Getenv("XLA_FLAGS")
	if strings.Contains(flags, hostDevices) {
		return nil
	}
	if err := os.Setenv("XLA_FLAGS", strings.TrimSpace(flags+" --"+hostDevices+"=1")); err != nil {
		return fmt.Errorf("set XLA_FLAGS: %w", err)
	}
	return nil
}
