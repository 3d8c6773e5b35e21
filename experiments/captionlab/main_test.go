package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/captionlab/captionlab/experiments"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"captionlab": main})
}

var update = flag.Bool("update", false, "rewrite the golden output in testdata/script")

// TestScripts runs the command as users do: testdata/script/*.txtar, named by what they are about.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, Cmds: map[string]func(*testscript.TestScript, bool, []string){"picture": makePicture},
	})
}

// TestExitCodes: 0 done, 1 failed, 2 usage and config errors. TestReport has 130, interrupted, TestLostResults 141.
func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("wrong.toml", []byte("[training]\nepochs = 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		reason string
		args   []string
		want   int
	}{
		{"results", []string{"config", "keys"}, 0},
		{"help", []string{"run", "--help"}, 0},
		{"no such run folder", []string{"resume", "none"}, 1},
		{"unknown command", []string{"rnu"}, 2},
		{"unknown flag", []string{"run", "--fast"}, 2},
		{"no argument", []string{"run"}, 2},
		{"an argument too many", []string{"resume", "a", "b"}, 2},
		{"no such config", []string{"run", "none.toml"}, 2},
		{"an override that isn't taken", []string{"resume", "none", "training.epochs=5"}, 2},
		{"no such number of resamples", []string{"compare", "a", "b", "--resamples", "-4"}, 2},
		{"a file of an encoder that has none", []string{"summary", "--encoder", "vgg16", "--weights", "zz"}, 2},
		{"wrong config", []string{"config", "check", "wrong.toml"}, 2},
	} {
		t.Run(test.reason, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := execute(context.Background(), test.args, &stdout, &stderr); got != test.want {
				t.Errorf("exit code %d, want %d; stderr:\n%s", got, test.want, stderr.String())
			}
			if (test.want == 0) != (stderr.Len() == 0) || (test.want == 0) != (stdout.Len() > 0) {
				t.Errorf("stdout %d bytes, stderr %q: results go to stdout, messages to stderr", stdout.Len(), stderr.String())
			}
		})
	}
}

// TestLostResults: results that can't be written are no success, whether or not a command looks at what its writes return.
func TestLostResults(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"config", "keys"}, {"config", "keys", "--json"}, {"version"}} {
		for cause, want := range map[error]int{syscall.ENOSPC: 1, syscall.EPIPE: 141} {
			var stderr bytes.Buffer
			if got := execute(context.Background(), args, lost{cause}, &stderr); got != want {
				t.Errorf("%v, %v: exit code %d, want %d", args, cause, got, want)
			}
			if said := strings.Contains(stderr.String(), cause.Error()); said != (cause == syscall.ENOSPC) {
				t.Errorf("%v, %v: stderr %q", args, cause, stderr.String())
			}
		}
	}
}

// lost fails to write.
type lost struct{ cause error }

func (l lost) Write([]byte) (int, error) { return 0, l.cause }

func TestReport(t *testing.T) {
	for _, test := range []struct {
		err  error
		code int
		want string
	}{
		{errors.New("no room on disk"), 1, "captionlab: no room on disk\n"},
		{&experiments.RunError{Dir: "results/r", Err: fmt.Errorf("%w during training", experiments.ErrInterrupted)}, 130, "hint: captionlab resume results/r goes on"},
		{&experiments.FailedCells{Study: &experiments.Study{Config: "my study.toml", Cells: make([]experiments.StudyCell, 3)},
			Cells: []experiments.StudyCell{{ID: "a-s1", Error: "no room\non disk"}}, Overrides: []string{"data.root=../f"}}, 1,
			"captionlab: 1 of 3 cells are not done\n  a-s1: no room\nhint: captionlab sweep 'my study.toml' data.root=../f --retry-failed"},
		{fmt.Errorf("read: %w", context.Canceled), 130, "captionlab: interrupted\n"},
	} {
		var stderr bytes.Buffer
		if code := report(&stderr, test.err); code != test.code || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%v: code %d, want %d; message %q, want %q in it", test.err, code, test.code, stderr.String(), test.want)
		}
	}
}

// TestHintsAsCalled: hints have the command as it was called where the PATH has none of it.
func TestHintsAsCalled(t *testing.T) {
	t.Chdir(t.TempDir())
	called := os.Args[0]
	t.Cleanup(func() { os.Args[0] = called })
	if err := os.Mkdir("my bin", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("my bin/captionlab", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	const hint = "captionlab resume r goes on"
	for _, test := range []struct{ called, path, want string }{
		{"captionlab", "", hint},
		{"my bin/captionlab", "", "'my bin/captionlab' resume r goes on"},
		{"my bin/captionlab", "my bin", hint},
		{"/tmp/go-build1/b001/exe/captionlab", "", hint},
		{"my bin/another", "", hint},
	} {
		if test.path != "" {
			var err error
			if test.path, err = filepath.Abs(test.path); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", test.path)
		os.Args[0] = test.called
		if got := asCalled(hint); got != test.want {
			t.Errorf("called as %s: %q, want %q", test.called, got, test.want)
		}
	}
	os.Args[0] = "my bin/captionlab"
	t.Setenv("PATH", "")
	var stderr bytes.Buffer
	report(&stderr, &experiments.RunError{Dir: "r", Err: experiments.ErrInterrupted})
	if !strings.Contains(stderr.String(), "\nhint: 'my bin/captionlab' resume r goes on") {
		t.Errorf("message %q", stderr.String())
	}
}

func TestPanicShowsNoStack(t *testing.T) {
	var stderr bytes.Buffer
	code := reportPanic(&stderr, errors.New("shapes differ\ngoroutine 1 [running]"))
	if code != 1 || strings.Contains(stderr.String(), "goroutine") || !strings.Contains(stderr.String(), "please report") {
		t.Errorf("code %d, message %q", code, stderr.String())
	}
}

// TestHelp: every command says what it does and shows an example of itself, in lines that fit a terminal.
func TestHelp(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" || !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no short help, or no example of itself", c.CommandPath())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if n := utf8.RuneCountInString(line); n > 105 {
				t.Errorf("%s: a help line of %d characters: %s", c.CommandPath(), n, line)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newRoot())
}
