package config

// checkSlurm looks for what sbatch would refuse, before a study is half submitted.
func (l *loader) checkSlurm() {
	for _, p := range l.config.Slurm.Check() {
		l.refuse([]string{"slurm." + p.Key}, "%s", p.Err)
	}
}
