package train

import (
	"errors"
	"fmt"
	"iter"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
)

// devicesAxis is the mesh's only axis: batches are cut along it, weights are on every device.
const devicesAxis = "data"

// devices are several devices that train one model in parallel, each on its part of every batch. XLA's partitioner
// (Shardy) cuts the step's graph, which is written for the whole batch: the mean loss and the gradients are those of
// the whole batch.
type devices struct {
	mesh  *distributed.DeviceMesh
	split *distributed.ShardingSpec // rows of the first axis over the devices
}

// newDevices takes the backend's first n devices; one needs no mesh, which is nil.
func newDevices(backend compute.Backend, n int) (*devices, error) {
	if n <= 1 {
		return nil, nil
	}
	if have := backend.NumDevices(); have < n {
		return nil, fmt.Errorf("training on %d devices: the backend %s has %d", n, backend.Name(), have)
	}
	mesh, err := distributed.NewDeviceMesh([]int{n}, []string{devicesAxis})
	if err != nil {
		return nil, fmt.Errorf("training on %d devices: %w", n, err)
	}
	split, err := distributed.BuildSpec(mesh).S(devicesAxis).Done()
	if err != nil {
		return nil, fmt.Errorf("training on %d devices: %w", n, err)
	}
	return &devices{mesh: mesh, split: split}, nil
}

// replicateRandomState puts the random state on every device. GoMLX 0.28.6 does it for variables that know their store;
// the random state doesn't, and a distributed graph that draws from it fails on a nil pointer.
func (d *devices) replicateRandomState(store *gomodel.Store) error {
	v := randomState(store)
	if v == nil {
		return errors.New("training on several devices: the store has no random state")
	}
	return v.SetShardingSpec(distributed.NewReplicatedShardingSpec(d.mesh))
}

// parallel yields a data set's batches cut over devices. It implements train.DistributedDataset.
type parallel struct {
	train.Dataset
	*devices
}

// Strategy implements train.DistributedDataset.
func (p parallel) Strategy() distributed.Strategy { return distributed.AutoSharding }

// DeviceAssignment implements train.DistributedDataset: the backend's first devices.
func (p parallel) DeviceAssignment() []compute.DeviceNum { return nil }

// DistributedIter implements train.DistributedDataset.
func (p parallel) DistributedIter() iter.Seq2[train.DistributedBatch, error] {
	return func(yield func(train.DistributedBatch, error) bool) {
		for b, err := range p.Dataset.Iter() {
			var cut train.DistributedBatch
			if err == nil {
				cut, err = p.cut(b)
			}
			if !yield(cut, err) || err != nil {
				return
			}
		}
	}
}

// cut splits a batch's rows over the devices. Rows that are missing for equal parts are zeros: as labels hold weights,
// they count for nothing.
func (d *devices) cut(b train.Batch) (train.DistributedBatch, error) {
	cut := train.DistributedBatch{Spec: b.Spec}
	for _, side := range []struct {
		from []*tensors.Tensor
		to   *[]*dtensor.Tensor
	}{{b.Inputs, &cut.Inputs}, {b.Labels, &cut.Labels}} {
		for _, whole := range side.from {
			even, err := d.even(whole)
			if err != nil {
				return cut, fmt.Errorf("cut a batch over devices: %w", err)
			}
			parts, err := dtensor.ShardTensor(d.split, even)
			if err != nil {
				return cut, fmt.Errorf("cut a batch over devices: %w", err)
			}
			*side.to = append(*side.to, parts)
			if even != whole {
				if err := even.FinalizeAll(); err != nil {
					return cut, err
				}
			}
		}
	}
	return cut, b.Finalize()
}

// even adds rows of zeros until the devices share the rows evenly.
func (d *devices) even(t *tensors.Tensor) (*tensors.Tensor, error) {
	n := d.mesh.NumDevices()
	short := (n - t.Shape().Dim(0)%n) % n
	if short == 0 {
		return t, nil
	}
	shape := t.Shape().Clone()
	shape.Dimensions[0] += short
	padded := tensors.FromShape(shape) // zeros
	var inner error
	err := padded.MutableBytes(func(to []byte) {
		clear(to)
		inner = t.ConstBytes(func(from []byte) { copy(to, from) })
	})
	if err == nil {
		err = inner
	}
	return padded, err
}
