// Package slurm hands jobs to the Slurm workload manager by its commands: sbatch, sacct, scontrol and scancel.
//
// How Slurm's commands behave was checked against Slurm 22.05 as Debian 12 has it; testdata/single_node.sh starts one.
package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Client calls Slurm's commands, as they are found on PATH. It is for one goroutine.
type Client struct {
	noAccounting bool // sacct said that nothing is stored
}

// Job is a batch job: an array of tasks, or one task.
type Job struct {
	Name    string   // without white space
	Script  string   // path of the batch script
	Args    []string // of the script
	Dir     string   // working folder of the tasks
	Log     string   // path of the folder that receives a log a task: see LogFile
	Tasks   []int    // the array's indices; nil for one task
	After   []string // jobs or tasks that must have ended, however they did
	AfterOK string   // a job that must have succeeded, or this one is cancelled; "" for none
}

// Submit submits a job and returns its id.
func (c *Client) Submit(ctx context.Context, s Settings, j Job) (id string, err error) {
	for _, path := range []string{j.Script, j.Dir, j.Log} {
		if err := usablePath(path); err != nil {
			return "", err
		}
	}
	out, err := command(ctx, "sbatch", arguments(s, j)...)
	if err != nil {
		return "", err
	}
	id, _, _ = strings.Cut(strings.TrimSpace(out), ";") // "12;cluster" where there are several
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return "", fmt.Errorf("sbatch: expected a job's number, got %q", out)
	}
	return id, nil
}

// arguments are sbatch's. They are arguments, not #SBATCH lines: these know no quotes.
func arguments(s Settings, j Job) []string {
	args := []string{"--parsable", "--requeue", "--open-mode=append", "--job-name=" + j.Name, "--chdir=" + j.Dir,
		"--output=" + strings.ReplaceAll(j.Log, "%", "%%") + "/%j.log"}
	if j.Tasks != nil {
		args[len(args)-1] = "--output=" + strings.ReplaceAll(j.Log, "%", "%%") + "/%A_%a.log"
		array := "--array=" + ranges(j.Tasks)
		if s.Concurrent > 0 {
			array += "%" + strconv.Itoa(s.Concurrent)
		}
		args = append(args, array)
	}
	var after []string
	if j.AfterOK != "" {
		after = append(after, "afterok:"+j.AfterOK)
	}
	if len(j.After) > 0 {
		after = append(after, "afterany:"+strings.Join(j.After, ":"))
	}
	if after != nil {
		args = append(args, "--dependency="+strings.Join(after, ","), "--kill-on-invalid-dep=yes")
	}
	return append(append(append(args, s.arguments()...), j.Script), j.Args...)
}

// usablePath refuses what Slurm can't be told: in a path with a backslash it leaves %A as it stands.
func usablePath(path string) error {
	if strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%q: Slurm can't use a path with a backslash or a control character", path)
	}
	return nil
}

// LogFile is where the output of a task lies, of a Job with this Log.
func LogFile(folder, task string) string { return folder + "/" + task + ".log" }

// Task is the name of an array's task, as "12_3".
func Task(job string, index int) string { return job + "_" + strconv.Itoa(index) }

// ranges writes indices as Slurm reads them: 1-3,7.
func ranges(indices []int) string {
	sorted := slices.Sorted(slices.Values(indices))
	var parts []string
	for from := 0; from < len(sorted); {
		to := from
		for to+1 < len(sorted) && sorted[to+1] == sorted[to]+1 {
			to++
		}
		part := strconv.Itoa(sorted[from])
		if to > from {
			part += "-" + strconv.Itoa(sorted[to])
		}
		parts, from = append(parts, part), to+1
	}
	return strings.Join(parts, ",")
}

// Cancel ends jobs and tasks. Those that have ended already are left as they are.
func (c *Client) Cancel(ctx context.Context, tasks []string) error {
	const atOnce = 500 // names in a command line
	for part := range slices.Chunk(tasks, atOnce) {
		if _, err := command(ctx, "scancel", part...); err != nil && !unknown(err) {
			return err
		}
	}
	return nil
}

// CommandError is the error of a Slurm command that failed.
type CommandError struct {
	Command string
	Message string // what it said
}

func (e *CommandError) Error() string { return e.Command + ": " + e.Message }

// unknown tells the error of a command that knows no such job.
func unknown(err error) bool {
	var failed *CommandError
	return errors.As(err, &failed) && strings.Contains(failed.Message, "Invalid job id specified")
}

// command runs one of Slurm's commands and returns what it printed. Ctrl-C doesn't reach it: half a submission is worse
// than a late end.
func command(ctx context.Context, name string, args ...string) (stdout string, err error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &CommandError{name, "there is no such command on PATH: is this a machine that submits to Slurm?"}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Env = environment(os.Environ())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", &CommandError{name, message(said.String(), err)}
	}
	return out.String(), nil
}

// environment leaves out what a Slurm job has in its own environment: a job submitted from within it would inherit its
// shape. The lists of indices are printed whole.
func environment(own []string) []string {
	inJob := slices.ContainsFunc(own, func(v string) bool { return strings.HasPrefix(v, "SLURM_JOB_ID=") })
	kept := slices.DeleteFunc(slices.Clone(own), func(v string) bool {
		return inJob && strings.HasPrefix(v, "SLURM_") && !strings.HasPrefix(v, "SLURM_CONF=")
	})
	return append(kept, "SLURM_BITSTR_LEN=0", "LC_ALL=C")
}

// message is what a command said, in a line: "sbatch: error: " and the like are left out.
func message(said string, err error) string {
	var parts []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"sbatch: ", "scancel: ", "scontrol: ", "sacct: ", "error: "} {
			line = strings.TrimPrefix(line, prefix)
		}
		if line != "" && !slices.Contains(parts, line) {
			parts = append(parts, line)
		}
	}
	if len(parts) == 0 {
		return err.Error()
	}
	return strings.Join(parts, "; ")
}
