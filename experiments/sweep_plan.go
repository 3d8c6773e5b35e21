package experiments

import (
	"context"
	"fmt"
	"time"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/slurm"
	"github.com/captionlab/captionlab/internal/study"
)

// job is what is to be done about a cell.
type job struct {
	at       int // of the cell
	config   *config.Loaded
	trunk    string // see trunk
	plan     string
	todo     bool
	dir      string // the run to go on with; "" for a new one
	wave     int    // a job of wave n may go on from one of wave n-1
	estimate time.Duration
	task     *slurmTask // that has it in Slurm's queue; nil for none
	where    string     // it runs, for people; "" for in this process
}

// What Sweep does with a cell.
const (
	planDone    = "done already"
	planResume  = "resume"
	planCompute = "compute"
	planShare   = "take over the training" // of a cell or a run that differs in what comes after it
	planFailed  = "failed before"
	planRetry   = "retry"
	planBusy    = "in progress in another process"
	planQueued  = "in Slurm's queue"
)

// plan decides about every cell. before is the ledger of an earlier call; nil for none.
func (s *sweep) plan(before *study.Ledger) {
	failed := map[string]study.Cell{}
	if before != nil {
		s.study.Started = before.Started
		for _, c := range before.Cells {
			if c.Status == runfolder.Failed {
				failed[c.Hash] = c
			}
		}
	}
	for n := range s.study.Cells {
		c := &s.study.Cells[n]
		j := &job{at: n, config: s.study.Configs[n], trunk: trunk(s.study.Configs[n]), plan: planCompute, todo: true}
		done, open := s.runs.done[c.Hash], s.runs.open[c.Hash]
		was, hasFailed := failed[c.Hash]
		switch {
		case done != nil:
			j.plan, j.todo = planDone, false
			s.record(c, done)
		case s.tasks[c.Hash] != nil && s.tasks[c.Hash].alive():
			j.plan, j.task = planQueued, s.tasks[c.Hash]
			if open != nil {
				s.record(c, open)
				c.Status, c.Error = runfolder.Running, ""
			}
			if j.task.state.Name == slurm.Pending {
				c.Status = study.Pending
			}
		case hasFailed && !s.options.RetryFailed:
			j.plan, j.todo = planFailed, false
			c.Status, c.Error, c.Run, c.Seconds = was.Status, was.Error, was.Run, was.Seconds
		case open != nil && open.info.Status == runfolder.Running && s.tasks[c.Hash] == nil: // a task that was cancelled may still be writing its checkpoint
			j.plan, j.todo = planBusy, false
			c.Error, c.Run = planBusy+": give the command again when it has ended", s.relative(open.dir)
		case open != nil:
			j.plan, j.dir = planResume, open.dir
			s.record(c, open)
			c.Status, c.Error = runfolder.Interrupted, ""
		}
		if hasFailed && j.todo && j.task == nil {
			j.plan = planRetry
		}
		s.jobs = append(s.jobs, j)
	}
	s.chain()
	s.estimateAll()
}

// record takes over what a run's folder says.
func (s *sweep) record(c *study.Cell, r *knownRun) {
	c.Run, c.Status, c.Error, c.Seconds = s.relative(r.dir), r.info.Status, r.info.Error, r.info.Seconds()
}

// chain puts cells that go on from other cells into later waves.
func (s *sweep) chain() {
	here := runfolder.Provenance(context.Background())
	for _, group := range s.byTrunk() {
		for _, j := range group {
			from := 0 // epochs that some finished run has, or a cell will have by then
			if donor := s.runs.donor(j.config, here); donor != nil {
				from = donor.epochs()
			}
			before := map[int]bool{} // numbers of epochs that other cells train first, one of them each
			for _, other := range group {
				epochs := other.config.Config.Training.TotalEpochs()
				same := epochs == j.config.Config.Training.TotalEpochs()
				if other.todo && epochs > from && (!same || other.at < j.at) && j.config.Config.Training.Extends(other.config.Config.Training) {
					before[epochs] = true
				}
			}
			j.wave = len(before)
			for epochs := range before {
				from = max(from, epochs)
			}
			switch {
			case j.plan != planCompute || from == 0:
			case from == j.config.Config.Training.TotalEpochs():
				j.plan = planShare
			default:
				j.plan = fmt.Sprintf("go on after epoch %d", from)
			}
		}
	}
}

// byTrunk are the jobs of the same trunk.
func (s *sweep) byTrunk() map[string][]*job {
	trunks := map[string][]*job{}
	for _, j := range s.jobs {
		trunks[j.trunk] = append(trunks[j.trunk], j)
	}
	return trunks
}

// waves are the jobs to be done: those that go on from others come after them.
func (s *sweep) waves() (waves [][]*job) {
	left := 0
	for _, j := range s.jobs {
		if j.todo {
			left++
		}
	}
	for n := 0; left > 0; n++ {
		var wave []*job
		for _, j := range s.jobs {
			if j.todo && j.wave == n {
				wave = append(wave, j)
			}
		}
		left -= len(wave)
		if len(wave) > 0 {
			waves = append(waves, wave)
		}
	}
	return waves
}

// estimateAll estimates the time that each job to be done takes, by finished runs of the same size; 0 when there are none.
func (s *sweep) estimateAll() {
	for _, group := range s.byTrunk() {
		for _, j := range group {
			j.estimate = 0
			perEpoch, other, known := s.runs.seconds(j.config)
			if !j.todo || !known {
				continue
			}
			from := 0 // epochs that are trained by then
			for _, k := range group {
				if k.todo && k.wave < j.wave && j.config.Config.Training.Extends(k.config.Config.Training) {
					from = max(from, k.config.Config.Training.TotalEpochs())
				}
			}
			for _, r := range s.runs.trunks[j.trunk] {
				if j.config.Config.Training.Extends(r.config.Config.Training) {
					from = max(from, r.epochs())
				}
			}
			if j.dir != "" {
				if done, err := (&runfolder.Folder{Dir: j.dir}).Epochs(); err == nil {
					from = max(from, len(done))
				}
			}
			left := float64(max(j.config.Config.Training.TotalEpochs()-from, 0))
			j.estimate = time.Duration((perEpoch*left + other) * float64(time.Second))
		}
	}
}

// timeLeft sums the estimates of what is to be done. Jobs without one count as the mean of the others; known is false
// when there is none.
func timeLeft(jobs []*job) (left time.Duration, known bool) {
	todo, estimated := 0, 0
	for _, j := range jobs {
		if j.todo {
			todo++
			if j.estimate > 0 {
				estimated++
				left += j.estimate
			}
		}
	}
	if estimated == 0 {
		return 0, todo == 0
	}
	return left * time.Duration(todo) / time.Duration(estimated), true
}

// TimeLeft estimates what Sweep has still to compute, by finished runs of the same size. Cells without one count as the mean
// of the others; known is false when nothing is known yet, as of a study that OpenStudy read and that isn't done.
func (r *Study) TimeLeft() (left time.Duration, known bool) {
	var jobs []*job
	for _, c := range r.Cells {
		switch {
		case c.Status == string(runfolder.Done) || c.Status == string(runfolder.Failed): // perhaps since it was planned
		case c.Plan == "":
			return 0, false
		case c.Plan != planBusy:
			jobs = append(jobs, &job{todo: true, estimate: c.Estimate})
		}
	}
	return timeLeft(jobs)
}
