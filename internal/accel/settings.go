package accel

// Settings are the backend keys of the [runtime] section.
type Settings struct {
	Backend string `toml:"backend" default:"xla" oneof:"xla go" doc:"xla compiles for CPU and GPU; go is the pure-Go backend, which trains small models and generates no captions"`
	Device  string `toml:"device" default:"auto" oneof:"auto cpu cuda" doc:"device of the xla backend; auto takes CUDA where an NVIDIA GPU is found and a CUDA plugin is installed"`
	Devices int    `toml:"devices" default:"1" min:"1" max:"4096" doc:"devices that train one decoder together, each on its part of every batch; a CPU is divided into as many; the losses are those of one device (with dropout, where the number divides training.batch: else other random numbers are drawn)"`
}
