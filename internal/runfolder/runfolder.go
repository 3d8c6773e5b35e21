// Package runfolder creates, appends to and reads back one run's folder.
//
// A run folder is the whole record of one run. Its layout:
//
//	config.toml            the config as given
//	config.resolved.toml   every key with the value that was used
//	run.json               status, times, provenance, results (type Info)
//	metrics.jsonl          one line an epoch, append-only: the truth (type Epoch); perhaps a last one for a mean of epochs
//	metrics.csv            the epochs' rows, rewritten from metrics.jsonl
//	log.txt                every line the run printed, with its time
//	predictions/*.jsonl    one line a captioned picture (type Prediction)
//	split.json             the pictures of each split (type Split)
//	vocab.json             the tokenizer, as it writes itself
//
// Other packages add checkpoints/, plots/, report.md and report.html through Path and
// WriteFile. Except for metrics.jsonl and log.txt, which only grow, files are written whole or not at all.
package runfolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Names of the files in a run folder.
const (
	ConfigFile     = "config.toml"
	ResolvedFile   = "config.resolved.toml"
	InfoFile       = "run.json"
	MetricsFile    = "metrics.jsonl"
	MetricsCSV     = "metrics.csv"
	LogFile        = "log.txt"
	SplitFile      = "split.json"
	VocabularyFile = "vocab.json"
)

// timeLayout begins a run folder's name: UTC with milliseconds, without characters that shells or Windows mind.
const timeLayout = "20060102T150405.000Z"

// hashLength is how many digits of the config's hash end a run folder's name.
const hashLength = 8

var validName = regexp.MustCompile(`^[\pL\pN_-][\pL\pN_.-]*$`)

// Folder is one run's folder. Its methods may be called from several goroutines.
type Folder struct {
	Dir string

	mu   sync.Mutex // serialises Update, AppendEpoch and the lock within the process
	lock *os.File   // held while this process owns the run
}

// Create makes a new run folder below results, named <UTC time with ms>-<name>-<first 8 of configHash>, writes the
// config as given and as resolved and a run.json with status "running", and takes the folder's lock (see Lock).
//
// A folder that another run made in the same millisecond is never shared: Create takes the next free millisecond. Beside an
// error there is no folder.
func Create(results, name, configHash string, given, resolved []byte) (*Folder, error) {
	dir, started, err := MakeDir(results, name, configHash)
	if err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir}
	begin := func() error {
		if _, err := f.Lock(); err != nil {
			return err
		}
		if err := f.WriteFile(ConfigFile, given); err != nil {
			return err
		}
		if err := f.WriteFile(ResolvedFile, resolved); err != nil {
			return err
		}
		return f.Update(func(i *Info) {
			i.Name, i.ConfigHash, i.Status, i.Started = name, configHash, Running, started
		})
	}
	if err := begin(); err != nil { // half a folder is no run's: nothing would list or remove it
		f.unlock()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return f, nil
}

// MakeDir makes an empty folder below results, named as run folders are, and returns the time in its name.
func MakeDir(results, name, hash string) (dir string, started time.Time, err error) {
	if !validName.MatchString(name) {
		return "", started, fmt.Errorf("run name %q: only letters, digits, -, _ and . (not first) are allowed", name)
	}
	if len(hash) < hashLength {
		return "", started, fmt.Errorf("config hash %q: at least %d digits expected", hash, hashLength)
	}
	if err := os.MkdirAll(results, 0o755); err != nil {
		return "", started, fmt.Errorf("results folder: %w", err)
	}
	return makeUnique(results, name+"-"+hash[:hashLength])
}

// makeUnique makes the folder <time>-<suffix>; os.Mkdir fails when it exists, so two runs never get the same one.
func makeUnique(results, suffix string) (dir string, started time.Time, err error) {
	for range 10_000 {
		now := time.Now().UTC().Truncate(time.Millisecond)
		dir = filepath.Join(results, now.Format(timeLayout)+"-"+suffix)
		err = os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, now, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", now, fmt.Errorf("run folder: %w", err)
		}
		time.Sleep(time.Until(now.Add(time.Millisecond)))
	}
	return "", time.Time{}, fmt.Errorf("run folder: no free name like %s", dir)
}

// absent says that a run folder is not there; it is fs.ErrNotExist.
type absent struct{ dir string }

func (e absent) Error() string { return fmt.Sprintf("run folder %s does not exist", e.dir) }

func (absent) Unwrap() error { return fs.ErrNotExist }

// Open opens the run folder dir for reading, or for going on with after Lock. The error is fs.ErrNotExist where there is no such folder.
func Open(dir string) (*Folder, error) {
	stat, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, absent{dir}
	case err != nil:
		return nil, fmt.Errorf("run folder: %w", err)
	case !stat.IsDir():
		return nil, fmt.Errorf("%s is a file, not a run folder", dir)
	}
	f := &Folder{Dir: dir}
	for _, name := range []string{InfoFile, ResolvedFile} {
		if _, err := os.Stat(f.Path(name)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not a run folder: it has no %s", dir, name)
		} else if err != nil {
			return nil, fmt.Errorf("run folder: %w", err)
		}
	}
	if _, err := f.Info(); err != nil {
		return nil, err
	}
	return f, nil
}

// List returns the run folders directly below results, oldest first, and those elsewhere that links there point to. Anything
// else there is skipped.
func List(results string) ([]*Folder, error) {
	folders, _, err := list(results)
	return folders, err
}

// Broken says of each folder that List skips though it has a file of a run folder why it can't be opened. Errors name the folder.
func Broken(results string) ([]error, error) {
	_, broken, err := list(results)
	return broken, err
}

func list(results string) (folders []*Folder, broken []error, err error) {
	entries, err := os.ReadDir(results)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("results folder: %w", err)
	}
	for _, e := range entries {
		dir := filepath.Join(results, e.Name())
		stat, err := os.Stat(dir)
		if err != nil || !stat.IsDir() || strings.HasPrefix(e.Name(), removing) {
			continue
		}
		if e.Type()&fs.ModeSymlink != 0 && inResults(results, target(dir)) == nil {
			continue // a run with a link beside it is listed once
		}
		f, err := Open(dir)
		switch {
		case err == nil:
			folders = append(folders, f)
		case begun(dir):
			broken = append(broken, err)
		}
	}
	slices.SortFunc(folders, func(a, b *Folder) int {
		return strings.Compare(a.Dir, b.Dir)
	})
	return folders, broken, nil
}

// target is the path that a link stands for.
func target(link string) string {
	path, err := filepath.EvalSymlinks(link)
	if err != nil {
		return link
	}
	return path
}

// begun says whether a folder has one of the files that make it a run's.
func begun(dir string) bool {
	for _, name := range []string{InfoFile, ResolvedFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Path joins elements to the folder's path. It makes nothing.
func (f *Folder) Path(elem ...string) string {
	return filepath.Join(append([]string{f.Dir}, elem...)...)
}
