// Package profile measures where a run's time and memory go: Go's CPU and heap profiles, and each stage's use of time,
// processor and memory.
package profile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Recorder takes one profile. Its methods are for one goroutine; on nil they record nothing.
type Recorder struct {
	began   time.Time
	used    float64 // CPU seconds of the process when it began
	process *process.Process
	cpu     bytes.Buffer
	stages  []Stage
	steps   []*Steps
}

// Profile is what a Recorder has seen.
type Profile struct {
	CPU, Heap []byte // in pprof's format, as go tool pprof reads it
	Seconds   float64
	CPUTime   float64 // seconds of all threads, XLA's included
	Cores     int     // that Go may use
	Stages    []Stage
	Steps     []*Steps
}

// Stage is what one part of the run used.
type Stage struct {
	Name     string
	Seconds  float64
	CPUTime  float64 // seconds of all threads, XLA's included
	Resident uint64  // bytes of the process in memory at the stage's end, XLA's included
}

// stageLabel is the label that samples of a stage's goroutines have in the CPU profile.
const stageLabel = "stage"

// Available says whether Start can begin.
func Available() error {
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	pprof.StopCPUProfile()
	return nil
}

// Start begins. It fails where a CPU profile of this process is already being taken.
func Start() (*Recorder, error) {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	r := &Recorder{began: time.Now(), process: p}
	r.used = r.cpuTime()
	if err := pprof.StartCPUProfile(&r.cpu); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return r, nil
}

// Stage does one part of the run and records it, also where it fails or panics.
func (r *Recorder) Stage(ctx context.Context, name string, do func(context.Context) error) (err error) {
	if r == nil {
		return do(ctx)
	}
	began, used := time.Now(), r.cpuTime()
	defer func() {
		s := Stage{Name: name, Seconds: time.Since(began).Seconds(), CPUTime: r.cpuTime() - used}
		if memory, err := r.process.MemoryInfo(); err == nil {
			s.Resident = memory.RSS
		}
		r.stages = append(r.stages, s)
	}()
	pprof.Do(ctx, pprof.Labels(stageLabel, name), func(ctx context.Context) { err = do(ctx) })
	return err
}

// cpuTime is the CPU time of the process so far, in seconds; 0 where it can't be known.
func (r *Recorder) cpuTime() float64 {
	t, err := r.process.Times()
	if err != nil {
		return 0
	}
	return t.User + t.System
}

// Stop ends the recording.
func (r *Recorder) Stop() (*Profile, error) {
	pprof.StopCPUProfile() // writes what it has to the buffer
	p := &Profile{CPU: r.cpu.Bytes(), Seconds: time.Since(r.began).Seconds(), CPUTime: r.cpuTime() - r.used,
		Cores: runtime.GOMAXPROCS(0), Stages: r.stages, Steps: r.steps}
	runtime.GC() // a heap profile shows what was in use at the last collection
	var heap bytes.Buffer
	if err := pprof.Lookup("heap").WriteTo(&heap, 0); err != nil {
		return nil, fmt.Errorf("heap profile: %w", err)
	}
	p.Heap = heap.Bytes()
	return p, nil
}

// Steps times the steps of one training.
type Steps struct {
	Name      string
	First     float64   // seconds from the beginning to the end of the first step: graph, compilation and the step itself
	Rest      []float64 // seconds of each further step, its batch included; an epoch's first step is left out
	last      time.Time
	lastEpoch int
	began     time.Time
}

// Training begins the steps of one training.
func (r *Recorder) Training(name string) *Steps {
	if r == nil {
		return nil
	}
	s := &Steps{Name: name, began: time.Now()}
	r.steps = append(r.steps, s)
	return s
}

// Done ends a step. On nil it does nothing.
func (s *Steps) Done(epoch int) {
	if s == nil {
		return
	}
	now := time.Now()
	switch {
	case s.last.IsZero():
		s.First = now.Sub(s.began).Seconds()
	case epoch == s.lastEpoch:
		s.Rest = append(s.Rest, now.Sub(s.last).Seconds())
	}
	s.last, s.lastEpoch = now, epoch
}

// quantile is the smallest of the further steps' times that a share q of them doesn't exceed; 0 where there are none.
func (s *Steps) quantile(q float64) float64 {
	if len(s.Rest) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.Rest))
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}
