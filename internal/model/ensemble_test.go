package model

import (
	"encoding/json"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/captionlab/captionlab/internal/accel/acceltest"
)

// TestEnsembleEqualsTorch compares the loss of three decoders' mean probability, and its gradients, with PyTorch's on the same
// weights; testdata/torch_ensemble.py makes the file.
func TestEnsembleEqualsTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/torch_ensemble.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Features, Counts [][]float32
		Tokens, Targets  [][]int32
		Loss             float32
		Members          []torchCase
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	var members []Decoder
	var paths []string
	want := map[string][]float32{}
	for n, m := range file.Members {
		d, err := New(m.Settings, Size{Features: len(file.Features[0]), Vocabulary: len(m.Weights["output/bias"])})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, d)
		for name, values := range m.Weights {
			path := "/" + MemberScope(n) + "/" + name
			if _, err := store.CreateVariable(path, tensors.FromFlatDataAndDimensions(values, m.Shapes[name]...)); err != nil {
				t.Fatal(err)
			}
			paths, want[path] = append(paths, path), m.Gradients[name]
		}
	}
	d, err := NewEnsemble(members)
	if err != nil {
		t.Fatal(err)
	}
	out := gomodel.MustNewExec(acceltest.XLA(t), store, func(scope *gomodel.Scope, features, tokens, targets, counts *Node) []*Node {
		logs := LogSoftmax(TransposeAllAxes(d.Logits(scope, features, tokens), 1, 0, 2)) // [batch, time, vocabulary]
		nats := Neg(ReduceSum(Mul(logs, OneHot(targets, logs.Shape().Dim(-1), logs.DType())), -1))
		loss := Div(ReduceAllSum(Mul(nats, counts)), ReduceAllSum(counts))
		var weights []*Node
		for _, path := range paths {
			weights = append(weights, scope.Store().GetVariable(path).NodeValue(loss.Graph()))
		}
		return append([]*Node{loss}, Gradient(loss, weights...)...)
	}).MustCall(file.Features, file.Tokens, file.Targets, file.Counts)
	compare(t, "loss", flat(out[0]), []float32{file.Loss}, 1e-4)
	for n, path := range paths {
		compare(t, "gradient by "+path, flat(out[n+1]), want[path], 1e-4)
	}
	parameters := 0
	for _, l := range d.Layers() {
		parameters += l.Params
	}
	have := 0
	for v := range store.IterVariables() {
		have += v.Shape().Size()
	}
	if len(members) != 3 || parameters != have {
		t.Errorf("%d members list %d parameters, there are %d", len(members), parameters, have)
	}
}
