package experiments

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
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
}

// What Sweep does with a cell.
const (
	planDone    = "done already"
	planResume  = "resume"
	planCompute = "compute"
	planFailed  = "failed before"
	planRetry   = "retry"
	planBusy    = "in progress in another process"
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
		case hasFailed && !s.options.RetryFailed:
			j.plan, j.todo = planFailed, false
			c.Status, c.Error, c.Run, c.Seconds = was.Status, was.Error, was.Run, was.Seconds
		case open != nil && open.info.Status == runfolder.Running:
			j.plan, j.todo = planBusy, false
			c.Error, c.Run = planBusy+": give the command again when it has ended", s.relative(open.dir)
		case open != nil:
			j.plan, j.dir = planResume, open.dir
			s.record(c, open)
			c.Status, c.Error = runfolder.Interrupted, ""
		}
		if hasFailed && j.todo {
			j.plan = planRetry
		}
		s.jobs = append(s.jobs, j)
	}
	s.chain()
	s.estimateAll()
}

// record takes over what a run's folder says.
func (s *sweep) record(c *study.Cell, r *knownRun) {
	c.Run, c.Status, c.Error, c.Seconds = s.relative(r.dir), r.info.Status, r.info.Error, 0
	for _, stage := range r.info.Stages {
		c.Seconds += stage.Seconds
	}
}

// chain puts cells that go on from other cells into later waves.
func (s *sweep) chain() {
	for _, group := range s.byTrunk() {
		for _, j := range group {
			longest := 0 // epochs of the cell that j goes on from
			for _, other := range group {
				if other.todo && j.config.Config.Training.Extends(other.config.Config.Training) {
					j.wave++
					longest = max(longest, other.config.Config.Training.Epochs)
				}
			}
			if j.plan == planCompute && longest > 0 {
				j.plan = fmt.Sprintf("go on after epoch %d", longest)
			}
		}
	}
	here := runfolder.Provenance(context.Background())
	for _, j := range s.jobs {
		if donor := s.runs.donor(j.config, here); j.plan == planCompute && donor != nil {
			j.plan = fmt.Sprintf("go on after epoch %d", donor.epochs())
		}
	}
}

// byTrunk are the jobs that differ in their epochs alone.
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
				if k.todo && j.config.Config.Training.Extends(k.config.Config.Training) {
					from = max(from, k.config.Config.Training.Epochs)
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
			left := float64(max(j.config.Config.Training.Epochs-from, 0))
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

// TimeLeft estimates what Sweep has to compute, by finished runs of the same size. Cells without one count as the mean
// of the others; known is false when nothing is known yet.
func (r *Study) TimeLeft() (left time.Duration, known bool) {
	var jobs []*job
	for _, c := range r.Cells {
		jobs = append(jobs, &job{todo: c.Plan != "" && c.Plan != planDone && c.Plan != planFailed && c.Plan != planBusy, estimate: c.Estimate})
	}
	return timeLeft(jobs)
}

// say writes one message.
func (s *sweep) say(format string, args ...any) {
	if s.options.Stderr != nil {
		fmt.Fprintf(s.options.Stderr, format+"\n", args...)
	}
}

// announce says what there is to do.
func (s *sweep) announce() {
	todo, reused, elsewhere := 0, 0, 0
	here := runfolder.Provenance(context.Background())
	for _, j := range s.jobs {
		if j.todo {
			todo++
		}
		if done := s.runs.done[j.config.Hash]; done != nil {
			reused++
			if done.info.GitCommit != here.GitCommit {
				elsewhere++
			}
		}
	}
	s.say("study %s: %d cells, %d done already, %d to do -> %s", s.study.Name, len(s.jobs), reused, todo, s.dir)
	if elsewhere > 0 {
		s.say("%d of the finished runs were made by another commit of the program; remove their folders to compute them anew", elsewhere)
	}
	for _, j := range s.jobs {
		if !j.todo && j.plan != planDone {
			s.say("cell %s: %s", s.study.Cells[j.at].ID, j.plan)
		}
	}
}

// begun and ended are called by the engine.
func (s *sweep) begun(j *job, dir string) error {
	c := &s.study.Cells[j.at]
	c.Run, c.Status, c.Error = s.relative(dir), runfolder.Running, ""
	s.estimateAll()
	notes := ""
	if left, known := timeLeft(s.jobs); known {
		notes = ", about " + Round(left) + " left"
	}
	if best := study.Best(s.result().rows()); best != nil {
		f := study.Figures[0]
		notes += fmt.Sprintf("; best so far %s: "+f.Format+" %s", best.ID, best.Figures[f.Name], f.Title)
	}
	s.say("cell %d of %d: %s (%s)%s", s.position(j), len(s.jobs), c.ID, j.plan, notes)
	return s.save()
}

// position counts the cells that were dealt with before.
func (s *sweep) position(j *job) int {
	n := 1
	for _, other := range s.jobs {
		if other != j && !other.todo {
			n++
		}
	}
	return n
}

func (s *sweep) ended(j *job, dir string, err error) error {
	c := &s.study.Cells[j.at]
	j.todo = false
	if err != nil {
		c.Status, c.Error = runfolder.Failed, err.Error()
	}
	if dir != "" {
		folder := &runfolder.Folder{Dir: dir}
		info, infoErr := folder.Info()
		if infoErr != nil {
			return infoErr
		}
		run := &knownRun{dir: dir, info: info, config: j.config}
		s.record(c, run)
		s.runs.add(run)
		if err != nil && c.Status != runfolder.Interrupted { // the folder can't say what kept the run from beginning
			c.Status, c.Error = runfolder.Failed, err.Error()
		}
	}
	switch {
	case c.Status == runfolder.Done:
		s.vocabs[corpus(j.config)] = dir
		s.say("cell %s: done in %s%s", c.ID, Round(time.Duration(c.Seconds*float64(time.Second))), headline(s.runs.done[c.Hash].info.Results))
	default:
		s.say("cell %s: %s: %s", c.ID, c.Status, c.Error)
	}
	return s.save()
}

// corpus is the same for configs with the same captions and vocabulary.
func corpus(c *config.Loaded) string {
	return c.HashOf(func(key string) bool { return isDataKey(key) || len(key) > 5 && key[:5] == "text." })
}

// headline is a run's main figures in a line.
func headline(figures map[string]float64) (text string) {
	for _, f := range study.Figures {
		if x, ok := figures[f.Name]; ok && !math.IsNaN(x) {
			text += fmt.Sprintf("; %s "+f.Format, f.Title, x)
		}
	}
	return text
}

// Round writes a time as people say it: seconds below ten minutes, else minutes.
func Round(d time.Duration) string {
	switch {
	case d < 10*time.Minute:
		return d.Round(time.Second).String()
	case d < 3*time.Hour:
		return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// WritePlan writes the cells as a table: their settings, and what Sweep does with them and how long it may take.
func (r *Study) WritePlan(w io.Writer) error {
	t := study.PlanTable(r.Axes, r.rows(), func(n int) (string, string) {
		c := r.Cells[n]
		if c.Estimate == 0 {
			return c.Plan, "–"
		}
		return c.Plan, Round(c.Estimate)
	})
	if _, err := fmt.Fprintln(w, t.Render()); err != nil {
		return err
	}
	for _, k := range r.Skipped {
		fmt.Fprintf(w, "left out (%d): %s\n", k.Cells, k.Reason)
	}
	left, known := r.TimeLeft()
	text := "unknown until the first cell is done"
	if known {
		text = Round(left)
	}
	_, err := fmt.Fprintf(w, "%d cells; time: %s\n", len(r.Cells), text)
	return err
}
