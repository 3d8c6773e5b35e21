package encoder

import "fmt"

const (
	imageSide       = 224 // of the networks' input, in pixels
	imageNetClasses = 1000
	vggHidden       = 4096
)

// vgg builds a configuration of Simonyan & Zisserman (2015) from the convolutions and channels of its blocks. Every
// convolution is 3×3 with stride 1, every block ends in 2×2 max-pooling.
func vgg(blocks []vggBlock) layers {
	ls := layers{{Name: "input_layer", Kind: "InputLayer", Output: []int{imageSide, imageSide, 3}}}
	for b, block := range blocks {
		for c := range block.convolutions {
			ls.add(Layer{Name: fmt.Sprintf("block%d_conv%d", b+1, c+1), Kind: "Conv2D", kernel: 3, activation: "relu"}, block.channels)
		}
		ls.add(Layer{Name: fmt.Sprintf("block%d_pool", b+1), Kind: "MaxPooling2D", kernel: 2, stride: 2, valid: true}, 0)
	}
	ls.add(Layer{Name: "flatten", Kind: "Flatten"}, 0)
	ls.add(Layer{Name: "fc1", Kind: "Dense", activation: "relu"}, vggHidden)
	ls.add(Layer{Name: "fc2", Kind: "Dense", activation: "relu"}, vggHidden)
	ls.add(Layer{Name: "predictions", Kind: "Dense", activation: "softmax"}, imageNetClasses)
	return ls
}

type vggBlock struct{ convolutions, channels int }

// vggTorchNames are torchvision's and timm's names; timm keeps fc1 and fc2 as convolutions. Between the convolutions in
// torchvision's list are ReLUs and pools.
func vggTorchNames(blocks []vggBlock) func(l Layer, variable string) []string {
	names := map[string][]string{"fc1": {"classifier.0", "pre_logits.fc1"}, "fc2": {"classifier.3", "pre_logits.fc2"},
		"predictions": {"classifier.6", "head.fc"}}
	at := 0
	for b, block := range blocks {
		for c := range block.convolutions {
			names[fmt.Sprintf("block%d_conv%d", b+1, c+1)] = []string{fmt.Sprintf("features.%d", at)}
			at += 2
		}
		at++
	}
	return func(l Layer, variable string) (out []string) {
		for _, prefix := range names[l.Name] {
			out = append(out, prefix+"."+torchVariables[variable])
		}
		return out
	}
}

// vggNamings are how weight files name a VGG network.
func vggNamings(model string, blocks []vggBlock) []naming {
	return []naming{
		{about: "Keras", preprocessing: "caffe", names: kerasNames, layout: kerasLayout},
		{about: "torchvision and timm", preprocessing: "torch", names: vggTorchNames(blocks), layout: torchLayout},
		{about: "Keras exported by tf2onnx", preprocessing: "caffe", names: tf2onnxNames(model), layout: tf2onnxLayout},
	}
}
