package encoder

import "fmt"

// resNetStages are the residual blocks of ResNet-50 (He et al. 2016, table 1) and the channels inside them; a block's
// output has four times as many.
var resNetStages = []struct{ blocks, channels int }{{3, 64}, {4, 128}, {6, 256}, {3, 512}}

// resNet50 is the network of the paper with Keras' layer names and counts: 25,636,712 parameters with its class layer,
// 53,120 of them not trainable.
func resNet50(Settings) (network, error) {
	ls := resNet(resNetForm{epsilon: 1.001e-5})
	return network{layers: ls, feature: "avg_pool", head: "predictions", kerasFile: "resnet50_weights_tf_dim_ordering_tf_kernels.h5", namings: []naming{
		{about: "Keras", preprocessing: "caffe", layout: kerasLayout, names: func(l Layer, variable string) []string {
			names := kerasNames(l, variable)
			if l.Name == "predictions" { // the released file has an older name
				l.Name = "probs"
				names = append(names, kerasNames(l, variable)...)
			}
			return names
		}},
		{about: "torchvision and timm", names: resNetTorchNames(), layout: torchLayout,
			refused: `torchvision's ResNet50 is another network (its 3×3 convolutions make the strides); take encoder.name = "resnet50_torchvision"`},
	}}, nil
}

// resNet50Torchvision is what torchvision and timm call resnet50, also known as v1.5: the stride is in the 3×3
// convolution of a block instead of its first 1×1, and no convolution has a bias. The layers are named as in resNet50.
func resNet50Torchvision(Settings) (network, error) {
	ls := resNet(resNetForm{epsilon: 1e-5, noBias: true, strideIn3x3: true})
	return network{layers: ls, feature: "avg_pool", head: "predictions", namings: []naming{
		{about: "torchvision and timm", preprocessing: "torch", names: resNetTorchNames(), layout: torchLayout},
		{about: "Keras", names: kerasNames, layout: kerasLayout, refused: `Keras' ResNet50 is another network; take encoder.name = "resnet50"`},
	}, sources: map[string]source{
		"hub": {about: "torchvision's model, from a model hub", find: fromHub("timm/resnet50.tv_in1k", "model.safetensors")},
	}}, nil
}

// resNetForm is how two libraries' ResNet50 differ.
type resNetForm struct {
	epsilon             float64
	noBias, strideIn3x3 bool
}

func resNet(form resNetForm) layers {
	ls := layers{{Name: "input_layer", Kind: "InputLayer", Output: []int{imageSide, imageSide, 3}}}
	convolution := func(name string, kernel, stride, padding, channels int, from string) {
		l := Layer{Name: name, Kind: "Conv2D", kernel: kernel, stride: stride, valid: true, padding: padding, noBias: form.noBias}
		if from != "" {
			l.inputs = []string{from}
		}
		ls.add(l, channels)
	}
	normalize := func(name, from string) string {
		return ls.add(Layer{Name: name, Kind: "BatchNormalization", epsilon: form.epsilon, inputs: []string{from}}, 0)
	}
	relu := func(name string) string { return ls.add(Layer{Name: name, Kind: "Activation", activation: "relu"}, 0) }

	ls.add(Layer{Name: "conv1_pad", Kind: "ZeroPadding2D", padding: 3}, 0)
	convolution("conv1_conv", 7, 2, 0, 64, "")
	normalize("conv1_bn", "conv1_conv")
	relu("conv1_relu")
	ls.add(Layer{Name: "pool1_pad", Kind: "ZeroPadding2D", padding: 1}, 0) // zeros are harmless after a ReLU
	x := ls.add(Layer{Name: "pool1_pool", Kind: "MaxPooling2D", kernel: 3, stride: 2, valid: true}, 0)
	for s, stage := range resNetStages {
		for b := range stage.blocks {
			name := fmt.Sprintf("conv%d_block%d_", s+2, b+1)
			in1x1, in3x3 := 1, 1
			if s > 0 && b == 0 {
				if in1x1 = 2; form.strideIn3x3 {
					in1x1, in3x3 = 1, 2
				}
			}
			convolution(name+"1_conv", 1, in1x1, 0, stage.channels, x)
			normalize(name+"1_bn", name+"1_conv")
			relu(name + "1_relu")
			if in3x3 > 1 {
				convolution(name+"2_conv", 3, in3x3, 1, stage.channels, "")
			} else {
				ls.add(Layer{Name: name + "2_conv", Kind: "Conv2D", kernel: 3, noBias: form.noBias}, stage.channels)
			}
			normalize(name+"2_bn", name+"2_conv")
			relu(name + "2_relu")
			shortcut := x
			if b > 0 {
				convolution(name+"3_conv", 1, 1, 0, 4*stage.channels, "")
			} else { // Keras lists layers by their distance from the output
				convolution(name+"0_conv", 1, in1x1*in3x3, 0, 4*stage.channels, x)
				convolution(name+"3_conv", 1, 1, 0, 4*stage.channels, name+"2_relu")
				shortcut = normalize(name+"0_bn", name+"0_conv")
			}
			normalize(name+"3_bn", name+"3_conv")
			ls.add(Layer{Name: name + "add", Kind: "Add", inputs: []string{shortcut, name + "3_bn"}}, 0)
			x = relu(name + "out")
		}
	}
	ls.add(Layer{Name: "avg_pool", Kind: "GlobalAveragePooling2D"}, 0)
	ls.add(Layer{Name: "predictions", Kind: "Dense", activation: "softmax"}, imageNetClasses)
	return ls
}

// resNetTorchNames are torchvision's names, which timm keeps.
func resNetTorchNames() func(l Layer, variable string) []string {
	names := map[string]string{"conv1_conv": "conv1", "conv1_bn": "bn1", "predictions": "fc"}
	for s, stage := range resNetStages {
		for b := range stage.blocks {
			keras, torch := fmt.Sprintf("conv%d_block%d_", s+2, b+1), fmt.Sprintf("layer%d.%d.", s+1, b)
			for n := 1; n <= 3; n++ {
				names[fmt.Sprintf("%s%d_conv", keras, n)] = fmt.Sprintf("%sconv%d", torch, n)
				names[fmt.Sprintf("%s%d_bn", keras, n)] = fmt.Sprintf("%sbn%d", torch, n)
			}
			names[keras+"0_conv"], names[keras+"0_bn"] = torch+"downsample.0", torch+"downsample.1"
		}
	}
	return func(l Layer, variable string) []string {
		return []string{names[l.Name] + "." + torchVariables[variable]}
	}
}
