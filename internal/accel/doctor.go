package accel

import "context"

// Finding is one thing that Diagnose looked at.
type Finding struct {
	Name   string
	Status string // "ok", "missing" or "warning"
	Detail string
	Fix    string // what to do; "" where nothing is to be done
}

// Diagnose looks at what experiments need on this machine. It fetches nothing.
func Diagnose(ctx context.Context, cacheDir string) []Finding { return nil }
