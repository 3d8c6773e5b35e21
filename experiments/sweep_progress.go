package experiments

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/captionlab/captionlab/internal/config"
	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
)

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
			if slices.ContainsFunc(done.info.Processes(), func(p runfolder.Process) bool { return p.GitCommit != here.GitCommit }) {
				elsewhere++
			}
		}
	}
	s.say("study %s: %d cells, %d done already, %d to do -> %s", s.study.Name, len(s.jobs), reused, todo, s.dir)
	if elsewhere > 0 {
		s.say("%d of the finished runs were made by another commit of the program; remove their folders to compute them anew", elsewhere)
	}
	if left := s.runs.leftOut; len(left) > 0 {
		s.say("warning: %d %s for no cell: %s", len(left), english.PluralWord(len(left), "run counts", "runs count"), few(left))
	}
	r := s.result()
	for _, w := range r.Warnings {
		s.say("warning: %s", w)
	}
	for _, n := range r.Notes {
		s.say("note: %s", n)
	}
	for _, j := range s.jobs {
		if !j.todo && j.plan != planDone {
			s.say("cell %s: %s", s.study.Cells[j.at].ID, j.plan)
		}
	}
}

// few lists the first few of what may be many.
func few(names []string) string {
	const most = 3
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// begun is called by the engine when a job's run folder is prepared.
func (s *sweep) begun(j *job, dir string) error {
	c := &s.study.Cells[j.at]
	c.Run, c.Status, c.Error = s.relative(dir), runfolder.Running, ""
	s.estimateAll()
	notes := ""
	if left, known := timeLeft(s.jobs); known && j.where == "" { // elsewhere, nobody knows how many cells run at once
		notes = ", about " + roundTime(left) + " left"
	}
	if best, f := study.Best(s.result().rows(), s.sameText()); best != nil {
		notes += fmt.Sprintf("; best so far %s: %s", best.ID, f.Text(best.Figures[f.Name]))
	}
	plan := j.plan
	if j.where != "" {
		plan += ", " + j.where
	}
	s.say("cell %d of %d: %s (%s)%s", s.position(j), len(s.jobs), c.ID, plan, notes)
	return s.save()
}

// position counts the cells that were dealt with before.
func (s *sweep) position(j *job) int {
	n := 1
	for _, other := range s.jobs {
		if other != j && (!other.todo || other.where != "") {
			n++
		}
	}
	return n
}

// ended is called by the engine when a job is done or failed; dir is its run folder, "" when there is none.
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
		s.say("cell %s: done in %s%s", c.ID, roundTime(time.Duration(c.Seconds*float64(time.Second))), headline(s.runs.done[c.Hash].info.Results))
	default:
		s.say("cell %s: %s: %s", c.ID, c.Status, c.Error)
	}
	return s.save()
}

// corpus is the same for configs with the same captions and vocabulary.
func corpus(c *config.Loaded) string {
	return c.HashOf(func(key string) bool { return isDataKey(key) || strings.HasPrefix(key, "text.") })
}

// sameText reports whether all cells clean captions and cut them into tokens alike.
func (s *sweep) sameText() bool {
	of := func(j *job) string {
		return j.config.HashOf(func(key string) bool { return strings.HasPrefix(key, "text.") })
	}
	first := of(s.jobs[0])
	return !slices.ContainsFunc(s.jobs, func(j *job) bool { return of(j) != first })
}

// headline is a run's main figures in a line.
func headline(figures map[string]float64) (text string) {
	for _, f := range study.Figures {
		if x, ok := figures[f.Name]; ok && !math.IsNaN(x) {
			text += "; " + f.Text(x)
		}
	}
	return text
}

// roundTime writes a time as people say it: seconds below ten minutes, else minutes.
func roundTime(d time.Duration) string {
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
		return c.Plan, roundTime(c.Estimate)
	})
	if _, err := fmt.Fprintln(w, t.Render()); err != nil {
		return err
	}
	for _, k := range r.Skipped {
		fmt.Fprintf(w, "left out (%d): %s\n", k.Cells, k.Reason)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	left, known := r.TimeLeft()
	text := "unknown until the first cell is done"
	if known {
		text = roundTime(left)
	}
	_, err := fmt.Fprintf(w, "%d cells; time: %s\n", len(r.Cells), text)
	return err
}
