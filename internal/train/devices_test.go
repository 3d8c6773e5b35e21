package train_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
	"github.com/captionlab/captionlab/internal/batch"
	"github.com/captionlab/captionlab/internal/train"
)

// trainOn trains on n devices and returns the rows of all epochs and the loss of each step.
func trainOn(t *testing.T, n int, s train.Settings, dropout float64, dir string) (tr *train.Trainer, rows []train.Epoch, losses []float64) {
	t.Helper()
	tr = newTrainer(t, s, dropout, dir)
	if err := tr.UseDevices(n); err != nil {
		t.Fatal(err)
	}
	data := set(t, batch.Options{Name: "train", Size: s.Batch, Shuffle: true, Seed: 5})
	err := tr.Run(t.Context(), data, set(t, batch.Options{Name: "validation", Size: 4}), train.Events{
		Epoch: func(e train.Epoch) error { e.Seconds, e.Total = 0, 0; rows = append(rows, e); return nil },
		Step:  func(_, _, _ int, loss float64) { losses = append(losses, loss) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr, rows, losses
}

// near wants the losses of another training within 1e-4.
func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%s: %d losses, want %d", what, len(got), len(want))
	}
	for n := range want {
		if math.Abs(got[n]-want[n]) > 1e-4 {
			t.Errorf("%s, step %d: loss %v, want %v", what, n+1, got[n], want[n])
		}
	}
}

// TestSeveralDevicesTrainAsOne: N devices at the same global batch have the losses of one, rows of captions that devices
// can't share evenly and an epoch's last, half empty batch included. The mean is over the whole batch's tokens: the
// captions' lengths differ, so that a mean of the devices' means would be another one.
func TestSeveralDevicesTrainAsOne(t *testing.T) {
	for _, test := range []struct {
		reason         string
		devices, batch int
		dropout        float64
	}{
		{"two rows and one, then one and none", 2, 3, 0},
		{"one row each, random numbers included", 4, 4, 0.5},
	} {
		s := settings()
		s.Epochs, s.Batch = 3, test.batch
		_, wantRows, want := trainOn(t, 1, s, test.dropout, t.TempDir())
		_, gotRows, got := trainOn(t, test.devices, s, test.dropout, t.TempDir())
		near(t, test.reason, got, want)
		for n := range wantRows {
			if g, w := gotRows[n], wantRows[n]; g.Train.Tokens != w.Train.Tokens || math.Abs(g.Validation.Loss()-w.Validation.Loss()) > 1e-4 {
				t.Errorf("%s, epoch %d: %+v, want %+v", test.reason, n+1, g, w)
			}
		}
	}
}

// TestDevicesShareCheckpoints goes on with another number of devices than the one that the checkpoint was written with.
func TestDevicesShareCheckpoints(t *testing.T) {
	s := settings()
	s.Epochs = 4
	_, _, want := trainOn(t, 1, s, 0, t.TempDir())
	for _, n := range [][2]int{{2, 1}, {1, 2}} {
		dir := t.TempDir()
		half := s
		half.Epochs = 2
		_, _, losses := trainOn(t, n[0], half, 0, dir)
		_, _, rest := trainOn(t, n[1], s, 0, dir)
		near(t, "", append(losses, rest...), want)
	}
}

func TestMoreDevicesThanThereAre(t *testing.T) {
	have := acceltest.Devices(t).NumDevices()
	err := newTrainer(t, settings(), 0, t.TempDir()).UseDevices(have + 1)
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(have+1)) || !strings.Contains(err.Error(), strconv.Itoa(have)) {
		t.Errorf("error %v", err)
	}
}
