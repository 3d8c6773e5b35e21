package experiments

import (
	"context"

	"github.com/captionlab/captionlab/internal/accel"
	"github.com/captionlab/captionlab/internal/checkout"
)

// Finding is one thing that Doctor looked at: its state (ok, missing or warning), and the fix when something is missing. Not all that
// may be missing stops an experiment: the Fix says what it is for, or that the first run fetches it.
type Finding = accel.Finding

// Doctor looks at what an experiment needs: Go, a C compiler, Python, XLA, devices, weights, notebook tools, Java, disk and memory.
// What is missing is no error; that of ctx is, which stops the tools that are asked and makes them look as if they were missing.
func Doctor(ctx context.Context) ([]Finding, error) {
	findings := accel.Diagnose(ctx, checkout.At(".cache"))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return findings, nil
}
