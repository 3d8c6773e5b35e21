package slurm

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Explain says in a few words why a task that ended did not succeed. log is the file of its output.
func Explain(s State, log string) string {
	after := ""
	if s.Elapsed > 0 {
		after = fmt.Sprintf(" after %s", s.Elapsed.Round(time.Second))
	}
	words := lastWords(log)
	switch s.Name {
	case TimedOut:
		return "stopped at its time limit" + after + "; slurm.time raises it"
	case OutOfMemory:
		return "ran out of memory" + after + "; slurm.memory raises what it gets"
	case NodeFailed, BootFailed:
		return strings.TrimSpace("the node "+s.Node) + " failed" + after
	case Cancelled:
		return "cancelled" + after
	case Preempted:
		return "gave way to another job" + after
	case PastDeadline:
		return "reached its deadline" + after
	case Completed:
		return "ended without an error" + after
	case Failed:
		switch {
		case strings.Contains(words, "memory limit"), strings.Contains(words, "oom-kill"), strings.Contains(words, "oom_kill"): // without cgroups the state is FAILED
			return "ran out of memory" + after + "; slurm.memory raises what it gets"
		case s.Signal == launchFailed:
			return "could not be started: Slurm could not write its log, or not enter its folder, on the node " + s.Node
		case s.Signal > 0:
			return fmt.Sprintf("killed by signal %d%s%s", s.Signal, after, said(words))
		}
		return fmt.Sprintf("ended with exit code %d%s%s", s.Code, after, said(words))
	}
	return "ended as " + s.Name + after + said(words)
}

// launchFailed is the signal that Slurm reports of a task whose output it could not open.
const launchFailed = 53

func said(words string) string {
	if words == "" {
		return ""
	}
	return ": " + words
}

// lastWords is the last line of a log in which Slurm or captionlab names an error; "" for none.
func lastWords(log string) (words string) {
	const tail = 16 << 10
	f, err := os.Open(log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if stat, err := f.Stat(); err == nil && stat.Size() > tail {
		if _, err := f.Seek(-tail, io.SeekEnd); err != nil {
			return ""
		}
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		_, slurm, isSlurm := strings.Cut(line, "error: ")
		isSlurm = isSlurm && strings.HasPrefix(line, "slurmstepd")
		ours, isOurs := strings.CutPrefix(line, "captionlab: ")
		switch {
		case isSlurm && !strings.HasPrefix(slurm, "***"): // *** JOB 5 ON … CANCELLED AT …, which says no more than the state
			words = slurm
		case isOurs:
			words = ours
		}
	}
	return words
}
