package slurm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is how a task stands.
type State struct {
	Name    string        // as Slurm names it: PENDING, RUNNING, COMPLETED, FAILED, TIMEOUT, …
	Reason  string        // why it waits; "" for none
	Code    int           // exit code of the task
	Signal  int           // that killed the task
	Node    string        // where it runs or ran; "" for nowhere
	Elapsed time.Duration // its running time
}

// The states that this package's callers tell apart; there are more.
const (
	Pending      = "PENDING"
	Running      = "RUNNING"
	Completed    = "COMPLETED"
	Cancelled    = "CANCELLED"
	Failed       = "FAILED"
	TimedOut     = "TIMEOUT"
	OutOfMemory  = "OUT_OF_MEMORY"
	NodeFailed   = "NODE_FAIL"
	BootFailed   = "BOOT_FAIL"
	Preempted    = "PREEMPTED"
	PastDeadline = "DEADLINE"
)

// ended are the states that a task doesn't leave again, unless it is put back into the queue.
var ended = map[string]bool{
	Completed: true, Cancelled: true, Failed: true, TimedOut: true, OutOfMemory: true, NodeFailed: true, BootFailed: true, Preempted: true,
	PastDeadline: true, "REVOKED": true, "LAUNCH_FAILED": true, "RECONFIG_FAIL": true,
}

// requeued are ended states after which Slurm by itself may start a task again. The accounting shows them until then.
var requeued = map[string]bool{NodeFailed: true, Preempted: true, BootFailed: true, "REQUEUED": true, "REQUEUE_HOLD": true, "SPECIAL_EXIT": true}

// Ended reports whether the task is over.
func (s State) Ended() bool { return ended[s.Name] }

// States asks how tasks, as "12_3", and jobs, as "12", stand. What Slurm no longer knows is absent. States of other tasks of
// the same jobs may be there, too.
//
// The accounting is asked first, where there is one: that spares the controller. It lags, though, and has no word of what
// was put back into the queue, so for such tasks the controller's word counts.
func (c *Client) States(ctx context.Context, tasks []string) (map[string]State, error) {
	states := map[string]State{}
	wanted := map[string][]string{}
	for _, task := range tasks {
		job, _, _ := strings.Cut(task, "_")
		wanted[job] = append(wanted[job], task)
	}
	jobs := slices.Sorted(maps.Keys(wanted))
	if len(jobs) == 0 {
		return states, nil
	}
	if !c.noAccounting {
		out, err := command(ctx, "sacct", "--noheader", "--parsable2", "--allocations", "--format=JobID,State,ExitCode,Reason,NodeList,ElapsedRaw",
			"--jobs="+strings.Join(jobs, ","))
		var failed *CommandError
		switch {
		case errors.As(err, &failed): // not installed, disabled, or its database is down
			c.noAccounting = strings.Contains(failed.Message, "disabled") || strings.Contains(failed.Message, "no such command")
		case err != nil:
			return nil, err
		default:
			if states, err = parseAccounting(out); err != nil {
				return nil, err
			}
		}
	}
	for _, job := range jobs {
		if settled(states, job, wanted[job]) {
			continue
		}
		out, err := command(ctx, "scontrol", "show", "job", "--oneliner", job)
		if unknown(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		live, err := parseControl(out)
		if err != nil {
			return nil, err
		}
		for task, state := range live {
			states[task] = state
		}
	}
	return states, nil
}

// Of is the state of a task. known is false when Slurm no longer knows it.
func Of(states map[string]State, task string) (s State, known bool) {
	if s, known = states[task]; known {
		return s, true
	}
	job, _, _ := strings.Cut(task, "_")
	s, known = states[job+cutOff]
	return s, known
}

// Knows reports whether there is a state of some task of the job.
func Knows(states map[string]State, job string) bool {
	for task := range states {
		if of, _, _ := strings.Cut(task, "_"); of == job {
			return true
		}
	}
	return false
}

// cutOff, after a job's id, is the name of those tasks of an array that a list too long for Slurm leaves out: 1,3,5...
const cutOff = "_..."

// settled reports whether the accounting's word on a job's tasks is the last: it knows them, and none may come back.
func settled(states map[string]State, job string, tasks []string) bool {
	for _, task := range tasks {
		if _, known := Of(states, task); !known {
			return false
		}
	}
	for task, state := range states {
		if of, _, _ := strings.Cut(task, "_"); of == job && (requeued[state.Name] || task == job+cutOff) {
			return false
		}
	}
	return true
}

// parseAccounting reads sacct's lines: JobID|State|ExitCode|Reason|NodeList|ElapsedRaw.
func parseAccounting(out string) (map[string]State, error) {
	list := newList()
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "|")
		if len(fields) != 6 {
			return nil, fmt.Errorf("sacct: expected 6 fields, got %q", line)
		}
		name, _, _ := strings.Cut(fields[1], " ") // "CANCELLED by 0"
		s := State{Name: name, Node: node(fields[4])}
		if name == Pending { // of others it is why they once waited
			s.Reason = reason(fields[3])
		}
		s.exit(fields[2])
		if seconds, err := strconv.Atoi(fields[5]); err == nil {
			s.Elapsed = time.Duration(seconds) * time.Second
		}
		job, index, isArray := strings.Cut(fields[0], "_")
		if !isArray {
			list.one[job] = s
			continue
		}
		if err := list.add(job, strings.Trim(index, "[]"), s, strings.HasPrefix(index, "[")); err != nil {
			return nil, fmt.Errorf("sacct: %w", err)
		}
	}
	return list.whole(), nil
}

