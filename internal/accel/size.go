package accel

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// MaxGoFLOPs is the largest piece of work, one picture or one training step, that the pure-Go backend takes on. On two
// cores it does about one GFLOP/s in convolutions and seven in matrix products (VGG16 at 224×224, 31 GFLOP: 33 s a
// picture; an LSTM step of 3 GFLOP: 0.43 s), so the limit stands for 3 to 20 seconds each.
const MaxGoFLOPs = 20e9

// CheckSize refuses work that is too large for the pure-Go backend. flops are the floating-point operations of one
// piece of it (a multiply-add counts two), what names it, for example "VGG16 at 224x224, one picture". XLA takes
// everything.
func (a *Accel) CheckSize(flops float64, what string) error {
	if a == nil || a.Name != "go" || flops <= MaxGoFLOPs {
		return nil
	}
	return fmt.Errorf("%s takes %s floating-point operations, too many for the pure-Go backend (limit %s, about 20 s each): use runtime.backend = \"xla\" or a smaller model",
		what, humanize.SI(flops, ""), humanize.SI(MaxGoFLOPs, ""))
}
