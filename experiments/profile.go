package experiments

import (
	"errors"
	"fmt"
	"path"

	"github.com/captionlab/captionlab/internal/profile"
)

// profileDir holds a run's profiles: cpu.pprof, heap.pprof, and profile.md, which says what they show. Those of a run that
// was resumed end in the number of its part: cpu-2.pprof.
const profileDir = "profiles"

// profiled does the run's stages, under a profile where one is wanted. The profile is written however they end.
func (e *experiment) profiled(wanted bool, stages func() error) error {
	if !wanted {
		return stages()
	}
	var err error
	if e.profile, err = profile.Start(); err != nil {
		return err
	}
	err = stages()
	if written := e.writeProfile(); written != nil {
		return errors.Join(err, fmt.Errorf("write the profile: %w", written))
	}
	e.say("profile: %s", e.profilePage)
	return err
}

func (e *experiment) writeProfile() error {
	p, err := e.profile.Stop()
	if err != nil {
		return err
	}
	info, err := e.folder.Info()
	if err != nil {
		return err
	}
	part := ""
	if n := len(info.Resumed); n > 0 {
		part = fmt.Sprintf("-%d", n+1)
	}
	file := func(name, ending string) string { return path.Join(profileDir, name+part+ending) }
	page, err := p.Markdown(info.Name+part, e.profileNotes(file("cpu", ".pprof"), file("heap", ".pprof"))...)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{file("cpu", ".pprof"), p.CPU},
		{file("heap", ".pprof"), p.Heap},
		{file("profile", ".md"), []byte(page)},
	} {
		if err := e.folder.WriteFile(f.name, f.data); err != nil {
			return err
		}
	}
	e.profilePage = e.folder.Path(file("profile", ".md"))
	return nil
}

// profileNotes say how the profiles are read, and what they leave out.
func (e *experiment) profileNotes(cpu, heap string) []string {
	return []string{
		fmt.Sprintf("`go tool pprof -http=: %s` draws Go's functions and what they call. Code of XLA has no names in it, since its plugin has none.", path.Base(cpu)),
		"There is no time line of XLA's operations: its CPU plugin offers no profiler (PJRT's profiler extension), and go-xla doesn't pass on that of the CUDA plugin. " +
			"`XLA_FLAGS=\"--xla_dump_to=DIR --xla_dump_hlo_as_text\"` before the command writes each graph as XLA compiles it.",
		fmt.Sprintf("%s is Go's memory, in use at the end and allocated over the run. XLA's buffers are not in it, nor are the pictures' features, where they are many: "+
			"the stages' memory has all.", path.Base(heap)),
	}
}
