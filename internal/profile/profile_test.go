package profile

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// burn keeps a processor busy until the recorder has seen it work for some CPU time.
func burn(t *testing.T, r *Recorder, seconds float64) {
	t.Helper()
	sum, until, limit := 0.0, r.cpuTime()+seconds, time.Now().Add(2*time.Minute)
	for r.cpuTime() < until {
		if time.Now().After(limit) {
			t.Fatal("the process gets no CPU time")
		}
		for n := range 1_000_000 {
			sum += math.Sqrt(float64(n))
		}
	}
	runtime.KeepAlive(sum)
}

//go:noinline
func keep() []byte { return bytes.Repeat([]byte{1}, 64<<20) }

// TestProfilesParse: the files hold what the pprof library reads, with the stage that worked and the memory that it kept.
func TestProfilesParse(t *testing.T) {
	r, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	var kept []byte
	fault := errors.New("no room")
	err = r.Stage(t.Context(), "busy", func(context.Context) error {
		kept = keep()
		burn(t, r, 0.5)
		return fault
	})
	if !errors.Is(err, fault) {
		t.Errorf("the stage's error is %v, want its own", err)
	}
	func() {
		defer func() { recover() }()
		r.Stage(t.Context(), "panicking", func(context.Context) error { panic("at once") })
	}()
	p, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	cpu, err := profile.ParseData(p.CPU)
	if err != nil {
		t.Fatal(err)
	}
	if err := cpu.CheckValid(); err != nil {
		t.Error(err)
	}
	busy, nanoseconds := 0, int64(0)
	for _, s := range cpu.Sample {
		if slices.Contains(s.Label[stageLabel], "busy") && slices.ContainsFunc(functions(s), func(name string) bool { return strings.HasSuffix(name, ".burn") }) {
			busy++
			nanoseconds += s.Value[1]
		}
	}
	if busy == 0 || nanoseconds < 2e8 {
		t.Errorf("%d samples of the busy stage with %d ns, want most of 0.5 s", busy, nanoseconds)
	}
	heap, err := profile.ParseData(p.Heap)
	if err != nil {
		t.Fatal(err)
	}
	inUse := slices.IndexFunc(heap.SampleType, func(s *profile.ValueType) bool { return s.Type == "inuse_space" })
	largest := int64(0)
	for _, s := range heap.Sample {
		if slices.ContainsFunc(functions(s), func(name string) bool { return strings.HasSuffix(name, ".keep") }) {
			largest = max(largest, s.Value[inUse])
		}
	}
	if largest < int64(len(kept)) {
		t.Errorf("the heap profile knows of %d bytes that keep holds, want %d", largest, len(kept))
	}
	runtime.KeepAlive(kept)

	if len(p.Stages) != 2 || p.Stages[0].Name != "busy" || p.Stages[1].Name != "panicking" {
		t.Fatalf("stages are %+v", p.Stages)
	}
	if s := p.Stages[0]; s.CPUTime < 0.5 || s.Seconds < 0.1 || s.Resident < uint64(len(kept))/2 {
		t.Errorf("the busy stage used %+v", s)
	}
	page, err := p.Markdown("x", "the last words")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Profile of x\n", "\n| busy |", "\n| panicking |", "\n| " + kindGo + " |", "profile.burn", "\nthe last words\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "Training steps") {
		t.Error("the page tells of training steps, of which there were none")
	}
}

func TestOneAtATime(t *testing.T) {
	r, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(); err == nil || !strings.Contains(err.Error(), "profil") {
		t.Errorf("a second profile at the same time: error %v", err)
	}
	if _, err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if r, err = Start(); err != nil {
		t.Fatalf("after the first one has ended: %v", err)
	}
	if _, err := r.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestNoProfile: without a recorder, stages and steps just happen.
func TestNoProfile(t *testing.T) {
	var r *Recorder
	done := false
	if err := r.Stage(t.Context(), "data", func(context.Context) error { done = true; return nil }); err != nil || !done {
		t.Errorf("done %v, error %v", done, err)
	}
	r.Training("training").Done(1)
}

func TestSteps(t *testing.T) {
	r := &Recorder{}
	s := r.Training("training")
	s.began = time.Now().Add(-time.Second)
	for _, epoch := range []int{1, 1, 1, 2, 2} {
		s.Done(epoch)
	}
	if s.First < 1 || len(s.Rest) != 3 {
		t.Errorf("first step %v s, want 1; %d further ones, want 3: an epoch's first step is none of them", s.First, len(s.Rest))
	}
	s.Rest = []float64{0.4, 0.1, 0.2, 0.3}
	if half, most := s.quantile(0.5), s.quantile(0.95); half != 0.2 || most != 0.4 {
		t.Errorf("median %v, 95 %% at most %v", half, most)
	}
	page, err := (&Profile{Steps: r.steps, CPU: minimal(t)}).Markdown("x")
	if err != nil || !strings.Contains(page, "| training | 1.00 s | 4 | 200.0 ms | 400.0 ms | 1.00 s |") {
		t.Errorf("error %v, page\n%s", err, page)
	}
}

// minimal is a CPU profile whose samples are known.
func minimal(t *testing.T, samples ...*profile.Sample) []byte {
	t.Helper()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}, Sample: samples}
	for _, s := range samples {
		for _, l := range s.Location {
			l.ID = uint64(len(p.Location) + 1)
			p.Location = append(p.Location, l)
			for _, line := range l.Line {
				line.Function.ID = uint64(len(p.Function) + 1)
				p.Function = append(p.Function, line.Function)
			}
		}
	}
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestKinds: a sample is sorted by the functions on its stack, as Go's profiler names them.
func TestKinds(t *testing.T) {
	sample := func(stage string, names ...string) *profile.Sample {
		s := &profile.Sample{Value: []int64{1, 1e9}}
		if stage != "" {
			s.Label = map[string][]string{stageLabel: {stage}}
		}
		for _, name := range names {
			s.Location = append(s.Location, &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}})
		}
		return s
	}
	nameless := &profile.Sample{Value: []int64{1, 1e9}, Location: []*profile.Location{{Address: 7}}}
	data := minimal(t,
		sample("", "runtime._ExternalCode"),
		&profile.Sample{Value: []int64{1, 1e9}, Location: append([]*profile.Location{{Address: 4096}}, sample("", "runtime._ExternalCode").Location...)},
		sample("training", "runtime.cgocall", "pjrt.Execute", "experiments.train"),
		sample("", "runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"),
		sample("data", "runtime.scanobject", "runtime.gcDrainN", "runtime.gcAssistAlloc1", "dataset.Load"),
		sample("data", "dataset.Load", "experiments.loadData"),
		nameless)
	k, err := sorted(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{kindThreads: 2, kindCalled: 1, kindCollector: 2, kindGo: 2} {
		if k.seconds[name] != want {
			t.Errorf("%s: %v s, want %v", name, k.seconds[name], want)
		}
	}
	if k.stages["data"] != 2 || k.stages["training"] != 0 || k.functions["runtime.scanobject"] != 2 || k.functions["unknown"] != 1 {
		t.Errorf("stages %v, functions %v", k.stages, k.functions)
	}
	if got := most(k.functions, 2); !slices.Equal(got, []string{"runtime.scanobject", "dataset.Load"}) {
		t.Errorf("most time in %v", got)
	}
}
