package runfolder

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	lockFile = ".lock"
	tempDir  = ".tmp" // temporary files live here, so that a killed run leaves them in one known place

	lockWait = 2 * time.Second
)

// ErrInProgress is wrapped by Lock's error where somebody has the run: another process, or this one.
var ErrInProgress = errors.New("still in progress")

// Lock takes ownership of the run, so that no run in progress is resumed a second time, and mends what a crash may
// have left: temporary files and a torn last line of metrics.jsonl. The operating system drops the lock when the
// process ends, however it ends. Locking a folder that this Folder already holds does nothing more.
func (f *Folder) Lock() (unlock func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lock != nil {
		return f.unlock, nil
	}
	file, err := os.OpenFile(f.Path(lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock of run folder: %w", err)
	}
	// Where a run was killed while it started another program, that one holds the lock until it is begun.
	for end := time.Now().Add(lockWait); ; time.Sleep(lockWait / 100) {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(end) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		file.Close()
		return nil, fmt.Errorf("run folder %s: the run is %w", f.Dir, ErrInProgress)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock of run folder %s: %w", f.Dir, err)
	}
	f.lock = file
	if err := os.RemoveAll(f.Path(tempDir)); err != nil {
		f.release()
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if err := repairMetrics(f.Path(MetricsFile)); err != nil {
		f.release()
		return nil, err
	}
	return f.unlock, nil
}

func (f *Folder) unlock() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.release()
}

// release drops the lock; f.mu is held.
func (f *Folder) release() {
	if f.lock == nil {
		return
	}
	os.Remove(f.Path(tempDir)) // only when empty: nothing is being written
	f.lock.Close()             // closing the only descriptor drops the flock
	f.lock = nil
}

// owned says whether some process, this one included, holds the run's lock; f.mu is held.
func (f *Folder) owned() bool {
	if f.lock != nil {
		return true
	}
	file, err := os.Open(f.Path(lockFile))
	if err != nil {
		return false
	}
	defer file.Close()
	// A shared lock, so that two readers that look at once do not take each other for the owner.
	return errors.Is(syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
