package slurm

import "strings"

// Script is a batch script that runs the setup lines, then a command in the shell's place, so that Slurm's signals reach
// it: Slurm sends SIGTERM before it kills. The script's first argument is added to the index of an array's task, and the
// sum is the command's last argument; a script that is no task of an array gives it as it is.
func Script(about string, setup, command []string) []byte {
	var b strings.Builder
	b.WriteString("#!/bin/bash\n# " + strings.ReplaceAll(about, "\n", " ") + "\n")
	for _, line := range setup {
		b.WriteString(line + "\n")
	}
	b.WriteString("last=$1\n" + `[ -z "${SLURM_ARRAY_TASK_ID:-}" ] || last=$((SLURM_ARRAY_TASK_ID + $1))` + "\nexec")
	for _, arg := range command {
		b.WriteString(" " + quote(arg))
	}
	b.WriteString(` "$last"` + "\n")
	return []byte(b.String())
}

// quote writes a text as one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
