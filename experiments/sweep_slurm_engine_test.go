package experiments

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/captionlab/captionlab/internal/runfolder"
)

// fakeSlurm puts stand-ins for Slurm's commands on PATH, and gives tasks states instead of running them: by their number,
// or "job" for what is no array.
func fakeSlurm(t *testing.T, states map[string]string) (dir string) {
	t.Helper()
	bin, err := filepath.Abs("../internal/slurm/testdata/fake")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("FAKE_SLURM", dir)
	force(t, dir, states)
	return dir
}

func force(t *testing.T, dir string, states map[string]string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "force")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "force"), 0o755); err != nil {
		t.Fatal(err)
	}
	for task, state := range states {
		if err := os.WriteFile(filepath.Join(dir, "force", task), []byte(state+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// all gives the same state to up to nine cells and to what they share.
func all(state string) map[string]string {
	states := map[string]string{"job": state}
	for n := 1; n <= 9; n++ {
		states[fmt.Sprint(n)] = state
	}
	return states
}

// submitted are the calls of sbatch and scancel, with the options that say what waits for what.
func submitted(t *testing.T, dir string) (calls []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(data), `\,`, ",")) {
		words := strings.Fields(line)
		if words[0] == "scancel" {
			calls = append(calls, strings.Join(words, " "))
			continue
		}
		call := "sbatch"
		for _, w := range words {
			if strings.HasPrefix(w, "--array=") || strings.HasPrefix(w, "--dependency=") || strings.HasPrefix(w, "--mem=") {
				call += " " + w
			}
		}
		calls = append(calls, call+" "+words[len(words)-1])
	}
	return calls
}

func slurmSweep(t *testing.T, path string, detach, retry bool, overrides ...string) (*Study, error) {
	t.Helper()
	return Sweep(t.Context(), path, overrides, SweepOptions{Engine: "slurm", Command: "/bin/true", Detach: detach, RetryFailed: retry})
}

func statuses(s *Study) (list []string) {
	for _, c := range s.Cells {
		list = append(list, c.Status)
	}
	return list
}

func cellPlans(s *Study) (list []string) {
	for _, c := range s.Cells {
		list = append(list, c.Plan)
	}
	return list
}

// TestSlurmSubmits: what cells share comes first, then an array a wave, each after the one before; a call that finds them
// in the queue submits nothing; cancelled ones are submitted again.
func TestSlurmSubmits(t *testing.T) {
	path, _ := planFolder(t)
	dir := fakeSlurm(t, all("PENDING 0:0"))
	s, err := slurmSweep(t, path, true, false, "slurm.memory=4G", "slurm.concurrent=2")
	if err != nil {
		t.Fatal(err)
	}
	// Epochs 20, 5, 10 with two seeds each: cells 3 and 4 have 5 epochs, 5 and 6 go on from them, 1 and 2 from these.
	want := []string{
		"sbatch --mem=4G shared",
		"sbatch --array=3-4%2 --dependency=afterok:101 --mem=4G 0",
		"sbatch --array=5-6%2 --dependency=afterok:101,afterany:102 --mem=4G 0",
		"sbatch --array=1-2%2 --dependency=afterok:101,afterany:103 --mem=4G 0",
	}
	if diff := cmp.Diff(want, submitted(t, dir)); diff != "" {
		t.Fatalf("calls (-want +got):\n%s", diff)
	}

	again, err := slurmSweep(t, path, true, false)
	if err != nil || again.Dir != s.Dir {
		t.Fatalf("another study, %s: %v", again.Dir, err)
	}
	if got := cellPlans(again); slices.ContainsFunc(got, func(p string) bool { return p != "in Slurm's queue" }) {
		t.Errorf("plans %v, want all in the queue", got)
	}
	if got := submitted(t, dir); len(got) != len(want) {
		t.Errorf("submitted again: %v", got[len(want):])
	}

	status, err := OpenSlurm(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := status.WriteTable(&table); err != nil || !strings.Contains(table.String(), "│ 102_3 │ PENDING") || !strings.Contains(table.String(), "6 cells, 6 pending") ||
		!strings.Contains(table.String(), "logs: "+filepath.Join(s.Dir, "slurm", "1", "logs")) {
		t.Errorf("status: %v\n%s", err, table.String())
	}

	tasks, jobs, err := CancelSlurm(t.Context(), path, nil)
	if err != nil || tasks != 6 || strings.Join(jobs, " ") != "101 102 103 104" {
		t.Errorf("cancelled %d tasks of %v: %v", tasks, jobs, err)
	}
	if tasks, jobs, err = CancelSlurm(t.Context(), path, nil); err != nil || tasks != 0 || len(jobs) != 0 {
		t.Errorf("cancelled %d tasks of %v again: %v", tasks, jobs, err)
	}
	if s, err = slurmSweep(t, path, true, false); err != nil || len(submitted(t, dir)) != 2*len(want)+1 {
		t.Errorf("cancelled cells were not submitted again: %v\n%v\n%v\n%v", err, submitted(t, dir), cellPlans(s), statuses(s))
	}
}

// TestSlurmSubmitsNoCellTwice: cells that wait since before the study's file was edited are not submitted again by the edited study,
// which waits for them, and cancels them.
func TestSlurmSubmitsNoCellTwice(t *testing.T) {
	path, _ := planFolder(t)
	dir := fakeSlurm(t, all("PENDING 0:0"))
	if _, err := slurmSweep(t, path, true, false); err != nil {
		t.Fatal(err)
	}
	before := submitted(t, dir)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "seeds = [1, 2]", "seeds = [1, 2, 3]", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := slurmSweep(t, path, true, false); err != nil {
		t.Fatal(err)
	}
	// The third seed alone: cells 3, 6 and 9 of the edited study.
	var arrays []string
	for _, call := range submitted(t, dir)[len(before):] {
		if _, array, ok := strings.Cut(call, "--array="); ok {
			array, _, _ = strings.Cut(array, " ")
			arrays = append(arrays, array)
		}
	}
	if diff := cmp.Diff([]string{"6", "9", "3"}, arrays); diff != "" {
		t.Errorf("arrays (-want +got):\n%s", diff)
	}
	s, err := slurmSweep(t, path, true, false)
	if err != nil || slices.ContainsFunc(cellPlans(s), func(p string) bool { return p != planQueued }) {
		t.Errorf("plans %v: %v", cellPlans(s), err)
	}
	if tasks, _, err := CancelSlurm(t.Context(), path, nil); err != nil || tasks != 9 {
		t.Errorf("cancelled %d tasks: %v", tasks, err)
	}
	if tasks, _, err := CancelSlurm(t.Context(), path, nil); err != nil || tasks != 0 {
		t.Errorf("cancelled %d tasks again: %v", tasks, err)
	}
}

// TestSlurmEnds: each way in which a task can end has its status and one message with the log's path; failed cells are
// left alone until they are to be tried again, interrupted ones are not.
func TestSlurmEnds(t *testing.T) {
	path, results := planFolder(t)
	dir := fakeSlurm(t, map[string]string{"job": "COMPLETED 0:0", "1": "TIMEOUT 0:0", "2": "OUT_OF_MEMORY 0:125", "3": "CANCELLED 0:15", "4": "FAILED 7:0",
		"5": "NODE_FAIL 0:0", "6": "FAILED 0:9"})
	s, err := slurmSweep(t, path, false, false)
	var failed *FailedCells
	if !errors.As(err, &failed) || failed.Engine != "slurm" || len(failed.Cells) != 6 {
		t.Fatalf("error %v", err)
	}
	log := func(task string) string {
		return " (Slurm task " + task + "; log: " + filepath.Join(s.Dir, "slurm", "1", "logs", task+".log") + ")"
	}
	want := map[string]string{ // three seconds are the stand-in's
		"epochs20-s1": "failed: stopped at its time limit after 3s; slurm.time raises it" + log("104_1"),
		"epochs20-s2": "failed: ran out of memory after 3s; slurm.memory raises what it gets" + log("104_2"),
		"epochs5-s1":  "interrupted: cancelled after 3s" + log("102_3"),
		"epochs5-s2":  "failed: ended with exit code 7 after 3s" + log("102_4"),
		"epochs10-s1": "failed: the node node1 failed after 3s" + log("103_5"),
		"epochs10-s2": "failed: killed by signal 9 after 3s" + log("103_6"),
	}
	got := map[string]string{}
	for _, c := range s.Cells {
		got[c.ID] = c.Status + ": " + c.Error
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}

	before := len(submitted(t, dir))
	force(t, dir, all("PENDING 0:0"))
	if s, err = slurmSweep(t, path, true, false); err != nil {
		t.Fatal(err)
	}
	if got := submitted(t, dir)[before:]; len(got) != 1 || !strings.HasPrefix(got[0], "sbatch --array=3 ") {
		t.Errorf("submitted %v, want the cancelled cell alone", got)
	}
	if s, err = slurmSweep(t, path, true, true); err != nil {
		t.Fatal(err)
	}
	if got := statuses(s); slices.ContainsFunc(got, func(status string) bool { return status != "pending" }) {
		t.Errorf("after --retry-failed the cells are %v", got)
	}
	if runs, err := runfolder.List(results); err != nil || len(runs) != 0 {
		t.Errorf("%d runs of tasks that never ran: %v", len(runs), err)
	}
}

// TestSlurmSharedWorkFails: cells that never began say so, and what the work before them said.
func TestSlurmSharedWorkFails(t *testing.T) {
	path, _ := planFolder(t)
	fakeSlurm(t, map[string]string{"job": "TIMEOUT 0:0"})
	s, err := slurmSweep(t, path, false, false)
	if err == nil {
		t.Fatal("no error")
	}
	want := "not begun: the work that the cells share failed: stopped at its time limit after 3s; slurm.time raises it (Slurm job 101; log: "
	for _, c := range s.Cells {
		if c.Status != "failed" || !strings.HasPrefix(c.Error, want) {
			t.Errorf("cell %s: %s: %s", c.ID, c.Status, c.Error)
		}
	}
}

// TestSlurmForgets: tasks that ended while nobody looked, and that Slurm has forgotten since, are lost; they are submitted
// again on request.
func TestSlurmForgets(t *testing.T) {
	path, _ := planFolder(t)
	dir := fakeSlurm(t, all("PENDING 0:0"))
	if _, err := slurmSweep(t, path, true, false); err != nil {
		t.Fatal(err)
	}
	// Of a waiting task that was cancelled alone, Slurm keeps nothing, while it knows the others.
	if err := os.Remove(filepath.Join(dir, "tasks", "102_3")); err != nil {
		t.Fatal(err)
	}
	if s, err := slurmSweep(t, path, true, false); err != nil || s.Cells[2].Plan != "compute" || s.Cells[3].Plan != "in Slurm's queue" {
		t.Fatalf("plans %v: %v", cellPlans(s), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "forgotten"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := slurmSweep(t, path, false, false)
	var failed *FailedCells
	if !errors.As(err, &failed) || len(failed.Cells) != 6 || !strings.HasPrefix(s.Cells[0].Error, "Slurm no longer knows the task, and its run is not done (Slurm task 104_1; log: ") {
		t.Fatalf("error %v", err)
	}
	for _, name := range []string{"forgotten", "tasks"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := len(submitted(t, dir))
	if s, err = slurmSweep(t, path, true, true); err != nil || len(submitted(t, dir)) == before {
		t.Errorf("not submitted again: %v, %v", statuses(s), err)
	}
}

// TestSlurmRunRemoved: a cell whose run somebody removed is computed again, and the others' tasks are still known.
func TestSlurmRunRemoved(t *testing.T) {
	path, _ := planFolder(t)
	dir := fakeSlurm(t, all("PENDING 0:0"))
	s, err := slurmSweep(t, path, true, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeRecord(filepath.Join(s.Dir, "slurm", "1", "tasks", "3.json"), taskRecord{Task: "102_3", Run: "removed", Started: now(), Ended: now()}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tasks", "102_3")); err != nil { // it has ended
		t.Fatal(err)
	}
	if status, err := OpenSlurm(t.Context(), path, nil); err != nil || len(status.Tasks) != 6 {
		t.Errorf("status %+v, error %v", status, err)
	}
	if s, err = slurmSweep(t, path, true, false); err != nil || s.Cells[2].Plan != "compute" || s.Cells[3].Plan != "in Slurm's queue" {
		t.Errorf("plans %v: %v", cellPlans(s), err)
	}
}

// TestSlurmRefuses: when sbatch refuses, its words are the error, and nothing stays submitted.
func TestSlurmRefuses(t *testing.T) {
	path, results := planFolder(t)
	dir := fakeSlurm(t, nil)
	if err := os.WriteFile(filepath.Join(dir, "refuse"), []byte("Invalid account"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := slurmSweep(t, path, false, false); err == nil || !strings.Contains(err.Error(), "sbatch: Invalid account") {
		t.Errorf("error %v", err)
	}
	left, err := filepath.Glob(filepath.Join(results, "*", "slurm", "*", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := OpenSlurm(t.Context(), path, nil); !errors.Is(err, errNoTasks) {
		t.Errorf("status of a study that was never submitted: %v", err)
	}
}

// TestSlurmSettingsAreNoResults: what a task gets decides no figure, so it is no axis, and a run is known by its hash
// wherever it was computed.
func TestSlurmSettingsAreNoResults(t *testing.T) {
	path, _ := planFolder(t)
	a, err := newSweep(t.Context(), path, nil, SweepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := newSweep(t.Context(), path, []string{"slurm.memory=64G", "slurm.setup=module load cuda"}, SweepOptions{})
	if err != nil || a.study.Hash != b.study.Hash || b.jobs[0].config.Config.Slurm.Memory != "64G" {
		t.Errorf("another study: %v", err)
	}
}
