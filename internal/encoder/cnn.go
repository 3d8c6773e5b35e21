package encoder

import "fmt"

// cnn is a small network without pretrained weights: it is trained with the decoder, from He's random weights. Blocks of a
// 3×3 convolution, a ReLU and 2×2 max-pooling, each with twice the channels of the one before, are named as VGG's. There is no
// batch normalization, so that training and inference are the same graph, whatever the batch.
func cnn(s Settings) (network, error) {
	s = s.withDefaults()
	ls := layers{{Name: "input_layer", Kind: "InputLayer", Output: []int{s.Size, s.Size, 3}}}
	last := ""
	for b := range s.Blocks {
		ls.add(Layer{Name: fmt.Sprintf("block%d_conv1", b+1), Kind: "Conv2D", kernel: 3, activation: "relu"}, s.Channels<<b)
		last = ls.add(Layer{Name: fmt.Sprintf("block%d_pool", b+1), Kind: "MaxPooling2D", kernel: 2, stride: 2, valid: true}, 0)
	}
	return network{layers: ls, feature: last, random: true}, nil
}

// withDefaults fills in the keys of cnn, which settings made in code may leave out.
func (s Settings) withDefaults() Settings {
	for _, k := range []struct {
		value  *int
		absent int
	}{{&s.Size, 64}, {&s.Blocks, 4}, {&s.Channels, 32}} {
		if *k.value == 0 {
			*k.value = k.absent
		}
	}
	return s
}
