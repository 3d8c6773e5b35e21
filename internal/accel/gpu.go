package accel

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// nvidiaGPU reports whether an NVIDIA GPU is visible: a device file of one, or an answer of nvidia-smi.
func nvidiaGPU() bool {
	if files, err := filepath.Glob("/dev/nvidia[0-9]*"); err == nil && len(files) > 0 {
		return true
	}
	return gpuList(context.Background()) != ""
}

// gpuList is nvidia-smi's list of GPUs, one a line; "" without a GPU or without the program.
func gpuList(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout) // without it, a driver that hangs would keep Open waiting
	defer cancel()
	command := exec.CommandContext(ctx, "nvidia-smi", "--list-gpus")
	command.WaitDelay = time.Second
	output, err := command.Output()
	if err != nil || !strings.Contains(string(output), "GPU ") {
		return ""
	}
	return strings.TrimSpace(string(output))
}
