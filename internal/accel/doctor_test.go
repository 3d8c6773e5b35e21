package accel

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program puts a shell script on the PATH's folder.
func program(t *testing.T, bin, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// bare is a machine without anything: an empty PATH, home and cache.
func bare(t *testing.T) (bin, home, cache string) {
	bin, home, cache = t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "none", "yet")
	for name, value := range map[string]string{"PATH": bin, "HOME": home, "CC": "", "GOMLX_BACKEND": "", "JUPYTER_PATH": "", "JUPYTER_DATA_DIR": "",
		"PJRT_PLUGIN_LIBRARY_PATH": t.TempDir()} {
		t.Setenv(name, value)
	}
	return bin, home, cache
}

func TestDiagnoseBareMachine(t *testing.T) {
	_, _, cache := bare(t)
	want := map[string]string{"Go": Warning, "C compiler": Missing, "XLA plugin": Missing, "weights": Missing, "Python": Missing,
		"Jupyter": Missing, "GoNB": Missing, "Java": Missing, "disk": "", "memory": ""}
	for _, f := range Diagnose(t.Context(), cache) {
		status, known := want[f.Name]
		if !known && f.Name != "NVIDIA GPU" {
			t.Errorf("unexpected finding %+v", f)
		}
		delete(want, f.Name)
		if status != "" && f.Status != status {
			t.Errorf("%s: %s, want %s (%s)", f.Name, f.Status, status, f.Detail)
		}
		if (f.Fix == "") != (f.Status == OK) || f.Detail == "" {
			t.Errorf("%+v: what is not ok needs a fix, what is ok needs none", f)
		}
	}
	for name := range want {
		t.Errorf("no finding on %s", name)
	}
	if _, err := os.Stat(cache); err == nil {
		t.Error("looking created the cache folder")
	}
}

func TestDiagnoseFindsTools(t *testing.T) {
	bin, home, cache := bare(t)
	program(t, bin, "go", `[ "$2" = CC ] && echo clang -m64 || echo go1.26.8`)
	program(t, bin, "clang", `echo "clang version 19"; echo more`)
	program(t, bin, "python3", `[ "$1" = -m ] && echo "pip 25.1 from /usr/lib (python 3.13)" || echo "Python 3.13.5"`)
	program(t, bin, "java", `echo 'openjdk version "21"' >&2`)
	for _, name := range []string{"jupyter", "gonb", "gopls", "goimports"} {
		program(t, bin, name, "true")
	}
	kernels := filepath.Join(home, ".local", "share", "jupyter", "kernels", "gonb")
	weights := filepath.Join(cache, "weights")
	for _, dir := range []string{kernels, weights} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{filepath.Join(kernels, "kernel.json"), filepath.Join(weights, "vgg16.onnx"), filepath.Join(weights, ".vgg16.onnx.lock")} {
		if err := os.WriteFile(file, make([]byte, 2048), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"Go": "go1.26.8, ", "C compiler": "clang version 19", "Python": "Python 3.13.5, pip 25.1", "Java": `openjdk version "21"`,
		"Jupyter": filepath.Join(bin, "jupyter"), "GoNB": filepath.Join(bin, "gonb") + ", kernel in ", "weights": "vgg16.onnx (2.0 KiB)"}
	for _, f := range Diagnose(t.Context(), cache) {
		if detail, ok := want[f.Name]; ok && (f.Status != OK || !strings.HasPrefix(f.Detail, detail)) {
			t.Errorf("%+v, want ok and %q", f, detail)
		}
		if f.Name == "weights" && strings.Contains(f.Detail, "lock") {
			t.Errorf("side files are no weights: %s", f.Detail)
		}
	}
}

// The compiler that counts is Go's; without Go, the one of CC or any.
func TestCompiler(t *testing.T) {
	bin, _, cache := bare(t)
	program(t, bin, "clang", "echo clang version 19")
	check := func(what, status, detail string) {
		t.Helper()
		if f := checkCompiler(t.Context(), cache)[0]; f.Status != status || f.Detail != detail {
			t.Errorf("%s: %+v, want %s and %q", what, f, status, detail)
		}
	}
	check("no CC", OK, "clang version 19")
	t.Setenv("CC", " ")
	check("blank CC", OK, "clang version 19")
	t.Setenv("CC", "tcc -O2")
	check("another CC", Missing, "none of tcc")
	program(t, bin, "go", "echo go: downloading a toolchain >&2; echo gcc")
	check("Go wants gcc", Missing, "none of gcc")
	program(t, bin, "go", "echo")
	check("Go names none", OK, "clang version 19")
}

// A driver that hangs keeps nobody waiting.
func TestNvidiaSMIHangs(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	bin, _, _ := bare(t)
	program(t, bin, "nvidia-smi", "echo GPU 0; exec "+sleep+" 60")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if got := gpuList(ctx); got != "" || time.Since(start) > 30*time.Second {
		t.Errorf("%q after %v", got, time.Since(start))
	}
}

func TestGoNBNeedsItsParts(t *testing.T) {
	bin, _, cache := bare(t)
	steps := []struct{ add, detail string }{
		{"gonb", "no gopls on the PATH"},
		{"gopls", "no goimports on the PATH"},
		{"goimports", "Jupyter has no gonb kernel"},
	}
	for _, step := range steps {
		program(t, bin, step.add, "true")
		f := checkGoNB(t.Context(), cache)[0]
		if f.Status != Warning || !strings.Contains(f.Detail, step.detail) || f.Fix == "" {
			t.Errorf("with %s: %+v", step.add, f)
		}
	}
}

func TestContainerMemory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("memory.max", "max\n")
	write("memory.current", "3000\n")
	if _, _, ok := containerMemory(dir); ok {
		t.Error("a limit where there is none")
	}
	write("memory.max", "8000\n")
	write("memory.stat", "anon 5\ninactive_file 1000\nactive_file 7\n")
	if limit, used, ok := containerMemory(dir); limit != 8000 || used != 2000 || !ok {
		t.Errorf("%d %d %t, want 8000 2000: the file cache makes way", limit, used, ok)
	}
}

func TestDeviceOf(t *testing.T) {
	for description, want := range map[string]string{"cpu:0 [processId=0]": "cpu", "TFRT_CPU_0": "cpu", "cuda:0 [processId=0]": "cuda", "metal 0": "device metal 0"} {
		if got := deviceOf(description); got != want {
			t.Errorf("deviceOf(%q) = %q, want %q", description, got, want)
		}
	}
}
