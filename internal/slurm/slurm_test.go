package slurm_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/slurm"
)

// fake puts the stand-ins for Slurm's commands on PATH and returns the folder with their states.
func fake(t *testing.T) (dir string) {
	t.Helper()
	bin, err := filepath.Abs("testdata/fake")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("FAKE_SLURM", dir)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestRecordedStates: what Slurm 22.05 says of the same jobs by its accounting and by its controller (recorded by
// testdata/record.sh) means the same.
func TestRecordedStates(t *testing.T) {
	bin, recorded := t.TempDir(), "testdata/recorded/"
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	want := map[string]slurm.State{
		"20_1":    {Name: slurm.Completed, Node: "node1"},
		"20_2":    {Name: slurm.Failed, Code: 7, Node: "node1"},
		"20_3":    {Name: slurm.Cancelled, Node: "node1"},
		"20_4":    {Name: slurm.Failed, Signal: 9, Node: "node1"},
		"20_5":    {Name: slurm.TimedOut, Node: "node1"},
		"25":      {Name: slurm.Failed, Code: 3, Node: "node1"},
		"26_2":    {Name: slurm.Cancelled},
		"27_1":    {Name: slurm.Running, Node: "node1"},
		"27_3":    {Name: slurm.Pending, Reason: "JobArrayTaskLimit"},
		"27_1000": {Name: slurm.Pending, Reason: "JobArrayTaskLimit"},
		"28_401":  {Name: slurm.Pending, Reason: "JobHeldUser"},
		"29_4":    {Name: slurm.Cancelled},
	}
	for _, c := range []struct{ reason, sacct, scontrol string }{
		{"accounting", "cat '" + here + "/" + recorded + "sacct.txt'", "echo must not be asked >&2; exit 1"},
		{"no accounting", "echo Slurm accounting storage is disabled >&2; exit 1",
			`grep -E "^JobId=$5 |ArrayJobId=$5 " '` + here + "/" + recorded + "scontrol.txt'"},
		{"a list that is cut off", "cat '" + here + "/" + recorded + "sacct_cut.txt'", `grep -E "^JobId=$5 |ArrayJobId=$5 " '` + here + "/" + recorded + "scontrol.txt'"},
		{"only a list that is cut off", "cat '" + here + "/" + recorded + "sacct.txt' | sed 's/,325,362,401/,325.../'",
			"echo slurm_load_jobs error: Invalid job id specified >&2; exit 1"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			write(t, filepath.Join(bin, "sacct"), "#!/bin/sh\n"+c.sacct+"\n")
			write(t, filepath.Join(bin, "scontrol"), "#!/bin/bash\nset -- x \"$@\"\n"+c.scontrol+"\n")
			states, err := new(slurm.Client).States(t.Context(), slices.Collect(maps.Keys(want)))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]slurm.State{}
			for task := range want {
				s, known := slurm.Of(states, task)
				if !known {
					t.Errorf("task %s is not known", task)
				}
				if s.Elapsed > time.Hour || s.Name == slurm.TimedOut && s.Elapsed < time.Minute {
					t.Errorf("task %s has run for %v", task, s.Elapsed)
				}
				s.Elapsed = 0
				switch s.Name { // the two say different things of why a task ended, which nobody reads
				case slurm.Pending:
				default:
					s.Reason = ""
				}
				if s.Name == slurm.Cancelled || s.Name == slurm.TimedOut {
					s.Code, s.Signal = 0, 0
				}
				got[task] = s
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if s, known := slurm.Of(states, "27_4"); known {
				t.Errorf("a task that is none: %+v", s)
			}
		})
	}
}

// TestElapsed reads times of days and of seconds.
func TestElapsed(t *testing.T) {
	dir := fake(t)
	write(t, filepath.Join(dir, "bin", "scontrol"), "#!/bin/sh\necho 'JobId=7 JobName=x JobState=RUNNING Reason=None ExitCode=0:0 RunTime=2-03:04:05 NodeList=n'\n")
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	states, err := new(slurm.Client).States(t.Context(), []string{"7"})
	if want := 51*time.Hour + 4*time.Minute + 5*time.Second; err != nil || states["7"].Elapsed != want {
		t.Errorf("%v, want %v: %v", states["7"].Elapsed, want, err)
	}
}

// TestNodeFailure: Slurm starts a task again whose node failed, and only the controller knows that.
func TestNodeFailure(t *testing.T) {
	dir := fake(t)
	write(t, filepath.Join(dir, "bin", "sacct"), "#!/bin/sh\necho '9_1|NODE_FAIL|0:0|None|vm|30'\n")
	write(t, filepath.Join(dir, "tasks", "9_1"), "PENDING 0:0\n")
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	var c slurm.Client
	states, err := c.States(t.Context(), []string{"9_1"})
	if err != nil || states["9_1"].Name != slurm.Pending {
		t.Errorf("%+v, want the task in the queue again: %v", states, err)
	}
	write(t, filepath.Join(dir, "tasks", "9_2"), "CANCELLED 0:0\n") // the accounting has no line of it
	if states, err = c.States(t.Context(), []string{"9_1", "9_2"}); err != nil || states["9_2"].Name != slurm.Cancelled {
		t.Errorf("%+v, want a cancelled task: %v", states, err)
	}
	write(t, filepath.Join(dir, "forgotten"), "")
	states, err = c.States(t.Context(), []string{"9_1"})
	if err != nil || !states["9_1"].Ended() {
		t.Errorf("%+v, want a task that ended: %v", states, err)
	}
}

// TestSubmit: every setting is an argument of sbatch, and paths come through whatever is in them.
func TestSubmit(t *testing.T) {
	dir := fake(t)
	work := filepath.Join(t.TempDir(), `it's 100% "mine" $HOME`)
	script := filepath.Join(work, "task.sh")
	printed := filepath.Join(work, "printed file")
	write(t, script, string(slurm.Script("two\nlines", []string{"export GREETING='a b'"}, []string{"/bin/sh", "-c",
		`printf '%s|' "$@" "$GREETING" "$PWD" >>"` + "$OUT" + `"`, "it's", "a b", "$(no)"})))
	t.Setenv("OUT", printed)
	if err := os.Mkdir(filepath.Join(work, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	settings := slurm.Settings{Partition: "gpu", Account: "me", Time: "1-2", CPUs: 2, Memory: "8G", GPUs: 1, GRES: "gpu:a100:1", Concurrent: 3,
		Options: []string{"--qos=short", "--comment=two words"}}
	if p := settings.Check(); len(p) > 0 {
		t.Fatalf("refused: %v", p)
	}
	id, err := new(slurm.Client).Submit(t.Context(), settings, slurm.Job{Name: "study", Script: script, Args: []string{"1000"}, Dir: work,
		Log: filepath.Join(work, "logs"), Tasks: []int{7, 1, 2, 3}, After: []string{"5", "6_1"}, AfterOK: "4"})
	if err != nil || id != "101" {
		t.Fatalf("job %q, %v", id, err)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"--parsable", "--array=1-3\\,7%3", "--dependency=afterok:4\\,afterany:5:6_1", "--kill-on-invalid-dep=yes", "--partition=gpu",
		"--account=me", "--time=1-2", "--cpus-per-task=2", "--mem=8G", "--gpus=1", "--gres=gpu:a100:1", "--qos=short", "--comment=two\\ words", "--job-name=study"} {
		if !strings.Contains(string(calls), option+" ") {
			t.Errorf("no %s in\n%s", option, calls)
		}
	}
	got, err := os.ReadFile(printed)
	if want := strings.Join([]string{"a b", "$(no)", "1001", "a b", work, ""}, "|"); err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("the first task got %q, want %q: %v", got, want, err)
	}
	for _, task := range []string{"101_1", "101_7"} {
		if _, err := os.Stat(slurm.LogFile(filepath.Join(work, "logs"), task)); err != nil {
			t.Errorf("no log: %v", err)
		}
	}
}

// TestRefusals: what sbatch says is in the error, once; a path that Slurm would misread is refused before.
func TestRefusals(t *testing.T) {
	dir := fake(t)
	job := slurm.Job{Name: "x", Script: "/tmp/x.sh", Dir: "/tmp", Log: "/tmp"}
	write(t, filepath.Join(dir, "refuse"), "Invalid partition name specified")
	_, err := new(slurm.Client).Submit(t.Context(), slurm.Settings{}, job)
	if err == nil || err.Error() != "sbatch: Invalid partition name specified; Batch job submission failed: Invalid partition name specified" {
		t.Errorf("error %v", err)
	}
	job.Log = `/tmp/back\slash`
	if _, err = new(slurm.Client).Submit(t.Context(), slurm.Settings{}, job); err == nil || !strings.Contains(err.Error(), "backslash") {
		t.Errorf("error %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	job.Log = "/tmp"
	if _, err = new(slurm.Client).Submit(t.Context(), slurm.Settings{}, job); err == nil || !strings.Contains(err.Error(), "sbatch: there is no such command") {
		t.Errorf("error %v", err)
	}
}

// TestInsideAJob: a job that is submitted from within another one doesn't get its shape.
func TestInsideAJob(t *testing.T) {
	dir := fake(t)
	write(t, filepath.Join(dir, "bin", "sbatch"), "#!/bin/sh\nenv | grep ^SLURM_ | sort >"+dir+"/env\necho 5\n")
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	for name, value := range map[string]string{"SLURM_JOB_ID": "4", "SLURM_MEM_PER_NODE": "100", "SLURM_ARRAY_TASK_ID": "2", "SLURM_CONF": "/c"} {
		t.Setenv(name, value)
	}
	if _, err := new(slurm.Client).Submit(t.Context(), slurm.Settings{}, slurm.Job{Name: "x", Script: "/x", Dir: "/", Log: "/"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil || string(got) != "SLURM_BITSTR_LEN=0\nSLURM_CONF=/c\n" {
		t.Errorf("sbatch got %q: %v", got, err)
	}
}

// TestExplain: why a task ended, in words.
func TestExplain(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for _, c := range []struct {
		state slurm.State
		log   string
		want  string
	}{
		{slurm.State{Name: slurm.TimedOut, Elapsed: time.Hour}, "", "stopped at its time limit after 1h0m0s; slurm.time raises it"},
		{slurm.State{Name: slurm.OutOfMemory}, "", "ran out of memory; slurm.memory raises what it gets"},
		{slurm.State{Name: slurm.Failed, Signal: 9}, "slurmstepd-vm: error: Exceeded job memory limit\nslurmstepd-vm: error: *** JOB 5 ON vm CANCELLED AT 2026 ***\n",
			"ran out of memory; slurm.memory raises what it gets"},
		{slurm.State{Name: slurm.Failed, Signal: 9}, "", "killed by signal 9"},
		{slurm.State{Name: slurm.Failed, Signal: 53, Node: "n1"}, "", "could not be started: Slurm could not write its log, or not enter its folder, on the node n1"},
		{slurm.State{Name: slurm.Failed, Code: 2}, "training\ncaptionlab: no room on disk\nhint: make some\n", "ended with exit code 2: no room on disk"},
		{slurm.State{Name: slurm.Failed, Code: 127}, "", "ended with exit code 127"},
		{slurm.State{Name: slurm.NodeFailed, Node: "n1"}, "", "the node n1 failed"},
		{slurm.State{Name: "REVOKED"}, "", "ended as REVOKED"},
	} {
		write(t, log, strings.Repeat("x", 20000)+"\n"+c.log)
		if got := slurm.Explain(c.state, log); got != c.want {
			t.Errorf("%+v: %q, want %q", c.state, got, c.want)
		}
	}
	if got := slurm.Explain(slurm.State{Name: slurm.Failed, Code: 1}, log+".none"); got != "ended with exit code 1" {
		t.Errorf("without a log: %q", got)
	}
}

// TestScriptIsBash: bash reads what Script writes.
func TestScriptIsBash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sh")
	write(t, path, string(slurm.Script("a ' b", nil, []string{"printf", "%s\n"})))
	for last, env := range map[string]string{"12\n": "SLURM_ARRAY_TASK_ID=12", "0\n": "X=1"} {
		c := exec.Command("bash", path, "0")
		c.Env = append(os.Environ(), env)
		if out, err := c.CombinedOutput(); err != nil || string(out) != last {
			t.Errorf("%s: %q, %v", env, out, err)
		}
	}
}
