package slurm

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/captionlab/captionlab/internal/setting"
)

// Settings are the [slurm] section: what captionlab sweep --engine slurm asks for each cell of a study.
type Settings struct {
	Partition  string   `toml:"partition" default:"" doc:"partition that a study's tasks are submitted to (empty: the cluster's default)"`
	Account    string   `toml:"account" default:"" doc:"account that is charged (empty: your default)"`
	Time       string   `toml:"time" default:"" doc:"time limit of a task as sbatch reads it: minutes, 2:30:00, 1-12 (empty: the partition's); a task that reaches it goes on from its last checkpoint when it is submitted again"`
	CPUs       int      `toml:"cpus" default:"0" min:"0" doc:"CPUs of a task (0: the cluster's default)"`
	Memory     string   `toml:"memory" default:"" doc:"memory of a task, as 8G (empty: the cluster's default)"`
	GPUs       int      `toml:"gpus" default:"0" min:"0" doc:"GPUs of a task, by sbatch's --gpus"`
	GRES       string   `toml:"gres" default:"" doc:"generic resources of a task, as gpu:a100:1, for clusters without --gpus"`
	Concurrent int      `toml:"concurrent" default:"0" min:"0" doc:"tasks that run at once (0: as many as Slurm starts)"`
	Options    []string `toml:"options" default:"[]" doc:"more options of sbatch, each as --name=value, as --qos=short"`
	Setup      []string `toml:"setup" default:"[]" doc:"shell lines that a task runs first, as module load cuda"`
}

var (
	timeLimit  = regexp.MustCompile(`^(\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}|(?i:infinite|unlimited))$`)
	memorySize = regexp.MustCompile(`^\d+[KMGT]?$`)
	longOption = regexp.MustCompile(`^--[a-z][a-z-]*(=.*)?$`)
	shortOne   = regexp.MustCompile(`^-[a-zA-Z].*$`)
)

// ours are options that captionlab gives itself, with what to use instead.
var ours = map[string]string{
	"--array": "a task is a cell; slurm.concurrent limits how many run at once", "-a": "a task is a cell; slurm.concurrent limits how many run at once",
	"--dependency": "cells wait for what they go on from", "-d": "cells wait for what they go on from",
	"--output": "logs lie in the study's folder", "-o": "logs lie in the study's folder",
	"--error": "logs lie in the study's folder", "-e": "logs lie in the study's folder",
	"--chdir": "tasks start where the command was given", "-D": "tasks start where the command was given",
	"--job-name": "jobs are named after the study", "-J": "jobs are named after the study",
	"--wait": "the command waits itself", "-W": "the command waits itself",
	"--wrap": "a task runs captionlab", "--parsable": "captionlab reads sbatch's answer", "--test-only": "captionlab sweep --dry-run lists the cells",
	"--no-requeue": "a task goes on where it was stopped", "--export": "tasks have the command's environment; slurm.setup changes it",
}

// Check says what sbatch would refuse or captionlab can't work with.
func (s Settings) Check() (problems setting.Problems) {
	wrong := func(key, format string, args ...any) {
		problems.Refuse([]string{"slurm." + key}, format, args...)
	}
	for _, text := range []struct{ key, value string }{{"partition", s.Partition}, {"account", s.Account}, {"gres", s.GRES}} {
		if strings.ContainsFunc(text.value, func(r rune) bool { return r <= ' ' }) {
			wrong(text.key, "expected a name without white space, got %q", text.value)
		}
	}
	if s.Time != "" && !timeLimit.MatchString(s.Time) {
		wrong("time", "expected minutes, or hours:minutes:seconds, or days-hours, got %q", s.Time)
	}
	if s.Memory != "" && !memorySize.MatchString(s.Memory) {
		wrong("memory", "expected a number with K, M, G or T, as 8G, got %q", s.Memory)
	}
	for _, option := range s.Options {
		name, _, _ := strings.Cut(option, "=")
		if shortOne.MatchString(option) {
			name = option[:2]
		}
		instead, own := ours[name]
		switch {
		case own:
			wrong("options", "%s can't be changed: %s", name, instead)
		case !longOption.MatchString(option) && !shortOne.MatchString(option):
			wrong("options", "expected an option of sbatch, as --qos=short, got %q", option)
		}
	}
	for _, line := range s.Setup {
		if strings.ContainsRune(line, 0) {
			wrong("setup", "expected shell lines, got %q", line)
		}
	}
	return problems
}

// arguments are sbatch's options for the settings.
func (s Settings) arguments() (args []string) {
	for _, option := range []struct{ name, value string }{
		{"--partition", s.Partition}, {"--account", s.Account}, {"--time", s.Time}, {"--cpus-per-task", number(s.CPUs)},
		{"--mem", s.Memory}, {"--gpus", number(s.GPUs)}, {"--gres", s.GRES},
	} {
		if option.value != "" {
			args = append(args, option.name+"="+option.value)
		}
	}
	return append(args, s.Options...)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
