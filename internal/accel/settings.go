package accel

// Settings are the backend keys of the [runtime] section.
type Settings struct {
	Backend string `toml:"backend" default:"xla" oneof:"xla go" doc:"xla compiles for CPU and GPU; go is the pure-Go backend, for small models only"`
	Device  string `toml:"device" default:"auto" oneof:"auto cpu cuda" doc:"device of the xla backend; auto takes CUDA where an NVIDIA GPU is found"`
}
