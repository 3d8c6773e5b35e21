package accel

import (
	"os/exec"
	"path/filepath"
	"strings"
)

// nvidiaGPU reports whether an NVIDIA GPU is visible: a device file of one, or an answer of nvidia-smi.
func nvidiaGPU() bool {
	if files, err := filepath.Glob("/dev/nvidia[0-9]*"); err == nil && len(files) > 0 {
		return true
	}
	return gpuList() != ""
}

// gpuList is nvidia-smi's list of GPUs, one a line; "" without a GPU or without the program.
func gpuList() string {
	output, err := exec.Command("nvidia-smi", "--list-gpus").Output()
	if err != nil || !strings.Contains(string(output), "GPU ") {
		return ""
	}
	return strings.TrimSpace(string(output))
}