// controlField finds a field of scontrol's lines: the names of jobs, which stand before, have no white space.
var controlField = regexp.MustCompile(`(?:^| )(JobId|ArrayJobId|ArrayTaskId|JobState|Reason|ExitCode|RunTime|StartTime|NodeList)=(\S*)`)

// parseControl reads the lines of scontrol show job --oneliner.
func parseControl(out string) (map[string]State, error) {
	list := newList()
	for line := range strings.Lines(out) {
		field := map[string]string{}
		for _, m := range controlField.FindAllStringSubmatch(line, -1) {
			if _, known := field[m[1]]; !known {
				field[m[1]] = m[2]
			}
		}
		if field["JobId"] == "" || field["JobState"] == "" {
			if strings.TrimSpace(line) == "" {
				continue
			}
			return nil, fmt.Errorf("scontrol: expected a job, got %.100q", line)
		}
		s := State{Name: field["JobState"], Reason: reason(field["Reason"]), Node: node(field["NodeList"])}
		if field["StartTime"] != "Unknown" { // of what never began, it counts from 1970
			s.Elapsed = runTime(field["RunTime"])
		}
		s.exit(field["ExitCode"])
		if field["ArrayJobId"] == "" {
			list.one[field["JobId"]] = s
			continue
		}
		_, err := strconv.Atoi(field["ArrayTaskId"])
		if err := list.add(field["ArrayJobId"], field["ArrayTaskId"], s, err != nil); err != nil {
			return nil, fmt.Errorf("scontrol: %w", err)
		}
	}
	return list.whole(), nil
}

// list gathers states. A task with a line of its own is in the line of the array's rest, too, once the array is cancelled.
type list struct{ one, rest map[string]State }

func newList() list { return list{map[string]State{}, map[string]State{}} }

// add enters the tasks of an array, as "3" or "1-3,7%2".
func (l list) add(job, indices string, s State, several bool) error {
	indices, _, _ = strings.Cut(indices, "%")
	if whole, isCut := strings.CutSuffix(indices, "..."); isCut {
		l.rest[job+cutOff] = s
		indices = whole[:max(strings.LastIndexByte(whole, ','), 0)] // the last one may be half a number
	}
	for part := range strings.SplitSeq(indices, ",") {
		if part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		last, step, stepped := strings.Cut(last, ":")
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		by := 1
		var err3 error
		if stepped {
			by, err3 = strconv.Atoi(step)
		}
		if err := errors.Join(err, err2, err3); err != nil || by < 1 {
			return fmt.Errorf("expected tasks of an array, as 1-3,7, got %q", indices)
		}
		for n := from; n <= to; n += by {
			if several {
				l.rest[Task(job, n)] = s
			} else {
				l.one[Task(job, n)] = s
			}
		}
	}
	return nil
}

func (l list) whole() map[string]State {
	for task, s := range l.rest {
		if _, known := l.one[task]; !known {
			l.one[task] = s
		}
	}
	return l.one
}

// exit reads "code:signal".
func (s *State) exit(text string) {
	code, signal, _ := strings.Cut(text, ":")
	s.Code, _ = strconv.Atoi(code)
	s.Signal, _ = strconv.Atoi(signal)
}

func reason(text string) string {
	if text == "None" {
		return ""
	}
	return text
}

func node(text string) string {
	if text == "None assigned" || text == "(null)" {
		return ""
	}
	return text
}

// runTime reads [days-]hours:minutes:seconds.
func runTime(text string) time.Duration {
	days, clock, ok := strings.Cut(text, "-")
	if !ok {
		days, clock = "0", text
	}
	seconds := 0
	for part := range strings.SplitSeq(clock, ":") {
		n, _ := strconv.Atoi(part)
		seconds = 60*seconds + n
	}
	n, _ := strconv.Atoi(days)
	return time.Duration(n)*24*time.Hour + time.Duration(seconds)*time.Second
}
