package main

import (
	"bytes"
	"context"
	"testing"
)

// Stopped by Ctrl-C, doctor says so, and doesn't take what it couldn't ask for missing.
func TestDoctorInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := execute(ctx, []string{"doctor"}, &stdout, &stderr); code != 130 || stdout.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}
