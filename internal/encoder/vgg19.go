package encoder

// vgg19 is configuration E of Simonyan & Zisserman (2015) with Keras' layer names and counts: 143,667,240 parameters
// with its class layer.
func vgg19(Settings) (network, error) {
	blocks := []vggBlock{{2, 64}, {2, 128}, {4, 256}, {4, 512}, {4, 512}}
	return network{layers: vgg(blocks), feature: "fc2", head: "predictions",
		kerasFile: "vgg19_weights_tf_dim_ordering_tf_kernels.h5", namings: vggNamings("vgg19", blocks), sources: map[string]source{
			"hub": {about: "torchvision's whole model, from a model hub", find: fromHub("timm/vgg19.tv_in1k", "model.safetensors")},
		}}, nil
}
