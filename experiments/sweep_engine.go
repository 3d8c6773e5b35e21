package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/captionlab/captionlab/internal/runfolder"
	"github.com/captionlab/captionlab/internal/study"
	"github.com/captionlab/captionlab/internal/train"
)

// An engine carries out waves of jobs. No job waits for another of its wave; each wave waits for the one before. For each
// job it has the run folder prepared, says that it began, lets Resume work on that folder, here or on another machine, and
// says how it ended. It returns an error only when the study can't go on: ErrInterrupted, or what a callback returned.
type engine func(ctx context.Context, waves [][]*job, s *sweep) error

// engines are the engines by name.
var engines = map[string]engine{
	"":              localEngine,
	"local":         localEngine,
	slurmEngineName: slurmEngine,
}

// Engines are the names that SweepOptions.Engine may have.
func Engines() (names []string) {
	for name := range engines {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// localEngine runs one job after the other in this process.
func localEngine(ctx context.Context, waves [][]*job, s *sweep) error {
	for _, j := range slices.Concat(waves...) {
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if taken, err := s.elsewhere(j); err != nil {
			return err
		} else if taken {
			continue
		}
		dir, err := s.prepare(j)
		if err == nil {
			if err := s.begun(j, dir); err != nil {
				return err
			}
			s.tell(j)
			o := s.options.Options
			o.Quiet = true
			err = s.resume(ctx, dir, o)
		}
		if errors.Is(err, ErrInProgress) { // another process took the run between prepare and Resume
			if err := s.leave(j, dir); err != nil {
				return err
			}
			s.tell(j)
			continue
		}
		if failed := s.ended(j, dir, cause(err)); failed != nil {
			return failed
		}
		s.tell(j)
		if errors.Is(err, ErrInterrupted) {
			return ErrInterrupted
		}
	}
	return nil
}

// tell calls back about a job's cell.
func (s *sweep) tell(j *job) {
	if s.options.Cell != nil {
		s.options.Cell(s.result().Cells[j.at])
	}
}

// elsewhere looks again whether another process has begun or finished a job's run since the study was planned.
func (s *sweep) elsewhere(j *job) (taken bool, err error) {
	runs, err := indexRuns(s.results)
	if err != nil {
		return false, err
	}
	hash := j.config.Hash
	if done := runs.done[hash]; done != nil {
		j.plan = planDone
		return true, s.ended(j, done.dir, nil)
	}
	if open := runs.open[hash]; open != nil {
		if open.info.Status == runfolder.Running {
			return true, s.leave(j, open.dir)
		}
		j.dir = open.dir
	}
	return false, nil
}

// leave leaves a job to the process that is at work on its run.
func (s *sweep) leave(j *job, dir string) error {
	j.plan, j.todo = planBusy, false
	c := &s.study.Cells[j.at]
	c.Status, c.Error, c.Run = study.Pending, planBusy+": give the command again when it has ended", s.relative(dir)
	s.say("cell %s: %s", c.ID, planBusy)
	return s.save()
}

// resume is Resume for a cell. Where the cell took over another run's training, and that run turns out to have had other
// captions, pictures or weights, the cell begins anew.
func (s *sweep) resume(ctx context.Context, dir string, o Options) error {
	_, err := Resume(ctx, dir, nil, o)
	if !errors.Is(err, errNotAsBegun) {
		return err
	}
	donor, dropped := dropDonor(dir)
	if dropped != nil || donor == "" {
		return errors.Join(err, dropped)
	}
	s.say("run %s: %v, which is %s, whose training it took over; it trains from zero", filepath.Base(dir), cause(err), donor)
	_, err = Resume(ctx, dir, nil, o)
	return err
}

// dropDonor takes away what continueFrom gave a run, and returns the name of the run it came from. A run that has trained since, or
// that took nothing over, is left as it is: "".
func dropDonor(dir string) (donor string, err error) {
	folder := &runfolder.Folder{Dir: dir}
	unlock, err := folder.Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	info, err := folder.Info()
	if err != nil || info.Continues == "" {
		return "", err
	}
	trained := slices.ContainsFunc(info.Stages, func(s runfolder.Stage) bool { return s.Name == "training" })
	last := lastCheckpoint(dir)
	if trained || last != "" && last != lastCheckpoint(filepath.Join(filepath.Dir(dir), info.Continues)) {
		return "", nil
	}
	for _, name := range []string{checkpointsDir, runfolder.MetricsFile, runfolder.MetricsCSV, runfolder.VocabularyFile} {
		if err := os.RemoveAll(folder.Path(name)); err != nil {
			return "", err
		}
	}
	return info.Continues, folder.Update(func(i *runfolder.Info) {
		i.Continues = ""
		clear(i.Hashes)
	})
}

// cause takes the run folder off an error: the ledger names it already.
func cause(err error) error {
	var run *RunError
	if errors.As(err, &run) {
		return run.Err
	}
	return err
}

// prepare makes the run folder of a job, or finds the one that it goes on with. A new run starts with the checkpoints
// of a shorter one and with the vocabulary of the same captions, where there are such.
func (s *sweep) prepare(j *job) (dir string, err error) {
	folder := &runfolder.Folder{Dir: j.dir}
	if j.dir == "" {
		folder, err = runfolder.Create(s.results, j.config.Config.Experiment.Name, j.config.Hash, j.config.Given, j.config.Resolved)
		if err != nil {
			return "", err
		}
	}
	unlock, err := folder.Lock()
	if err != nil {
		return folder.Dir, err
	}
	defer unlock()
	if vocab := s.vocabs[corpus(j.config)]; vocab != "" && j.dir == "" {
		err := copyFile(folder, filepath.Join(vocab, runfolder.VocabularyFile), runfolder.VocabularyFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // one that was removed is made anew
			return folder.Dir, err
		}
	}
	if donor := s.runs.donor(j.config, runfolder.Provenance(context.Background())); donor != nil {
		return folder.Dir, continueFrom(folder, donor)
	}
	return folder.Dir, nil
}

// continueFrom gives a run the checkpoints and the epochs of one that trained the same or less, so that Resume trains from its end. A run
// that has a checkpoint of its own, or that has begun with other captions, pictures or weights, is left as it is.
func continueFrom(folder *runfolder.Folder, donor *knownRun) (err error) {
	checkpoints := folder.Path(checkpointsDir)
	if _, err := os.Stat(filepath.Join(checkpoints, "last")); err == nil {
		return nil
	}
	info, err := folder.Info()
	if err != nil {
		return err
	}
	for name, hash := range info.Hashes {
		if had := donor.info.Hashes[name]; had != "" && had != hash {
			return nil
		}
	}
	// A copy beside, then one rename: whoever is killed in between starts from zero or from the whole copy. Locking the
	// folder removes .tmp.
	copying := folder.Path(".tmp", checkpointsDir)
	defer func() {
		if err != nil { // the disk may be full
			err = errors.Join(err, os.RemoveAll(copying))
		}
	}()
	for _, dir := range []string{copying, checkpoints} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(copying), 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(copying, os.DirFS(filepath.Join(donor.dir, checkpointsDir))); err != nil {
		return fmt.Errorf("copy the checkpoints of %s: %w", donor.dir, err)
	}
	if err := train.SyncTree(copying); err != nil {
		return err
	}
	if err := folder.CopyEpochs(&runfolder.Folder{Dir: donor.dir}); err != nil {
		return err
	}
	note := func(i *runfolder.Info) {
		i.Continues = filepath.Base(donor.dir)
		maps.Copy(i.Hashes, donor.info.Hashes) // of what the training began with, which the run holds against what it finds
	}
	if err := folder.Update(note); err != nil {
		return err
	}
	return os.Rename(copying, checkpoints)
}

func copyFile(to *runfolder.Folder, from, name string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return to.WriteFile(name, data)
}
